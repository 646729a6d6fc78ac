/** Recomputes a test vector's numbers and reports the largest error. */
import { must } from '../core/check';
import { errorBounds } from '../bptt/check/bounds';
import { vectorKinds } from './kinds';
import type { TestVector, VectorTensor } from './vectors';

/** Absolute differences up to this much agree as well. */
const ABSOLUTE_FLOOR = 1e-12;

export interface Disagreement {
  error: number;
  /** `grads.weight_hh_l0[2, 3]`, or empty when nothing was compared. */
  where: string;
}
export interface VectorVerdict {
  name: string;
  kind: string;
  values: Disagreement;
  gradients: Disagreement;
  ok: boolean;
}

/**
 * Computes everything that a vector expects and compares it.
 * @throws RangeError for an unknown kind, or when a tensor is missing or has the wrong shape for its kind.
 */
export function verify(vector: TestVector): VectorVerdict {
  const run = Object.hasOwn(vectorKinds, vector.kind) ? vectorKinds[vector.kind] : undefined;
  must(
    run !== undefined,
    'verify',
    `the kind must be one of ${Object.keys(vectorKinds).join(', ')}`,
    vector.kind,
  );
  const { values, gradients } = run(vector);
  const [wanted, wantedGradients] = [expectedValues(vector), expectedGradients(vector)];
  const some = Object.keys(wanted).length + Object.keys(wantedGradients).length > 0;
  must(some, 'verify', 'the vector must hold expected or grads', 'neither');
  const verdict = {
    name: vector.name,
    kind: vector.kind,
    values: compare(values, wanted),
    gradients: compare(gradients, wantedGradients),
  };
  return {
    ...verdict,
    ok: verdict.values.error <= errorBounds.vectors && verdict.gradients.error <= errorBounds.vectors,
  };
}

function expectedValues({ expected, clip, steps = [] }: TestVector): Record<string, VectorTensor> {
  const scalar = (value: number): VectorTensor => ({ shape: [1], data: [value] });
  const all: Record<string, VectorTensor> = {};
  for (const [name, value] of Object.entries(expected)) {
    all[`expected.${name}`] = typeof value === 'number' ? scalar(value) : value;
  }
  if (clip)
    Object.assign(all, { 'clip.total_norm': scalar(clip.total_norm), 'clip.coef': scalar(clip.coef) });
  steps.forEach(({ params_after }, k) => {
    for (const [name, t] of Object.entries(params_after)) all[`steps[${k}].params_after.${name}`] = t;
  });
  return all;
}

function expectedGradients({ grads, grads_full_bptt = {}, clip }: TestVector): Record<string, VectorTensor> {
  const all: Record<string, VectorTensor> = {};
  for (const [name, t] of Object.entries(grads)) all[`grads.${name}`] = t;
  for (const [name, t] of Object.entries(grads_full_bptt)) all[`grads_full_bptt.${name}`] = t;
  for (const [name, t] of Object.entries(clip?.grads_after ?? {})) all[`clip.grads_after.${name}`] = t;
  return all;
}

function compare(
  computed: Record<string, ArrayLike<number>>,
  expected: Record<string, VectorTensor>,
): Disagreement {
  const worst: Disagreement = { error: 0, where: '' };
  for (const [name, { shape, data }] of Object.entries(expected)) {
    const found = Object.hasOwn(computed, name) ? computed[name] : undefined;
    must(found !== undefined, 'verify', `${name} must be something this kind computes`, 'no such result');
    must(found.length === data.length, 'verify', `${name} must hold ${found.length} numbers`, data.length);
    data.forEach((target, k) => {
      const difference = Math.abs(found[k] - target);
      // |a − b| ≤ max(bound · |b|, floor), as one relative error
      const error = difference / Math.max(Math.abs(target), ABSOLUTE_FLOOR / errorBounds.vectors);
      if (error <= worst.error && worst.where !== '') return;
      worst.error = Number.isFinite(error) ? error : Infinity;
      worst.where = `${name}[${position(k, shape).join(', ')}]`;
    });
  }
  return worst;
}

function position(k: number, shape: readonly number[]): number[] {
  const at: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    at.unshift(k % shape[axis]);
    k = Math.floor(k / shape[axis]);
  }
  return at;
}
