/** Gradient flow: how much of the gradient reaches each step, in the run itself, and what makes it vanish or explode. */
import type { Flow, Jacobians } from '../engine/session';
import type { Settings } from '../engine/settings';
import type { App, Panel } from '../ui/app';
import { Chart, type Series } from '../ui/chart';
import { logarithmic } from '../ui/colors';
import { h, select, short, slider } from '../ui/dom';
import { Heatmap } from '../ui/heatmap';

const LOOK_EVERY = 250;
/** Columns of the picture over training: the newest are kept. */
const KEPT = 120;
const [LOW, HIGH] = [-8, 0];

export class FlowPanel implements Panel {
  readonly title = 'Gradient flow';
  readonly root: HTMLElement;
  private run = 0;
  private which: 'lastStep' | 'training' = 'lastStep';
  private flow: Flow | undefined;
  /** Norms of the first layer over time, one column for each look. */
  private past: { step: number; norms: Float64Array }[] = [];
  private looked = 0;
  private looking = false;

  private readonly now = new Heatmap({
    label: 'Norm of the gradient that reaches each step of each layer',
    height: 96,
  });
  private readonly over = new Heatmap({
    label: 'Norm of the gradient that reaches each step, in the course of training',
    height: 190,
  });
  private readonly norm = new Chart({
    label: 'Norm of all gradients together at each step of training',
    height: 190,
    series: [],
    logarithmic: true,
  });
  private readonly jacobians = new Chart({
    label: 'How the final state depends on the one d steps before, and the bound that it keeps',
    height: 150,
    series: [
      { label: 'norm', color: '--first' },
      { label: 'bound', color: '--muted', dashed: true },
    ],
    logarithmic: true,
    x: 'd',
  });
  private measured: Jacobians[] = [];
  private readonly layers = h('span', {});
  private layer = '';
  private readonly measuring = h(
    'button',
    { type: 'button', onclick: () => void this.measure() },
    'Measure now',
  );
  private readonly said = h('p', { class: 'small', 'aria-live': 'polite' });
  private readonly radius;
  private readonly forget;
  private readonly clip: HTMLInputElement;
  private readonly networks = h('div', {});

  constructor(private readonly app: App) {
    this.radius = slider('Spectral radius of Wh at the start', {
      ...{ min: 0, max: 2, step: 0.05, value: 1 },
      show: (v) => v.toFixed(2),
      onchange: (radius) => app.change({ radius }),
    });
    this.forget = slider('Forget bias at the start (LSTM)', {
      ...{ min: -4, max: 4, step: 0.25, value: 1 },
      show: (v) => v.toFixed(2),
      onchange: (forget) => app.change({ forget }),
    });
    this.clip = h('input', {
      type: 'checkbox',
      onchange: () => app.change({ clip: this.clip.checked ? 1 : 0 }),
    });
    const of = select(
      'Loss',
      [
        ['lastStep', 'of the last step alone'],
        ['training', 'of every step, as in training'],
      ],
      this.which,
      (value) => {
        this.which = value as 'lastStep' | 'training';
        this.past = [];
        this.show();
      },
    );
    for (const { root } of [this.radius, this.forget]) root.classList.add('grow');
    this.root = h(
      'div',
      {},
      h(
        'section',
        { class: 'card' },
        h(
          'div',
          { class: 'row' },
          this.radius.root,
          this.forget.root,
          h('label', { class: 'field check' }, this.clip, h('span', {}, 'clip at norm 1')),
          of.root,
          this.networks,
        ),
        h('h2', {}, '‖∂L/∂hₜ‖ at this moment: layers × time'),
        this.now.root,
        this.said,
      ),
      h(
        'div',
        { class: 'three' },
        h('section', { class: 'card' }, h('h2', {}, 'In the course of training'), this.over.root),
        h('section', { class: 'card' }, h('h2', {}, '‖g‖ before clipping'), this.norm.root),
        h(
          'section',
          { class: 'card' },
          h('h2', {}, 'Jacobians ‖∂s', h('sub', {}, 'T'), ' / ∂s', h('sub', {}, 'T−d'), '‖'),
          this.jacobians.root,
          h('div', { class: 'row' }, this.measuring, this.layers),
        ),
      ),
    );
  }

