/** The page: one run, the tabs that show it, and the address that stores its settings. */
import { CellPanel } from './panels/cell';
import { CheckPanel } from './panels/check';
import { DerivePanel } from './panels/derive';
import { FlowPanel } from './panels/flow';
import { HopfieldPanel } from './panels/hopfield';
import { TimePanel } from './panels/time';
import { TrainPanel } from './panels/train';
import { OFF } from '../core/setting';
import type { CurvePoint } from './engine/run';
import type { Started } from './engine/session';
import {
  cardOf,
  embeddedLink,
  fittedSettings,
  fromLink,
  isEmbedded,
  keptOf,
  languageOf,
  linkIn,
  sameKept,
  toLink,
  usesOwn,
  type CardName,
  type PageSettings,
  type TabName,
} from './engine/settings';
import type { LanguageName } from './languages/names';
import { engineSays, say, speak } from './languages/say';
import type { App, Panel } from './ui/app';
import { SettingsBar } from './ui/bar';
import { connectWorker, type Ask } from './ui/client';
import { Controls } from './ui/controls';
import { h } from './ui/dom';
import { fitFrame } from './ui/frame';
import { History } from './ui/history';
import { catalogueOf, isUsual, keepLanguage, readLanguage } from './ui/language';
import { littleMotion } from './ui/motion';
import { workOffline } from './ui/offline';
import { tabs, type Tabs } from './ui/tabs';

/** The placeholder before the first run, and when the settings are invalid. */
const none: Started = { executor: '', runs: [], topology: 'many-to-many', bidirectional: false, steps: 0 };

class Page implements App {
  readonly ask: Ask;
  settings: PageSettings;
  started = none;
  playing = false;
  histories: History[] = [];
  private readonly bar: SettingsBar;
  private readonly controls: Controls;
  private readonly panels: Panel[];
  private readonly tabs: Tabs;
  private seen: Panel;
  /** Whether a new run starts playing: it does what the previous one did. */
  private going: boolean;
  /** Whether it shows a tab alone, as a figure in another page. */
  private readonly isEmbedded = isEmbedded(location.hash);
  /** The only card that is shown then. */
  private readonly card: CardName | undefined;
  /** Counts the runs, so that late events of an ended run are ignored. */
  private run = 0;
  /** Whether the settings are invalid, so that there is no run. */
  private refused = false;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(private language: LanguageName) {
    this.ask = connectWorker({
      progress: (points) => this.progress(points),
      failed: (reason) => {
        this.playing = false;
        this.bar.show();
        this.look();
        byId('why').textContent = stopped(reason, this.settings);
      },
    });
    const { settings, tab, place } = this.linked();
    this.settings = settings;
    this.going = !littleMotion() && !this.isEmbedded;
    this.bar = new SettingsBar(byId('bar'), this, {
      play: (on) => void this.play(on),
      step: () => void this.stepOnce(),
      again: () => void this.begin('replace'),
      speak: (to) => this.turnInto(to),
    });
    this.controls = new Controls(this);
    byId('settings').append(this.controls.root);
    this.panels = [
      new TrainPanel(this, (bytes) => void this.load(bytes)),
      new TimePanel(this),
      new FlowPanel(this),
      new CheckPanel(this),
      new DerivePanel(this),
      new CellPanel(this),
      new HopfieldPanel(this),
    ];
    this.tabs = tabs(this.panels, (panel) => {
      this.seen = panel;
      this.link('replace');
      this.hideWithoutRun();
      this.look();
    });
    this.seen = this.turnTo(tab, place);
    if (this.isEmbedded)
      document.documentElement.dataset.embedded = this.seen.standalone ? 'standalone' : 'run';
    this.card = this.isEmbedded ? cardOf(location.hash) : undefined;
    if (this.card !== undefined) {
      document.documentElement.dataset.card = this.card;
      for (const other of this.seen.root.querySelectorAll<HTMLElement>('.card'))
        other.hidden = other.dataset.name !== this.card;
    }
    byId('main').append(this.tabs.root, ...this.panels.map(({ root }) => root));
    if (this.isEmbedded) fitFrame();
    // Back, Forward, or an edited address
    addEventListener('popstate', () => {
      if ((languageOf(location.hash) ?? this.language) !== this.language) return location.reload();
      const { settings: to, tab: view, place: within } = this.linked();
      this.settings = to;
      this.seen = this.turnTo(view, within);
      void this.begin('replace');
    });
    document.addEventListener('theme', () => this.look());
    addEventListener('unhandledrejection', (event) => {
      event.preventDefault();
      // without a run, the page already says why: ignore failed requests to the previous one
      if (this.started !== none) this.notice(engineSays((event.reason as Error).message));
    });
  }

  get step(): number {
    // the curve of a loaded run may end before its last step
    return Math.max(this.histories[0]?.steps.at(-1) ?? 0, this.started.steps);
  }

  change(settings: Partial<PageSettings>): void {
    this.settings = fittedSettings({ ...this.settings, ...settings });
    void this.begin('push');
  }

  moved(): void {
    this.link('replace');
  }

  notice(text: string, milliseconds = 6000): void {
    byId('notice').textContent = text;
    clearTimeout(this.silence);
    this.silence = setTimeout(() => (byId('notice').textContent = ''), milliseconds);
  }

