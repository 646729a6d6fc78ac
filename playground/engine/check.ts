/**
 * The gradient check on a small network of the chosen cells, weight by weight, with or without a planted mistake; or on
 * a real mistake of the collection.
 */
import { errorBounds } from '../../bptt/check/bounds';
import { exactCheck, unlessZero } from '../../bptt/check/exact/oracle';
import { centralDifferences } from '../../bptt/check/finite';
import {
  judge,
  together,
  unitDirection,
  type Direction,
  type SlopeJudgement,
  type Slope,
  type Verdict,
} from '../../bptt/check/judge';
import { mutate, type Mutant } from '../../bptt/check/mutants';
import type { Network } from '../../bptt/network/network';
import {
  analyticGradients,
  backwardGradients,
  drawStates,
  fillRandom,
  problemOfNetwork,
  type Problem,
} from '../../bptt/check/problem';
import { gradientRounding } from '../../bptt/check/rounding';
import { forwardMode } from '../../bptt/check/rtrl';
import { plain } from '../../core/programs/plain';
import { Random } from '../../core/random/random';
import { sizeOf, toFlat } from '../../core/tensor';
import { casesOfMistake, diagnosisOf, readMistake } from '../../referee/mistakes';
import { equalGradients, hidingZeros } from './effect';
import { networkOf } from './model';
import type { PageSettings } from './settings';

/** D, O, T, B and H of the network that is checked: small enough to look at every weight. T exceeds all periods of a clock. */
const [D, O, T, B, H] = [3, 2, 9, 2, 4];

export interface Checkable {
  name: string;
  shape: number[];
  values: number[];
}

/** The oracles that are shown. */
const oracles = ['differences', 'forwardMode'] as const;
export type Shown = (typeof oracles)[number];

/** One weight: its hand-derived gradient, and the result of each oracle. */
export interface Examined {
  analytic: number;
  /** The derivative by dual numbers. */
  dual: number;
  by: Record<Shown, SlopeJudgement & { bound: number }>;
  /** Of both together. */
  verdict: Verdict;
}

/** What the exact oracle says of all weights at once. */
export interface Proof {
  /** Of each variable, by name. */
  verdicts: Record<string, { verdict: Verdict; at?: number[] }>;
  /** Upper bound on the probability that a wrong gradient passes. */
  chance: number;
}

/** Every weight, by its variable's name, and the exact oracle's verdict. */
export interface Examination {
  weights: Record<string, Examined[]>;
  proof: Proof;
  /** If a planted mistake changes no gradient: the values that are 0 at every step and so hide it, as far as these are the reason. */
  hiddenBy?: string[];
}

/** What is known of a real mistake. */
export interface Told {
  /** `Project`, `Source`, `Harm`, …, as its file states them. */
  facts: Readonly<Record<string, string>>;
  equations: string;
  diagnosis: string;
}

