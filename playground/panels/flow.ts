/** The gradient flow tab: how much gradient reaches each step of the run, and what makes it vanish or explode. */
import type { GradientNorms, JacobianNorms } from '../engine/session';
import type { App, Panel } from '../ui/app';
import { Chart, type ChartSeries } from '../ui/chart';
import { OFF } from '../../core/setting';
import { pageSettings } from '../engine/settings';
import { logarithmic } from '../ui/colors';
import { h, selectElement, slider, tableRows } from '../ui/dom';
import { Heatmap } from '../ui/heatmap';
import { meansOf } from '../ui/history';
import { rowOf } from './verdict';
import { nameOf, say } from '../languages/say';

const LOOK_EVERY = 250;
/** Maximum number of columns of the picture over training; the newest are kept. */
const KEPT = 120;
const [LOW, HIGH] = [-8, 0];

export class FlowPanel implements Panel {
  readonly name = 'flow';
  readonly title = say('tab.flow');
  readonly root: HTMLElement;
  private run = 0;
  private which: 'lastStep' | 'training' = 'lastStep';
  private flow: GradientNorms | undefined;
  /** The flow of each network before any training, which the sliders determine. */
  private start: { step: number; flow: GradientNorms }[] = [];
  /** The row of the picture that is shown over training. */
  private row = 0;
  /** Norms of all rows, one column for each measurement. */
  private past: { step: number; norms: Float64Array }[] = [];
  private looked = 0;
  private looking = false;

  private readonly first = new Heatmap({
    label: say('flow.first'),
    height: 96,
  });
  private readonly now = new Heatmap({
    label: say('flow.now'),
    height: 96,
  });
  private readonly begun = h('h2', {});
  private readonly over = new Heatmap({
    label: say('flow.over'),
    height: 190,
  });
  private readonly norm = new Chart({
    label: say('flow.norm'),
    height: 190,
    series: [],
    logarithmic: true,
  });
  private readonly jacobians = new Chart({
    label: say('flow.jacobiansLabel'),
    height: 150,
    series: [
      { label: say('flow.seriesNorm'), color: '--first' },
      { label: say('flow.seriesBound'), color: '--muted', dashed: true },
    ],
    logarithmic: true,
    x: 'd',
  });
  private measured: JacobianNorms[] = [];
  private readonly rows = h('div', { class: 'row' });
  private readonly layers = h('span', {});
  private layer = '';
  private readonly measuring = h(
    'button',
    { type: 'button', onclick: () => void this.measure() },
    say('flow.measure'),
  );
  private readonly summary = h('p', { class: 'small' });
  private readonly ways = h('table', { class: 'stacks' });
  private readonly radius;
  private readonly forget;
  private readonly clip: HTMLInputElement;
  private readonly clipName = h('span', {});
  /** The clipping limit when the box is checked: that of the settings, or the last one in use. */
  private limit = 1;
  private readonly networks = h('div', {});

  constructor(private readonly app: App) {
    this.radius = slider(nameOf('setting', 'spectralRadius', pageSettings.spectralRadius.label), {
      ...{ min: 0.05, max: 2, step: 0.05, value: 1 },
      show: (v) => v.toFixed(2),
      onchange: (spectralRadius) => app.change({ spectralRadius }),
    });
    this.forget = slider(nameOf('setting', 'forgetBias', pageSettings.forgetBias.label), {
      ...{ min: -4, max: 4, step: 0.25, value: 1 },
      show: (v) => v.toFixed(2),
      onchange: (forgetBias) => app.change({ forgetBias }),
    });
    this.clip = h('input', {
      type: 'checkbox',
      onchange: () => app.change({ clip: this.clip.checked ? this.limit : OFF }),
    });
    const of = selectElement(
      say('loss'),
      [
        ['lastStep', say('flow.lastStep')],
        ['training', say('flow.everyStep')],
      ],
      this.which,
      (value) => {
        this.which = value as 'lastStep' | 'training';
        this.past = [];
        this.show();
      },
    );
    for (const { root } of [this.radius, this.forget]) root.classList.add('grow');
    const below = h('div', { class: 'three' }, this.trainingCard(), this.normCard(), this.jacobiansCard());
    this.root = h('div', {}, this.stepsCard(of.root), below);
  }

