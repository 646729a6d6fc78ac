/** The check suite: every cell in every variant, alone and in networks, with equal and unequal lengths. */
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { Random } from '../core/random';
import type { Batch } from './batch';
import { network, type Network, type NetworkOptions } from './network';
import { draw, fillRandom, problemOf, problemOfCell, type Problem } from './problem';

/** One line of the gradient-check table. */
export interface Case {
  /** What is chosen by on the command line: a cell's name, or `network`. */
  group: string;
  name: string;
  /** Cells whose statements are checked by themselves. */
  cells: readonly Cell[];
  problem: (seed: number) => Problem;
}

// sizes that tell mistakes apart: B, T, D, H and O all differ, and none is a multiple of a SIMD width
const [T, B, D, H, O] = [5, 3, 4, 7, 6];
const sizes = { input: D, hidden: H };
const lengths = [5, 2, 4];

/** All cases, in the order in which they are shown. */
export function suite(): Case[] {
  return [...cellCases(), ...networkCases()];
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
    ['reset after', gru(sizes)],
    ['reset after, no bias', gru({ ...sizes, bias: false })],
    ['reset before', gru({ ...sizes, reset: 'before' })],
    ['reset before, no bias', gru({ ...sizes, reset: 'before', bias: false })],
    ['feedback o', jordan({ ...sizes, output: O })],
    ['feedback o, relu, no bias', jordan({ ...sizes, output: O, activation: 'relu', bias: false })],
    ['feedback p', jordan({ ...sizes, output: O, feedback: 'p' })],
    ['feedback p, sigmoid', jordan({ ...sizes, output: O, feedback: 'p', activation: 'sigmoid' })],
    ['feedback p, no bias', jordan({ ...sizes, output: O, feedback: 'p', bias: false })],
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

function networkCases(): Case[] {
  // at the last step only, nothing reaches the top cell's output at the other steps: an lstm stands below as well, so
  // that every term of its backward statement is still in use
  const deep = (at: 'every' | 'last' = 'every'): Cell[] => [
    lstm(sizes),
    gru({ input: H, hidden: 5 }),
    at === 'last' ? lstm({ input: 5, hidden: 8 }) : elman({ input: 5, hidden: 8 }),
  ];
  const cases: [string, Omit<NetworkOptions, 'layers'>, boolean][] = [
    ['deep, softmax', { output: O, loss: 'softmax' }, false],
    ['deep, softmax, lengths', { output: O, loss: 'softmax', trainInitial: true }, true],
    ['deep, softmax, last step', { output: O, loss: 'softmax', at: 'last' }, true],
    ['deep, bernoulli, dropout', { output: O, loss: 'bernoulli', dropout: 0.3 }, true],
    ['deep, squared, sum, lengths', { output: O, loss: 'squared', reduction: 'sum' }, true],
    ['deep, outputs and final states', { trainInitial: true, dropout: 0.3 }, true],
  ];
  return cases.map(([name, options, ragged]) => ({
    group: 'network',
    name: `network ${name}`,
    cells: [],
    problem: (seed: number) => {
      const random = new Random(seed);
      const net = network({ ...options, layers: deep(options.at), seed });
      // weights, biases and initial states all of a size at which every term of every equation counts
      for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
      return problemOf(net, batchFor(net, ragged, random), random);
    },
  }));
}

function batchFor({ architecture }: Network, ragged: boolean, random: Random): Batch {
  const { loss, at, layers, trainInitial } = architecture;
  const steps = at === 'last' ? [B] : [T, B];
  const rows = steps.reduce((product, n) => product * n, 1);
  const classes = Array.from({ length: rows }, () => random.below(O));
  const bits = Array.from({ length: rows * O }, () => random.below(2));
  const targets =
    loss === 'softmax' ? { shape: steps, numbers: classes } : { shape: [...steps, O], numbers: bits };
  const states = layers.flatMap((cell, l) =>
    Object.entries(cell.states).map(([s, n]) => [`l${l}.${s}`, n] as const),
  );
  const initial = Object.fromEntries(states.map(([name, width]) => [name, draw(B * width, random)]));
  return {
    ...(!trainInitial && { initial }),
    x: { shape: [T, B, D], numbers: draw(T * B * D, random) },
    ...(loss && { targets }),
    ...(ragged && { lengths }),
  };
}