/** The facts of a real mistake, and the diagnosis of its gradients from the numbers alone. */
export function tell(text: string): Told {
  const mistake = readMistake(text);
  const { facts, equations } = mistake;
  // without the comments of the header
  const from = equations.search(/^[^#]/m);
  return { facts, equations: equations.slice(from), diagnosis: diagnosisOf(mistake)?.message ?? '' };
}

export class Checker {
  readonly variables: Checkable[];
  /** The mistakes that can be planted, in the words of `bptt/check/mutants.ts`. */
  readonly mistakes: string[];
  private readonly mutants: Mutant[];
  private readonly slopes: Record<Shown, Slope>;
  /** By the index of the mistake. */
  private readonly proofs = new Map<number, ReturnType<Checker['prove']>>();
  /** Each weight by itself. */
  private readonly directions: Record<string, Direction[]>;
  private readonly rounding: ReturnType<typeof gradientRounding>;

  private constructor(
    private readonly problem: Problem,
    canBreak: boolean,
  ) {
    // before any pass: the numbers that a pass leaves behind would count as constants
    this.proofs.set(-1, this.prove(problem.backward));
    this.mutants = canBreak ? mutate(problem).mutants : [];
    this.mistakes = this.mutants.map(({ what }) => what);
    this.directions = Object.fromEntries(
      Object.entries(this.problem.variables).map(([name, { value }]) => {
        const size = sizeOf(value.shape);
        return [name, Array.from({ length: size }, (_, k) => unitDirection(name, size, k))];
      }),
    );
    const duals = forwardMode(problem);
    for (const along of Object.values(this.directions)) duals.ahead(along);
    this.slopes = { differences: remembering(centralDifferences(problem)), forwardMode: remembering(duals) };
    this.rounding = gradientRounding(this.problem, analyticGradients(this.problem));
    this.variables = Object.entries(this.problem.variables).map(([name, { value }]) => ({
      name,
      shape: [...value.shape],
      values: toFlat(value),
    }));
  }

  /** The network of the chosen settings. */
  static of(settings: PageSettings): Checker {
    const net = smallNetwork(settings);
    const random = new Random(settings.seed);
    for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
    const x = Float64Array.from({ length: T * B * D }, () => random.normal());
    const targets = Array.from({ length: T * B }, () => random.below(O));
    const problem = problemOfNetwork(net, {
      x: { shape: [T, B, D], numbers: x },
      targets: { shape: [T, B], numbers: targets },
      // with zero initial states, products with the first step's old state would be zero, right or wrong
      initial: drawStates(net.architecture, B, random),
    });
    return new Checker(problem, true);
  }

  /** A real mistake, from its text. */
  static ofMistake(text: string): Checker {
    return new Checker(casesOfMistake(readMistake(text))[0].problem(1), false);
  }

  /** Checks every entry of every variable in numbers. `mistake` is the index of a planted one, or −1. */
  weights(mistake: number): Examination['weights'] {
    const examined = Object.entries(this.gradients(mistake)).map(([name, gradient]) => {
      return [name, this.examineEach(name, gradient)] as const;
    });
    return Object.fromEntries(examined);
  }

  /** The same, what the exact oracle says, and what hides a mistake. */
  examine(mistake: number): Examination {
    const weights = this.weights(mistake);
    let found = this.proofs.get(mistake);
    if (!found) this.proofs.set(mistake, (found = this.prove(this.mutants[mistake].backward)));
    const hiddenBy = mistake < 0 ? undefined : this.hiddenBy(mistake);
    return {
      weights,
      proof: { chance: found.chance, verdicts: found.of(weights) },
      ...(hiddenBy && { hiddenBy }),
    };
  }

  /** The values that hide a planted mistake, because they are 0; undefined if it changes a gradient. */
  hiddenBy(mistake: number): string[] | undefined {
    const { problem, mutants } = this;
    const gradients = this.gradients(mistake);
    // on the executor of the broken pass; the values that it leaves are those of the right one
    const right = backwardGradients(problem.variables, problem.backward, plain);
    return equalGradients(right, gradients) ? hidingZeros(problem, mutants[mistake]) : undefined;
  }

  /** Runs the exact oracle; the verdict on a mismatch also depends on what the numbers show. */
  private prove(backward: Problem['backward']) {
    const { problem } = this;
    const names = Object.keys(problem.variables);
    const report = unlessZero(() => exactCheck({ ...problem, backward }));
    const verdictOn = (name: string, weights: Record<string, Examined[]>): Proof['verdicts'][string] => {
      const found = report?.mismatches.find(({ variable }) => variable === name);
      if (!found) return { verdict: report ? 'right' : 'undecided' };
      const width = problem.variables[name].value.shape.at(-1) ?? 1;
      const at = [Math.floor(found.index / width), found.index % width];
      // it may rely on an identity that the field does not have
      const open = !found.coins && weights[name][found.index].verdict === 'right';
      return { verdict: open ? 'undecided' : 'wrong', at };
    };
    return {
      chance: report?.chance ?? NaN,
      of: (weights: Record<string, Examined[]>): Proof['verdicts'] =>
        Object.fromEntries(names.map((name) => [name, verdictOn(name, weights)])),
    };
  }

  private examineEach(variable: string, gradient: number[]): Examined[] {
    const largest = gradient.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
    const { rounding, slopes } = this;
    return gradient.map((analytic, k) => {
      const along = this.directions[variable][k];
      const judged = oracles.map((oracle) => {
        const bound = errorBounds[oracle];
        return [oracle, { ...judge(analytic, along, slopes[oracle], { bound, largest, rounding }), bound }];
      });
      const by = Object.fromEntries(judged) as Examined['by'];
      const verdict = together(oracles.map((oracle) => by[oracle].verdict));
      return { analytic, dual: by.forwardMode.numeric, by, verdict };
    });
  }

  /** The hand-derived gradients of the backward pass, or of a broken one. */
  private gradients(mistake: number): Record<string, number[]> {
    const { problem, mutants } = this;
    const healthy = analyticGradients(problem);
    return mistake < 0 ? healthy : backwardGradients(problem.variables, mutants[mistake].backward, plain);
  }
}

/** Oracles do not use the backward pass, so their results are cached for all mistakes. */
function remembering(slope: Slope): Slope {
  const once = <T>(ask: (direction: Direction) => T): ((direction: Direction) => T) => {
    const known = new Map<Direction, T>();
    return (direction) => {
      if (!known.has(direction)) known.set(direction, ask(direction));
      return known.get(direction) as T;
    };
  };
  const { rounding, refined } = slope;
  return Object.assign(once(slope), {
    ...(rounding && { rounding: once(rounding) }),
    ...(refined && { refined: once(refined) }),
  });
}

function smallNetwork(settings: PageSettings): Network {
  const small: PageSettings = {
    ...settings,
    hidden: H,
    layers: Math.min(settings.layers, 2),
    spectralRadius: 1,
  };
  const task = { input: D, output: O, loss: 'softmax' as const, topology: 'many-to-many' as const };
  return networkOf(small, settings.cell, task);
}