  /** The settings, and the gradient that reaches each step. */
  private stepsCard(of: HTMLElement): HTMLElement {
    const clip = h('label', { class: 'field check' }, this.clip, this.clipName);
    return h(
      'section',
      { class: 'card', 'data-name': 'steps' },
      h('div', { class: 'row' }, this.radius.root, this.forget.root, clip, of, this.networks),
      h('h2', {}, say('flow.reaches')),
      h(
        'div',
        { class: 'two' },
        h('div', {}, this.begun, this.first.root),
        h('div', {}, h('h2', {}, say('now')), this.now.root),
      ),
      this.summary,
      h('h2', {}, say('flow.errorFirst')),
      h('div', { class: 'scrolls', tabindex: 0, role: 'region', 'aria-label': say('flow.error') }, this.ways),
    );
  }

  private trainingCard(): HTMLElement {
    return h(
      'section',
      { class: 'card', 'data-name': 'course' },
      h('h2', {}, say('flow.course')),
      h('p', { class: 'small muted' }, say('flow.axes')),
      this.over.root,
      this.rows,
    );
  }

  private normCard(): HTMLElement {
    return h('section', { class: 'card' }, h('h2', {}, say('flow.clipping')), this.norm.root);
  }

  private jacobiansCard(): HTMLElement {
    return h(
      'section',
      { class: 'card' },
      h('h2', {}, `${say('flow.jacobians')} ‖∂s`, h('sub', {}, 'T'), ' / ∂s', h('sub', {}, 'T−d'), '‖'),
      h('p', { class: 'small muted' }, say('flow.depends')),
      this.jacobians.root,
      h('div', { class: 'row' }, this.measuring, this.layers),
    );
  }

  begin(): void {
    const { settings, started } = this.app;
    this.flow = undefined;
    this.start = [];
    this.chooseRun(0);
    // requested before training continues
    started.runs.forEach((_, run) => void this.keepStart(run));
    this.radius.set(settings.spectralRadius);
    this.forget.set(settings.forgetBias);
    const runs = started.runs.map(({ cell }) => cell);
    this.forget.input.disabled = !started.runs.some(({ forgets }) => forgets);
    this.clip.checked = settings.clip !== OFF;
    if (settings.clip !== OFF) this.limit = settings.clip;
    this.clipName.textContent = say('flow.clip', { limit: this.limit });
    this.norm.change({
      series: runs.map((cell, k): ChartSeries => ({
        label: `${cell} ‖g‖`,
        color: ['--first', '--second'][k],
      })),
    });
    this.networks.replaceChildren(
      ...(runs.length > 1
        ? [
            selectElement(
              say('network'),
              runs.map((cell, k) => [String(k), cell] as const),
              '0',
              (value) => {
                this.chooseRun(Number(value));
                this.show();
              },
            ).root,
          ]
        : []),
    );
  }

  private async keepStart(run: number): Promise<void> {
    const { start } = this;
    const { steps } = this.app.started;
    start[run] = { step: steps, flow: await this.app.ask('flow', { run }) };
    if (start === this.start) this.draw();
  }

  progress(): void {
    if (performance.now() - this.looked > LOOK_EVERY) this.show();
  }

  show(): void {
    void this.look();
  }

  private async look(): Promise<void> {
    if (this.looking || !this.app.started.runs[this.run]) return;
    this.looking = true;
    try {
      const { run } = this;
      const step = this.app.step;
      const flow = await this.app.ask('flow', { run });
      if (run !== this.run) return; // meanwhile another network has been chosen
      this.flow = flow;
      if (this.past.at(-1)?.step !== step) this.past.push({ step, norms: flow[this.which] });
      if (this.past.length > KEPT) this.past.shift();
      this.draw();
    } finally {
      this.looking = false;
      this.looked = performance.now();
    }
  }

