/**
 * The plain executor: interprets a graph one operation at a time over a tile of a row. It needs no code generation,
 * handles all strides, and is the reference for all compiled kernels.
 */
import ndarray from 'ndarray';
import { bindMatmul } from './matmul';
import type { Data } from '../memory';
import { movesOf, operandsOf, withOperands } from './operation';
import type { Executor, Pointwise } from './program';
import { isOneHot, viewOf } from '../onehot';
import { bindReduction } from './reduce';
import { language, type OperationName } from './scalar';
import { dtypeOf, type Tensor } from '../tensor';

/** Elements per tile, so that the intermediate values of a statement stay in the L1 cache. */
const TILE = 256;

/**
 * The executor of ordinary loops: runs everywhere, and is the reference for the others.
 *
 * @example
 * const net = network({ layers: [elman({ input: 2, hidden: 3 })], output: 2, executor: 'plain' });
 * net.executor === plain; // true
 */
export const plain: Required<Pick<Executor, 'bindRepeated'>> & Executor = {
  name: 'plain',
  bind(operation) {
    if (operation.kind === 'product') return bindMatmul(operation);
    if (operation.kind === 'reduction') return bindReduction(operation);
    return bindPointwise(operation);
  },
  bindRepeated(repeated) {
    const moves = movesOf(repeated);
    const starts = operandsOf(repeated.first).map(({ offset }) => offset);
    // copies of the views, whose offsets change
    const operation = withOperands(repeated.first, ({ data, shape, stride, offset }) =>
      ndarray<Data>(data, shape, stride, offset),
    );
    const operands = operandsOf(operation);
    const run = this.bind(operation);
    return (time) => {
      operands.forEach((t, k) => (t.offset = starts[k] + time * moves[k]));
      run();
    };
  },
};

/** A strided range to read or write: array, position, stride. */
interface Place {
  data: Data;
  at: number;
  stride: number;
}
type Loop = (n: number, y: Place, a: Place, b: Place, c: Place) => void;

function bindPointwise({ graph, inputs, outputs }: Pointwise): () => void {
  const [R, C] = Object.values(outputs)[0].shape;
  const dtype = dtypeOf(Object.values(outputs)[0]);
  const buffer = (length: number): Data =>
    dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);

  // every node gets a place: inputs their own array, constants and all others a tile
  const tileLength = Math.min(TILE, C);
  const tiles = buffer(graph.nodes.length * tileLength);
  const places: Place[] = graph.nodes.map((node, k) => {
    if (node.op === 'input' && !isOneHot(inputs[node.name]))
      return { data: inputs[node.name].data, at: 0, stride: inputs[node.name].stride[1] };
    const at = k * tileLength;
    if (node.op === 'constant') tiles[at] = node.value;
    return { data: tiles, at, stride: node.op === 'constant' ? 0 : 1 };
  });
  const given = graph.nodes.flatMap((node, k) =>
    node.op === 'input' ? [{ place: places[k], from: inputs[node.name] }] : [],
  );
  const reads = given.filter(({ from }) => !isOneHot(from));
  const classes = given.filter(({ from }) => isOneHot(from));
  const works = graph.nodes.flatMap((node, k) => {
    if (node.op === 'input' || node.op === 'constant') return [];
    const [a, b, c] = node.args.map((arg) => places[arg]);
    return [{ loop: loops[node.op], y: places[k], a, b: b ?? a, c: c ?? a }];
  });
  // stored only after the whole tile is computed, so an output may replace the input it was computed from
  const stores = Object.entries(graph.outputs).map(([name, index]) => ({
    from: places[index],
    into: outputs[name],
  }));
  const passes = stores.some(({ from }) => reads.some(({ place }) => place === from)) && stores.length > 1;
  const staged = passes ? stores.map(() => buffer(tileLength)) : undefined;

  return () => {
    for (let r = 0; r < R; r++) {
      for (let c0 = 0; c0 < C; c0 += TILE) {
        const n = Math.min(TILE, C - c0);
        for (const { place, from } of reads)
          place.at = from.offset + r * from.stride[0] + c0 * from.stride[1];
        for (const { place, from } of classes) writeClass(place, n, from, r, c0);
        for (const { loop, y, a, b, c } of works) loop(n, y, a, b, c);
        if (staged) stores.forEach(({ from }, k) => copy(n, from, { data: staged[k], at: 0, stride: 1 }));
        stores.forEach(({ from, into }, k) => {
          const target = {
            data: into.data,
            at: into.offset + r * into.stride[0] + c0 * into.stride[1],
            stride: into.stride[1],
          };
          copy(n, staged ? { data: staged[k], at: 0, stride: 1 } : from, target);
        });
      }
    }
  };
}

/** Writes `n` elements of row r of a one-hot matrix, from column c0 on. */
function writeClass({ data, at }: Place, n: number, from: Tensor, r: number, c0: number): void {
  const { numbers, first, low } = viewOf(from);
  const k = numbers[first + r] - low - c0;
  data.fill(0, at, at + n);
  if (k >= 0 && k < n) data[at + k] = 1;
}

function copy(n: number, from: Place, to: Place): void {
  for (let k = 0; k < n; k++) to.data[to.at + k * to.stride] = from.data[from.at + k * from.stride];
}

/** The loop of an operation, from its value function in the scalar language. */
function loopOf(op: OperationName): Loop {
  const { value } = language[op] as { value: (a: number, b: number, c: number) => number };
  return (n, y, a, b, c) => {
    for (let k = 0; k < n; k++) {
      y.data[y.at + k] = value(
        a.data[a.at + k * a.stride],
        b.data[b.at + k * b.stride],
        c.data[c.at + k * c.stride],
      );
    }
  };
}

const loops = Object.fromEntries(
  (Object.keys(language) as OperationName[]).map((op) => [op, loopOf(op)]),
) as Record<OperationName, Loop>;
