/** The settings as a form: every change begins a new run. */
import { kinds } from '../../cells/kinds';
import { optimizerNames, optimizerOf } from '../../bptt/train/updates';
import {
  cellNames,
  defaultsOf,
  read,
  rules,
  taskNames,
  type Settings,
  type TaskName,
} from '../engine/settings';
import type { App } from './app';
import { h, select } from './dom';

const tasks: Record<TaskName, string> = {
  text: 'write a text',
  reber: 'a grammar (Reber)',
  sine: 'predict a sine',
  waveform: 'generate a waveform',
  adding: 'add two numbers',
};
const cells = Object.fromEntries(kinds.all.map(({ name, title }) => [name, title]));

const pairs = (names: readonly string[], words: Record<string, string>): [string, string][] =>
  names.map((name) => [name, words[name]]);

export class Controls {
  readonly root: HTMLElement;
  private readonly set: ((settings: Settings) => void)[] = [];
  private readonly form: HTMLFormElement;

  constructor(private readonly app: App) {
    const { settings } = app;
    const choice = (
      name: 'cell' | 'against' | 'optimizer',
      label: string,
      options: [string, string][],
    ): HTMLElement => {
      const field = select(label, options, settings[name], (value) => app.change({ [name]: value }));
      this.set.push((to) => (field.input.value = to[name]));
      return field.root;
    };
    const task = select('Task', pairs(taskNames, tasks), settings.task, (value) =>
      app.change({ ...defaultsOf(value as TaskName), text: app.settings.text }),
    );
    task.root.classList.add('wide');
    this.set.push((to) => (task.input.value = to.task));
    this.form = h(
      'form',
      { onsubmit: (event: Event) => event.preventDefault() },
      task.root,
      this.text(),
      choice('cell', 'Cell', pairs(cellNames, cells)),
      choice('against', 'Compare with', [['none', 'nothing'], ...pairs(cellNames, cells)]),
      this.number('hidden', 'Hidden units'),
      this.number('layers', 'Layers'),
      this.check('bidirectional', 'Read from both ends'),
      choice(
        'optimizer',
        'Optimizer',
        optimizerNames().map((name) => [name, optimizerOf(name).title]),
      ),
      this.number('learningRate', 'Learning rate'),
      this.number('clip', 'Clip at norm', '0 clips nothing'),
      this.number('batch', 'Batch'),
      this.number('length', 'Sequence'),
      this.number('window', 'Gradient window', 'steps that the gradient flows back over'),
      this.number('seed', 'Seed'),
    );
    const narrow = matchMedia('(max-width: 820px)').matches;
    this.root = h('details', { open: !narrow }, h('summary', {}, 'Settings'), this.form);
  }

  /** Shows the settings of the run. */
  show(settings: Settings): void {
    for (const set of this.set) set(settings);
  }

  private number(name: keyof Settings, label: string, title = ''): HTMLElement {
    const rule = rules[name];
    const { from, to } = rule as { from: number; to: number };
    const input = h('input', {
      ...{ 'aria-label': label, type: 'number', step: 'any', min: from, max: to, inputmode: 'decimal' },
      onchange: () => {
        const value = read(rule, input.value);
        input.setAttribute('aria-invalid', String(value === undefined));
        if (value !== undefined) return this.app.change({ [name]: value });
        const whole = (rule as { whole: boolean }).whole ? 'a whole number' : 'a number';
        this.app.notice(`${label} must be ${whole} from ${from} to ${to}`);
      },
    });
    this.set.push((settings) => {
      input.value = String(settings[name]);
      input.setAttribute('aria-invalid', 'false');
      input.disabled = name === 'window' && settings.bidirectional;
    });
    return h('label', { class: 'field', title: title || false }, h('span', {}, label), input);
  }

  private check(name: 'bidirectional', label: string): HTMLElement {
    const input = h('input', {
      type: 'checkbox',
      onchange: () => this.app.change({ [name]: input.checked }),
    });
    this.set.push((settings) => (input.checked = settings[name]));
    return h('label', { class: 'field wide check' }, input, h('span', {}, label));
  }

  private text(): HTMLElement {
    const input = h('textarea', {
      'aria-label': 'Text: paste your own',
      spellcheck: 'false',
      onchange: () => this.app.change({ text: input.value }),
    });
    const root = h('label', { class: 'field wide' }, h('span', {}, 'Text: paste your own'), input);
    this.set.push((settings) => {
      root.hidden = settings.task !== 'text';
      root.style.display = root.hidden ? 'none' : '';
      if (input.value !== settings.text) input.value = settings.text;
    });
    return root;
  }
}
