/**
 * The WebAssembly instructions that the kernels use, as functions from operands to code.
 *
 *     f32x4.add(acc, f32x4.mul(a, v128.load(b, 16)))
 *
 * `f32x4` and `f64x2` have the same members, so a kernel is written once over `lanes(dtype)`.
 * Loads and stores take (address, offset in bytes); offsets are constants and cost nothing.
 *
 * Opcodes: WebAssembly Core Specification 2.0, section 5.4; madd: the relaxed SIMD proposal.
 */
import type { Code, Operand, WasmStatement, ValueType, ByteWriter } from './encoder';
import { node, operand } from './encoder';

type Address = Operand<'i32'>;

const SIMD = 0x1000; // marks opcodes with the 0xfd prefix; all of them are below 0x200

function opcode(op: number, out: ByteWriter): void {
  if (op < SIMD) return out.byte(op);
  out.byte(0xfd);
  out.unsigned(op - SIMD);
}

function unary<A extends ValueType, R extends ValueType>(op: number, a: A, r: R) {
  return (x: Operand<A>): Code<R> =>
    node(r, (out) => {
      operand(a, x).emit(out);
      opcode(op, out);
    });
}

function binary<A extends ValueType, R extends ValueType, B extends ValueType = A>(
  op: number,
  a: A,
  r: R,
  b?: B,
) {
  return (x: Operand<A>, y: Operand<B>): Code<R> =>
    node(r, (out) => {
      operand(a, x).emit(out);
      operand<ValueType>(b ?? a, y).emit(out);
      opcode(op, out);
    });
}

function ternary(op: number) {
  return (x: Operand<'v128'>, y: Operand<'v128'>, z: Operand<'v128'>): Code<'v128'> =>
    node('v128', (out) => {
      x.emit(out);
      y.emit(out);
      z.emit(out);
      opcode(op, out);
    });
}

function load<R extends ValueType>(op: number, align: number, r: R) {
  return (address: Address, offset = 0): Code<R> =>
    node(r, (out) => {
      operand('i32', address).emit(out);
      opcode(op, out);
      out.byte(align);
      out.unsigned(offset);
    });
}

function store<A extends ValueType>(op: number, align: number, a: A) {
  return (address: Address, value: Operand<A>, offset = 0): WasmStatement =>
    node('none', (out) => {
      operand('i32', address).emit(out);
      operand(a, value).emit(out);
      opcode(op, out);
      out.byte(align);
      out.unsigned(offset);
    });
}

/** Integer instructions, in the same order for i32 and i64. */
function scalarInt<T extends 'i32' | 'i64'>(type: T, compare: number, base: number) {
  return {
    eqz: unary(compare, type, 'i32'),
    eq: binary(compare + 1, type, 'i32'),
    ne: binary(compare + 2, type, 'i32'),
    ltS: binary(compare + 3, type, 'i32'),
    ltU: binary(compare + 4, type, 'i32'),
    gtS: binary(compare + 5, type, 'i32'),
    gtU: binary(compare + 6, type, 'i32'),
    leS: binary(compare + 7, type, 'i32'),
    leU: binary(compare + 8, type, 'i32'),
    geS: binary(compare + 9, type, 'i32'),
    geU: binary(compare + 10, type, 'i32'),
    add: binary(base, type, type),
    sub: binary(base + 1, type, type),
    mul: binary(base + 2, type, type),
    divU: binary(base + 4, type, type),
    remU: binary(base + 6, type, type),
    and: binary(base + 7, type, type),
    or: binary(base + 8, type, type),
    xor: binary(base + 9, type, type),
    shl: binary(base + 10, type, type),
    shrS: binary(base + 11, type, type),
    shrU: binary(base + 12, type, type),
    const: (value: number): Code<T> => operand(type, value as Operand<T>),
  };
}

export const i32 = {
  ...scalarInt('i32', 0x45, 0x6a),
  load: load(0x28, 2, 'i32'),
  store: store(0x36, 2, 'i32'),
  reinterpretF32: unary(0xbc, 'f32', 'i32'),
};

export const i64 = {
  ...scalarInt('i64', 0x50, 0x7c),
  load: load(0x29, 3, 'i64'),
  store: store(0x37, 3, 'i64'),
  reinterpretF64: unary(0xbd, 'f64', 'i64'),
};

/** Floating-point instructions, in the same order for f32 and f64. */
function scalarFloat<T extends 'f32' | 'f64'>(type: T, compare: number, base: number) {
  return {
    eq: binary(compare, type, 'i32'),
    ne: binary(compare + 1, type, 'i32'),
    lt: binary(compare + 2, type, 'i32'),
    gt: binary(compare + 3, type, 'i32'),
    le: binary(compare + 4, type, 'i32'),
    ge: binary(compare + 5, type, 'i32'),
    abs: unary(base, type, type),
    neg: unary(base + 1, type, type),
    floor: unary(base + 3, type, type),
    nearest: unary(base + 5, type, type),
    sqrt: unary(base + 6, type, type),
    add: binary(base + 7, type, type),
    sub: binary(base + 8, type, type),
    mul: binary(base + 9, type, type),
    div: binary(base + 10, type, type),
    min: binary(base + 11, type, type),
    max: binary(base + 12, type, type),
    copysign: binary(base + 13, type, type),
    const: (value: number): Code<T> => operand(type, value as Operand<T>),
  };
}

