/** The part of a program that some tensors depend on. */
import { overlap } from './programs/hoist';
import { operandsOf, type Operation } from './programs/operation';
import { Program } from './programs/program';
import type { Tensor } from './tensor';

/**
 * The operations that determine the numbers of the targets, in their order: they give the same bits as the whole program.
 */
export function neededFor({ operations }: Program, targets: readonly Tensor[]): Program {
  const isWanted = (t: Tensor): boolean => targets.some((target) => overlap(t, target));
  const last = operations.findLastIndex((operation) => outputsOf(operation).some(isWanted));
  const needed = new Set(targets.map(({ data }) => data));
  const kept: Operation[] = [];
  for (const operation of operations.slice(0, last + 1).reverse()) {
    if (!outputsOf(operation).some(({ data }) => needed.has(data))) continue;
    kept.push(operation);
    for (const { data } of operandsOf(operation)) needed.add(data);
  }
  return new Program(kept.reverse());
}

const outputsOf = (operation: Operation): Tensor[] =>
  operation.kind === 'pointwise' ? Object.values(operation.outputs) : [operation.out];
