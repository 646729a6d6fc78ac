/**
 * The cases of the conformance suite: all sizes differ, and the numbers are random, so that mistakes show.
 *
 * All numbers are exact in float32, so that any program can read them. Together the cases cover every operator with and
 * without biases, peepholes, both kinds of reset, all activations and a clip, rows of unequal length, every direction,
 * zero and nonzero initial states, one step and one row.
 */
import type { Activation } from '../cells/parts/activation';
import { Random } from '../core/random/random';
import type { DirectionInputs, RecurrentLayer } from './layer';
import { cellOfOperator, defaults, type Operator } from './operator';

export interface NamedLayer {
  name: string;
  layer: RecurrentLayer;
  /** Whether to write it batch first, in formats that have both layouts. */
  batchFirst: boolean;
}

interface Plan extends Partial<Pick<Operator, 'activations' | 'peepholes' | 'reset' | 'clip'>> {
  direction?: 'reverse' | 'bidirectional';
  lengths?: number[];
  bias?: false;
  zeroStates?: true;
  batchFirst?: true;
  /** Chosen so that no number is near the kink of relu, where the rounding error bound is wide. */
  seed?: number;
  sizes?: [T: number, B: number, D: number, H: number];
}

/** Default sizes, and row lengths that fit them. */
const SIZES: [T: number, B: number, D: number, H: number] = [5, 3, 4, 6];
const LENGTHS = [3, 5, 2];
/** A clip that affects some of the pre-activations, but not all. */
const CLIP = 0.75;
const relu = (count: number): Activation[] => Array<Activation>(count).fill('relu');

/** The cases that every operator has. */
const common: Readonly<Record<string, Plan>> = {
  '': {},
  lengths: { lengths: LENGTHS },
  reverse: { direction: 'reverse' },
  reverse_lengths: { direction: 'reverse', lengths: LENGTHS },
  bidirectional: { direction: 'bidirectional' },
  bidirectional_lengths: { direction: 'bidirectional', lengths: LENGTHS },
  no_bias_zero_states: { bias: false, zeroStates: true },
  one_step_one_row: { sizes: [1, 1, 3, 5] },
  batch_first: { batchFirst: true, lengths: LENGTHS },
  clip: { clip: CLIP },
};

const families: readonly {
  name: string;
  kind: Operator['kind'];
  with: Plan;
  plans: Readonly<Record<string, Plan>>;
}[] = [
  { name: 'rnn', kind: 'elman', with: {}, plans: common },
  { name: 'rnn_relu', kind: 'elman', with: { activations: relu(1) }, plans: { '': {} } },
  { name: 'rnn_sigmoid', kind: 'elman', with: { activations: ['sigmoid'] }, plans: { '': {} } },
  {
    ...{ name: 'lstm', kind: 'lstm', with: {} },
    plans: {
      ...common,
      peepholes: { peepholes: true },
      peepholes_bidirectional_lengths: { peepholes: true, direction: 'bidirectional', lengths: LENGTHS },
    },
  },
  {
    name: 'lstm_relu',
    kind: 'lstm',
    with: { activations: ['sigmoid', 'relu', 'relu'] },
    plans: { peepholes: { peepholes: true, seed: 104 } },
  },
  { name: 'gru', kind: 'gru', with: {}, plans: common },
  { name: 'gru_linear_before_reset', kind: 'gru', with: { reset: 'after' }, plans: common },
  { name: 'gru_relu', kind: 'gru', with: { activations: ['sigmoid', 'relu'] }, plans: { '': { seed: 104 } } },
];

/** All cases; deterministic. */
export function suiteLayers(): NamedLayer[] {
  let seed = 1;
  return families.flatMap(({ name, kind, with: all, plans }) =>
    Object.entries(plans).map(([suffix, plan]): NamedLayer => {
      const whole = { ...all, ...plan };
      return {
        name: suffix === '' ? name : `${name}_${suffix}`,
        layer: layerOf(kind, whole, whole.seed ?? seed++),
        batchFirst: whole.batchFirst ?? false,
      };
    }),
  );
}

function layerOf(kind: Operator['kind'], plan: Plan, seed: number): RecurrentLayer {
  const { direction, lengths, zeroStates, sizes: [T, B, D, H] = SIZES } = plan;
  const usual = defaults[kind];
  const operator: Operator = {
    ...usual,
    activations: plan.activations ?? usual.activations,
    bias: plan.bias ?? true,
    peepholes: plan.peepholes ?? false,
    reset: plan.reset ?? 'before',
    ...(plan.clip !== undefined && { clip: plan.clip }),
  };
  const random = new Random(seed);
  const draw = (count: number, deviation: number): number[] =>
    Array.from({ length: count }, () => Math.fround(random.normal(0, deviation)));
  const cell = cellOfOperator(operator, { input: D, hidden: H });
  const states = (deviation: number): Record<string, number[]> =>
    Object.fromEntries(Object.keys(cell.states).map((s) => [s, draw(B * H, deviation)]));
  const one = (reverse: boolean): DirectionInputs => ({
    reverse,
    parameters: Object.fromEntries(
      Object.entries(cell.parameters).map(([p, { shape }]) => [
        p,
        draw(
          shape.reduce((n, d) => n * d, 1),
          0.5,
        ),
      ]),
    ),
    // a clip must be seen in the memory of an LSTM, too
    initial: zeroStates ? {} : states(plan.clip === undefined ? 0.5 : 1.5),
    dOutput: draw(T * B * H, 1),
    dFinal: states(1),
  });
  const x = draw(T * B * D, 1);
  const directions = direction === 'bidirectional' ? [one(false), one(true)] : [one(direction === 'reverse')];
  return { operator, T, B, D, H, x, directions, ...(lengths && { lengths }) };
}
