/**
 * Writes cases as safetensors: one file each, and a manifest that describes them. Names are those of the equations.
 *
 *   given      x   Wx Wh b …   h0 c0   dOutput   dhT dcT          those of a second direction have the prefix `reverse.`
 *   answers    output   hT cT   dx   dWx dWh db …   dh0 dc0
 */
import { encodeSafetensors, type SafeTensor } from '../io/safetensors';
import type { Answers, Tolerances } from './answers';
import type { NamedLayer } from './cases';
import { cellOfOperator } from './operator';

/** A case's entry in the manifest. */
export interface ManifestEntry {
  name: string;
  file: string;
  cell: string;
  options: Record<string, unknown>;
  sizes: { T: number; B: number; D: number; H: number };
  lengths?: readonly number[];
  directions: ('forward' | 'reverse')[];
  dtype: 'float64' | 'float32';
  answers: string[];
  /** The tolerance of each answer, by precision. */
  tolerances: Record<string, { float64: number; float32: number }>;
}

/** The bytes of a case's file, and its entry in the manifest. */
export function caseFile(
  { name, layer }: NamedLayer,
  { values, gradients, dx }: Answers,
  tolerances: { float64: Tolerances; float32: Tolerances },
): { bytes: Uint8Array; entry: ManifestEntry } {
  const { operator, T, B, D, H, x, lengths, directions } = layer;
  const { parameters, states } = cellOfOperator(operator, { input: D, hidden: H });
  const tensors = new Map<string, SafeTensor>();
  const put = (tensor: string, shape: readonly number[], data: readonly number[]): void =>
    void tensors.set(tensor, { dtype: 'F64', shape, data: Float64Array.from(data) });
  const written: ManifestEntry['tolerances'] = {};
  const answer = (
    tensor: string,
    shape: readonly number[],
    data: readonly number[],
    of: (t: Tolerances) => number,
  ): void => {
    put(tensor, shape, data);
    written[tensor] = { float64: of(tolerances.float64), float32: of(tolerances.float32) };
  };
  put('x', [T, B, D], x);
  answer('dx', [T, B, D], dx, (t) => t.dx);
  directions.forEach((direction, k) => {
    const at = k === 0 ? '' : 'reverse.';
    const own = (quantity: string, shape: readonly number[], data: readonly number[]): void =>
      answer(at + quantity, shape, data, (t) => t.directions[k][quantity]);
    for (const [p, { shape }] of Object.entries(parameters)) {
      put(at + p, shape, direction.parameters[p]);
      own(`d${p}`, shape, gradients[k][`d${p}`]);
    }
    if (direction.dOutput) put(`${at}dOutput`, [T, B, H], direction.dOutput);
    own('output', [T, B, H], values[k].output);
    for (const s of Object.keys(states)) {
      if (direction.initial[s]) put(`${at}${s}0`, [B, H], direction.initial[s]);
      if (direction.dFinal) put(`${at}d${s}T`, [B, H], direction.dFinal[s]);
      own(`${s}T`, [B, H], values[k][`${s}T`]);
      own(`d${s}0`, [B, H], gradients[k][`d${s}0`]);
    }
  });
  const { kind, bias, peepholes, reset, activations, clip } = operator;
  return {
    bytes: encodeSafetensors(tensors),
    entry: {
      ...{ name, file: `${name}.safetensors`, cell: kind },
      options: {
        ...{ bias, activations, ...(clip !== undefined && { clip }) },
        ...(kind === 'lstm' && { peepholes }),
        ...(kind === 'gru' && { reset }),
      },
      sizes: { T, B, D, H },
      ...(lengths && { lengths }),
      directions: directions.map(({ reverse }) => (reverse ? 'reverse' : 'forward')),
      dtype: 'float64',
      answers: Object.keys(written),
      tolerances: written,
    },
  };
}
