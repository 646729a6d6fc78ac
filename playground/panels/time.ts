/** The tab that steps through time: one sequence forward and backward, with the executed equations and their numbers. */
import type { CellEquations } from '../../cells/cell';
import { diagramOf } from '../equations/diagram';
import type { DiagramLayout } from '../equations/layout';
import type { OutlinedLayer, OutlinedPass, UnitAtStep } from '../engine/pass';
import type { App, Panel } from '../ui/app';
import { signed } from '../ui/colors';
import { short } from '../../core/format';
import { h, onceAFrame, onceATask, selectElement, slider } from '../ui/dom';
import { Heatmap } from '../ui/heatmap';
import { save } from '../ui/files';
import { labelOf } from '../ui/labels';
import { littleMotion } from '../ui/motion';
import { drawNetwork, largest, timeOf, type Moment } from './network';
import { trackInWords } from './track';
import { say, translated } from '../languages/say';

/** Milliseconds between two steps of the animation. */
const WALK_EVERY = 450;

export class TimePanel implements Panel {
  readonly name = 'time';
  readonly title = say('tab.time');
  readonly root: HTMLElement;
  private trace: OutlinedPass | undefined;
  private run = 0;
  private row = 0;
  private layer = 0;
  private unit = 0;
  private what = '';
  private walk: ReturnType<typeof setInterval> | undefined;
  /** Counts the requests for a unit, so that late answers are ignored. */
  private asked = 0;
  private readonly layouts = new Map<string, Promise<DiagramLayout>>();

  private readonly follow = onceAFrame(() => this.scrollToNow());
  private readonly drawValues = onceATask(() => this.showValues());

  private readonly choices = h('div', { class: 'row even' });
  private readonly drawing = h('div', {
    class: 'network',
    tabindex: 0,
    role: 'region',
    'aria-label': say('time.network'),
  });
  private readonly map = new Heatmap({
    label: say('time.map'),
    height: 190,
    onchoose: (row, column) => this.choose(row, column),
  });
  private readonly scrub = slider(say('time.pass'), {
    ...{ min: 0, max: 1, step: 1, value: 0 },
    show: () => this.position,
    oninput: () => (this.stop(), this.draw()),
  });
  private readonly going = h('button', { type: 'button', onclick: () => this.toggle() }, say('time.walk'));
  private readonly caption = h('p', { class: 'small muted' });
  private readonly again = h(
    'button',
    { type: 'button', onclick: () => void this.look() },
    say('time.latest'),
  );
  private readonly split = h('div', { class: 'split' });
  private readonly lines = h('ol', { class: 'equations', tabindex: 0 });
  private readonly cell = h('div', { class: 'drawing', tabindex: 0 });
  private readonly flowing = h('figcaption', { class: 'small muted' });
  private readonly figure = h('figure', {}, this.cell, this.flowing);
  private readonly heading = h('h2', {});
  private readonly reaching = h('h2', {});

  constructor(private readonly app: App) {
    const by = (count: number) => () => (this.stop(), this.move(count));
    const step = (label: string, count: number): HTMLElement =>
      h(
        'button',
        { type: 'button', 'aria-label': count < 0 ? say('time.before') : say('time.on'), onclick: by(count) },
        label,
      );
    this.scrub.root.classList.add('grow');
    const keep = h('button', { type: 'button', onclick: () => this.save() }, say('time.save'));
    this.root = h(
      'div',
      {},
      h(
        'section',
        { class: 'card', 'data-name': 'network' },
        h('div', { class: 'row' }, step('◀', -1), step('▶', 1), this.going, this.scrub.root, keep),
        h('div', { class: 'row' }, this.caption, this.again),
        this.drawing,
      ),
      h(
        'div',
        { class: 'time' },
        h(
          'section',
          { class: 'card', 'data-name': 'values' },
          this.choices,
          this.map.root,
          this.reaching,
          this.split,
        ),
        h('section', { class: 'card', 'data-name': 'equations' }, this.heading, this.figure, this.lines),
      ),
    );
  }

  begin(): void {
    this.stop();
    Object.assign(this, { run: 0, row: 0, layer: 0, unit: 0, what: '', trace: undefined });
    this.scrub.set(0);
  }

  /** The shown pass stays, even while training continues. */
  progress(): void {
    if (this.trace?.made) this.tell();
    else void this.look();
  }

  show(): void {
    void this.look();
  }

  private async look(): Promise<void> {
    const { run, row } = this;
    if (!this.app.started.runs[run]) return;
    const trace = await this.app.ask('trace', { run, row });
    const fresh = this.trace === undefined;
    this.trace = trace;
    this.scrub.input.max = String(2 * trace.T - 1);
    // start in the middle of the backward pass, where there is most to see
    if (fresh) this.scrub.set(2 * trace.T - Math.ceil(Math.min(trace.T, trace.window) / 2));
    this.chooseFrom();
    this.draw();
  }

