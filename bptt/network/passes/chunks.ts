/**
 * A prediction for many rows, computed in chunks of rows, so that memory does not grow with their number. Rows are
 * independent, so the results are bit-identical to those of one plan.
 */
import { contents, dtypeOf, outside, type Tensor } from '../../../core/tensor';
import type { ReadBatch, InternalPassOptions } from '../batch/batch';
import type { PassBody, PassSize } from './pass';
import { States } from '../batch/states';
import { mustGoBack, Whole, type LoadedPlan } from './whole';

/** Number of steps in a chunk, over all of its rows. */
const STEPS = 2 ** 14;
/** Smallest number of rows in a chunk; products of fewer rows are slow. */
export const FEWEST = 32;

/** Number of rows in a chunk. */
export function rowsAtOnce(read: ReadBatch, options: InternalPassOptions): number {
  const { T, source } = read.part(options).shape;
  return Math.max(FEWEST, Math.floor(STEPS / Math.max(T, source?.T ?? 0)));
}

export class Chunks implements PassBody {
  readonly loss = NaN;
  private readonly results: { output: Tensor; states: Record<string, Tensor>; attention?: Tensor };
  private readonly total: PassSize = { rows: 0, tokens: 0 };
  private clock = 0;

  constructor(
    read: ReadBatch,
    options: InternalPassOptions,
    private readonly lossName: string | undefined,
    load: (options: InternalPassOptions) => LoadedPlan,
  ) {
    const [low, high] = options.rows ?? [0, read.B];
    const count = rowsAtOnce(read, options);
    let results: Chunks['results'] | undefined;
    for (let from = low; from < high; from += count) {
      const loaded = load({ ...options, rows: [from, Math.min(from + count, high)] });
      const whole = new Whole(loaded);
      const part = { output: whole.output(), states: { ...whole.states() }, attention: whole.attention() };
      results ??= {
        output: wider(part.output, high - low),
        states: Object.fromEntries(
          Object.entries(part.states).map(([name, t]) => [name, wider(t, high - low)]),
        ),
        ...(part.attention && { attention: wider(part.attention, high - low) }),
      };
      put(results.output, part.output, from - low);
      for (const [name, t] of Object.entries(part.states)) put(results.states[name], t, from - low);
      if (results.attention && part.attention) put(results.attention, part.attention, from - low);
      const { rows, tokens } = whole.size();
      this.total.rows += rows;
      this.total.tokens += tokens;
      this.clock = loaded.clock;
    }
    this.results = results as Chunks['results'];
  }

  output(): Tensor {
    return this.results.output;
  }

  states(): States {
    return new States(this.clock, this.results.states);
  }

  attention(): Tensor | undefined {
    return this.results.attention;
  }

  size(): PassSize {
    return this.total;
  }

  plan(): undefined {
    return undefined;
  }

  backward(): never {
    return mustGoBack(this.lossName, true, undefined) as never;
  }
}

/** A new tensor like `t` with another number of rows, the second-last axis. */
function wider(t: Tensor, rows: number): Tensor {
  const shape = [...t.shape];
  shape[shape.length - 2] = rows;
  return outside(shape, dtypeOf(t));
}

/** Copies a chunk's rows of every step into the tensor of all rows, starting at row `from`. */
function put(all: Tensor, part: Tensor, from: number): void {
  const { shape } = part;
  const [rows, width] = shape.slice(-2);
  const numbers = contents(part);
  const [B] = all.shape.slice(-2);
  for (let t = 0; t < numbers.length / (rows * width); t++)
    all.data.set(numbers.subarray(t * rows * width, (t + 1) * rows * width), (t * B + from) * width);
}
