/** The bar at the top: play, pause, step, restart; the current step, loss and gradient norm; language, link and theme. */
import { LINK_TEXT, textsLeftOut } from '../engine/settings';
import { languages, type LanguageName } from '../languages/names';
import { say } from '../languages/say';
import type { App } from './app';
import { short } from '../../core/format';
import { h, selectElement } from './dom';

export interface Transport {
  play: (on: boolean) => void;
  step: () => void;
  again: () => void;
  speak: (language: LanguageName) => void;
}

export class SettingsBar {
  readonly play: HTMLButtonElement;
  private readonly single: HTMLButtonElement;
  private readonly numbers = { step: h('b', {}), loss: h('b', {}), norm: h('b', {}) };
  private readonly theme: HTMLButtonElement;
  /** In a page that embeds this one, the way to all of it. */
  private readonly whole = h('a', { class: 'whole', target: '_blank', rel: 'noopener' }, say('whole'));

  constructor(
    root: HTMLElement,
    private readonly app: App,
    { play, step, again, speak }: Transport,
  ) {
    this.play = h(
      'button',
      { type: 'button', class: 'main', onclick: () => play(!app.playing) },
      say('play'),
    );
    this.single = h('button', { type: 'button', onclick: step, title: say('step.help') }, say('step'));
    const restart = h(
      'button',
      { type: 'button', onclick: again, title: say('restart.help') },
      say('restart'),
    );
    const link = h('button', { type: 'button', onclick: () => void this.copyLink() }, say('link.copy'));
    this.theme = h('button', { type: 'button', onclick: () => this.turn() });
    const readout = (label: string, number: HTMLElement): HTMLElement =>
      h('span', {}, h('span', { class: 'muted small' }, `${label} `), number);
    root.append(
      h('h1', {}, 'Backstep'),
      this.play,
      this.single,
      restart,
      h(
        'div',
        { class: 'readout' },
        readout(say('readout.step'), this.numbers.step),
        readout(say('readout.loss'), this.numbers.loss),
        readout('‖g‖', this.numbers.norm),
      ),
      h('div', { class: 'end' }, this.whole, this.language(speak), link, this.theme),
    );
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.wear(dark.matches ? 'dark' : 'light');
    dark.addEventListener('change', () => this.wear(dark.matches ? 'dark' : 'light'));
  }

  /** Shows whether training is running, and its current step. */
  show(): void {
    const { playing, histories, started, step } = this.app;
    this.play.textContent = say(playing ? 'pause' : 'play');
    this.play.disabled = started.runs.length === 0;
    this.single.disabled = playing || started.runs.length === 0;
    const of = (values: 'losses' | 'norms'): string => {
      const lasts = histories.map((history) => history[values].at(-1));
      return lasts.map((v) => (v === undefined || Number.isNaN(v) ? '–' : short(v))).join(' · ') || '–';
    };
    this.numbers.step.textContent = String(step);
    this.numbers.loss.textContent = of('losses');
    this.numbers.norm.textContent = of('norms');
  }

  /** The address of the whole page in this state. */
  offer(address: string): void {
    this.whole.setAttribute('href', address);
  }

  /** Each language by its own name. */
  private language(speak: (language: LanguageName) => void): HTMLElement {
    const chosen = document.documentElement.lang;
    const field = selectElement(say('language'), Object.entries(languages), chosen, (name) =>
      speak(name as LanguageName),
    );
    for (const option of field.input.options) option.lang = option.value;
    return field.input;
  }

  private async copyLink(): Promise<void> {
    const { app } = this;
    const without = textsLeftOut(app.settings)
      .map((name) => say('link.leftOut', { text: say(`text.${name}`), most: LINK_TEXT }))
      .join('');
    try {
      await navigator.clipboard.writeText(location.href);
      app.notice(`${say('link.copied')}${without}`);
    } catch {
      app.notice(`${say('link.there')}${without}`);
    }
  }

  private turn(): void {
    this.wear(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  }

  private wear(theme: 'dark' | 'light'): void {
    document.documentElement.dataset.theme = theme;
    this.theme.textContent = say(theme === 'dark' ? 'light' : 'dark');
    document.dispatchEvent(new Event('theme'));
  }
}
