/** The form of the settings: every change starts a new run. Labels, bounds and hints are those of the settings. */
import { kinds } from '../../cells/kinds';
import { optimizerOf } from '../../bptt/train/updates';
import { settingInWords, type NumberSetting } from '../../core/setting';
import {
  OWN,
  pageSettings,
  readSetting,
  settingsFor,
  type PageSettingName,
  type PageSettings,
  type TaskName,
} from '../engine/settings';
import type { App } from './app';
import { h, selectElement } from './dom';
import { nameOf, say, translated } from '../languages/say';

const titleOf = (cell: string): string => {
  if (cell === 'none') return say('cell.none');
  return cell === OWN ? say('cell.own') : nameOf('cell', cell, kinds.get(cell, 'cell').title);
};

const labelOf = (name: PageSettingName): string => nameOf('setting', name, pageSettings[name].label);
const helpOf = (name: PageSettingName): string => nameOf('help', name, pageSettings[name].help);

/** The settings whose values are of one kind. */
type Named<K> = {
  [N in keyof PageSettings]: (typeof pageSettings)[N]['kind'] extends K ? N : never;
}[keyof PageSettings];

export class Controls {
  readonly root: HTMLElement;
  private readonly set: ((settings: PageSettings) => void)[] = [];
  private readonly form: HTMLFormElement;

  constructor(private readonly app: App) {
    const task = this.choice(
      'task',
      (name) => say(`task.${name as TaskName}`),
      (value) =>
        app.change({
          ...settingsFor(value as TaskName),
          text: app.settings.text,
          equations: app.settings.equations,
        }),
    );
    task.classList.add('wide');
    this.form = h(
      'form',
      { onsubmit: (event: Event) => event.preventDefault() },
      task,
      this.text(),
      this.choice('cell', titleOf),
      this.choice('against', titleOf),
      this.number('hidden'),
      this.number('layers'),
      this.check('bidirectional'),
      this.choice('optimizer', (name) => nameOf('optimizer', name, optimizerOf(name).title)),
      this.number('lr'),
      this.number('clip'),
      this.number('batch'),
      this.number('seq'),
      this.number('window'),
      this.number('seed'),
    );
    const narrow = matchMedia('(max-width: 820px)').matches;
    this.root = h('details', { open: !narrow }, h('summary', {}, say('settings')), this.form);
  }

  /** Shows the settings of the run. */
  show(settings: PageSettings): void {
    for (const set of this.set) set(settings);
  }

  private choice(
    name: Named<'choice'>,
    titled: (name: string) => string,
    change = (value: string): void => this.app.change({ [name]: value }),
  ): HTMLElement {
    const { names } = pageSettings[name];
    const options = names().map((value): [string, string] => [value, titled(value)]);
    const field = selectElement(labelOf(name), options, this.app.settings[name], change);
    this.set.push((settings) => (field.input.value = settings[name]));
    return field.root;
  }

  private number(name: Named<'number'>): HTMLElement {
    const setting: NumberSetting = pageSettings[name];
    const { least, most } = setting;
    const [label, help] = [labelOf(name), helpOf(name)];
    // only a text field accepts `off`
    const kind: Record<string, string | number | boolean> = setting.off
      ? { type: 'text' }
      : { type: 'number', step: 'any', min: least ?? false, max: most ?? false };
    const input = h('input', {
      ...{ 'aria-label': label, ...kind, inputmode: setting.off ? 'text' : 'decimal' },
      onchange: () => {
        const value = readSetting(name, input.value);
        input.setAttribute('aria-invalid', String(value === undefined));
        if (value !== undefined) return this.app.change(value);
        this.app.notice(say('must', { label, what: translated(settingInWords(setting)) }));
      },
    });
    this.set.push((settings) => {
      input.value = String(settings[name]);
      input.setAttribute('aria-invalid', 'false');
      input.disabled = name === 'window' && settings.bidirectional;
    });
    return h('label', { class: 'field', title: help }, h('span', {}, label), input);
  }

  private check(name: Named<'switch'>): HTMLElement {
    const [label, help] = [labelOf(name), helpOf(name)];
    const input = h('input', {
      type: 'checkbox',
      onchange: () => this.app.change({ [name]: input.checked }),
    });
    this.set.push((settings) => (input.checked = settings[name]));
    return h('label', { class: 'field wide check', title: help }, input, h('span', {}, label));
  }

  private text(): HTMLElement {
    const [label, help] = [labelOf('text'), helpOf('text')];
    const input = h('textarea', {
      'aria-label': label,
      spellcheck: 'false',
      onchange: () => this.app.change({ text: input.value }),
    });
    const root = h('label', { class: 'field wide', title: help }, h('span', {}, label), input);
    this.set.push((settings) => {
      root.hidden = settings.task !== 'text';
      root.style.display = root.hidden ? 'none' : '';
      if (input.value !== settings.text) input.value = settings.text;
    });
    return root;
  }
}
