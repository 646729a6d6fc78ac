/** Why a planted mistake changes no gradient: it shows only where a value is not 0, and in this network that value is. */
import { sameGraphs, unlessZero } from '../../bptt/check/exact/oracle';
import type { Mutant } from '../../bptt/check/mutants';
import type { Problem } from '../../bptt/check/problem';
import type { Pointwise } from '../../core/programs/program';
import type { Graph } from '../../core/programs/statement';
import { toFlat, type Tensor } from '../../core/tensor';

/** Whether two gradients are equal in every number. */
export const equalGradients = (a: Record<string, number[]>, b: Record<string, number[]>): boolean =>
  Object.entries(a).every(([name, numbers]) => numbers.every((value, k) => value === b[name][k]));

/**
 * The inputs of the broken equation that are 0 at every step, if the equation with the mistake is the right one where they are:
 * that is decided exactly. None if that is not the reason.
 * @param problem after its right backward pass, which the values are read from
 */
export function hidingZeros({ backward }: Problem, mutant: Mutant): string[] {
  const kept = new Set(mutant.backward.operations);
  const replaced = backward.operations.filter((operation) => !kept.has(operation));
  const right = replaced.filter((operation): operation is Pointwise => operation.kind === 'pointwise');
  const wrong = mutant.backward.operations.find(
    (operation): operation is Pointwise =>
      operation.kind === 'pointwise' && !backward.operations.includes(operation),
  );
  if (right.length === 0 || right.length < replaced.length || !wrong) return [];
  const zeros = Object.keys(right[0].inputs).filter((name) =>
    right.every(({ inputs }) => isZero(inputs[name])),
  );
  const same = (names: readonly string[]): boolean =>
    unlessZero(() => sameGraphs(without(right[0].graph, names), without(wrong.graph, names))) ?? false;
  if (!same(zeros)) return [];
  // only those that it takes
  return zeros.reduce((needed: string[], name) => {
    const fewer = needed.filter((other) => other !== name);
    return same(fewer) ? fewer : needed;
  }, zeros);
}

const isZero = (t: Tensor): boolean => toFlat(t).every((value) => value === 0);

/** The equation where some of its inputs are 0. */
const without = (graph: Graph, names: readonly string[]): Graph => ({
  ...graph,
  nodes: graph.nodes.map((node) =>
    node.op === 'input' && names.includes(node.name) ? { op: 'constant', value: 0 } : node,
  ),
});
