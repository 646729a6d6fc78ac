/** The bar at the top: play, pause, step, restart; the current step, loss and gradient norm; link and theme. */
import { textLeftOut } from '../engine/settings';
import type { App } from './app';
import { short } from '../../core/format';
import { h } from './dom';

export interface Transport {
  play: (on: boolean) => void;
  step: () => void;
  again: () => void;
}

export class Bar {
  readonly play: HTMLButtonElement;
  private readonly single: HTMLButtonElement;
  private readonly numbers = { step: h('b', {}), loss: h('b', {}), norm: h('b', {}) };
  private readonly theme: HTMLButtonElement;
  /** In a page that embeds this one, the way to all of it. */
  private readonly whole = h(
    'a',
    { class: 'whole', target: '_blank', rel: 'noopener' },
    'Open in the playground',
  );

  constructor(
    root: HTMLElement,
    private readonly app: App,
    { play, step, again }: Transport,
  ) {
    this.play = h('button', { type: 'button', class: 'main', onclick: () => play(!app.playing) }, 'Play');
    this.single = h('button', { type: 'button', onclick: step, title: 'one step of training' }, 'Step');
    const restart = h(
      'button',
      { type: 'button', onclick: again, title: 'the same run from its start' },
      'Restart',
    );
    const link = h('button', { type: 'button', onclick: () => void this.copyLink() }, 'Copy link');
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
        readout('step', this.numbers.step),
        readout('loss', this.numbers.loss),
        readout('‖g‖', this.numbers.norm),
      ),
      h('div', { class: 'end' }, this.whole, link, this.theme),
    );
    const dark = matchMedia('(prefers-color-scheme: dark)');
    this.wear(dark.matches ? 'dark' : 'light');
    dark.addEventListener('change', () => this.wear(dark.matches ? 'dark' : 'light'));
  }

  /** Shows whether training is running, and its current step. */
  show(): void {
    const { playing, histories, started, step } = this.app;
    this.play.textContent = playing ? 'Pause' : 'Play';
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

  private async copyLink(): Promise<void> {
    const { app } = this;
    const without = textLeftOut(app.settings);
    try {
      await navigator.clipboard.writeText(location.href);
      app.notice(`Link copied${without}`);
    } catch {
      app.notice(`The link is in the address bar${without}`);
    }
  }

  private turn(): void {
    this.wear(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark');
  }

  private wear(theme: 'dark' | 'light'): void {
    document.documentElement.dataset.theme = theme;
    this.theme.textContent = theme === 'dark' ? 'Light' : 'Dark';
    document.dispatchEvent(new Event('theme'));
  }
}
