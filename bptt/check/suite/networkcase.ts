/** Cases of the check suite that check a whole network on a batch, with random weights and random data. */
import { targetsOf } from '../../network/architecture';
import { Random } from '../../../core/random/random';
import { sizeOf } from '../../../core/tensor';
import type { Batch } from '../../network/batch/batch';
import type { FlatNumbers } from '../../network/batch/numbers';
import type { Layer } from '../../network/layers/layer';
import { network, type Network, type NetworkOptions } from '../../network/network';
import { randomNormals, drawStates, fillRandom, problemOfNetwork, type Problem } from '../problem';
import { readerOf } from '../../network/layers/stack';
import { inputAxes, outputAxes } from '../../network/topology';

/** One row of the gradient-check table. */
export interface GradcheckCase {
  /** The name that selects it on the command line: a cell's name, `network`, …. */
  group: string;
  name: string;
  /** Layers whose statements are checked separately. */
  cells: readonly Layer[];
  problem: (seed: number) => Problem;
}

/**
 * Sizes that reveal mistakes: they all differ, and none is a multiple of a SIMD width. A decoder writes W steps, fewer
 * than the T that its encoder reads.
 */
export const caseSizes = {
  ...{ T: 5, B: 3, D: 4, H: 7, O: 6, W: 3 },
  lengths: [5, 2, 4],
  targetLengths: [1, 3, 2],
};
const { T, B, O, W } = caseSizes;

/** Whether rows have different lengths, and whether the input consists of class numbers. */
export interface CaseKind {
  ragged?: boolean;
  classes?: boolean;
}

/** A case with a network of these options, random weights and a random batch. */
export function networkCase(
  group: string,
  name: string,
  kind: CaseKind,
  options: () => NetworkOptions,
): GradcheckCase {
  return {
    group,
    name: `${group} ${name}`,
    cells: [],
    problem: (seed) => {
      const random = new Random(seed);
      const net = network({ ...options(), seed });
      // large enough weights, biases and initial states for every term of every equation to matter
      for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
      const problem = problemOfNetwork(net, batchFor(net, kind, random), random);
      // a zero input would hide mistakes in how it is used
      if (net.architecture.feed === 'nothing') fillRandom(problem.plan.main.input.value, random);
      return problem;
    },
  };
}

function batchFor(net: Network, { ragged, classes }: CaseKind, random: Random): Batch {
  const { architecture } = net;
  const { loss, topology, encoder, feed, trainInitial } = architecture;
  const steps = outputAxes(topology, encoder ? W : T, B);
  const values = (axes: number[], width: number): FlatNumbers => ({
    shape: [...axes, width],
    numbers: randomNormals(sizeOf(axes) * width, random),
  });
  const below = (n: number, shape: number[]): FlatNumbers => ({
    shape,
    numbers: Array.from({ length: sizeOf(shape) }, () => random.below(n)),
  });
  const targets = targetsOf(architecture) === 'classes' ? below(O, steps) : below(2, [...steps, O]);
  const initial = drawStates(architecture, B, random);
  const read = inputAxes(topology, T, B);
  const x = classes ? below(net.input, read) : values(read, net.input);
  // a decoder whose input size allows it reads its targets, one step late; otherwise it gets its own inputs
  const forced = loss !== undefined && feed === 'given' && readerOf(architecture).input === O;
  const inputs = values(feed === 'given' ? steps : [B], readerOf(architecture).input);
  const untold = loss === undefined && (topology === 'one-to-many' || (encoder && feed !== 'given'));
  return {
    ...(!trainInitial && { initial }),
    x,
    ...(encoder && !forced && { inputs }),
    ...(loss && { targets }),
    ...(untold && { T: encoder ? W : T }),
    ...(ragged && { lengths: caseSizes.lengths }),
    ...(ragged && encoder && { targetLengths: caseSizes.targetLengths }),
  };
}
