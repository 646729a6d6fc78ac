/**
 * The cases of the conformance suite: sizes of which no two are equal, and random numbers that tell mistakes apart.
 *
 * All numbers are float32 ones, so that any program can take them as they are. Between them the cases have every operator
 * with and without biases, peepholes, both kinds of reset, all activations and a clip, rows of unequal length, every
 * direction, states that start at zero and others, one step and one row.
 */
import type { Activation } from '../cells/activation';
import { Random } from '../core/random';
import type { Direction, Layer } from './layer';
import { cellOf, defaults, type Operator } from './operator';

export interface NamedLayer {
  name: string;
  layer: Layer;
  /** Written with the batch first where a format has both orders. */
  batchFirst: boolean;
}

interface Plan extends Partial<Pick<Operator, 'activations' | 'peepholes' | 'reset' | 'clip'>> {
  direction?: 'reverse' | 'bidirectional';
  lengths?: number[];
  bias?: false;
  zeroStates?: true;
  batchFirst?: true;
  /** For numbers that stay clear of the kink of relu: near it, the bound of the rounding error is wide. */
  seed?: number;
  sizes?: [T: number, B: number, D: number, H: number];
}

/** Sizes and lengths of rows that fit them. */
const SIZES: [T: number, B: number, D: number, H: number] = [5, 3, 4, 6];
const LENGTHS = [3, 5, 2];
/** Between the numbers that the activations see: some are cut, some are not. */
const CLIP = 0.75;
const relu = (count: number): Activation[] => Array<Activation>(count).fill('relu');

/** What is tried of each operator. */
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

/** Every case; the same ones each time. */
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

function layerOf(kind: Operator['kind'], plan: Plan, seed: number): Layer {
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
  const cell = cellOf(operator, { input: D, hidden: H });
  const states = (deviation: number): Record<string, number[]> =>
    Object.fromEntries(Object.keys(cell.states).map((s) => [s, draw(B * H, deviation)]));
  const one = (reverse: boolean): Direction => ({
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
