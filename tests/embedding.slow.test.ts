/** Gradients of embeddings by every oracle, in stacks of three kinds. */
import { gradcheck } from '../bptt/check/gradcheck';
import { network, type NetworkOptions } from '../bptt/network/network';
import { Random } from '../core/random/random';
import { B, lengths, O, softmax, stacks, T, targets, V, x } from './embeddednets';

const variants: Omit<NetworkOptions, 'layers'>[] = [
  softmax,
  { ...softmax, topology: 'many-to-one', dropout: 0.3 },
  { output: O, trainInitial: true },
];

test.each(Object.keys(stacks))('%s, for classes and probabilities', (name) => {
  for (const options of variants) {
    const net = network({ ...options, layers: stacks[name](), seed: 4 });
    const wanted = options.topology === 'many-to-one' ? targets[0] : targets;
    const random = new Random(2);
    const probabilities = {
      shape: [T, B, V],
      numbers: Array.from({ length: T * B * V }, () => random.uniform()),
    };
    for (const input of [x, probabilities]) {
      const batch = { x: input, lengths, ...(options.loss && { targets: wanted }) };
      const { rows, ok } = gradcheck(net, { batch, coordinates: 40, directions: 2 });
      expect(rows.filter((row) => !row.ok)).toEqual([]);
      expect(ok).toBe(true);
      const checked = rows.filter(({ variable }) => variable === 'embedding.E').map(({ oracle }) => oracle);
      // a layer that reads from the end cannot read a part
      const truncated = name === 'bidirectional' ? [] : ['exactTruncated'];
      expect(checked).toEqual(['differences', 'forwardMode', 'exact', ...truncated]);
      expect(rows.some(({ variable }) => variable === 'x')).toBe(input !== x);
    }
  }
});
