/** Simulates low precision: programs run with every single operation rounded to a number format. */
import type { Executor, Reduction } from '../core/programs/program';
import { language } from '../core/programs/scalar';
import { inputsOf } from '../core/programs/statement';
import { toFlat } from '../core/tensor';
import type { Rounding } from '../referee/errorbound';

/** A number rounded to the nearest of a format. */
export function round(value: number, { unit, underflow }: Rounding): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const spacing = Math.max(2 ** Math.floor(Math.log2(Math.abs(value))) * 2 * unit, 2 * underflow);
  return Math.round(value / spacing) * spacing;
}

/** Sums from first to last, and rounds after each addition, as the worst of honest programs do. */
export function lowPrecision(format: Rounding): Executor {
  const to = (value: number): number => round(value, format);
  return {
    name: 'low precision',
    bind(operation) {
      if (operation.kind === 'reduction') return reduction(operation, to);
      if (operation.kind === 'product') {
        const { a, b, out, bias, accumulate } = operation;
        const [[M, K], N] = [a.shape, b.shape[1]];
        return () => {
          for (let m = 0; m < M; m++)
            for (let n = 0; n < N; n++) {
              let sum = accumulate ? out.get(m, n) : 0;
              for (let k = 0; k < K; k++) sum = to(sum + to(to(a.get(m, k)) * to(b.get(k, n))));
              out.set(m, n, bias ? to(sum + to(bias.get(n))) : sum);
            }
        };
      }
      const { graph, inputs, outputs } = operation;
      const [R, C] = Object.values(outputs)[0].shape;
      return () => {
        const read = Object.fromEntries(inputsOf(graph).map((name) => [name, toFlat(inputs[name])]));
        for (let k = 0; k < R * C; k++) {
          const values: number[] = [];
          for (const node of graph.nodes) {
            if (node.op === 'input') values.push(to(read[node.name][k]));
            else if (node.op === 'constant') values.push(to(node.value));
            else {
              const value: (...of: number[]) => number = language[node.op].value;
              values.push(to(value(...node.args.map((at) => values[at]))));
            }
          }
          for (const [name, t] of Object.entries(outputs))
            t.set(Math.floor(k / C), k % C, values[graph.outputs[name]]);
        }
      };
    },
  };
}

function reduction({ what, from, out, accumulate }: Reduction, to: (value: number) => number): () => void {
  const [R, C] = from.shape;
  const total = (n: number, start: number, term: (k: number) => number): number => {
    let sum = start;
    for (let k = 0; k < n; k++) sum = to(sum + term(k));
    return sum;
  };
  if (what === 'sumRows')
    return () => {
      for (let c = 0; c < C; c++)
        out.set(
          c,
          total(R, accumulate ? out.get(c) : 0, (r) => to(from.get(r, c))),
        );
    };
  return () => {
    for (let r = 0; r < R; r++) {
      const at = (c: number): number => to(from.get(r, c));
      if (what === 'sumColumns') {
        out.set(r, 0, total(C, accumulate ? out.get(r, 0) : 0, at));
        continue;
      }
      const most = Math.max(...Array.from({ length: C }, (_, c) => at(c)));
      const sum = total(C, 0, (c) => to(Math.exp(to(at(c) - most))));
      out.set(r, 0, to(most + to(Math.log(sum))));
    }
  };
}
