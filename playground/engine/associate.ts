/** The associative memory: what the page draws is stored, and a spoilt picture recalled. */
import { Random } from '../../core/random';
import { hopfield } from '../../hopfield/network';
import { corrupt } from '../../hopfield/patterns';
import type { RecallMode } from '../../hopfield/recall';
import type { StorageRule } from '../../hopfield/storage';

export interface Asked {
  /** Pictures of ±1, of one size. */
  patterns: number[][];
  rule: StorageRule;
  probe: number[];
  mode: RecallMode;
  seed: number;
}

export interface Recalled {
  /** Moment by moment: the energy, the units that have changed, the overlap with each pattern. */
  moments: { energy: number; flipped: number[]; overlaps: number[] }[];
  outcome: string;
  /** The pattern that is nearest in the end, and how near: −1 is its mirror image. */
  pattern: number;
  overlap: number;
  sweeps: number;
}

/** Moments shown of a recall that goes on for ever. */
const MOST = 2000;

export function associate({ patterns, rule, probe, mode, seed }: Asked): Recalled {
  const memory = hopfield({ patterns, rule });
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

/** A picture with a share of its units turned over. */
export const spoil = ({
  picture,
  share,
  seed,
}: {
  picture: number[];
  share: number;
  seed: number;
}): number[] => Array.from(corrupt(picture, share, new Random(seed)));