  /** Describes the shown pass: its training step, and its initial states. */
  private tell(): void {
    const { trace, row, app } = this;
    if (!trace) return;
    const { step, made, rows, carried, window, T } = trace;
    const sentences = [
      made ? say('time.made', { step }) : say('time.coming', { step }),
      rows > 1 ? say('time.row', { row: row + 1, rows }) : say('time.whole'),
      carried ? say('time.carried') : say('time.zero'),
      window < T ? say('time.windows', { window }) : '',
    ];
    this.caption.textContent = sentences.join('');
    this.again.hidden = !made || app.step === step;
  }

  private get moment(): Moment {
    const at = Number(this.scrub.input.value);
    const { T, window } = this.trace ?? { T: 1, window: 1 };
    const from = Math.floor(at / (2 * window)) * window;
    const to = Math.min(from + window, T);
    const [within, count] = [at - 2 * from, to - from];
    return { from, to, done: (within % count) + 1, backward: within >= count };
  }

  /** Time of the current step of the chosen layer. */
  private get t(): number {
    const { layers } = this.trace as OutlinedPass;
    return timeOf(this.moment.done - 1, this.moment, layers[this.layer].reverse);
  }

  private get position(): string {
    if (!this.trace) return '';
    return say(this.moment.backward ? 'time.backward' : 'time.forward', { t: this.t });
  }

  private move(count: number): void {
    const { input, set } = this.scrub;
    set(Math.min(Number(input.max), Math.max(0, Number(input.value) + count)));
    this.draw();
  }

  private toggle(): void {
    if (this.walk) return this.stop();
    const { input, set } = this.scrub;
    if (input.value === input.max) set(0);
    this.going.textContent = say('time.stop');
    this.walk = setInterval(() => {
      this.move(1);
      if (input.value === input.max) this.stop();
    }, WALK_EVERY);
  }

  private stop(): void {
    clearInterval(this.walk);
    this.walk = undefined;
    this.going.textContent = say('time.walk');
  }

  private choose(row: number, column: number): void {
    this.unit = row;
    this.goTo(column);
  }

  /** Goes to time t of the shown pass. */
  private goTo(t: number): void {
    const { T, layers, window } = this.trace as OutlinedPass;
    const { backward } = this.moment;
    const from = Math.floor(t / window) * window;
    const span = { from, to: Math.min(from + window, T), backward };
    // the step at t of a window is as far from its one end as the step taken then is from the other
    const k = timeOf(t - from, span, layers[this.layer].reverse) - from;
    this.stop();
    this.scrub.set(2 * from + (backward ? span.to - from + k : k));
    this.draw();
  }

  private chooseFrom(): void {
    const { trace, app } = this;
    if (!trace) return;
    const layer = trace.layers[this.layer];
    const names = Object.keys(layer.tracks);
    if (!names.includes(this.what)) this.what = names[0];
    const fields = [
      selectElement(
        say('layer'),
        trace.layers.map(
          ({ name, cell, reverse }, k) =>
            [String(k), say(reverse ? 'time.reverse' : 'time.layer', { name, cell })] as const,
        ),
        String(this.layer),
        (value) => {
          this.layer = Number(value);
          this.unit = 0;
          this.chooseFrom();
          this.draw();
        },
      ),
      selectElement(
        say('time.shown'),
        names.map((name) => [name, trackInWords(name, names[0])] as const),
        this.what,
        (value) => {
          this.what = value;
          this.draw();
        },
      ),
    ];
    if (app.started.runs.length > 1)
      fields.unshift(
        selectElement(
          say('network'),
          app.started.runs.map(({ cell }, k) => [String(k), cell] as const),
          String(this.run),
          (value) => {
            Object.assign(this, { run: Number(value), layer: 0, unit: 0 });
            void this.look();
          },
        ),
      );
    if (trace.rows > 1)
      fields.unshift(
        selectElement(
          say('row'),
          Array.from({ length: trace.rows }, (_, k) => [String(k), String(k + 1)] as const),
          String(this.row),
          (value) => {
            this.row = Number(value);
            void this.look();
          },
        ),
      );
    // keep the focus
    if (!this.choices.contains(document.activeElement))
      this.choices.replaceChildren(...fields.map(({ root }) => root));
  }

  private draw(): void {
    const { trace, layer: l } = this;
    if (!trace || this.root.hidden) return;
    this.tell();
    this.scrub.set(Number(this.scrub.input.value));
    this.drawing.replaceChildren(
      drawNetwork(trace, this.moment, l, (which, t) => {
        this.layer = which;
        this.chooseFrom();
        this.goTo(t);
      }),
    );
    this.follow();
    this.drawValues();
  }

