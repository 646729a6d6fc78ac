/** Decoding compared with the enumeration of all sequences, and an encoder with a decoder that learns. */
import { decode } from '../bptt/decode/decode';
import { fit } from '../bptt/train/fit';
import { network } from '../bptt/network/network';
import { gru } from '../cells/gru';
import { Random } from '../core/random/random';
import { B, END, logProbability, O, source, translator } from './translators';

/** Every sequence of at most `steps` classes, its end included or cut off. */
function allSequences(steps: number): number[][] {
  if (steps === 0) return [[]];
  return Array.from({ length: O }, (_, c) => c).flatMap((c) =>
    c === END ? [[c]] : allSequences(steps - 1).map((rest) => [c, ...rest]),
  );
}

describe('beam search', () => {
  test.each([0, 0.7, 1])(
    'with full width it finds the best of all sequences there are, α = %d',
    (lengthPenalty) => {
      for (const seed of [1, 2, 3]) {
        const net = translator(seed);
        const steps = 3;
        const found = decode(net, source, {
          method: 'beam',
          width: O ** steps,
          steps,
          end: END,
          lengthPenalty,
        });
        for (let b = 0; b < B; b++) {
          const ranked = allSequences(steps)
            .map((written) => ({
              written,
              score: logProbability(net, b, written) / written.length ** lengthPenalty,
            }))
            .sort((p, q) => q.score - p.score);
          const [best] = found[b];
          const ended = ranked[0].written.at(-1) === END;
          expect(best.ended).toBe(ended);
          expect([...best.classes, ...(ended ? [END] : [])]).toEqual(ranked[0].written);
          expect(best.score).toBeCloseTo(ranked[0].score, 12);
          // and all others in their order
          expect(found[b]).toHaveLength(ranked.length);
          found[b].forEach(({ score }, k) => expect(score).toBeCloseTo(ranked[k].score, 12));
        }
      }
    },
  );
});

describe('an encoder-decoder learns to write its source backwards', () => {
  test('exactly, at unequal lengths', async () => {
    const V = 6; // 0 starts, 1 ends, the others are copied
    const random = new Random(5);
    const make = () => {
      const rows = Array.from({ length: 16 }, () =>
        Array.from({ length: 1 + random.below(3) }, () => 2 + random.below(V - 2)),
      );
      const longest = Math.max(...rows.map((row) => row.length));
      const at = (list: number[][], T: number) => ({
        shape: [T, rows.length],
        numbers: Array.from({ length: T }, (_, t) => list.map((row) => row[t] ?? 0)).flat(),
      });
      return {
        x: at(rows, longest),
        lengths: rows.map((row) => row.length),
        targets: at(
          rows.map((row) => [...row].reverse().concat(1)),
          longest + 1,
        ),
        targetLengths: rows.map((row) => row.length + 1),
      };
    };
    function* batches() {
      for (;;) yield make();
    }
    const net = network({
      topology: 'encoder-decoder',
      encoder: [gru({ input: V, hidden: 24 })],
      layers: [gru({ input: V, hidden: 24 })],
      ...{ output: V, loss: 'softmax', seed: 1, dtype: 'float32' },
    });
    await fit(net, batches(), {
      optimizer: { name: 'adam', learningRate: 0.02 },
      clip: { norm: 1 },
      steps: 400,
      threads: 1,
    });
    const test = make();
    const written = decode(
      net,
      { x: test.x, lengths: test.lengths },
      { method: 'beam', width: 3, end: 1, steps: 6 },
    );
    const right = written.filter(([{ classes }], b) =>
      [...classes, 1].every((c, t) => c === test.targets.numbers[t * 16 + b]),
    );
    expect(right.length).toBeGreaterThanOrEqual(15);
  });
});
