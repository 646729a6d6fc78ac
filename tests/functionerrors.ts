/** The functions of core/wasm/math.ts on arrays, their references, and the argument with the largest error. */
import type { Data, Dtype } from '../core/memory';
import { apply } from '../core/programs/scalar';
import { statement } from '../core/programs/statement';
import type { exact } from './exact';
import { mapper } from './operands';

export type Name = keyof typeof exact;

export const functionOf = (name: Name, dtype: Dtype): ((x: ArrayLike<number>) => Data) => {
  const { graph } = statement(({ x }) => ({ y: apply(name, x) }));
  const map = mapper(graph, dtype);
  return (x) => map(x)[0];
};

// as number rules, but not losing the sigmoid of large negative numbers to the overflow of e⁻ˣ
export const reference: Record<Name, (x: number) => number> = {
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  tanh: Math.tanh,
  sigmoid: (x) => (x < 0 ? Math.exp(x) / (1 + Math.exp(x)) : 1 / (1 + Math.exp(-x))),
};

/** The worst of many arguments. */
export function worst(x: ArrayLike<number>, error: (k: number) => number): { ulp: number; at: number } {
  let found = { ulp: 0, at: NaN };
  for (let k = 0; k < x.length; k++) {
    const ulp = error(k);
    if (!(ulp <= found.ulp)) found = { ulp, at: x[k] };
  }
  return found;
}
