/**
 * WebAssembly instructions as trees, and the structured control flow around them.
 *
 * A `Code<T>` is an instruction tree that leaves one value of type T on the stack; a `WasmStatement` leaves none.
 * Operands are expression trees, so callers never handle the stack; a local is such a tree (its value), and a plain number
 * is a constant of the required type. A function body is a nested list of statements of any depth, so
 * `rows.map((r) => acc[r].set(...))` needs no spreading.
 *
 * Encoding: WebAssembly Core Specification 2.0, section 5.4.
 */

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

/** Instructions leaving one value of type T, or nothing for 'none'. */
export interface Code<T extends ValueType | 'none'> {
  readonly leaves: T;
  emit(out: ByteWriter): void;
}
export type WasmStatement = Code<'none'>;
export type Body = WasmStatement | readonly Body[];
export type Operand<T extends ValueType> = T extends 'v128' ? Code<T> : Code<T> | number;

export const typeCode = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;
const NOTHING = 0x40; // block type of a block without a result

/** The target of a branch: the end of a block, or the start of a loop. */
export class Label {}

/** A growing byte buffer, with the labels of the blocks that are open at this point. */
export class ByteWriter {
  private buffer = new Uint8Array(64);
  private length = 0;
  private readonly open: (Label | undefined)[] = [];

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  append(bytes: ArrayLike<number>): void {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  private reserve(count: number): void {
    if (this.length + count <= this.buffer.length) return;
    const larger = new Uint8Array(2 * (this.length + count));
    larger.set(this.bytes);
    this.buffer = larger;
  }

  /** Unsigned LEB128. */
  unsigned(value: number): void {
    for (; value >= 0x80; value = Math.floor(value / 0x80)) this.byte((value % 0x80) | 0x80);
    this.byte(value);
  }

  /** Signed LEB128, up to 53 bits. */
  signed(value: number): void {
    for (;;) {
      const low = ((value % 0x80) + 0x80) % 0x80;
      value = Math.floor(value / 0x80);
      if ((value === 0 && low < 0x40) || (value === -1 && low >= 0x40)) return this.byte(low);
      this.byte(low | 0x80);
    }
  }

  text(value: string): void {
    const bytes = new TextEncoder().encode(value);
    this.unsigned(bytes.length);
    this.append(bytes);
  }

  /** A block, loop or if, whose body can branch to `label`. */
  nest(opcode: number, label: Label | undefined, inside: () => void): void {
    this.byte(opcode);
    this.byte(NOTHING);
    this.open.push(label);
    inside();
    this.open.pop();
    this.byte(0x0b);
  }

  /** The number of open blocks between here and `label`, which is the operand of a branch instruction. */
  depth(label: Label): number {
    const found = this.open.lastIndexOf(label);
    if (found < 0)
      throw new Error('wasm encoder: a branch must stay inside the block that its label belongs to');
    return this.open.length - 1 - found;
  }
}

export function node<T extends ValueType | 'none'>(leaves: T, emit: (out: ByteWriter) => void): Code<T> {
  return { leaves, emit };
}

/** Converts a number to a constant of the given type; code is returned unchanged. */
export function operand<T extends ValueType>(type: T, value: Operand<T>): Code<T> {
  if (typeof value !== 'number') return value as Code<T>;
  return node(type, (out) => {
    if (type === 'i32' || type === 'i64') {
      out.byte(type === 'i32' ? 0x41 : 0x42);
      out.signed(type === 'i32' ? value | 0 : value); // addresses from 2³¹ are encoded as negative numbers
      return;
    }
    out.byte(type === 'f32' ? 0x43 : 0x44);
    out.append(new Uint8Array((type === 'f32' ? Float32Array : Float64Array).of(value).buffer));
  });
}

export function emitBody(body: Body, out: ByteWriter): void {
  if ('emit' in body) body.emit(out);
  else for (const part of body) emitBody(part, out);
}

/** A parameter or local variable; as an operand, its value. */
export class Local<T extends ValueType> implements Code<T> {
  constructor(
    readonly leaves: T,
    readonly index: number,
  ) {}

  emit(out: ByteWriter): void {
    out.byte(0x20);
    out.unsigned(this.index);
  }

  set(value: Operand<T>): WasmStatement {
    return node('none', (out) => this.write(0x21, value, out));
  }

  /** Assigns, and leaves the value. */
  tee(value: Operand<T>): Code<T> {
    return node(this.leaves, (out) => this.write(0x22, value, out));
  }

  /** `local += step`, for addresses and counters. */
  advance(this: Local<'i32'>, step: Operand<'i32'>): WasmStatement {
    return node('none', (out) => {
      this.emit(out);
      operand('i32', step).emit(out);
      out.byte(0x6a);
      out.byte(0x21);
      out.unsigned(this.index);
    });
  }

  private write(opcode: number, value: Operand<T>, out: ByteWriter): void {
    operand(this.leaves, value).emit(out);
    out.byte(opcode);
    out.unsigned(this.index);
  }
}

// Structured control flow.

/** Runs `body` once; a branch to `leave` jumps to its end. */
export function block(body: (leave: Label) => Body): WasmStatement {
  const label = new Label();
  const inside = body(label);
  return node('none', (out) => out.nest(0x02, label, () => emitBody(inside, out)));
}

/** Runs `body`; a branch to `again` restarts it, reaching its end ends the loop. */
export function loop(body: (again: Label) => Body): WasmStatement {
  const label = new Label();
  const inside = body(label);
  return node('none', (out) => out.nest(0x03, label, () => emitBody(inside, out)));
}

export function br(label: Label): WasmStatement {
  return node('none', (out) => {
    out.byte(0x0c);
    out.unsigned(out.depth(label));
  });
}

export function brIf(label: Label, condition: Operand<'i32'>): WasmStatement {
  return node('none', (out) => {
    operand('i32', condition).emit(out);
    out.byte(0x0d);
    out.unsigned(out.depth(label));
  });
}

/** if / else. */
export function when(condition: Operand<'i32'>, then: Body, otherwise?: Body): WasmStatement {
  return node('none', (out) => {
    operand('i32', condition).emit(out);
    out.nest(0x04, undefined, () => {
      emitBody(then, out);
      if (otherwise === undefined) return;
      out.byte(0x05);
      emitBody(otherwise, out);
    });
  });
}

/**
 * `while (value < limit) body`: both are evaluated before each iteration and compared as unsigned, as addresses must be.
 * The test is at the bottom of the loop.
 */
export function whileLess(value: Operand<'i32'>, limit: Operand<'i32'>, body: Body): WasmStatement {
  const less = node('i32', (out) => {
    operand('i32', value).emit(out);
    operand('i32', limit).emit(out);
    out.byte(0x49);
  });
  return when(
    less,
    loop((again) => [body, brIf(again, less)]),
  );
}

/** Returns from the function, with a result if it has one. */
export function giveBack(value?: Code<ValueType>): WasmStatement {
  return node('none', (out) => {
    value?.emit(out);
    out.byte(0x0f);
  });
}