export const f32 = {
  ...scalarFloat('f32', 0x5b, 0x8b),
  load: load(0x2a, 2, 'f32'),
  store: store(0x38, 2, 'f32'),
  convertI32S: unary(0xb2, 'i32', 'f32'),
  demoteF64: unary(0xb6, 'f64', 'f32'),
  reinterpretI32: unary(0xbe, 'i32', 'f32'),
};

export const f64 = {
  ...scalarFloat('f64', 0x61, 0x99),
  load: load(0x2b, 3, 'f64'),
  store: store(0x39, 3, 'f64'),
  convertI32S: unary(0xb7, 'i32', 'f64'),
  promoteF32: unary(0xbb, 'f32', 'f64'),
  reinterpretI64: unary(0xbf, 'i64', 'f64'),
};

/** `condition ? whenTrue : whenFalse`; both are evaluated. */
export function select<T extends ValueType>(
  condition: Operand<'i32'>,
  whenTrue: Code<T>,
  whenFalse: Code<T>,
): Code<T> {
  const { leaves } = whenTrue;
  return node(leaves, (out) => {
    whenTrue.emit(out);
    whenFalse.emit(out);
    operand('i32', condition).emit(out);
    if (leaves === 'v128')
      out.append([0x1c, 1, 0x7b]); // v128 needs the typed form
    else out.byte(0x1b);
  });
}

/** Instructions on all 128 bits. */
export const v128 = {
  load: load(SIMD, 4, 'v128'),
  store: store(SIMD + 0x0b, 4, 'v128'),
  not: unary(SIMD + 0x4d, 'v128', 'v128'),
  and: binary(SIMD + 0x4e, 'v128', 'v128'),
  /** x and not y */
  andnot: binary(SIMD + 0x4f, 'v128', 'v128'),
  or: binary(SIMD + 0x50, 'v128', 'v128'),
  xor: binary(SIMD + 0x51, 'v128', 'v128'),
  /** The bits of x where `mask` is set, else those of y. */
  bitselect: (x: Operand<'v128'>, y: Operand<'v128'>, mask: Operand<'v128'>): Code<'v128'> =>
    bitselect(x, y, mask),
  anyTrue: unary(SIMD + 0x53, 'v128', 'i32'),
  const: (bytes: ArrayLike<number>): Code<'v128'> =>
    node('v128', (out) => {
      opcode(SIMD + 0x0c, out);
      out.append(bytes);
    }),
  /** Bytes chosen from x (0…15) and y (16…31). */
  shuffle: (x: Operand<'v128'>, y: Operand<'v128'>, bytes: readonly number[]): Code<'v128'> =>
    node('v128', (out) => {
      x.emit(out);
      y.emit(out);
      opcode(SIMD + 0x0d, out);
      out.append(bytes);
    }),
};
const bitselect = ternary(SIMD + 0x52);

/** Instructions of all lane types: constants, splats, access to single lanes in registers and memory. */
function lanesOf<T extends ValueType>(
  scalar: T,
  size: 4 | 8,
  splat: number,
  extract: number,
  bits: (x: number, view: DataView) => void,
) {
  const log = size === 4 ? 2 : 3;
  const wide = size === 4 ? 0 : 1; // the 64-bit form follows the 32-bit form
  return {
    scalar,
    /** Bytes of a lane, and how many lanes there are. */
    size,
    count: 16 / size,
    /** The same value in every lane. */
    const: (value: number): Code<'v128'> => {
      const bytes = new Uint8Array(16);
      for (let at = 0; at < 16; at += size) bits(value, new DataView(bytes.buffer, at, size));
      return v128.const(bytes);
    },
    splat: unary(SIMD + splat, scalar, 'v128'),
    extractLane: (x: Operand<'v128'>, lane: number): Code<T> =>
      node(scalar, (out) => {
        x.emit(out);
        opcode(SIMD + extract, out);
        out.byte(lane);
      }),
    replaceLane: (x: Operand<'v128'>, lane: number, value: Operand<T>): Code<'v128'> =>
      node('v128', (out) => {
        x.emit(out);
        operand(scalar, value).emit(out);
        opcode(SIMD + extract + 1, out);
        out.byte(lane);
      }),
    /** Loads one element into every lane. */
    loadSplat: load(SIMD + 0x09 + wide, log, 'v128'),
    /** Loads one element into lane 0; the others are zero. */
    loadZero: load(SIMD + 0x5c + wide, log, 'v128'),
    /** x with one lane loaded from memory. */
    loadLane: (address: Address, x: Operand<'v128'>, lane: number, offset = 0): Code<'v128'> =>
      node('v128', (out) => laneAccess(0x56 + wide, log, address, x, lane, offset, out)),
    /** Lanes chosen from x (0…) and y (count…). */
    shuffle: (x: Operand<'v128'>, y: Operand<'v128'>, chosen: readonly number[]): Code<'v128'> =>
      v128.shuffle(
        x,
        y,
        chosen.flatMap((lane) => Array.from({ length: size }, (_, byte) => lane * size + byte)),
      ),
    storeLane: (address: Address, x: Operand<'v128'>, lane: number, offset = 0): WasmStatement =>
      node('none', (out) => laneAccess(0x5a + wide, log, address, x, lane, offset, out)),
  };
}

