/**
 * Random masks on the states of an unrolled cell: zoneout, and dropout of the recurrent connections.
 *
 *   zoneout             s = zone ⊙ sPrev + (1 − zone) ⊙ sNew: where zone is 1, a unit keeps its state; in evaluation it is the
 *                       probability p, the mean of the mask
 *   recurrent dropout   the cell reads hPrev ⊙ keep, with the same mask at every step of a sequence
 *
 * The equations of the cell do not change: it reads the masked state, and writes new states, which zoneout mixes with the old.
 *
 * Source: Krueger et al. 2017, "Zoneout: regularizing RNNs by randomly preserving hidden activations"; Gal & Ghahramani 2016,
 * "A theoretically grounded application of dropout in recurrent neural networks".
 */
import { lazyEquations } from '../core/equations/equations';
import type { Program } from '../core/programs/program';
import type { Tensor, Tensors } from '../core/tensor';

const mix = lazyEquations(
  'zoneout, forward',
  'zone, sNew, sPrev [B, W]   writes s [B, W]',
  's = zone * sPrev + (1 - zone) * sNew',
);
const toNew = lazyEquations(
  'zoneout, backward',
  'zone, ds [B, W]   writes dsNew [B, W]',
  'dsNew = (1 - zone) * ds',
);
const toOld = lazyEquations(
  'zoneout, backward',
  'zone, dsNext [B, W]   adds dsPrev [B, W]',
  'dsPrev += zone * dsNext',
);
/** Two paths reach the output: from the layer above, and from the step t + 1. */
const toOldOutput = lazyEquations(
  'zoneout, backward',
  'zone, dsOut, dsNext [B, W]   adds dsPrev [B, W]',
  'dsPrev += zone * (dsOut + dsNext)',
);
const mask = lazyEquations(
  'recurrent dropout, forward',
  'sPrev, keep [B, W]   writes sKept [B, W]',
  'sKept = sPrev * keep',
);
const maskBackward = lazyEquations(
  'recurrent dropout, backward',
  'dsKept, keep [B, W]   writes dsPrev [B, W]',
  'dsPrev = dsKept * keep',
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

  /** @param output the name of the output state. */
  constructor(
    private readonly masks: StateMasks,
    private readonly output: string,
    private readonly storage: Storage,
  ) {
    const { T, B, value, gradient } = storage;
    const { zones, dropped } = masks;
    for (const [s, { shape }] of Object.entries(zones)) {
      this.stepwise[s] = value([...shape]);
      this.gradients[`d${s}Next`] = gradient([B, shape[1]]);
      if (s === output) this.gradients[`d${s}Out`] = gradient([B, shape[1]]);
    }
    if (!dropped) return;
    const { state, keep } = dropped;
    this.stepwise[`${state}Prev`] = value([T * B, keep.shape[1]]);
    this.gradients[`d${state}Prev`] = gradient([B, keep.shape[1]]);
  }

  /** The tensors of step t that replace those of the states in the cell's equations. */
  at(t: number): Tensors {
    return Object.fromEntries(
      Object.entries(this.stepwise).map(([name, tensor]) => [name, this.storage.block(tensor, t)]),
    );
  }

  /** Before the cell's step: what it reads. `v` holds the states themselves. */
  before(program: Program, v: Tensors, t: number): void {
    const { dropped } = this.masks;
    if (!dropped) return;
    const { state, keep } = dropped;
    const name = `${state}Prev`;
    mask.record(program, { sPrev: v[name], keep, sKept: this.at(t)[name] });
  }

  /** After the cell's step: the states from those that it wrote. */
  after(program: Program, v: Tensors, t: number): void {
    const own = this.at(t);
    this.eachZone(t, (s, zone) => mix.record(program, { zone, sNew: own[s], sPrev: v[`${s}Prev`], s: v[s] }));
  }

  /** Before the cell's step back: the part of the gradients that reaches the states it wrote. */
  beforeBackward(program: Program, v: Tensors, t: number): void {
    this.eachZone(t, (s, zone) => {
      for (const name of [`d${s}Next`, `d${s}Out`])
        if (name in this.gradients) toNew.record(program, { zone, ds: v[name], dsNew: this.gradients[name] });
    });
  }

  /** After the cell's step back: the other part, which reaches the states before the step. */
  afterBackward(program: Program, v: Tensors, t: number): void {
    const { masks, gradients, output } = this;
    if (masks.dropped) {
      const { state, keep } = masks.dropped;
      const name = `d${state}Prev`;
      maskBackward.record(program, { dsKept: gradients[name], keep, dsPrev: v[name] });
    }
    this.eachZone(t, (s, zone) => {
      const [dsNext, dsPrev] = [v[`d${s}Next`], v[`d${s}Prev`]];
      if (s === output) toOldOutput.record(program, { zone, dsOut: v[`d${s}Out`], dsNext, dsPrev });
      else toOld.record(program, { zone, dsNext, dsPrev });
    });
  }

  private eachZone(t: number, act: (s: string, zone: Tensor) => void): void {
    for (const [s, zone] of Object.entries(this.masks.zones)) act(s, this.storage.block(zone, t));
  }
}
