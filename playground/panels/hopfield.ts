/** The Hopfield tab: draw pictures, corrupt one, and watch its recall as the energy falls. */
import type { EnergyOrder } from '../../hopfield/dense';
import type { RecallMode } from '../../hopfield/recall';
import type { StorageRule } from '../../hopfield/storage';
import { drawnShapes } from '../../io/pictures';
import type { Recalled } from '../engine/associate';
import type { App, Panel } from '../ui/app';
import { Chart } from '../ui/chart';
import { short } from '../../core/format';
import { h, selectElement, slider } from '../ui/dom';
import { littleMotion } from '../ui/motion';
import { say } from '../languages/say';

/** Width and height of a picture, in pixels. */
const SIDE = 12;
/** Approximate duration of the animation of a recall, in milliseconds. */
const SHOWN_IN = 1600;

/** How pictures are stored: rules for a matrix of weights, and energies of a higher order. */
const storages = ['hebbian', 'storkey', 'pseudo-inverse', '3', '4', 'exponential'] as const;

export class HopfieldPanel implements Panel {
  readonly name = 'memory';
  readonly standalone = true;
  readonly title = say('tab.memory');
  readonly root: HTMLElement;
  private patterns = drawnShapes(SIDE).map(({ state }) => Array.from(state));
  private picture = this.patterns[1].slice();
  private storage: StorageRule | EnergyOrder = 'hebbian';
  private mode: RecallMode = 'asynchronous';
  private seed = 1;
  private paint: number | undefined;
  private timer: ReturnType<typeof setInterval> | undefined;
  private asked: Promise<void> = Promise.resolve();

  private readonly fields: HTMLButtonElement[] = [];
  private readonly memories = h('div', { class: 'memories' });
  private readonly fraction = slider(say('memory.spoil'), {
    min: 0,
    max: 0.5,
    step: 0.05,
    value: 0.2,
    show: (v) => `${Math.round(100 * v)} %`,
  });
  private readonly energy = new Chart({
    label: say('memory.energyLabel'),
    height: 210,
    series: [{ label: say('memory.energy'), color: '--first' }],
    x: say('memory.change'),
  });
  private readonly summary = h('p', { class: 'verdict', 'aria-live': 'polite' });

  constructor(private readonly app: App) {
    const button = (label: string, onclick: () => unknown, main = false): HTMLElement =>
      h('button', { type: 'button', class: main ? 'main' : '', onclick: () => void onclick() }, label);
    const storage = selectElement(
      say('memory.storage'),
      storages.map((name) => [name, say(`memory.${name}`)] as const),
      String(this.storage),
      (value) => (this.storage = /^\d+$/.test(value) ? Number(value) : (value as StorageRule)),
    );
    const mode = selectElement(
      say('memory.updates'),
      [
        ['asynchronous', say('memory.asynchronous')],
        ['synchronous', say('memory.synchronous')],
      ],
      this.mode,
      (value) => (this.mode = value as RecallMode),
    );
    this.root = h(
      'div',
      {},
      h('section', { class: 'card' }, h('h2', {}, say('memory.stored')), this.memories),
      h(
        'div',
        { class: 'two' },
        h(
          'section',
          { class: 'card' },
          h('h2', {}, say('memory.draw')),
          this.grid(),
          h(
            'div',
            { class: 'row' },
            button(say('memory.remember'), () => this.remember()),
            button(say('memory.clear'), () => this.set(this.picture.map(() => -1))),
            button(say('memory.invert'), () => this.set(this.picture.map((s) => -s))),
          ),
          h(
            'div',
            { class: 'row' },
            this.fraction.root,
            button(say('memory.spoil'), () => this.spoil()),
            button(say('memory.recall'), () => this.recall(), true),
          ),
        ),
        h(
          'section',
          { class: 'card' },
          h('div', { class: 'row' }, storage.root, mode.root),
          this.energy.root,
          this.summary,
        ),
      ),
    );
    this.list();
    this.draw();
  }

  begin(): void {
    /* this memory has nothing to do with the run */
  }

  progress(): void {
    /* nor with its training */
  }

  show(): void {
    this.draw();
    if (this.summary.textContent === '' && !this.timer && !littleMotion())
      void this.spoil().then(() => this.recall());
  }

