/** Every hand-derived backward statement against forward-mode duals of its forward statement, number by number. */
import type { StatementPair } from '../cells/cell';
import { Random } from '../core/random';
import { Dual, primal, tangent } from '../core/scalar';
import { inputsOf } from '../core/statement';
import { relativeError } from './bounds';

export interface DualCheck {
  /** Which derivative: `dai`. */
  name: string;
  error: number;
  analytic: number;
  exact: number;
}

/**
 * The worst disagreement of each output of a backward statement over random points.
 *
 * With the upstream gradients do of the outputs o, the derivative for an input u must be du = Σ_o do ∂o/∂u; duals give
 * ∂o/∂u exactly. Names say what belongs together (see `StatementPair`).
 */
export function checkStatements(
  { forward, backward }: StatementPair,
  { points = 50, seed = 0 } = {},
): DualCheck[] {
  const random = new Random(seed);
  const inputs = inputsOf(forward.graph);
  const outputs = Object.keys(forward.graph.outputs);
  const wanted = inputsOf(backward.graph);
  const worst = new Map<string, DualCheck>();
  const largest = new Map<string, number>();
  const results: { name: string; analytic: number; exact: number }[] = [];

  for (let point = 0; point < points; point++) {
    const at = Object.fromEntries(inputs.map((name) => [name, random.normal()]));
    const after = forward(at);
    const given = Object.fromEntries(
      wanted.map((name) => [name, at[name] ?? (name in after ? primal(after[name]) : random.normal())]),
    );
    const upstream = (o: string): number =>
      [`d${o}`, `d${o}Out`, `d${o}Next`].reduce((sum, name) => sum + (name in given ? given[name] : 0), 0);
    const derived = backward(given);
    for (const u of inputs) {
      const name = [`d${u}`, `d${u}Row`].find((candidate) => candidate in derived);
      if (name === undefined) continue;
      const along = forward({ ...at, [u]: new Dual(at[u], 1) });
      const exact = outputs.reduce(
        (sum, o) => sum + upstream(o) * tangent(along[o]),
        given[`d${u}Kept`] ?? 0,
      );
      const analytic = primal(derived[name]);
      results.push({ name, analytic, exact });
      largest.set(name, Math.max(largest.get(name) ?? 0, Math.abs(exact)));
    }
  }
  for (const { name, analytic, exact } of results) {
    const error = relativeError(analytic, exact, largest.get(name) ?? 0);
    if (error >= (worst.get(name)?.error ?? -1)) worst.set(name, { name, error, analytic, exact });
  }
  // an output that no input of the forward statement explains was checked by nothing
  for (const name of Object.keys(backward.graph.outputs)) {
    if (!worst.has(name)) worst.set(name, { name, error: Infinity, analytic: NaN, exact: NaN });
  }
  return [...worst.values()];
}
