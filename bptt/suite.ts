/** The check suite: every cell in every variant, alone, in both directions and in networks; with unequal lengths too. */
import type { Cell } from '../cells/cell';
import { clockwork } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { lstm1997 } from '../cells/lstm1997';
import { Random } from '../core/random';
import type { Batch } from './batch';
import { bidirectional, type Layer } from './layer';
import { network, type Network, type NetworkOptions } from './network';
import { draw, drawStates, fillRandom, problemOf, problemOfCell, type Problem } from './problem';
import { outputAxes, type Topology } from './topology';

/** One line of the gradient-check table. */
export interface Case {
  /** What is chosen by on the command line: a cell's name, or `network`. */
  group: string;
  name: string;
  /** Layers whose statements are checked by themselves. */
  cells: readonly Layer[];
  problem: (seed: number) => Problem;
}

// sizes that tell mistakes apart: B, T, D, H and O all differ, and none is a multiple of a SIMD width
const [T, B, D, H, O] = [5, 3, 4, 7, 6];
const sizes = { input: D, hidden: H };
const lengths = [5, 2, 4];

const unequal = [
  { units: 2, period: 2 },
  { units: 3, period: 3 },
];
const late = { offset: 1, activation: 'sigmoid' } as const;
const bare = { bias: false, activation: 'relu' } as const;

/** All cases, in the order in which they are shown. */
export function suite(): Case[] {
  return [...cellCases(), ...bidirectionalCases(), ...networkCases()];
}

function cellCases(): Case[] {
  const variants: [string, Cell][] = [
    ['tanh', elman(sizes)],
    ['sigmoid', elman({ ...sizes, activation: 'sigmoid' })],
    ['relu', elman({ ...sizes, activation: 'relu' })],
    ['no bias', elman({ ...sizes, bias: false })],
    ['', lstm(sizes)],
    ['no bias', lstm({ ...sizes, bias: false })],
    ['peepholes', lstm({ ...sizes, peepholes: true })],
    ['peepholes, no bias', lstm({ ...sizes, peepholes: true, bias: false })],
    ['', lstm1997(sizes)],
    ['no bias', lstm1997({ ...sizes, bias: false })],
    ['reset after', gru(sizes)],
    ['reset after, no bias', gru({ ...sizes, bias: false })],
    ['reset before', gru({ ...sizes, reset: 'before' })],
    ['reset before, no bias', gru({ ...sizes, reset: 'before', bias: false })],
    ['feedback o', jordan({ ...sizes, output: O })],
    ['feedback o, relu, no bias', jordan({ ...sizes, output: O, activation: 'relu', bias: false })],
    ['feedback p', jordan({ ...sizes, output: O, feedback: 'p' })],
    ['feedback p, sigmoid', jordan({ ...sizes, output: O, feedback: 'p', activation: 'sigmoid' })],
    ['feedback p, no bias', jordan({ ...sizes, output: O, feedback: 'p', bias: false })],
    // T is longer than every period but one
    ['1 2 4', clockwork({ input: D, hidden: 6, periods: [1, 2, 4] })],
    ['2 3 offset 1, unequal, sigmoid', clockwork({ input: D, modules: unequal, ...late })],
    ['1 2 3 7, relu, no bias', clockwork({ input: D, hidden: 8, periods: [1, 2, 3, 7], ...bare })],
  ];
  return variants.flatMap(([variant, cell]) => {
    const name = [cell.name, variant].filter(Boolean).join(' ');
    const cells = [cell];
    return [
      { group: cell.name, name, cells, problem: (seed: number) => problemOfCell(cell, { T, B, seed }) },
      {
        group: cell.name,
        name: `${name}, lengths`,
        cells: [],
        problem: (seed: number) => problemOfCell(cell, { T, B, lengths, seed }),
      },
    ];
  });
}

/** Two cells side by side: smaller ones, because there are twice as many. */
function bidirectionalCases(): Case[] {
  const small = { input: D, hidden: 3 };
  const layers: [string, Layer][] = [
    ['elman', bidirectional(elman(small))],
    ['lstm', bidirectional(lstm(small))],
    ['lstm peepholes', bidirectional(lstm({ ...small, peepholes: true }))],
    ['lstm1997', bidirectional(lstm1997(small))],
    ['gru reset after', bidirectional(gru(small))],
    ['gru reset before', bidirectional(gru({ ...small, reset: 'before' }))],
    ['jordan feedback p', bidirectional(jordan({ ...small, output: 2, feedback: 'p' }))],
    ['clockwork', bidirectional(clockwork({ input: D, hidden: 4, periods: [1, 2] }))],
    ['lstm and gru', bidirectional(lstm(small), gru({ input: D, hidden: 5 }))],
  ];
  return layers.flatMap(([name, layer]) =>
    [undefined, lengths].map((ragged) => ({
      group: 'bidirectional',
      name: `bidirectional ${name}${ragged ? ', lengths' : ''}`,
      cells: [],
      problem: (seed: number) => problemOfCell(layer, { T, B, lengths: ragged, seed }),
    })),
  );
}

