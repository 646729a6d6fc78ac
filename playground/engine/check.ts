/** The gradient check on a small network of the chosen cells, weight by weight, whole or with a mistake planted in it. */
import { bounds, relativeError } from '../../bptt/bounds';
import { differences, type Differences } from '../../bptt/finite';
import { mutate, type Mutant } from '../../bptt/mutants';
import type { Network } from '../../bptt/network';
import {
  analyticGradients,
  backwardGradients,
  drawStates,
  fillRandom,
  problemOf,
  type Problem,
} from '../../bptt/problem';
import { forwardMode } from '../../bptt/rtrl';
import { plain } from '../../core/plain';
import { Random } from '../../core/random';
import { sizeOf, toFlat } from '../../core/tensor';
import { networkOf } from './model';
import type { Settings } from './settings';

/** D, O, T, B and H of the network that is checked: small enough to look at every weight. T exceeds all periods of a clock. */
const [D, O, T, B, H] = [3, 2, 9, 2, 4];

export interface Checkable {
  name: string;
  shape: number[];
  values: number[];
}

/** One weight: its derivative by hand, by differences and by duals. */
export interface Verdict {
  analytic: number;
  numeric: number;
  dual: number;
  /** Relative errors of the analytic one against the other two, and the bounds they must keep. */
  errors: { differences: number; forwardMode: number };
  bounds: { differences: number; forwardMode: number };
  ok: boolean;
}

export class Checker {
  readonly variables: Checkable[];
  /** What can be broken: the words of `bptt/mutants.ts`. */
  readonly mistakes: string[];
  private readonly problem: Problem;
  private readonly mutants: Mutant[];
  private readonly slopes: { differences: Differences; forwardMode: ReturnType<typeof forwardMode> };
  private readonly known = new Map<string, { numeric: number; dual: number }>();

  constructor(settings: Settings) {
    const net = smallNetwork(settings);
    const random = new Random(settings.seed);
    for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
    const x = Float64Array.from({ length: T * B * D }, () => random.normal());
    const targets = Array.from({ length: T * B }, () => random.below(O));
    this.problem = problemOf(net, {
      x: { shape: [T, B, D], numbers: x },
      targets: { shape: [T, B], numbers: targets },
      // from zeros, what the first step multiplies with its old state would be zero whether right or wrong
      initial: drawStates(net.architecture, B, random),
    });
    this.mutants = mutate(this.problem).mutants;
    this.mistakes = this.mutants.map(({ what }) => what);
    this.slopes = { differences: differences(this.problem), forwardMode: forwardMode(this.problem) };
    this.variables = Object.entries(this.problem.variables).map(([name, { value }]) => ({
      name,
      shape: [...value.shape],
      values: toFlat(value),
    }));
  }

  /** Examines every entry of every variable, by name. `mistake` is the number of a planted one, or −1. */
  examine(mistake: number): Record<string, Verdict[]> {
    const verdicts = Object.entries(this.gradients(mistake)).map(([name, gradient]) => {
      return [name, this.verdictsOf(name, gradient)] as const;
    });
    return Object.fromEntries(verdicts);
  }

  private verdictsOf(variable: string, gradient: number[]): Verdict[] {
    const { value } = this.problem.variables[variable];
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    return gradient.map((analytic, k) => {
      const { numeric, dual } = this.slopesOf(variable, k, sizeOf(value.shape));
      const errors = {
        differences: relativeError(analytic, numeric, largest),
        forwardMode: relativeError(analytic, dual, largest),
      };
      const ok = errors.differences <= bounds.differences && errors.forwardMode <= bounds.forwardMode;
      const { differences: first, forwardMode: second } = bounds;
      return { analytic, numeric, dual, errors, bounds: { differences: first, forwardMode: second }, ok };
    });
  }

  /** The hand-derived gradients of the backward pass, or of a broken one. */
  private gradients(mistake: number): Record<string, number[]> {
    const { problem, mutants } = this;
    const healthy = analyticGradients(problem);
    return mistake < 0 ? healthy : backwardGradients(problem.variables, mutants[mistake].backward, plain);
  }

  /** Both oracles know nothing of the backward pass: their answers hold for every mistake. */
  private slopesOf(variable: string, k: number, size: number): { numeric: number; dual: number } {
    const key = `${variable} ${k}`;
    let found = this.known.get(key);
    if (!found) {
      const unit = new Float64Array(size);
      unit[k] = 1;
      const along = { [variable]: unit };
      found = { numeric: this.slopes.differences(along) ?? NaN, dual: this.slopes.forwardMode(along) };
      this.known.set(key, found);
    }
    return found;
  }
}

function smallNetwork(settings: Settings): Network {
  const small: Settings = { ...settings, hidden: H, layers: Math.min(settings.layers, 2), radius: 1 };
  const task = { input: D, output: O, loss: 'softmax' as const, topology: 'many-to-many' as const };
  return networkOf(small, settings.cell, task);
}
