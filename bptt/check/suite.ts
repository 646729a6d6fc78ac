/** The check suite: every cell in every variant, alone, in both directions and in networks; with unequal lengths too. */
import type { Cell } from '../../cells/cell';
import { clockwork } from '../../cells/clockwork';
import { elman } from '../../cells/elman';
import { embedding } from '../../cells/embedding';
import { gru } from '../../cells/gru';
import { jordan } from '../../cells/jordan';
import { lstm } from '../../cells/lstm';
import { lstm1997 } from '../../cells/lstm1997';
import { cellFromText } from '../../cells/text';
import { bidirectional, type Layer } from '../network/layer';
import { caseSizes, networkCase, type Case, type Kind } from './networkcase';
import type { NetworkOptions } from '../network/network';
import { problemOfCell } from './problem';
import type { Topology } from '../network/topology';
import { topologyCases } from './topologycases';

const { T, B, D, H, O } = caseSizes;
const sizes = { input: D, hidden: H };
const { lengths } = caseSizes;

const unequal = [
  { units: 2, period: 2 },
  { units: 3, period: 3 },
];
const late = { offset: 1, activation: 'sigmoid' } as const;
const bare = { bias: false, activation: 'relu' } as const;

export type { Case } from './networkcase';

/** All cases, in the order in which they are shown. */
export function suite(): Case[] {
  return [...cellCases(), ...bidirectionalCases(), ...networkCases(), ...topologyCases()];
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
  return variants.flatMap(([variant, cell]) => casesOf(cell, variant));
}

/** A cell by itself, over rows of equal and of unequal lengths. */
function casesOf(cell: Cell, variant = ''): Case[] {
  const name = [cell.name, variant].filter(Boolean).join(' ');
  return [
    { group: cell.name, name, cells: [cell], problem: (seed: number) => problemOfCell(cell, { T, B, seed }) },
    {
      group: cell.name,
      name: `${name}, lengths`,
      cells: [],
      problem: (seed: number) => problemOfCell(cell, { T, B, lengths, seed }),
    },
  ];
}

/**
 * The cases of a cell of one's own.
 * @throws EquationError when the text is not that of a cell.
 */
export function casesOfText(equations: string): Case[] {
  const cell = cellFromText({ ...sizes, equations });
  const both = bidirectional(cellFromText({ input: D, hidden: 3, equations }));
  const name = `${cell.name} in both directions`;
  return [
    ...casesOf(cell),
    { group: cell.name, name, cells: [], problem: (seed) => problemOfCell(both, { T, B, lengths, seed }) },
  ];
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
  const deep = (topology?: Topology): NetworkOptions['layers'] => [
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
  // a decoder's own embedding is among the topologies
  const embedded = (): NetworkOptions['layers'] => [
    embedding({ input: D, width: 5 }),
    lstm({ input: 5, hidden: 3 }),
    gru({ input: 3, hidden: 3 }),
  ];
  const embeddedBothWays = (): NetworkOptions['layers'] => [
    embedding({ input: D, width: 5 }),
    bidirectional(lstm({ input: 5, hidden: 3 })),
    bidirectional(lstm({ input: 6, hidden: 2 })),
  ];
  const alike = (): Layer[] => [elman({ input: D, hidden: 5 }), bidirectional(gru({ input: 5, hidden: 5 }))];
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
    ['embedding, softmax, lengths', { ...softmax, ragged, classes, trainInitial: true }, embedded],
    ['embedding, bidirectional, dropout', { ...softmax, classes, dropout: 0.3 }, embeddedBothWays],
    ['embedding of probabilities, many to one', { ...softmax, topology, ragged }, embeddedBothWays],
    ['shared initial state, lengths', { ...softmax, trainInitial: 'shared', ragged }, alike],
  ];
  return cases.map(([name, { ragged, classes, ...options }, layers]) =>
    networkCase('network', name, { ragged, classes }, () => ({
      ...options,
      layers: layers(options.topology),
    })),
  );
}
