/** The Jacobians of many rows of a batch by the cell's own `jacobian`, which is written for one row, in one pass. */
import { must } from '../../../core/check';
import { Program, type Executor } from '../../../core/programs/program';
import { reshape, rows, zeros, type Tensor, type Tensors } from '../../../core/tensor';
import { fillTensor } from '../problem';
import { spansOf, statesSize } from './stepcopies';
import type { Unroll } from '../../unroll';

/** Rows per pass: the tensors of a pass hold S copies of each row's values. */
const ROWS = 64;

/**
 * A Jacobian's equations treat a row's values as columns [H, 1], next to derivatives [H, n] for any n. Here n is S times
 * the number of rows, and each row's values are repeated in its own S columns.
 */
export class BatchedJacobian {
  private readonly S: number;
  private readonly n: number;
  private readonly values: { source: Tensor; repeated: Tensor }[] = [];
  private readonly states: Tensor;
  private readonly run: () => void;

  /** `unroll` has a single step; its rows are those of the Jacobians. */
  constructor(
    private readonly unroll: Unroll,
    executor: Executor,
  ) {
    const { cell, options } = unroll;
    const { dtype, B, parameters } = options;
    must(cell.jacobian !== undefined, 'jacobian', 'the cell must have a jacobian', cell.name);
    const S = (this.S = statesSize(cell));
    this.n = Math.min(ROWS, B);
    const wide = (width: number): Tensor => zeros([width, this.n * S], dtype);
    const v: Tensors = {};
    for (const [name, t] of Object.entries(parameters))
      v[name] = t.shape.length === 1 ? reshape(t, [t.shape[0], 1]) : t;
    const at = unroll.at(0);
    const names = [
      'x',
      ...Object.keys(cell.states).flatMap((s) => [s, `${s}Prev`]),
      ...Object.keys(cell.buffers),
    ];
    for (const name of names) {
      v[name] = wide(at[name].shape[1]);
      this.values.push({ source: at[name], repeated: v[name] });
    }
    const [before, after] = [wide(S), wide(S)];
    fillTensor(before, (r, c) => (c % S === r ? 1 : 0));
    for (const [s, { from, to }] of Object.entries(spansOf(cell))) {
      v[`J${s}Prev`] = rows(before, from, to);
      v[`J${s}`] = rows(after, from, to);
    }
    for (const [name, width] of Object.entries(cell.buffers)) v[`J${name}`] = wide(width);
    for (const [part, { of, from, to }] of Object.entries(cell.parts ?? {})) {
      if (of in parameters) v[part] = at[part].shape.length === 1 ? rows(v[of], from, to) : at[part];
      else if (of in v) v[part] = rows(v[of], from, to);
      if (`J${of}` in v) v[`J${part}`] = rows(v[`J${of}`], from, to);
    }
    this.states = after;
    const program = new Program();
    cell.jacobian(program, v, unroll.timeOf(0));
    this.run = program.bind(executor);
  }

  /** Writes the Jacobian of each row, [B, S, S]. */
  into(J: Float64Array): void {
    const { S, n } = this;
    const { B } = this.unroll.options;
    for (let first = 0; first < B; first += n) {
      const count = Math.min(n, B - first);
      for (const { source, repeated } of this.values) this.repeat(source, repeated, first, count);
      this.run();
      const { data, offset } = this.states;
      for (let r = 0; r < count; r++)
        for (let i = 0; i < S; i++) {
          const from = offset + i * n * S + r * S;
          for (let k = 0; k < S; k++) J[((first + r) * S + i) * S + k] = data[from + k];
        }
    }
  }

  /** Writes each row's values into its S columns. */
  private repeat(source: Tensor, repeated: Tensor, first: number, count: number): void {
    const { S, n } = this;
    const [down, right] = source.stride;
    for (let u = 0; u < source.shape[1]; u++)
      for (let r = 0; r < count; r++) {
        const to = repeated.offset + (u * n + r) * S;
        repeated.data.fill(source.data[source.offset + (first + r) * down + u * right], to, to + S);
      }
  }
}