  begin(): void {
    const { settings, started } = this.app;
    this.past = [];
    this.flow = undefined;
    this.chooseRun(0);
    this.radius.set(settings.radius);
    this.forget.set(settings.forget);
    const runs = started.runs.map(({ cell }) => cell);
    const lstm = runs.includes('lstm');
    this.forget.input.disabled = !lstm;
    this.clip.checked = settings.clip > 0;
    this.norm.change({
      series: runs.map((cell, k): Series => ({ label: `${cell} ‖g‖`, color: ['--first', '--second'][k] })),
    });
    this.networks.replaceChildren(
      ...(runs.length > 1
        ? [
            select(
              'Network',
              runs.map((cell, k) => [String(k), cell] as const),
              '0',
              (value) => {
                this.chooseRun(Number(value));
                this.past = [];
                this.show();
              },
            ).root,
          ]
        : []),
    );
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
      const step = this.app.histories[0]?.steps.at(-1) ?? 0;
      this.flow = await this.app.ask('flow', { run: this.run });
      if (this.past.at(-1)?.step !== step) this.past.push({ step, norms: this.flow[this.which] });
      if (this.past.length > KEPT) this.past.shift();
      this.draw();
    } finally {
      this.looking = false;
      this.looked = performance.now();
    }
  }

  /** The Jacobians take some time: they are measured when they are asked for. */
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
    const shown = (values: number[]): (number | null)[] => values.map((v) => (v > 0 ? v : null));
    this.jacobians.show([...norms.keys()], shown(norms), shown(bounds));
  }

  /** Nothing has been measured of a network that has just been chosen; its first layer is shown first. */
  private chooseRun(run: number): void {
    this.run = run;
    this.measured = [];
    const { layers } = this.app.started.runs[run];
    this.layer = layers[0];
    const choice = select(
      'Layer of the Jacobians',
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
    const { flow, past } = this;
    if (!flow || this.root.hidden) return;
    const { T, names } = flow;
    const norms = flow[this.which];
    const scale = logarithmic(LOW, HIGH);
    const labels = Array.from({ length: T }, (_, t) => String(t));
    this.now.show({
      rows: names.length,
      columns: T,
      value: (l, t) => norms[l * T + t],
      scale,
      names,
      labels,
    });
    this.over.show({
      rows: T,
      columns: Math.max(past.length, 30),
      value: (t, k) => past[k]?.norms[t] ?? 0,
      scale,
    });
    const curves = this.app.histories.map((history) => history.curve(history.norms));
    this.norm.show(
      curves[0]?.steps ?? [],
      ...curves.map(({ means }) => means.map((v) => (v > 0 ? v : null))),
    );
    this.said.textContent = describe(flow, this.which, this.app.settings);
  }
}

/** In words, what the first row of the picture shows. */
function describe({ trend, lastStep }: Flow, which: string, { window, length }: Settings): string {
  if (which === 'training')
    return window < length
      ? `The gradient flows back over ${window} steps and is cut there.`
      : 'Each step has an error of its own: what comes back from later ones adds to it.';
  if (!trend) return '';
  const left = lastStep[0] / lastStep[length - 1];
  const words = left >= 10 ? 'it explodes' : left <= 0.1 ? 'it vanishes' : 'it holds';
  const half =
    trend.halfLife < 0
      ? `doubling in ${short(-trend.halfLife)} steps`
      : `half of it is left after ${short(trend.halfLife)} steps`;
  return `The last step's error is multiplied by ${short(trend.rate)} with each step back, ${half}; ${short(left)} times as much reaches the first step: ${words}.`;
}
