/**
 * Random masks on the states of an unrolled cell: zoneout, and dropout of the recurrent connections.
 *
 *   zoneout             s = zone ⊙ sPrev + (1 − zone) ⊙ sNew: where zone is 1, a unit keeps its state; in evaluation it is the
 *                       probability p, the mean of the mask
 *   recurrent dropout   the cell reads hPrev ⊙ keep, with the same mask at every step of a sequence
 *
 * The equations of the cell do not change: it reads the masked state, and writes new states, which zoneout mixes with the old. A
 * residual layer adds its input to the state after that, y = s + x: what a layer hands up is what it remembers, as in the paper.
 *
 * Source: Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations"; Gal & Ghahramani 2016,
 * "A theoretically grounded application of dropout in recurrent neural networks".
 */
import { lazyEquations } from '../core/equations/equations';
import { once } from '../core/once';
import type { Program } from '../core/programs/program';
import type { Tensor, Tensors } from '../core/tensor';

// equations for each state by its name, so that their lines read like those of the cell

const mix = once((s: string) =>
  lazyEquations(
    'zoneout, forward',
    `${s}Zone, ${s}New, ${s}Prev [B, W]   writes ${s} [B, W]`,
    `${s} = ${s}Zone * ${s}Prev + (1 - ${s}Zone) * ${s}New`,
  ),
);
/** The part of a gradient that reaches the new state; `d` is its name. */
const toNew = once((s: string) =>
  once((d: string) =>
    lazyEquations(
      'zoneout, backward',
      `${s}Zone, ${d} [B, W]   writes ${d}New [B, W]`,
      `${d}New = (1 - ${s}Zone) * ${d}`,
    ),
  ),
);
const toOld = once((s: string) =>
  lazyEquations(
    'zoneout, backward',
    `${s}Zone, d${s}Next [B, W]   adds d${s}Prev [B, W]`,
    `d${s}Prev += ${s}Zone * d${s}Next`,
  ),
);
/** Two paths reach the output: from the layer above, and from the step t + 1. */
const toOldOutput = once((s: string) =>
  lazyEquations(
    'zoneout, backward',
    `${s}Zone, d${s}Out, d${s}Next [B, W]   adds d${s}Prev [B, W]`,
    `d${s}Prev += ${s}Zone * (d${s}Out + d${s}Next)`,
  ),
);
const addInput = once((s: string) =>
  lazyEquations('residual, forward', `${s}, x [B, W]   writes y [B, W]`, `y = ${s} + x`),
);
/** Two paths reach the output y, and a third the state; the cell's own step back has seen the other part of the first two. */
const toOldResidual = once((s: string) =>
  lazyEquations(
    'residual, backward',
    `${s}Zone, dyOut, dyNext, d${s}Next [B, W]   adds d${s}Prev, dx [B, W]`,
    `d${s}Prev += ${s}Zone * (dyOut + dyNext + d${s}Next)
     dx += ${s}Zone * (dyOut + dyNext)`,
  ),
);
const mask = once((s: string) =>
  lazyEquations(
    'recurrent dropout, forward',
    `${s}Prev, ${s}Keep [B, W]   writes ${s}Kept [B, W]`,
    `${s}Kept = ${s}Prev * ${s}Keep`,
  ),
);
const maskBackward = once((s: string) =>
  lazyEquations(
    'recurrent dropout, backward',
    `d${s}Kept, ${s}Keep [B, W]   writes d${s}Prev [B, W]`,
    `d${s}Prev = d${s}Kept * ${s}Keep`,
  ),
);

/** The masks of a cell. */
export interface StateMasks {
  /** By state [T·B, W]; states without zoneout are missing. */
  zones: Tensors;
  /** Of the state that the recurrent connections read [B, W]; absent without dropout of them. */
  dropped?: { state: string; keep: Tensor };
}

/** How tensors are made and read. */
interface Storage {
  T: number;
  B: number;
  /** A new tensor for values, and one for gradients. */
  value: (shape: number[]) => Tensor;
  gradient: (shape: number[]) => Tensor;
  /** The B rows of step t. */
  block: (tensor: Tensor, t: number) => Tensor;
}

/** The masks of an unrolled cell, and the tensors that they need. */
export class StateNoise {
  /** The gradients that the cell reads and writes in a step instead of those of its states, by their names. */
  readonly gradients: Tensors = {};
  /** The new states that the cell writes, and the masked state that it reads, by their names [T·B, W]. */
  private readonly stepwise: Tensors = {};

