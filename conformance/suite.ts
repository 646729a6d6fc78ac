/** A case of any conformance suite: a layer, its expected outputs and a tolerance; and how to run it. */
import { must } from '../core/check';
import { safe } from '../core/safe';
import type { Named } from '../referee/subject';
import { formOf } from './operator';
import { runLayer, type RecurrentLayer } from './layer';

/** How far a number may be from the expected one. */
export interface Tolerance {
  /** `1e-7 + 0.1 %`, `1 ULP`. */
  words: string;
  allowed(expected: number): number;
}

export interface SuiteCase {
  name: string;
  layer: RecurrentLayer;
  /** The expected values of each direction: `output`, `hT`, `cT`, or some of them. */
  expected: readonly Readonly<Partial<Named>>[];
  tolerance: Tolerance;
}

/** Thrown for a case that our equations cannot express; the message gives the reason. */
export class NotExpressible extends Error {}

/** The result of reading one case: the case, or the reason why it cannot be used. */
export type Found = SuiteCase | { name: string; reason: string; verdict: 'not expressible' | 'unreadable' };

export interface CaseVerdict {
  name: string;
  verdict: 'pass' | 'fail' | 'not expressible' | 'unreadable';
  /** The operator in words: `lstm, peepholes`. */
  form?: string;
  /** The largest difference as a fraction of the suite's tolerance. */
  difference?: number;
  reason?: string;
}

/** Reads one case; an error becomes part of the result, so that the others are still read. */
export function found(name: string, read: () => SuiteCase): Found {
  try {
    const one = read();
    // running it finds sizes that do not match
    runLayer(one.layer);
    return one;
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof NotExpressible) return { name, reason: safe(message), verdict: 'not expressible' };
    return { name, reason: safe(message.replace(/^[\w-]+: /, '')), verdict: 'unreadable' };
  }
}

/** Runs a case and compares. */
export function judgeFound(one: Found): CaseVerdict {
  if (!('layer' in one)) return one;
  const { name, layer } = one;
  const { part, where } = worst(one, runLayer(layer));
  const ok = part <= 1;
  return {
    ...{ name, verdict: ok ? 'pass' : 'fail', form: formOf(layer.operator), difference: part },
    ...(!ok && { reason: where }),
  };
}

/** Whether values pass a case. */
export const passes = (one: SuiteCase, values: readonly Named[]): boolean => worst(one, values).part <= 1;

/** The largest difference from a case's expected values, as a fraction of its tolerance, and where it is. */
function worst(
  { expected, tolerance, layer }: SuiteCase,
  values: readonly Named[],
): { part: number; where: string } {
  let [most, where] = [0, ''];
  expected.forEach((each, d) => {
    for (const [quantity, right = []] of Object.entries(each)) {
      const given = values[d][quantity];
      must(
        given.length === right.length,
        'suite',
        `${quantity} must have ${given.length} numbers`,
        right.length,
      );
      right.forEach((v, k) => {
        const difference = Math.abs(Math.fround(given[k]) - v);
        const part = difference === 0 ? 0 : difference / tolerance.allowed(v);
        if (part <= most) return;
        most = Number.isNaN(part) ? Infinity : part;
        const side = layer.directions.length > 1 ? `, direction ${d}` : '';
        where = `${quantity}[${k}]${side}: ${given[k]} here, ${v} expected`;
      });
    }
  });
  return { part: most, where };
}
