/** The referee's test cases: sizes and numbers that distinguish mistakes, and how a failing case is shrunk. */
import type { Cell } from '../cells/cell';
import { Random } from '../core/random/random';
import type { Question } from './subject';

/** The sizes and settings from which a random question is generated. */
export interface QuestionPlan {
  T: number;
  B: number;
  D: number;
  H: number;
  /** Length of each row; default T. */
  lengths?: number[];
  /** Standard deviation of the weights; default 0.5. Large ones saturate the gates. */
  scale?: number;
  /** Whether sequences start from zero. */
  zeroStates?: boolean;
  /** The part of the upstream gradient that is zero. */
  zeroAbove?: 'output' | 'final';
}

/** A plan with a name. */
export interface NamedPlan extends QuestionPlan {
  name: string;
}

/** All sizes differ, and none is a multiple of a kernel's width. */
export const plans: readonly NamedPlan[] = [
  { name: 'one step, one row', T: 1, B: 1, D: 2, H: 3 },
  { name: 'one step', T: 1, B: 3, D: 4, H: 5 },
  { name: 'one row', T: 4, B: 1, D: 3, H: 5 },
  { name: 'all sizes differ', T: 5, B: 3, D: 4, H: 7 },
  { name: 'zero states', T: 5, B: 3, D: 4, H: 7, zeroStates: true },
  { name: 'from the output alone', T: 5, B: 2, D: 3, H: 6, zeroAbove: 'final' },
  { name: 'from the last state alone', T: 5, B: 2, D: 3, H: 6, zeroAbove: 'output' },
  { name: 'saturated gates', T: 5, B: 3, D: 4, H: 7, scale: 3 },
  { name: 'unequal lengths', T: 5, B: 3, D: 4, H: 7, lengths: [5, 2, 4] },
  // the rounding error bound grows with every step; smaller weights keep it useful
  { name: 'many steps', T: 30, B: 2, D: 3, H: 5, scale: 0.3 },
];

/** Makes the cell for some sizes. */
export type MakeCell = (sizes: { input: number; hidden: number }) => Cell;

type Nested = number[] | Nested[];

/** Generates the question of a plan. Its numbers are exact in float32, so that every program can read them. */
export function randomQuestion(plan: QuestionPlan, make: MakeCell, seed: number): Question {
  const { T, B, D, H, lengths, scale = 0.5, zeroStates = false, zeroAbove } = plan;
  const cell = make({ input: D, hidden: H });
  const random = new Random(seed);
  const randomArray = ([n, ...rest]: readonly number[], deviation: number): Nested =>
    rest.length === 0
      ? Array.from({ length: n }, () => (deviation === 0 ? 0 : Math.fround(random.normal(0, deviation))))
      : Array.from({ length: n }, () => randomArray(rest, deviation));
  const states = (deviation: number): Record<string, Nested> =>
    Object.fromEntries(
      Object.entries(cell.states).map(([s, width]) => [s, randomArray([B, width], deviation)]),
    );
  const [width] = Object.values(cell.states);
  return {
    cell,
    x: randomArray([T, B, D], 1),
    parameters: Object.fromEntries(
      Object.entries(cell.parameters).map(([p, { shape }]) => [p, randomArray(shape, scale)]),
    ),
    initial: states(zeroStates ? 0 : 0.5),
    ...(lengths && { lengths }),
    dOutput: randomArray([T, B, width], zeroAbove === 'output' ? 0 : 1),
    dFinal: states(zeroAbove === 'final' ? 0 : 1),
  };
}

/** Smaller plans to try, the smallest first. */
export function smaller(plan: QuestionPlan): QuestionPlan[] {
  const found: QuestionPlan[] = [];
  const lengthsFor = (T: number, B: number): Pick<QuestionPlan, 'lengths'> =>
    plan.lengths ? { lengths: plan.lengths.slice(0, B).map((n) => Math.min(n, T)) } : {};
  for (const axis of ['T', 'B', 'D', 'H'] as const)
    for (const size of new Set([1, Math.ceil(plan[axis] / 2), plan[axis] - 1])) {
      if (size < 1 || size >= plan[axis]) continue;
      const next = { ...plan, [axis]: size };
      found.push({ ...next, ...lengthsFor(next.T, next.B) });
    }
  const { lengths: _, ...even } = plan;
  if (plan.lengths) found.push(even);
  if (!plan.zeroStates) found.push({ ...plan, zeroStates: true });
  if (plan.scale !== undefined && plan.scale !== 0.5) found.push({ ...plan, scale: 0.5 });
  for (const zeroAbove of ['final', 'output'] as const)
    if (plan.zeroAbove === undefined) found.push({ ...plan, zeroAbove });
  return found;
}

/** A plan in words. */
export function planText({ T, B, D, H, lengths, zeroStates, zeroAbove, scale }: QuestionPlan): string {
  return [
    `T = ${T}, B = ${B}, D = ${D}, H = ${H}`,
    lengths && `lengths ${lengths.join(' ')}`,
    zeroStates && 'states that start at zero',
    zeroAbove === 'final' && 'a gradient from the output alone',
    zeroAbove === 'output' && 'a gradient from the last state alone',
    scale !== undefined && scale !== 0.5 && `${scale > 0.5 ? 'large' : 'small'} weights`,
  ]
    .filter(Boolean)
    .join(', ');
}