  /** Settings and tab of the address. */
  private linked(): { settings: PageSettings; tab: TabName; place?: string } {
    const { wrong, ...linked } = fromLink(location.hash, history.state as unknown);
    if (wrong.length > 0) this.notice(say('link.wrong', { values: wrong.join('; ') }));
    return linked;
  }

  private turnTo(tab: TabName, place?: string): Panel {
    const panel = this.panels.find(({ name }) => name === tab) ?? this.panels[0];
    this.tabs.show(panel);
    if (place !== undefined) panel.go?.(place);
    return panel;
  }

  /** Stores settings and tab in the address, and the rest in the history state; Back undoes a change of settings. */
  private link(how: 'push' | 'replace'): void {
    const of = toLink(this.settings, this.seen.name, this.seen.place);
    const to = isUsual(this.language) ? of : linkIn(this.language, of);
    this.bar.offer(`#${to}`);
    const link = `#${this.isEmbedded ? embeddedLink(to, this.card) : to}`;
    const texts = keptOf(this.settings);
    const changed = link !== location.hash || !sameKept(texts, history.state);
    if (how === 'push' && changed) history.pushState(texts, '', link);
    else history.replaceState(texts, '', link);
  }

  /** Starts a run with the settings. If they are invalid, there is no run, and the page says why. */
  async begin(how: 'push' | 'replace'): Promise<void> {
    const run = ++this.run;
    this.link(how);
    this.controls.show(this.settings);
    let started = none;
    let refused = '';
    try {
      started = await this.ask('start', this.settings);
    } catch (error) {
      refused = whyRefused((error as Error).message);
    }
    if (run !== this.run) return; // the settings have changed again meanwhile
    this.enter(started, refused);
    if (this.going && started !== none) await this.play(true);
  }

  private enter(started: Started, refused = ''): void {
    this.started = started;
    this.histories = started.runs.map(() => new History());
    this.playing = false;
    byId('why').textContent = refused;
    // equations that are wrong can be corrected only there
    if (refused !== '' && usesOwn(this.settings)) this.seen = this.turnTo('cell');
    this.refused = refused !== '';
    this.hideWithoutRun();
    this.bar.show();
    for (const panel of this.panels) if (started !== none || panel.standalone) panel.begin();
    this.look();
  }

  /** Where the settings are invalid, a tab that needs a run is hidden. */
  private hideWithoutRun(): void {
    this.seen.root.hidden = this.refused && !this.seen.standalone;
  }

  /** Shows the current state. */
  private look(): void {
    if (this.started !== none || this.seen.standalone) this.seen.show();
  }

  /** Loads the page again in another language, with the same settings and tab. */
  private turnInto(language: LanguageName): void {
    keepLanguage(language);
    this.language = language;
    this.link('replace');
    location.reload();
  }

  private async play(on: boolean): Promise<void> {
    this.going = on;
    this.playing = await this.ask('play', on);
    this.bar.show();
    if (!on) this.look();
  }

  private async stepOnce(): Promise<void> {
    this.progress(await this.ask('step', 1));
    this.look();
  }

  private async load(bytes: Uint8Array): Promise<void> {
    const run = ++this.run;
    const { settings, started, points, saysTask } = await this.ask('load', {
      bytes,
      settings: this.settings,
    });
    if (run !== this.run) return;
    this.settings = settings;
    this.going = false;
    this.link('push');
    this.controls.show(settings);
    this.enter(started);
    this.progress([points]);
    if (!saysTask) byId('why').textContent = unsaid(settings);
    this.notice(say('loaded', { step: started.steps }));
  }

  private progress(points: CurvePoint[][]): void {
    points.forEach((some, k) => this.histories[k]?.add(some));
    this.bar.show();
    this.seen.progress(points);
  }
}

/** The note for a file without the data that its network was trained on, such as one of the command line. */
const unsaid = ({ task }: PageSettings): string => say(task === 'text' ? 'loaded.text' : 'loaded.task');

/** Why there is no run, and what to change if the text is too short. */
function whyRefused(reason: string): string {
  const told = say('refused', { reason: engineSays(reason) });
  return reason.startsWith('streams: the text must hold') ? `${told} ${say('refused.short')}` : told;
}

/** Why training has stopped, and what to change if the run has diverged. */
function stopped(reason: string, { lr, clip }: PageSettings): string {
  const told = say('stopped', { reason: engineSays(reason) });
  if (!reason.includes('finite')) return told;
  return [told, say('stopped.rate', { lr }), ...(clip === OFF ? [say('stopped.clip')] : [])].join(' ');
}

const byId = (id: string): HTMLElement => document.getElementById(id) ?? h('div');

const language = languageOf(location.hash) ?? readLanguage();
// without its catalogue, which may not have arrived, the page is in English
const catalogue = await catalogueOf(language).catch(() => undefined);
speak(catalogue);
document.documentElement.lang = catalogue ? language : 'en';
document.title = say('title');
document.querySelector('meta[name=description]')?.setAttribute('content', say('description'));
byId('settings').setAttribute('aria-label', say('settings'));
void new Page(language).begin('replace').then(workOffline);
