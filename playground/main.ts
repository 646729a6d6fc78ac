/** The page: one run, the tabs that look at it from several sides, and the address that says all of it. */
import { CheckPanel } from './panels/check';
import { FlowPanel } from './panels/flow';
import { HopfieldPanel } from './panels/hopfield';
import { TimePanel } from './panels/time';
import { TrainPanel } from './panels/train';
import type { Point } from './engine/run';
import type { Started } from './engine/session';
import { fitting, fromLink, toLink, type Settings } from './engine/settings';
import type { App, Panel } from './ui/app';
import { Bar } from './ui/bar';
import { connect, type Ask } from './ui/client';
import { Controls } from './ui/controls';
import { h } from './ui/dom';
import { History } from './ui/history';
import { tabs } from './ui/tabs';

class Page implements App {
  readonly ask: Ask;
  settings: Settings;
  started: Started = { executor: '', runs: [], topology: 'many-to-many', bidirectional: false, steps: 0 };
  playing = false;
  histories: History[] = [];
  private readonly bar: Bar;
  private readonly controls: Controls;
  private readonly panels: Panel[];
  private seen: Panel;
  /** Counts the runs: what a run that is over still tells is not heard. */
  private run = 0;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    this.ask = connect({
      progress: (points) => this.progress(points),
      failed: (reason) => {
        this.playing = false;
        this.bar.show();
        this.seen.show();
        this.notice(`Training has stopped: ${reason}`, 15_000);
      },
    });
    const { settings, wrong } = fromLink(location.hash);
    this.settings = settings;
    this.bar = new Bar(byId('bar'), this, {
      play: (on) => void this.play(on),
      step: () => void this.step(),
      again: () => void this.begin(),
    });
    this.controls = new Controls(this);
    byId('settings').append(this.controls.root);
    this.panels = [
      new TrainPanel(this, (bytes) => void this.load(bytes)),
      new TimePanel(this),
      new FlowPanel(this),
      new CheckPanel(this),
      new HopfieldPanel(this),
    ];
    this.seen = this.panels[0];
    const bar = tabs(this.panels, (panel) => {
      this.seen = panel;
      panel.show();
    });
    byId('main').append(bar, ...this.panels.map(({ root }) => root));
    document.addEventListener('theme', () => this.seen.show());
    addEventListener('hashchange', () => {
      if (location.hash.slice(1) !== toLink(this.settings)) this.change(fromLink(location.hash).settings);
    });
    addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      this.notice((event.reason as Error).message);
    });
    if (wrong.length > 0) this.notice(`The link says what cannot be: ${wrong.join('; ')}`);
  }

  change(settings: Partial<Settings>): void {
    this.settings = fitting({ ...this.settings, ...settings });
    void this.begin();
  }

  notice(text: string, milliseconds = 6000): void {
    byId('notice').textContent = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (byId('notice').textContent = ''), milliseconds);
  }

  /** Begins a run with the settings, and trains. */
  async begin(): Promise<void> {
    const run = ++this.run;
    history.replaceState(null, '', `#${toLink(this.settings)}`);
    this.controls.show(this.settings);
    try {
      const started = await this.ask('start', this.settings);
      if (run !== this.run) return; // the settings have changed again meanwhile
      this.enter(started);
      await this.play(true);
    } catch (error) {
      this.playing = false;
      this.bar.show();
      this.notice((error as Error).message, 15_000);
    }
  }

  private enter(started: Started): void {
    this.started = started;
    this.histories = started.runs.map(() => new History());
    this.bar.show();
    for (const panel of this.panels) panel.begin();
    this.seen.show();
  }

  private async play(on: boolean): Promise<void> {
    this.playing = await this.ask('play', on);
    this.bar.show();
    if (!on) this.seen.show();
  }

  private async step(): Promise<void> {
    this.progress(await this.ask('step', 1));
    this.seen.show();
  }

  private async load(bytes: Uint8Array): Promise<void> {
    const run = ++this.run;
    const { settings, started } = await this.ask('load', { bytes, settings: this.settings });
    if (run !== this.run) return;
    this.settings = settings;
    history.replaceState(null, '', `#${toLink(settings)}`);
    this.controls.show(settings);
    this.enter(started);
    this.playing = false;
    this.bar.show();
    this.notice(`Loaded at step ${started.steps}: press Play to go on`);
  }

  private progress(points: Point[][]): void {
    points.forEach((some, k) => this.histories[k]?.add(some));
    this.bar.show();
    this.seen.progress(points);
  }
}

const byId = (id: string): HTMLElement => document.getElementById(id) ?? h('div');

void new Page().begin();