function laneAccess(
  op: number,
  align: number,
  address: Address,
  x: Operand<'v128'>,
  lane: number,
  offset: number,
  out: ByteWriter,
): void {
  operand('i32', address).emit(out);
  x.emit(out);
  opcode(SIMD + op, out);
  out.byte(align);
  out.unsigned(offset);
  out.byte(lane);
}

/** Floating-point lane instructions, in the same order for both widths. */
function vectorFloat(
  rounding: { ceil: number; floor: number; trunc: number; nearest: number },
  compare: number,
  base: number,
  madd: number,
) {
  const one = (op: number) => unary(SIMD + op, 'v128', 'v128');
  const two = (op: number) => binary(SIMD + op, 'v128', 'v128');
  return {
    ceil: one(rounding.ceil),
    floor: one(rounding.floor),
    trunc: one(rounding.trunc),
    /** To the nearest integer, ties to even. */
    nearest: one(rounding.nearest),
    eq: two(compare),
    ne: two(compare + 1),
    lt: two(compare + 2),
    gt: two(compare + 3),
    le: two(compare + 4),
    ge: two(compare + 5),
    abs: one(base),
    neg: one(base + 1),
    sqrt: one(base + 3),
    add: two(base + 4),
    sub: two(base + 5),
    mul: two(base + 6),
    div: two(base + 7),
    min: two(base + 8),
    max: two(base + 9),
    /** y < x ? y : x, so a NaN in x propagates. */
    pmin: two(base + 10),
    /** x < y ? y : x, so a NaN in x propagates. */
    pmax: two(base + 11),
    /** x·y + z, rounded once or twice depending on the machine; only if relaxed SIMD is supported. */
    madd: ternary(SIMD + madd),
    /** z − x·y, likewise. */
    nmadd: ternary(SIMD + madd + 1),
  };
}

export const f32x4 = {
  ...lanesOf('f32', 4, 0x13, 0x1f, (x, view) => view.setFloat32(0, x, true)),
  ...vectorFloat({ ceil: 0x67, floor: 0x68, trunc: 0x69, nearest: 0x6a }, 0x41, 0xe0, 0x105),
  convertI32x4S: unary(SIMD + 0xfa, 'v128', 'v128'),
  demoteF64x2Zero: unary(SIMD + 0x5e, 'v128', 'v128'),
};

export const f64x2 = {
  ...lanesOf('f64', 8, 0x14, 0x21, (x, view) => view.setFloat64(0, x, true)),
  ...vectorFloat({ ceil: 0x74, floor: 0x75, trunc: 0x7a, nearest: 0x94 }, 0x47, 0xec, 0x107),
  convertLowI32x4S: unary(SIMD + 0xfe, 'v128', 'v128'),
  promoteLowF32x4: unary(SIMD + 0x5f, 'v128', 'v128'),
};

export type FloatLanes = typeof f32x4 | typeof f64x2;

/** Integer lanes; shift counts are scalars and apply to every lane. */
function vectorInt(base: number, eq: number, gtS: number) {
  const two = (op: number) => binary(SIMD + op, 'v128', 'v128');
  const shift = (op: number) => binary(SIMD + op, 'v128', 'v128', 'i32');
  return {
    abs: unary(SIMD + base, 'v128', 'v128'),
    neg: unary(SIMD + base + 1, 'v128', 'v128'),
    allTrue: unary(SIMD + base + 3, 'v128', 'i32'),
    /** The top bits of the lanes as one number. */
    bitmask: unary(SIMD + base + 4, 'v128', 'i32'),
    shl: shift(base + 0x0b),
    shrS: shift(base + 0x0c),
    shrU: shift(base + 0x0d),
    add: two(base + 0x0e),
    sub: two(base + 0x11),
    mul: two(base + 0x15),
    eq: two(eq),
    ne: two(eq + 1),
    gtS: two(gtS),
  };
}

export const i32x4 = {
  ...lanesOf('i32', 4, 0x11, 0x1b, (x, view) => view.setInt32(0, x, true)),
  ...vectorInt(0xa0, 0x37, 0x3b),
  /** Rounds toward zero, saturating; NaN gives 0. */
  truncSatF32x4S: unary(SIMD + 0xf8, 'v128', 'v128'),
  truncSatF64x2SZero: unary(SIMD + 0xfc, 'v128', 'v128'),
};

export const i64x2 = {
  ...lanesOf('i64', 8, 0x12, 0x1d, (x, view) => view.setBigInt64(0, BigInt(x), true)),
  ...vectorInt(0xc0, 0xd6, 0xd9),
};
