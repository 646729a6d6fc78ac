/** Checks every hand-derived statement elementwise against forward-mode dual numbers of its forward statement. */
import type { StatementPair } from '../../cells/cell';
import { Random } from '../../core/random/random';
import { Dual, primal, tangent } from '../../core/programs/scalar';
import { inputsOf, isConstant } from '../../core/programs/statement';
import { relativeError } from './bounds';

export interface DualCheck {
  /** Name of the derivative: `dai`. */
  name: string;
  error: number;
  analytic: number;
  exact: number;
}

/**
 * The largest error of each output of a backward statement and of a Jacobian statement, over random points.
 *
 * Given the upstream gradients do of the outputs o, the gradient of an input u must be du = Σ_o do ∂o/∂u; given the
 * derivatives Ju of the inputs, that of an output must be Jo = Σ_u ∂o/∂u Ju. Dual numbers give ∂o/∂u exactly.
 * Variables are matched by name (see `StatementPair`).
 */
export function checkStatements(
  { forward, backward, jacobian }: StatementPair,
  { points = 50, seed = 0 } = {},
): DualCheck[] {
  const random = new Random(seed);
  const inputs = inputsOf(forward.graph);
  const outputs = Object.keys(forward.graph.outputs);
  const wanted = inputsOf(backward.graph);
  const read = jacobian ? inputsOf(jacobian.graph) : [];
  const worst = new Map<string, DualCheck>();
  const largest = new Map<string, number>();
  const results: { name: string; analytic: number; exact: number }[] = [];
  const compare = (name: string, analytic: number, exact: number): void => {
    results.push({ name, analytic, exact });
    largest.set(name, Math.max(largest.get(name) ?? 0, Math.abs(exact)));
  };

  for (let point = 0; point < points; point++) {
    const at = Object.fromEntries(inputs.map((name) => [name, random.normal()]));
    const after = forward(at);
    const valuesOf = (names: readonly string[]): Record<string, number> =>
      Object.fromEntries(
        names.map((name) => [name, at[name] ?? (name in after ? primal(after[name]) : random.normal())]),
      );
    const given = valuesOf(wanted);
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
      compare(name, primal(derived[name]), exact);
    }
    if (!jacobian) continue;
    const along = valuesOf(read);
    // an input whose derivative is not read is constant: a parameter, or a value that depends only on x
    const moved = forward(Object.fromEntries(inputs.map((u) => [u, new Dual(at[u], along[`J${u}`] ?? 0)])));
    for (const [name, value] of Object.entries(jacobian(along)))
      compare(name, primal(value), tangent(moved[name.slice(1)] ?? NaN));
  }
  for (const { name, analytic, exact } of results) {
    const error = relativeError(analytic, exact, largest.get(name) ?? 0);
    if (error >= (worst.get(name)?.error ?? -1)) worst.set(name, { name, error, analytic, exact });
  }
  // an output that matches no input of the forward statement was not checked at all
  const written = [backward, jacobian].flatMap((derived) =>
    Object.keys(derived?.graph.outputs ?? {}).filter((name) => derived && !isConstant(derived.graph, name)),
  );
  for (const name of written) {
    if (!worst.has(name)) worst.set(name, { name, error: Infinity, analytic: NaN, exact: NaN });
  }
  return [...worst.values()];
}