  /** What is beside the drawing, in a task of its own: the page answers in between. */
  private showValues(): void {
    const { trace } = this;
    if (!trace || this.root.hidden) return;
    const layer = trace.layers[this.layer];
    const track = layer.tracks[this.what] ?? Object.values(layer.tracks)[0];
    this.unit = Math.min(this.unit, layer.units - 1);
    this.map.show({
      rows: track[0].length,
      columns: trace.T,
      value: (row, t) => track[t][row],
      scale: signed(Math.max(largest(track), 1e-12)),
      labels: trace.reads.map((_, k) => trace.read.map((step) => labelOf(step[k], 1))),
      chosen: { row: Math.min(this.unit, track[0].length - 1), column: this.t },
    });
    this.drawSplit(layer);
    void this.drawUnit(layer);
  }

  /** What the unit computes at this step: the worker has the numbers, and arranges the drawing. */
  private async drawUnit(layer: OutlinedLayer): Promise<void> {
    const { unit, t } = this;
    const { backward } = this.moment;
    const mine = ++this.asked;
    const { equations } = layer;
    const [found, layout] = await Promise.all([
      this.app.ask('unit', { layer: this.layer, t, unit, backward }),
      equations && this.layoutOf(equations),
    ]);
    // the reader may have gone on meanwhile
    if (mine !== this.asked || !found) return;
    this.heading.textContent = say(backward ? 'time.unitBack' : 'time.unitForward', {
      ...{ unit, t, layer: layer.name },
    });
    this.drawLines(found.lines);
    this.figure.hidden = !layout; // a cell with a clock has others at each step
    if (!layout) return;
    const { numbers } = found;
    this.cell.innerHTML = diagramOf(layout, { numbers, backward, moving: !littleMotion() });
    this.flowing.textContent = say(backward ? 'time.gradients' : 'time.values');
  }

  /** The arrangement of a cell's drawing, which the worker computes once. */
  private layoutOf({ name, shapes, forward }: CellEquations): Promise<DiagramLayout> {
    const equations = { name, shapes, forward };
    const key = JSON.stringify(equations);
    const layout = this.layouts.get(key) ?? this.app.ask('layout', { equations, numbered: true });
    this.layouts.set(key, layout);
    return layout;
  }

  /** Scrolls the current step into view. */
  private scrollToNow(): void {
    const seen = this.drawing.getBoundingClientRect();
    const now = this.drawing.querySelector('.now')?.getBoundingClientRect();
    if (!now || (now.left >= seen.left && now.right <= seen.right)) return;
    this.drawing.scrollLeft += now.left + now.width / 2 - (seen.left + seen.width / 2);
  }

  /** δh_t (or δo_t of a Jordan cell) = the contribution of the output + that of t+1. */
  private drawSplit({ tracks, reverse }: OutlinedLayer): void {
    const { T, endsInOne, layers } = this.trace as OutlinedPass;
    const [o] = Object.keys(tracks);
    const both = layers.some((layer) => layer.reverse);
    const isTop = this.layer >= layers.length - (both ? 2 : 1);
    const ends = endsInOne && isTop && this.t === (reverse ? 0 : T - 1);
    const parts = [
      [`d${o}Out`, say(isTop ? 'time.fromOutput' : 'time.fromAbove')],
      [`d${o}Next`, say(ends ? 'time.fromLast' : 'time.fromNext')],
      [`d${o}`, say('time.together')],
    ] as const;
    const norms = parts.map(([name]) => Math.hypot(...tracks[name][this.t]));
    const most = Math.max(...norms, 1e-30);
    this.reaching.textContent = say('time.reaching', { name: o });
    this.split.replaceChildren(
      ...parts.flatMap(([, text], k) => {
        const bar = h('i', { style: `width: ${((100 * norms[k]) / most).toFixed(1)}%` });
        return [h('span', {}, text), bar, h('span', { class: 'mono' }, short(norms[k]))];
      }),
    );
  }

  private drawLines(lines: UnitAtStep['lines']): void {
    this.lines.replaceChildren(
      ...lines.map(({ line, math: mathml, sums, note = '' }) => {
        const math = h('div', {});
        math.innerHTML = mathml;
        math.append(h('code', {}, line));
        const results = sums.map(({ gate, numbers, result }) =>
          h('div', {}, gate ? `${gate}: ` : '', translated(numbers), ' = ', h('b', {}, result)),
        );
        return h('li', {}, math, h('div', { class: 'numbers' }, ...results, translated(note)));
      }),
    );
  }

  private save(): void {
    const drawing = this.drawing.querySelector('svg');
    if (!drawing) return;
    const whole = drawing.cloneNode(true) as SVGSVGElement;
    whole.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
    whole.setAttribute('font-family', 'monospace');
    whole.setAttribute('font-size', '11');
    const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
    style.textContent =
      'path{stroke:#888;fill:none}.cell{fill:#fff;stroke:#888}.lit{stroke:#0b63ad}.back{stroke:#b14a06}';
    whole.prepend(style);
    save('backstep-unrolled.svg', `${whole.outerHTML}\n`, 'image/svg+xml');
  }
}
