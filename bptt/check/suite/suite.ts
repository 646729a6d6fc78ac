/** The check suite: every cell in every variant, alone, bidirectional and in networks, with equal and unequal lengths. */
import type { Cell } from '../../../cells/cell';
import { clockwork } from '../../../cells/clockwork';
import { elman } from '../../../cells/elman';
import { embedding } from '../../../cells/embedding';
import { gru } from '../../../cells/gru';
import { jordan } from '../../../cells/jordan';
import { lstm } from '../../../cells/lstm';
import { inForm, kinds } from '../../../cells/kinds';
import { cellFromText } from '../../../cells/text';
import { lossNames, widthOfLoss } from '../../../losses';
import { bidirectional, type Layer } from '../../network/layers/layer';
import { caseSizes, networkCase, type GradcheckCase, type CaseKind } from './networkcase';
import type { NetworkOptions } from '../../network/network';
import { problemOfCell } from '../problem';
import { topologies, type Topology } from '../../network/topology';
import { topologyCases } from './topologycases';

const { T, B, D, H, O } = caseSizes;
const sizes = { input: D, hidden: H };
const { lengths } = caseSizes;

export type { GradcheckCase as Case } from './networkcase';

/** All cases, in display order. */
export function suite(): GradcheckCase[] {
  return [...cellCases(), ...bidirectionalCases(), ...networkCases(), ...topologyCases()];
}

/** Names of the groups of cases, without creating the cases: each kind of cell, then networks of them. */
export const caseGroups = (): string[] => [
  ...kinds.names,
  ...['bidirectional', 'network'],
  ...topologies.filter((topology) => !MAIN.includes(topology)),
];
/** Those of the group `network`. */
const MAIN: readonly Topology[] = ['many-to-many', 'many-to-one'];

const cellCases = (): GradcheckCase[] =>
  kinds.all.flatMap((kind) =>
    Object.entries(kind.variants).flatMap(([variant, form]) => {
      const made = (more?: object): Cell => inForm(kind, form, { ...sizes, output: O }, more);
      const cell = made();
      const without = [variant, 'no bias'].filter(Boolean).join(', ');
      const hasBias = cell.options !== undefined && 'bias' in cell.options;
      return [...casesOf(cell, variant), ...(hasBias ? casesOf(made({ bias: false }), without) : [])];
    }),
  );

/** A single cell on rows of equal and of unequal lengths. */
function casesOf(cell: Cell, variant = ''): GradcheckCase[] {
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
 * The cases of a user-defined cell.
 * @throws EquationError if the text does not define a cell.
 */
export function casesOfText(equations: string): GradcheckCase[] {
  const cell = cellFromText({ ...sizes, equations });
  const both = bidirectional(cellFromText({ input: D, hidden: 3, equations }));
  const name = `${cell.name} in both directions`;
  return [
    ...casesOf(cell),
    { group: cell.name, name, cells: [], problem: (seed) => problemOfCell(both, { T, B, lengths, seed }) },
  ];
}

/** Bidirectional layers; their cells are smaller, because there are two of each. */
function bidirectionalCases(): GradcheckCase[] {
  const small = { input: D, hidden: 3, output: 2 };
  const alone = kinds.all.flatMap((kind) =>
    Object.entries(kind.variants).map(([variant, form]): [string, Layer] => [
      [kind.name, variant].filter(Boolean).join(' '),
      bidirectional(inForm(kind, form, small)),
    ]),
  );
  const layers: [string, Layer][] = [
    ...alone,
    ['lstm and gru', bidirectional(lstm({ input: D, hidden: 3 }), gru({ input: D, hidden: 5 }))],
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

// in a many-to-one network, no gradient reaches the top cell's output before the last step: so there is an lstm
// below as well, to use every term of its backward statement
const deep = (topology?: Topology): NetworkOptions['layers'] => [
  lstm(sizes),
  gru({ input: H, hidden: 5 }),
  topology === 'many-to-one' ? lstm({ input: 5, hidden: 8 }) : elman({ input: 5, hidden: 8 }),
];
const single = (): Layer[] => [elman({ input: D, hidden: 5 })];
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
// an embedding within a decoder is among the topology cases
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
/** Cells whose previous output enters by products alone. */
const products = (): Layer[] => [
  lstm({ input: D, hidden: 3, peepholes: true }),
  elman({ input: 3, hidden: 4 }),
];
const alike = (): Layer[] => [elman({ input: D, hidden: 5 }), bidirectional(gru({ input: 5, hidden: 5 }))];

function networkCases(): GradcheckCase[] {
  const softmax = { output: O, loss: 'softmax' } as const;
  const variational = { dropout: 0.3, variational: true };
  const [ragged, classes, topology] = [true, true, 'many-to-one' as const];
  const cases: [string, Omit<NetworkOptions, 'layers'> & CaseKind, typeof deep][] = [
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
    ['zoneout, softmax, lengths', { ...softmax, zoneout: { h: 0.3, c: 0.5 }, ragged }, deep],
    ['zoneout, both directions', { ...softmax, zoneout: 0.4, ragged }, lastBothWays],
    ['variational dropout, zoneout', { ...softmax, ...variational, zoneout: 0.2, ragged }, products],
    [
      'variational dropout, class numbers',
      { ...softmax, ...variational, topology, ragged, classes },
      products,
    ],
  ];
  // losses that no case uses yet, such as a user's own; one layer keeps the degree low, and with it the probability that
  // a mistake beside a kink is missed
  const others = lossNames().filter((loss) => !cases.some(([, kind]) => kind.loss === loss));
  for (const loss of others)
    cases.push([`one layer, ${loss}, lengths`, { output: widthOfLoss(loss) ?? O, loss, ragged }, single]);
  return cases.map(([name, { ragged, classes, ...options }, layers]) =>
    networkCase('network', name, { ragged, classes }, () => ({
      ...options,
      layers: layers(options.topology),
    })),
  );
}
