/** Prints programs as lines of equations; all displayed equations come from here. */
import type { Expression } from '../equations/parse';
import { expressionText } from '../equations/text';
import type { Operation } from './program';
import type { Graph } from './statement';
import type { Tensor, Tensors } from '../tensor';

/**
 * The equations of a graph in infix notation, one line for each named value, in the order of evaluation.
 *
 * @example
 * printGraph(statement(({ a, b }) => ({ y: ops.mul(a, ops.sub(1, b)) })).graph); // ['y = a * (1 - b)']
 */
export function printGraph(graph: Graph): string[] {
  const named = new Map<number, string>();
  const definitions = [...Object.entries(graph.locals), ...Object.entries(graph.outputs)];
  definitions.sort((p, q) => p[1] - q[1]);
  return definitions.map(([name, index]) => {
    const { op } = graph.nodes[index];
    // an output that is just an input or an already named value is printed as that name
    const line = `${name} = ${expressionText(expressionOf(graph, index, named))}`;
    if (!named.has(index) && op !== 'input' && op !== 'constant') named.set(index, name);
    return line;
  });
}

/** The expression of a node in terms of named values. */
function expressionOf(graph: Graph, index: number, named: ReadonlyMap<number, string>): Expression {
  const node = graph.nodes[index];
  const name = named.get(index) ?? (node.op === 'input' ? node.name : undefined);
  if (name !== undefined) return { kind: 'name', name, at: 0 };
  if (node.op === 'constant') return { kind: 'number', value: node.value, at: 0 };
  const { op, args } = node as Extract<typeof node, { args: number[] }>;
  return { kind: 'apply', op, args: args.map((arg) => expressionOf(graph, arg, named)), at: 0 };
}

/** The lines of an operation in the equation language; `nameOf` gives the names of its tensors. */
export function printedLines(operation: Operation, nameOf: (t: Tensor) => string): string[] {
  if (operation.kind === 'pointwise') return printGraph(operation.graph);
  const out = nameOf(operation.out);
  const is = operation.accumulate ? '+=' : '=';
  const named = (name: string): Expression => ({ kind: 'name', name, at: 0 });
  if (operation.kind === 'reduction') {
    const { what, from } = operation;
    return [
      `${out} ${is} ${expressionText({ kind: 'reduction', what, args: [named(nameOf(from))], at: 0 })}`,
    ];
  }
  const { a, b, bias } = operation;
  const plus = bias ? ` + ${nameOf(bias)}` : '';
  const left = nameOf(a);
  // a [1, 1] tensor equals its transpose; in the gradient of a weight, print its left factor transposed
  const turn = out.startsWith('dW') && a.shape.every((n) => n === 1) && !left.endsWith('.T') ? '.T' : '';
  return [`${out} ${is} ${left}${turn} @ ${nameOf(b)}${plus}`];
}

/** The name of a tensor in terms of those in `v`: `dz`, `Wx.T`, or, for some columns of one, `z[4:8]`. */
export function tensorName(t: Tensor, v: Tensors): string {
  const candidates = Object.entries(v).filter(([, whole]) => whole.data === t.data);
  const exact = candidates.find(([, whole]) => sameView(t, whole));
  if (exact) return exact[0];
  const turned = candidates.find(([, whole]) => sameView(t, transposed(whole)));
  if (turned) return `${turned[0]}.T`;
  for (const [name, whole] of candidates) {
    for (const [view, mark] of [
      [whole, ''],
      [transposed(whole), '.T'],
    ] as const) {
      const from = columnsWithin(t, view, mark);
      if (from) return `${name}[${from}]${mark}`;
    }
  }
  return '·';
}

/** Whether two views of one array show the same elements. */
export const sameView = (p: Tensor, q: Tensor): boolean =>
  p.offset === q.offset &&
  p.shape.length === q.shape.length &&
  p.shape.every((n, k) => n === q.shape[k] && (n === 1 || p.stride[k] === q.stride[k]));

const transposed = (t: Tensor): Tensor => (t.shape.length === 2 ? t.transpose(1, 0) : t);

/** The range `from:to` of columns (rows, if transposed) of a wider view that `t` shows; undefined if it is none. */
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