function networkCases(): Case[] {
  // many to one, nothing reaches the top cell's output at the other steps: an lstm stands below as well, so
  // that every term of its backward statement is still in use
  const deep = (topology?: Topology): Layer[] => [
    lstm(sizes),
    gru({ input: H, hidden: 5 }),
    topology === 'many-to-one' ? lstm({ input: 5, hidden: 8 }) : elman({ input: 5, hidden: 8 }),
  ];
  const bothWays = (): Layer[] => [
    bidirectional(lstm({ input: D, hidden: 3 })),
    bidirectional(gru({ input: 6, hidden: 2 }), elman({ input: 6, hidden: 3 })),
  ];
  const mixed = (): Layer[] => [
    elman({ input: D, hidden: 3 }),
    bidirectional(lstm({ input: 3, hidden: 2 })),
    elman({ input: 4, hidden: 5 }),
  ];
  const everyKind = (): Layer[] => [
    clockwork({ input: D, hidden: 4, periods: [1, 3] }),
    jordan({ input: 4, hidden: 5, output: 2, feedback: 'p' }),
    clockwork({ input: 2, hidden: 3, periods: [1, 2, 4], offset: 1 }),
  ];
  const lastBothWays = (): Layer[] => [
    bidirectional(lstm({ input: D, hidden: 3 })),
    bidirectional(lstm({ input: 6, hidden: 2 })),
  ];
  const softmax = { output: O, loss: 'softmax' } as const;
  const [ragged, classes, topology] = [true, true, 'many-to-one' as const];
  const cases: [string, Omit<NetworkOptions, 'layers'> & Kind, typeof deep][] = [
    ['deep, softmax', softmax, deep],
    ['deep, softmax, lengths', { ...softmax, trainInitial: true, ragged }, deep],
    ['deep, softmax, many to one', { ...softmax, topology, ragged }, deep],
    ['deep, bernoulli, dropout', { output: O, loss: 'bernoulli', dropout: 0.3, ragged }, deep],
    ['deep, squared, sum, lengths', { output: O, loss: 'squared', reduction: 'sum', ragged }, deep],
    ['deep, outputs and final states', { trainInitial: true, dropout: 0.3, ragged }, deep],
    ['mixed, many to one, no loss', { output: O, topology, ragged }, mixed],
    ['bidirectional, softmax', softmax, bothWays],
    ['bidirectional, softmax, lengths', { ...softmax, trainInitial: true, ragged }, bothWays],
    ['bidirectional, bernoulli, dropout', { output: O, loss: 'bernoulli', dropout: 0.3, ragged }, bothWays],
    ['bidirectional, many to one', { ...softmax, topology, ragged }, lastBothWays],
    ['bidirectional, many to one, no loss', { topology, ragged }, lastBothWays],
    ['mixed, squared, lengths', { output: O, loss: 'squared', ragged }, mixed],
    ['clockwork and jordan, softmax, lengths', { ...softmax, ragged }, everyKind],
    ['class numbers, softmax, lengths', { ...softmax, ragged, classes }, deep],
    ['class numbers, bidirectional, many to one', { ...softmax, topology, ragged, classes }, lastBothWays],
    ['class numbers, clockwork and jordan', { ...softmax, classes }, everyKind],
  ];
  return cases.map(([name, { ragged, classes, ...options }, layers]) => ({
    group: 'network',
    name: `network ${name}`,
    cells: [],
    problem: (seed: number) => {
      const random = new Random(seed);
      const net = network({ ...options, layers: layers(options.topology), seed });
      // weights, biases and initial states all of a size at which every term of every equation counts
      for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
      return problemOf(net, batchFor(net, { ragged, classes }, random), random);
    },
  }));
}

/** Whether rows are of unequal length, and whether the input is class numbers. */
interface Kind {
  ragged?: boolean;
  classes?: boolean;
}

function batchFor({ architecture }: Network, { ragged, classes }: Kind, random: Random): Batch {
  const { loss, topology, layers, trainInitial } = architecture;
  const steps = outputAxes(topology, T, B);
  const rows = steps.reduce((product, n) => product * n, 1);
  const below = (n: number, count: number): number[] => Array.from({ length: count }, () => random.below(n));
  const [correct, bits] = [below(O, rows), below(2, rows * O)];
  const targets =
    loss === 'softmax' ? { shape: steps, numbers: correct } : { shape: [...steps, O], numbers: bits };
  const initial = drawStates(layers, B, random);
  return {
    ...(!trainInitial && { initial }),
    x: classes
      ? { shape: [T, B], numbers: below(D, T * B) }
      : { shape: [T, B, D], numbers: draw(T * B * D, random) },
    ...(loss && { targets }),
    ...(ragged && { lengths }),
  };
}