  /**
   * @param output the name of the output state.
   * @param added the state to which a residual layer adds its input, which is then the output; undefined for other layers.
   */
  constructor(
    private readonly masks: StateMasks,
    private readonly output: string,
    private readonly added: string | undefined,
    private readonly storage: Storage,
  ) {
    const { T, B, value, gradient } = storage;
    const { zones, dropped } = masks;
    for (const [s, { shape }] of Object.entries(zones)) {
      this.stepwise[s] = value([...shape]);
      for (const name of this.gradientsOf(s)) this.gradients[name] = gradient([B, shape[1]]);
    }
    if (!dropped) return;
    const { state, keep } = dropped;
    this.stepwise[`${state}Prev`] = value([T * B, keep.shape[1]]);
    this.gradients[`d${state}Prev`] = gradient([B, keep.shape[1]]);
  }

  /** The gradients that reach a state, or the output that a residual layer makes of it. */
  private gradientsOf(s: string): string[] {
    const own = [`d${s}Next`, ...(s === this.output ? [`d${s}Out`] : [])];
    return s === this.added ? [...own, `d${this.output}Next`, `d${this.output}Out`] : own;
  }

  /** The tensors of step t that replace those of the states in the cell's equations. */
  at(t: number): Tensors {
    return Object.fromEntries(
      Object.entries(this.stepwise).map(([name, tensor]) => [name, this.storage.block(tensor, t)]),
    );
  }

  /** What the lines of this file call the values that the cell's equations call by these names. */
  names(): Record<string, string> {
    const { zones, dropped } = this.masks;
    const written = (s: string): string[] => (s === this.added ? [s, this.output] : [s]);
    const states = Object.keys(zones);
    const zoned = states
      .flatMap((s) => [...written(s), ...this.gradientsOf(s)])
      .map((name) => [name, `${name}New`]);
    const kept = dropped
      ? [
          [`${dropped.state}Prev`, `${dropped.state}Kept`],
          [`d${dropped.state}Prev`, `d${dropped.state}Kept`],
        ]
      : [];
    return Object.fromEntries([...zoned, ...kept]) as Record<string, string>;
  }

  /** Before the cell's step: what it reads. `v` holds the states themselves. */
  before(program: Program, v: Tensors, t: number): void {
    const { dropped } = this.masks;
    if (!dropped) return;
    const { state: s, keep } = dropped;
    const own = { [`${s}Keep`]: keep, [`${s}Kept`]: this.at(t)[`${s}Prev`] };
    mask(s).record(program, { ...v, ...own });
  }

  /** After the cell's step: the states from those that it wrote. */
  after(program: Program, v: Tensors, t: number): void {
    const own = this.at(t);
    this.eachZone(t, (s, zone) => {
      mix(s).record(program, { ...v, ...zone, [`${s}New`]: own[s] });
      if (s === this.added) addInput(s).record(program, { ...v, y: v[this.output] });
    });
  }

  /** Before the cell's step back: the part of the gradients that reaches the states it wrote. */
  beforeBackward(program: Program, v: Tensors, t: number): void {
    this.eachZone(t, (s, zone) => {
      for (const d of this.gradientsOf(s))
        toNew(s)(d).record(program, { ...v, ...zone, [`${d}New`]: this.gradients[d] });
    });
  }

  /** After the cell's step back: the other part, which reaches the states before the step. */
  afterBackward(program: Program, v: Tensors, t: number): void {
    const { masks, gradients, output, added } = this;
    if (masks.dropped) {
      const { state: s, keep } = masks.dropped;
      const own = { [`${s}Keep`]: keep, [`d${s}Kept`]: gradients[`d${s}Prev`] };
      maskBackward(s).record(program, { ...v, ...own });
    }
    this.eachZone(t, (s, zone) => {
      const path = s === added ? toOldResidual : s === output ? toOldOutput : toOld;
      path(s).record(program, { ...v, ...zone });
    });
  }

  private eachZone(t: number, act: (s: string, zone: Tensors) => void): void {
    for (const [s, zone] of Object.entries(this.masks.zones))
      act(s, { [`${s}Zone`]: this.storage.block(zone, t) });
  }
}
