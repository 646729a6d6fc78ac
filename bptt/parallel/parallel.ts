/**
 * Data-parallel training: the rows of a batch are divided among threads, each with a copy of the network.
 *
 * Every thread has its own engine memory, so nothing is synchronized within a pass. Data is exchanged in shared memory:
 * all threads read the weights and the batch, each worker writes gradients to its own buffer, and these are added up in
 * the order of the rows. Thread 1 is the caller's; it takes the first rows.
 */
import ndarray from 'ndarray';
import { builtin } from '../../core/builtin';
import { must, mustBe, mustBeList, mustCount, mustKnowKeys } from '../../core/check';
import { equations } from '../../core/equations/equations';
import { engineMemory, type Data } from '../../core/memory';
import { Program } from '../../core/programs/program';
import { contents, zeros, type Tensor } from '../../core/tensor';
import { Stopped, Thread } from './thread';
import { passKeys, readBatch, type Batch, type PassOptions, type ReadBatch } from '../network/batch/batch';
import { blueprintOf } from '../network/blueprint';
import { Exchange } from './exchange';
import { mustBeNetwork, type Network } from '../network/network';
import { firstBadGradient, firstBadValue } from '../network/notfinite';
import { Pass, wholePlanOf } from '../network/passes/pass';
import type { Plan } from '../network/passes/plan';
import { clockOf, States } from '../network/batch/states';
import { runShare, type PassFigures, type PassTask } from './share';
import { outputAxes } from '../network/topology';
import type { Begin, ShareOfTask } from './worker';
import { workerFile } from './workerfile';

/** Number of threads, and how to start workers. */
export interface ParallelOptions {
  /** Number of computing threads, including the calling one. */
  threads: number;
  /** File of a module that exports factories of your own cells under the cells' names: `export { mycell }`. */
  cells?: string;
  /** Node's own options for the workers, such as a loader for TypeScript; default those of this process. */
  execArgv?: readonly string[];
}

/** Options of a pass. */
export type ParallelPassOptions = Omit<PassOptions, 'rows'>;

/** The result of a pass. */
export interface ParallelPass extends PassFigures {
  /** Final states by name, `l0.h` [B, H] row-major; pass them as `from` to continue the sequence. */
  states: States<Float64Array>;
}

/** A worker and the buffers of its results. */
interface Member {
  thread: Thread;
  gradients: Tensor;
  figures: Float64Array;
}

/** Stops the workers of a `Parallel` that is garbage-collected. */
const forgotten = new FinalizationRegistry<Member[]>((members) => dismiss(members));

/**
 * A team of threads that share the rows of each batch of one network; created by `parallel`.
 *
 *   x [T, B, D]   ->   output [T, B, O]   states by name, `l0.h` [B, H]      each thread takes adjacent rows
 *
 * All threads read the network's own weights, so an optimizer step is visible to all. Only one pass may run at a time:
 * await each.
 *
 * @throws an Error from every pass after a worker has stopped or `close` was called.
 * @example
 * const team = await parallel(net, 2);
 * const { output } = await team.forward(batch);
 * output.shape; // [2, 1, 2]
 * team.close();
 */
export class Parallel {
  private readonly exchange: Exchange;
  private readonly sums = new Map<number, () => void>();
  /** The last pass, or the task that several threads ran. */
  private last: Pass | PassTask | undefined;
  private busy = false;
  private broken: Stopped | undefined;

  /** @internal use `parallel` */
  constructor(
    /** The network whose batches are shared; the team uses its weights and adds to its gradients. */
    readonly network: Network,
    private readonly members: Member[],
    /** Why there are fewer threads than requested; empty otherwise. */
    readonly note: string,
  ) {
    this.exchange = new Exchange(network);
    forgotten.register(this, members);
  }

  /** Number of computing threads, including the calling one. A batch with fewer rows uses fewer threads. */
  get threads(): number {
    return this.members.length + 1;
  }

