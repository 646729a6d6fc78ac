/** The operations of one step of a cell as the lines of its equations, in the words of the cell's own file. */
import type { Unroll } from '../../bptt/unroll';
import { Program, type Operation } from '../../core/program';
import { print } from '../../core/statement';
import type { Tensor, Tensors } from '../../core/tensor';

/** The operations that one step records, forward or backward. */
export function recordStep(unroll: Unroll, t: number, way: 'step' | 'stepBackward'): Operation[] {
  const program = new Program();
  unroll.cell[way](program, unroll.at(t), (unroll.options.clock ?? 0) + t);
  return program.operations;
}

/** Whether an operation adds to the gradient of weights, which all steps and rows have in common. */
export function isOfWeights(operation: Operation, { options: { gradients } }: Unroll): boolean {
  const shared = Object.values(gradients).map(({ data }) => data);
  return operation.kind !== 'pointwise' && shared.includes(operation.out.data);
}

/** The lines of an operation whose operands are among the tensors `v` of its step. */
export function linesOf(operation: Operation, v: Tensors): string[] {
  if (operation.kind === 'pointwise') return print(operation.graph);
  const out = nameOf(operation.out, v);
  const is = operation.accumulate ? '+=' : '=';
  if (operation.kind === 'reduction') {
    const sign = { logSumExp: 'log Σ exp', sumColumns: 'Σ_O', sumRows: 'Σ' }[operation.what];
    return [`${out} ${is} ${sign} ${nameOf(operation.from, v)}`];
  }
  const { a, b, bias } = operation;
  const plus = bias ? ` + ${nameOf(bias, v)}` : '';
  const left = nameOf(a, v);
  // a single number looks the same turned: the gradient of weights takes its left factor turned
  const turn = out.startsWith('dW') && a.shape.every((n) => n === 1) && !left.endsWith('ᵀ') ? 'ᵀ' : '';
  return [`${out} ${is} ${left}${turn} ${nameOf(b, v)}${plus}`];
}

/** The units of some modules that an operation of a step is about; undefined when it is about all. */
export function unitsOf(operation: Operation, v: Tensors): [from: number, to: number] | undefined {
  const out = operation.kind === 'pointwise' ? Object.values(operation.outputs)[0] : operation.out;
  const part = /\[(\d+):(\d+)\]$/.exec(nameOf(out, v));
  return part ? [Number(part[1]), Number(part[2])] : undefined;
}

/** What a step calls a tensor: `dz`, `Wxᵀ`, or for some columns of one `z[4:8]`. */
export function nameOf(t: Tensor, v: Tensors): string {
  const candidates = Object.entries(v).filter(([, whole]) => whole.data === t.data);
  const exact = candidates.find(([, whole]) => sameView(t, whole));
  if (exact) return exact[0];
  const turned = candidates.find(([, whole]) => sameView(t, transposed(whole)));
  if (turned) return `${turned[0]}ᵀ`;
  for (const [name, whole] of candidates) {
    for (const [view, mark] of [
      [whole, ''],
      [transposed(whole), 'ᵀ'],
    ] as const) {
      const from = columnsWithin(t, view, mark);
      if (from) return `${name}[${from}]${mark}`;
    }
  }
  return '·';
}

const sameView = (p: Tensor, q: Tensor): boolean =>
  p.offset === q.offset &&
  p.shape.length === q.shape.length &&
  p.shape.every((n, k) => n === q.shape[k] && (n === 1 || p.stride[k] === q.stride[k]));

const transposed = (t: Tensor): Tensor => (t.shape.length === 2 ? t.transpose(1, 0) : t);

/** `from:to` of the columns (of the rows, where it is turned) that `t` is of a wider view. */
function columnsWithin(t: Tensor, whole: Tensor, mark: string): string | undefined {
  if (t.shape.length !== whole.shape.length) return undefined;
  if (t.shape.some((n, k) => n > 1 && whole.stride[k] !== t.stride[k])) return undefined;
  const axis = mark || whole.shape.length === 1 ? 0 : 1;
  const pitch = whole.shape.length === 2 ? whole.stride[1 - axis] : Infinity;
  const shift = t.offset - whole.offset;
  const row = Number.isFinite(pitch) ? Math.floor(shift / pitch) : 0;
  const from = row > 0 ? shift - row * pitch : shift;
  const rowsFit = !Number.isFinite(pitch) || row + t.shape[1 - axis] <= whole.shape[1 - axis];
  const fits = shift >= 0 && rowsFit && from + t.shape[axis] <= whole.shape[axis];
  return fits ? `${from}:${from + t.shape[axis]}` : undefined;
}