  /** The Jacobians take some time, so they are measured on request. */
  private async measure(): Promise<void> {
    this.measuring.disabled = true;
    const { run } = this;
    const asked = this.app.ask('jacobians', { run });
    const measured = await asked.finally(() => (this.measuring.disabled = false));
    if (run !== this.run) return; // meanwhile another network has been chosen
    this.measured = measured;
    this.showJacobians();
  }

  private showJacobians(): void {
    const { norms = [], bounds = [] } = this.measured.find(({ name }) => name === this.layer) ?? {};
    this.jacobians.root.hidden = norms.length === 0;
    this.jacobians.show([...norms.keys()], norms, bounds);
  }

  /** Clears the measurements for a new network; its first layer is shown first. */
  private chooseRun(run: number): void {
    Object.assign(this, { run, row: 0, measured: [], past: [], flow: undefined });
    this.rows.replaceChildren();
    const { layers } = this.app.started.runs[run];
    this.layer = layers[0];
    const choice = selectElement(
      say('flow.layer'),
      layers.map((name) => [name, name] as const),
      this.layer,
      (name) => {
        this.layer = name;
        this.showJacobians();
      },
    );
    this.layers.replaceChildren(...(layers.length > 1 ? [choice.root] : []));
    this.showJacobians();
  }

  private draw(): void {
    const { flow, past, which, row } = this;
    const start = this.start[this.run] as (typeof this.start)[number] | undefined;
    if (!flow || !start || this.root.hidden) return;
    const { T, names } = flow;
    const scale = logarithmic(LOW, HIGH);
    const labels = [Array.from({ length: T }, (_, t) => String(t))];
    const picture = (norms: Float64Array): Parameters<Heatmap['show']>[0] => ({
      ...{ rows: names.length, columns: T, scale, names, labels },
      value: (l, t) => norms[l * T + t],
    });
    const when = whenOf(start.step);
    this.begun.textContent = which === 'training' ? say('flow.alone', { when }) : when;
    this.first.show(picture(start.flow.lastStep));
    this.now.show(picture(flow[which]));
    this.over.show({
      rows: T,
      columns: Math.max(past.length, 30),
      value: (t, k) => past[k]?.norms[row * T + t] ?? 0,
      scale,
    });
    this.chooseRow(names);
    const curves = this.app.histories.map((history) => history.curve(history.norms));
    this.norm.say(meansOf(curves[0]?.each ?? 1));
    this.norm.show(curves[0]?.steps ?? [], ...curves.map(({ means }) => means));
    this.tell(start, flow);
  }

  /** Names the state shown over training, if there are several. */
  private chooseRow(names: readonly string[]): void {
    if (names.length === 1 || this.rows.childElementCount > 0) return;
    const options = names.map((name, k) => [String(k), name] as const);
    const choice = selectElement(say('flow.state'), options, String(this.row), (value) => {
      this.row = Number(value);
      this.draw();
    });
    this.rows.replaceChildren(choice.root);
  }

  private tell(start: { step: number; flow: GradientNorms }, flow: GradientNorms): void {
    const { window, seq } = this.app.settings;
    const [cut, added] = [say('flow.cut', { window }), say('flow.added')];
    this.summary.textContent = window < seq ? cut : this.which === 'training' ? added : '';
    const titles = [
      say('flow.when'),
      say('gradient'),
      say('flow.each'),
      say('flow.speed'),
      say('flow.arrives'),
      say('verdict'),
    ];
    const now = say('flow.nowAt', { step: this.app.step });
    const rows = [
      ...start.flow.ways.map((way) => [whenOf(start.step), ...rowOf(way)]),
      ...flow.ways.map((way) => [now, ...rowOf(way)]),
    ];
    this.ways.replaceChildren(...tableRows(titles, rows));
  }
}

const whenOf = (step: number): string => (step === 0 ? say('flow.before') : say('flow.asLoaded', { step }));