  /**
   * Runs a batch forward.
   * @returns the result of `forwardBackward` and the output: [T, B, O], or [B, O] of a many-to-one network. The next pass
   *   overwrites the output.
   */
  async forward(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass & { output: Tensor }> {
    return (await this.run(batch, options, { output: true })) as ParallelPass & { output: Tensor };
  }

  /** Runs a batch forward and returns its loss and final states, without the output. */
  async evaluate(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass> {
    return this.run(batch, options, {});
  }

  /**
   * Runs a batch forward and backward, adding into the gradients of the network's parameters.
   *
   * Equal to `forward` and `backward` of the network except for the order of summation; bit-identical for the same number
   * of threads. Dropout comes from the network's generator, and is the same for any number of threads.
   *
   * @throws what `network.forward` throws; an Error when a worker has stopped: `parallel: worker 2 of 3 stopped (…)`.
   * The weights are never changed.
   */
  async forwardBackward(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass> {
    const { loss } = this.network.architecture;
    mustBe(loss !== undefined, 'parallel', 'the network must have a loss', 'none');
    return this.run(batch, options, { backward: true });
  }

  /** Stops the workers. They also stop when this object is garbage-collected or the process ends. */
  close(): void {
    dismiss(this.members);
    this.broken ??= new Stopped('parallel: the threads were closed');
  }

  /** Describes the first non-finite number of the last pass: among the states, or among the gradients. */
  firstBad(what: 'value' | 'gradient'): string | undefined {
    const plan = this.lastPlan();
    if (!plan) return undefined;
    return what === 'value' ? firstBadValue(plan) : firstBadGradient(plan);
  }

  private async run(
    batch: Batch,
    options: ParallelPassOptions,
    { backward = false, output = false },
  ): Promise<ParallelPass & { output?: Tensor }> {
    must(!this.busy, 'parallel', 'the pass before must have ended', 'another pass', 'await each one');
    if (this.broken) throw this.broken;
    this.busy = true;
    try {
      const where = 'network.forward';
      const { network, exchange } = this;
      mustKnowKeys(options, passKeys, where);
      mustBe(typeof batch === 'object' && batch !== null, where, 'the batch must be an object', batch);
      const { from, ...part } = options;
      const states = from && { states: from, clock: clockOf(from, where) };
      const task: PassTask = { batch, backward, ...part, ...(states && { from: states }) };
      if (this.threads === 1) return this.alone(task, output);
      const shared: PassTask = { ...task, ...exchange.put(task) };
      const read = readBatch(shared.batch, network);
      if (shared.from) exchange.mustBeOf(read.B, shared.from);
      return await (read.B === 1 ? this.alone(shared, output, read) : this.together(shared, read, output));
    } finally {
      this.busy = false;
    }
  }

  private alone(task: PassTask, wantsOutput: boolean, read?: ReadBatch): ParallelPass & { output?: Tensor } {
    const { rows, tokens, loss, pass } = runShare(this.network, task, undefined, read);
    this.last = pass;
    const finals = Object.entries(pass.states).map(([name, t]) => [name, contents(t)] as const);
    const states = flatStates(pass.states, Object.fromEntries(finals));
    return { loss, rows, tokens, states, ...(wantsOutput && { output: pass.output }) };
  }

  private async together(
    given: PassTask,
    read: ReadBatch,
    wantsOutput: boolean,
  ): Promise<ParallelPass & { output?: Tensor }> {
    const { network, exchange } = this;
    const { random } = network;
    const before = random.state;
    const task: PassTask = { ...given, random: before };
    const { B } = read;
    const { T } = read.part({ ...given, from: undefined }).shape;
    const gathered = exchange.gather(T, B, wantsOutput);
    const [mine, ...theirs] = shareOut(B, Math.min(this.threads, B));
    const asked = this.members.slice(0, theirs.length);
    this.last = task;

    let failure: unknown;
    let own: ReturnType<typeof runShare> | undefined;
    try {
      asked.forEach(({ thread }, k) => {
        const share: ShareOfTask = { task: { ...task, rows: theirs[k] }, gathered };
        thread.ask(share);
      });
      own = runShare(network, { ...task, rows: mine }, gathered, read);
    } catch (error) {
      failure = error;
    }
    // wait for all, even after an error: no thread may still be running when the next pass begins
    for (const { thread } of asked) await thread.answer().catch((error: unknown) => (failure ??= error));
    this.broken = asked.map(({ thread }) => thread.end).find((end) => end !== undefined);
    if (this.broken) dismiss(this.members);
    if (!own || failure !== undefined) {
      random.state = before;
      throw failure;
    }

    if (task.backward) this.sum(asked.length)();
    const total = { loss: own.loss, rows: own.rows, tokens: own.tokens };
    for (const { figures } of asked) {
      total.loss += figures[0];
      total.rows += figures[1];
      total.tokens += figures[2];
    }
    const { states, output } = gathered;
    const shape = [...outputAxes(network.architecture.topology, T, B), network.output];
    return {
      ...total,
      states: flatStates(own.pass.states, states),
      ...(output && { output: ndarray(output as Data, shape) }),
    };
  }

  /**
   * The plan of the last pass. A pass of several threads is repeated in this thread, with the same dropout, without
   * changing the gradients or the generator. Undefined for a pass in segments.
   */
  private lastPlan(): Plan | undefined {
    const { network, last } = this;
    if (!last || last instanceof Pass) return wholePlanOf(last as Pass);
    const { state } = network.random;
    const { data } = network.parameters.flatGradients;
    const gradients = data.slice();
    const { pass } = runShare(network, last);
    data.set(gradients);
    network.random.state = state;
    return wholePlanOf(pass);
  }

  /** Returns a function that adds the gradients of the first `count` workers to the network's, in order. */
  private sum(count: number): () => void {
    let sum = this.sums.get(count);
    if (!sum) {
      const { data } = this.network.parameters.flatGradients;
      const g: Tensor = ndarray(data, [1, data.length]);
      const parts = this.members.slice(0, count).map(({ gradients }, k) => [`g${k}`, gradients] as const);
      const names = ['before', ...parts.map(([name]) => name)];
      const all = equations(
        'parallel',
        `${names.join(', ')} [1, N]   writes g [1, N]`,
        `g = ${names.join(' + ')}`,
      );
      const program = new Program();
      all.record(program, { g, before: g, ...Object.fromEntries(parts) });
      this.sums.set(count, (sum = program.bind(this.network.executor)));
    }
    return sum;
  }
}

/**
 * Starts threads that share each batch of a network in training.
 *
 * Every thread costs the memory of one network and some 0.1 s to start; one thread costs nothing. Where threads or shared
 * memory are not available, there is one thread, and `note` says why.
 *
 * @param options the number of threads, or all options.
 * @throws TypeError if a cell cannot be built by its name; an Error if a worker does not start.
 * @example
 * const team = await parallel(net, 2);
 * net.parameters.zeroGradients();
 * const { loss } = await team.forwardBackward(batch, { training: true });
 * team.close();
 */
export async function parallel(network: Network, options: number | ParallelOptions): Promise<Parallel> {
  mustBeNetwork(network, 'parallel');
  const given: ParallelOptions = typeof options === 'number' ? { threads: options } : options;
  mustKnowKeys(given, ['threads', 'cells', 'execArgv'], 'parallel');
  const { threads, cells, execArgv } = given;
  mustBeList(execArgv ?? [], 'parallel', 'execArgv', 'options of Node');
  mustCount(threads, 'parallel', 'threads');
  must(threads <= MOST, 'parallel', `threads must be at most ${MOST}`, threads);
  if (threads === 1) return new Parallel(network, [], '');
  const { flat, flatGradients } = network.parameters;
  const { wasm: memory } = engineMemory();
  const kit = await builtin('node:worker_threads');
  if (!kit || !memory || !isShared(memory))
    return new Parallel(
      network,
      [],
      `parallel: ${kit ? 'shared memory' : 'node:worker_threads'} is missing here: one thread`,
    );

  const blueprint = blueprintOf(network, cells !== undefined);
  const members = Array.from({ length: threads - 1 }, (_, k): Member => {
    const name = `parallel: worker ${k + 1} of ${threads - 1}`;
    const thread = new Thread(kit, { name, file: workerFile(), execArgv });
    // also of the fixed parameters, which follow the trained ones
    const gradients = zeros([1, flatGradients.data.length], flat.dtype);
    const figures = new Float64Array(new SharedArrayBuffer(24));
    const [values, sums] = [flat.data, gradients.data];
    const used = network.parameters.used.addresses;
    const at = { values: values.byteOffset, gradients: sums.byteOffset, used };
    const begin: Begin = { blueprint, cells, memory, ...at, figures };
    thread.ask(begin, [values, sums]);
    return { thread, gradients, figures };
  });
  try {
    await Promise.all(members.map(({ thread }) => thread.answer()));
  } catch (error) {
    dismiss(members);
    throw error;
  }
  return new Parallel(network, members, '');
}

/** Maximum number of threads; each takes address space and time to start. */
const MOST = 64;

/** Divides B rows into `count` adjacent ranges whose sizes differ by at most one. */
function shareOut(B: number, count: number): [from: number, to: number][] {
  const start = (k: number): number => Math.ceil((k * B) / count);
  return Array.from({ length: count }, (_, k) => [start(k), start(k + 1)]);
}

/** States as row-major arrays, with the clock of `others`. */
export const flatStates = (
  others: States,
  states: Readonly<Record<string, ArrayLike<number>>>,
): States<Float64Array> => {
  const copied = Object.entries(states).map(([name, values]) => [name, new Float64Array(values)] as const);
  return new States(clockOf(others, 'parallel'), Object.fromEntries(copied));
};

function dismiss(members: readonly Member[]): void {
  for (const { thread } of members) thread.close();
}

// compares the tag, because under some test runners the constructor belongs to another realm
const isShared = ({ buffer }: WebAssembly.Memory): boolean =>
  Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
