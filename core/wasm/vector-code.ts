/**
 * Builder of straight-line vector code: values get locals as they are computed, constants are pooled, and locals that are
 * no longer needed are reused.
 *
 *     const v = new VectorCode(f, 'float32');
 *     const y = v.let(v.lanes.mul(x, v.constant(2)));
 *     // before the loop: v.setUp(); inside it: v.statements
 */
import type { Dtype } from '../memory';
import { type Body, type Code, type Func, type Local, type WasmStatement, when } from './encoder';
import { type FloatLanes, f32x4, f64x2, i32, i32x4, i64x2 } from './opcodes';

/** A vector in a local, and a vector expression. */
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

  /** Computes a value and keeps it until the end of the enclosing `scope`, or until `release`. */
  let(value: VectorExpression): Vector {
    const local = this.free.pop() ?? this.f.local('v128');
    this.temporaries.push(local);
    this.statements.push(local.set(value));
    return local;
  }

  /** Computes a value, and frees the temporaries that it used. */
  scope(build: () => VectorExpression): Vector {
    const outer = this.temporaries;
    this.temporaries = [];
    const value = build();
    this.free.push(...this.temporaries);
    this.temporaries = outer;
    return this.let(value);
  }

  /** Frees a value that was created outside any scope. */
  release(value: Vector): void {
    this.free.push(value);
  }

  /** A number in every lane; kept in a local, because V8 may materialize a literal at every use. */
  constant(value: number): Vector {
    return this.pooled(Object.is(value, -0) ? '-0' : String(value), () => this.lanes.const(value));
  }

  /** An integer in every lane, for bit operations. */
  pattern(value: number): Vector {
    return this.pooled(`bits ${value}`, () => this.bits.const(value));
  }

  /** Initializes the constants; must come before `statements` and any loop around them. */
  setUp(): WasmStatement[] {
    return [...this.pool.values()].map(({ local, value }) => local.set(value));
  }

  private pooled(key: string, value: () => VectorExpression): Vector {
    let entry = this.pool.get(key);
    if (!entry) this.pool.set(key, (entry = { local: this.f.local('v128'), value: value() }));
    return entry.local;
  }
}

/** Runs `act` for lanes 0 … `left` − 1; `left` must be less than the number of lanes. */
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
