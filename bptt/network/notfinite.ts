/** Finds the first non-finite number of a pass, in the order of computation. */
import { matrix } from '../../core/programs/program';
import { rows, type Tensor } from '../../core/tensor';
import type { Parameters } from './parameters';
import type { Plan } from './passes/plan';
import type { Unroll } from '../unroll';
import type { ElementRange } from './usedrows';

/**
 * The first non-finite number of a forward pass.
 * @returns for instance `l1.c at t = 3 (row 0, unit 7)`, or undefined if all are finite.
 */
export function firstBadValue(plan: Plan): string | undefined {
  const { T } = plan.shape;
  for (const [name, t] of Object.entries(plan.parameters.values)) {
    const bad = search(matrix(t), `parameter ${name}`);
    if (bad) return bad;
  }
  for (const [name, block] of Object.entries(plan.initial.states)) {
    const bad = search(block, `the initial state ${name}`);
    if (bad) return bad;
  }
  for (const unroll of plan.unrolls) {
    for (let count = 1; count <= T; count++) {
      for (const [s, states] of Object.entries(unroll.states)) {
        const t = stepOf(unroll, count);
        const bad = search(unroll.after(count, states), `${unroll.name}.${s} at t = ${t}`);
        if (bad) return bad;
      }
    }
  }
  return (
    searchSteps(plan, plan.output.value, 'the output') ??
    (plan.rowLoss && searchSteps(plan, plan.rowLoss, 'the loss'))
  );
}

/**
 * The first non-finite number of a backward pass: from the last layer down, from the last step back.
 * @returns for instance `the gradient of l1.c at t = 3 (row 0, unit 7)`, or undefined if all are finite.
 */
export function firstBadGradient(plan: Plan): string | undefined {
  const { T } = plan.shape;
  const output = searchSteps(plan, plan.output.gradient, 'the gradient of the output');
  if (output) return output;
  for (const unroll of [...plan.unrolls].reverse()) {
    const { name } = unroll;
    for (let count = T; count >= 0; count--) {
      const t = stepOf(unroll, count);
      const when =
        count > 0 ? `at t = ${t}` : unroll.options.reverse ? 'after the last step' : 'before t = 0';
      // first the gradient from the output at t, then that from the next step
      const above =
        count > 0
          ? search(unroll.block(unroll.dOutput, t), `the gradient of the output of ${name} ${when}`)
          : undefined;
      if (above) return above;
      for (const [s, gradients] of Object.entries(unroll.dStates)) {
        const bad = search(unroll.after(count, gradients), `the gradient of ${name}.${s} ${when}`);
        if (bad) return bad;
      }
    }
  }
  return undefined;
}

/** Whether these values are certainly finite, found by a sum of squares; a sum that overflows proves nothing. */
export function areFinite({ flat, executor }: Parameters, within: readonly ElementRange[]): boolean {
  const { sumSquares } = executor;
  return within.every(({ from, to }) => Number.isFinite(sumSquares?.(flat.data, from, to)));
}

/** The first non-finite parameter, or gradient of a trained one: `NaN in l0.Wh (row 2, column 3)`. */
export function firstBadParameter(parameters: Parameters, what: 'values' | 'gradients'): string | undefined {
  // a gradient that no update reads may be anything
  const names = what === 'values' ? Object.keys(parameters.values) : parameters.trained;
  for (const name of names) {
    const t = parameters[what][name];
    const width = t.shape[t.shape.length - 1];
    const size = t.shape.reduce((product, n) => product * n, 1);
    for (let k = 0; k < size; k++) {
      const value = t.data[t.offset + k];
      if (Number.isFinite(value)) continue;
      const at = t.shape.length === 1 ? `unit ${k}` : `row ${Math.floor(k / width)}, column ${k % width}`;
      return `${value} in ${name} (${at})`;
    }
  }
  return undefined;
}

/** The time of the last of the first `count` steps of a cell. */
const stepOf = ({ options: { T, reverse } }: Unroll, count: number): number =>
  reverse ? T - count : count - 1;

/** Searches a tensor of T blocks of B rows step by step, or a single block of B rows. */
function searchSteps({ shape: { T, B } }: Plan, t: Tensor, name: string): string | undefined {
  if (t.shape[0] === B && T > 1) return search(t, name);
  for (let k = 0; k < T; k++) {
    const bad = search(rows(t, k * B, (k + 1) * B), `${name} at t = ${k}`);
    if (bad) return bad;
  }
  return undefined;
}

function search(t: Tensor, name: string): string | undefined {
  for (let r = 0; r < t.shape[0]; r++) {
    for (let c = 0; c < t.shape[1]; c++) {
      if (!Number.isFinite(t.get(r, c))) return `${name} (row ${r}, unit ${c})`;
    }
  }
  return undefined;
}