  /** The picture as buttons, which one can press, drag over, or reach with the arrow keys. */
  private grid(): HTMLElement {
    const grid = h('div', {
      class: 'pixels',
      role: 'group',
      'aria-label': say('memory.picture', { side: SIDE }),
      style: `grid-template-columns: repeat(${SIDE}, 1fr)`,
    });
    for (let k = 0; k < SIDE * SIDE; k++) {
      const field = h('button', {
        type: 'button',
        tabindex: k === 0 ? 0 : -1,
        'aria-label': say('memory.field', { row: Math.floor(k / SIDE) + 1, column: (k % SIDE) + 1 }),
      });
      field.addEventListener('click', (event) => {
        if (event.detail === 0) this.put(k, -this.picture[k]); // by the keyboard
      });
      this.fields.push(field);
      grid.append(field);
    }
    let last: Place = { row: 0, column: 0 };
    grid.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      last = placeIn(grid, event);
      this.paint = -this.picture[fieldAt(last)];
      this.put(fieldAt(last), this.paint);
    });
    grid.addEventListener('pointermove', (event) => {
      if (this.paint === undefined) return;
      const to = placeIn(grid, event);
      for (const k of line(last, to)) this.put(k, this.paint);
      last = to;
    });
    for (const end of ['pointerup', 'pointercancel']) addEventListener(end, () => (this.paint = undefined));
    grid.addEventListener('keydown', (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -SIDE, ArrowDown: SIDE }[event.key];
      const next =
        this.fields[this.fields.indexOf(document.activeElement as HTMLButtonElement) + (by ?? NaN)];
      if (!next) return;
      event.preventDefault();
      for (const field of this.fields) field.tabIndex = field === next ? 0 : -1;
      next.focus();
    });
    return grid;
  }

  private put(k: number, value: number): void {
    this.halt();
    this.picture[k] = value;
    this.draw();
  }

  private set(picture: number[]): void {
    this.halt();
    this.picture = picture.slice();
    this.draw();
  }

  private draw(): void {
    this.fields.forEach((field, k) => {
      field.classList.toggle('on', this.picture[k] > 0);
      field.setAttribute('aria-pressed', String(this.picture[k] > 0));
    });
  }

  private list(): void {
    this.memories.replaceChildren(
      ...this.patterns.map((pattern, p) => {
        const little = h('span', {
          class: 'pixels little',
          style: `grid-template-columns: repeat(${SIDE}, 1fr)`,
        });
        little.append(...pattern.map((s) => h('i', { class: s > 0 ? 'on' : '' })));
        const take = h(
          'button',
          {
            type: 'button',
            'aria-label': say('memory.take', { number: p + 1 }),
            onclick: () => this.set(pattern),
          },
          little,
        );
        const forget = h(
          'button',
          {
            type: 'button',
            'aria-label': say('memory.forgetPicture', { number: p + 1 }),
            disabled: this.patterns.length === 1,
            onclick: () => this.forget(p),
          },
          say('memory.forget'),
        );
        return h('div', {}, take, h('span', {}, String(p + 1)), forget);
      }),
    );
  }

  private remember(): void {
    if (this.patterns.some((pattern) => pattern.every((s, k) => s === this.picture[k])))
      return this.app.notice(say('memory.already'));
    this.patterns.push(this.picture.slice());
    this.list();
  }

  private forget(p: number): void {
    this.patterns.splice(p, 1);
    this.list();
  }

  private spoil(): Promise<void> {
    return this.inTurn(async () => {
      const fraction = Number(this.fraction.input.value);
      this.set(await this.app.ask('spoil', { picture: this.picture, fraction, seed: ++this.seed }));
    });
  }

  private recall(): Promise<void> {
    return this.inTurn(() => this.showRecall());
  }

  /** Runs requests to the worker in order: a picture is corrupted before it is recalled, however fast one clicks. */
  private inTurn(work: () => Promise<void>): Promise<void> {
    this.asked = this.asked.then(work, work);
    return this.asked;
  }

  private async showRecall(): Promise<void> {
    this.halt();
    const { patterns, storage, mode } = this;
    const probe = this.picture.slice();
    const found = await this.app.ask('recall', { patterns, storage, probe, mode, seed: ++this.seed });
    // the picture has been edited in the meantime: this answer is obsolete
    if (probe.some((s, unit) => s !== this.picture[unit])) return;
    let k = 0;
    const each = littleMotion() ? Infinity : Math.ceil(found.moments.length / (SHOWN_IN / 30));
    this.timer = setInterval(() => {
      for (let n = 0; n < each && k < found.moments.length; n++, k++)
        for (const unit of found.moments[k].flipped) this.picture[unit] *= -1;
      this.draw();
      const energies = found.moments.slice(0, k).map(({ energy }) => energy);
      this.energy.show(
        energies.map((_, change) => change),
        energies,
      );
      if (k < found.moments.length) return;
      this.halt();
      this.summary.textContent = outcome(found);
    }, 30);
  }

  private halt(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }
}

interface Place {
  row: number;
  column: number;
}

const fieldAt = ({ row, column }: Place): number => row * SIDE + column;

/** The pixel at a pointer's coordinates; between or outside pixels, the nearest one. */
function placeIn(grid: HTMLElement, { clientX, clientY }: PointerEvent): Place {
  const { left, top, width, height } = grid.getBoundingClientRect();
  const place = (position: number): number => Math.min(SIDE - 1, Math.max(0, Math.floor(position * SIDE)));
  return { row: place((clientY - top) / height), column: place((clientX - left) / width) };
}

/** The pixels on a line: a quick stroke passes over several between two events. */
function line(from: Place, to: Place): number[] {
  const [down, right] = [to.row - from.row, to.column - from.column];
  const count = Math.max(Math.abs(down), Math.abs(right), 1);
  return Array.from({ length: count }, (_, k) => {
    const fraction = (k + 1) / count;
    return fieldAt({
      row: from.row + Math.round(fraction * down),
      column: from.column + Math.round(fraction * right),
    });
  });
}

function outcome({ moments, outcome: how, pattern, overlap, sweeps }: Recalled): string {
  const fall = `${short(moments[0].energy)} → ${short(moments[moments.length - 1].energy)}`;
  const what =
    overlap === 1
      ? say('memory.found', { number: pattern + 1 })
      : overlap === -1
        ? say('memory.mirror', { number: pattern + 1 })
        : say('memory.mixture', { number: pattern + 1, overlap: overlap.toFixed(2) });
  return say('memory.outcome', { what, how: say(`memory.${how}`), sweeps, fall });
}
