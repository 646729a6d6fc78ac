/**
 * Straight-line vector code under construction: values are named as they are computed, constants are pooled, and
 * a register that is no longer needed is used again.
 *
 *     const v = new VectorCode(f, 'float32');
 *     const y = v.let(v.lanes.mul(x, v.constant(2)));
 *     // before the loop: v.setUp(); inside it: v.statements
 */
import type { Dtype } from '../memory';
import { type Body, type Code, type Func, type Local, type WasmStatement, when } from './encoder';
import { type FloatLanes, f32x4, f64x2, i32, i32x4, i64x2 } from './opcodes';

/** A named vector, and one that is still an expression. */
export type Vector = Local<'v128'>;
export type VectorExpression = Code<'v128'>;

export class VectorCode {
  readonly lanes: FloatLanes;
  /** The lanes' bits as integers of the same width. */
  readonly bits: typeof i32x4 | typeof i64x2;
  readonly statements: WasmStatement[] = [];
  private readonly pool = new Map<string, { local: Vector; value: VectorExpression }>();
  private readonly free: Vector[] = [];
  private temporaries: Vector[] = [];

  constructor(
    private readonly f: Func,
    readonly dtype: Dtype,
  ) {
    this.lanes = dtype === 'float32' ? f32x4 : f64x2;
    this.bits = dtype === 'float32' ? i32x4 : i64x2;
  }

  /** Computes a value here and keeps it: until the end of the `scope` around this, else until `release`. */
  let(value: VectorExpression): Vector {
    const local = this.free.pop() ?? this.f.local('v128');
    this.temporaries.push(local);
    this.statements.push(local.set(value));
    return local;
  }

  /** Computes a value with temporaries of its own, which are free again behind it. */
  scope(build: () => VectorExpression): Vector {
    const outer = this.temporaries;
    this.temporaries = [];
    const value = build();
    this.free.push(...this.temporaries);
    this.temporaries = outer;
    return this.let(value);
  }

  /** Gives up a value that was named outside of every scope. */
  release(value: Vector): void {
    this.free.push(value);
  }

  /** A number in every lane. Kept in a local, because V8 may rebuild a literal at every use. */
  constant(value: number): Vector {
    return this.pooled(Object.is(value, -0) ? '-0' : String(value), () => this.lanes.const(value));
  }

  /** An integer in every lane, for work on the bits. */
  pattern(value: number): Vector {
    return this.pooled(`bits ${value}`, () => this.bits.const(value));
  }

  /** Fills the constants; belongs in front of `statements` and of any loop around them. */
  setUp(): WasmStatement[] {
    return [...this.pool.values()].map(({ local, value }) => local.set(value));
  }

  private pooled(key: string, value: () => VectorExpression): Vector {
    let entry = this.pool.get(key);
    if (!entry) this.pool.set(key, (entry = { local: this.f.local('v128'), value: value() }));
    return entry.local;
  }
}

/** Acts on lane 0, 1, …: as many as there are elements `left`, which must be fewer than a vector has lanes. */
export function eachLaneLeft(
  lanes: FloatLanes,
  left: Local<'i32'>,
  act: (lane: number) => Body,
  lane = 0,
): Body {
  const next = lane + 1;
  if (next === lanes.count - 1) return act(lane);
  return [act(lane), when(i32.gtS(left, next), eachLaneLeft(lanes, left, act, next))];
}
