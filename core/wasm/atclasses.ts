/**
 * Elementwise operations that read a one-hot matrix, without writing it out: they run once as if it held only zeros, then
 * again on the one element of each row that is 1.
 */
import type { Data, Memory } from '../memory';
import { viewOf } from '../onehot';
import type { Tensor } from '../tensor';
import { Arguments } from './arguments';

/** An elementwise operation of which `operands[hot]` is one-hot, and its kernel. */
interface HotOperation {
  operands: readonly Tensor[];
  hot: number;
  /** Bytes that the classes move per time step. */
  move: number;
  /** Index of its arguments: rows, columns; address and row stride of each operand; bytes each moves per time step. */
  index: number;
  run: (block: number, time: number) => void;
  /** 0 and 1 in engine memory. */
  bits: Data;
}

/** Returns a function that runs the operation on the element of each row whose class it is. */
export function bindAtClasses(
  { operands, hot, move, index, run, bits }: HotOperation,
  args: Arguments,
  memory: Memory,
): (time: number) => void {
  const count = operands.length;
  const { numbers, first, low } = viewOf(operands[hot]);
  const { room } = args;
  const where = args.put([{ array: numbers, bytes: 4 * first }, move, low]);
  const size = bits.BYTES_PER_ELEMENT;
  // the arguments of one element
  const own = new Arguments(memory, 3 + 3 * count);
  own.put([1, 1, ...operands.flatMap(() => [bits.byteOffset + size, 0])]);
  const { room: one } = own;
  const classes = new Int32Array(memory.buffer);
  const others = operands.map((_, n) => n).filter((n) => n !== hot);
  const [at, byRow, byColumn] = [0, 0, 0].map(() => new Int32Array(count));
  for (const n of others) byColumn[n] = operands[n].stride[1] === 0 ? 0 : size;
  const start = (time: number): void => {
    for (const n of others) {
      const base = index + 2 + 2 * n;
      at[n] = room[base] + time * room[index + 2 + 2 * count + n];
      byRow[n] = room[base + 1];
    }
  };
  return (time) => {
    start(time);
    const [rows, columns] = [room[index], room[index + 1]];
    const from = (room[where] + time * room[where + 1]) >>> 2;
    const least = room[where + 2];
    for (let r = 0; r < rows; r++) {
      const k = classes[from + r] - least;
      const isThere = k >= 0 && k < columns;
      for (let n = 0; n < count; n++) {
        if (n === hot) continue;
        if (isThere) one[2 + 2 * n] = at[n] + k * byColumn[n];
        at[n] += byRow[n];
      }
      if (isThere) run(one.byteOffset, 0);
    }
  };
}
