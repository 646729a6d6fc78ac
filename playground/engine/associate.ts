/** The Hopfield network of the page: stores the drawn pictures and recalls a corrupted one. */
import { Random } from '../../core/random/random';
import { denseHopfield, type EnergyOrder } from '../../hopfield/dense';
import { hopfield } from '../../hopfield/network';
import { corrupt } from '../../hopfield/patterns';
import type { RecallEnd, RecallMode } from '../../hopfield/recall';
import type { StorageRule } from '../../hopfield/storage';

export interface RecallQuestion {
  /** Pictures of ±1, all of the same size. */
  patterns: number[][];
  /** A rule of the network of 1982, or the order of the energy of a dense associative memory. */
  storage: StorageRule | EnergyOrder;
  probe: number[];
  mode: RecallMode;
  seed: number;
}

export interface Recalled {
  /** For each update: the energy, the units that changed, the overlap with each pattern. */
  moments: { energy: number; flipped: number[]; overlaps: number[] }[];
  outcome: RecallEnd['outcome'];
  /** The nearest pattern at the end, and its overlap; −1 is its mirror image. */
  pattern: number;
  overlap: number;
  sweeps: number;
}

/** Maximum number of updates shown, for a recall that does not converge. */
const MOST = 2000;

export function associate({ patterns, storage, probe, mode, seed }: RecallQuestion): Recalled {
  const memory =
    typeof storage === 'number' || storage === 'exponential'
      ? denseHopfield({ patterns, order: storage })
      : hopfield({ patterns, rule: storage });
  const steps = memory.steps(probe, { mode, random: new Random(seed) });
  const moments: Recalled['moments'] = [];
  for (;;) {
    const { value, done } = steps.next();
    if (done) {
      const { outcome, pattern, overlap, sweeps } = value;
      return { moments, outcome, pattern, overlap, sweeps };
    }
    if (moments.length >= MOST) continue;
    const { energy, flipped, state } = value;
    moments.push({ energy, flipped: [...flipped], overlaps: memory.overlaps(state) });
  }
}

/** A picture with a fraction of its units flipped. */
export const spoil = ({
  picture,
  fraction,
  seed,
}: {
  picture: number[];
  fraction: number;
  seed: number;
}): number[] => Array.from(corrupt(picture, fraction, new Random(seed)));
