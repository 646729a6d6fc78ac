/**
 * Data-parallel training: the rows of a batch are shared out among threads, each with a copy of the network.
 *
 * Every thread has an engine memory of its own, so nothing is synchronised within a pass. What they exchange lies in
 * shared memory: the weights and the batch are read by all, each worker has a place for its gradients, and these are
 * added up in the order of the rows. Thread 1 is the caller's own; it takes the first rows.
 */
import ndarray from 'ndarray';
import { builtin } from '../../core/builtin';
import { must, mustBe, mustCount, mustKnowKeys } from '../../core/check';
import { equations } from '../../core/equations/equations';
import { engineMemory, type Data } from '../../core/memory';
import { Program } from '../../core/program';
import { contents, zeros, type Tensor } from '../../core/tensor';
import { Stopped, Thread } from './thread';
import { passKeys, type Batch, type PassOptions, type ReadBatch } from '../network/batch';
import { blueprintOf } from '../network/blueprint';
import { Exchange } from './exchange';
import { mustBeNetwork, runnerOf, type Network } from '../network/network';
import { firstBadGradient, firstBadValue } from '../network/notfinite';
import { Pass, planOf } from '../network/pass';
import type { Plan } from '../network/plan';
import { clockOf, States } from '../network/states';
import { runShare, type PassFigures, type Task } from './share';
import { outputAxes } from '../network/topology';
import type { Begin, ShareOfTask } from './worker';
import { workerFile } from './workerfile';

/** How many threads, and what a worker needs to start. */
export interface ParallelOptions {
  /** Threads that compute, the calling one included. */
  threads: number;
  /** File of a module that exports makers of your own cells, by the cells' names: `export { mycell }`. */
  cells?: string;
  /** Node's own options for the workers, such as a loader for TypeScript; default those of this process. */
  execArgv?: readonly string[];
}

/** How a pass is run. */
export type ParallelPassOptions = Omit<PassOptions, 'rows'>;

/** What a pass of several threads gives. */
export interface ParallelPass extends PassFigures {
  /** Final states by name, `l0.h` [B, H] row-major: the next part of the sequence is run `from` them. */
  states: States<Float64Array>;
}

/** A worker and where its results come to lie. */
interface Member {
  thread: Thread;
  gradients: Tensor;
  figures: Float64Array;
}

/** A team that is forgotten ends its threads. */
const forgotten = new FinalizationRegistry<Member[]>((members) => dismiss(members));

/**
 * A team of threads that share the rows of each batch of one network, made by `parallel`.
 *
 *   x [T, B, D]   ->   output [T, B, O]   states by name, `l0.h` [B, H]      each thread takes neighbouring rows
 *
 * The weights are read where the network has them, so that a step of an optimizer is seen by all. One pass runs at a
 * time: await each.
 *
 * @throws an Error from every pass after a worker has stopped or the team was closed.
 * @example
 * const team = await parallel(net, 2);
 * const { output } = await team.forward(batch);
 * output.shape; // [2, 1, 2]
 * team.close();
 */
export class Parallel {
  private readonly exchange: Exchange;
  private readonly sums = new Map<number, () => void>();
  /** The last pass, or what the threads were asked to run. */
  private last: Pass | Task | undefined;
  private busy = false;
  private broken: Stopped | undefined;

  /** @internal use `parallel` */
  constructor(
    /** Whose batches are shared; its weights and gradients are those of the team. */
    readonly network: Network,
    private readonly members: Member[],
    /** Why there are fewer threads than were asked for; empty when there are not. */
    readonly note: string,
  ) {
    this.exchange = new Exchange(network);
    forgotten.register(this, members);
  }

  /** Threads that compute, the calling one included. A batch of fewer rows is shared by fewer. */
  get threads(): number {
    return this.members.length + 1;
  }

  /**
   * Runs a batch forward.
   * @returns as `forwardBackward`, and the output: [T, B, O], or [B, O] of a many-to-one network. The next pass overwrites
   *   the output.
   */
  async forward(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass & { output: Tensor }> {
    return (await this.run(batch, options, { output: true })) as ParallelPass & { output: Tensor };
  }

  /** The loss of a batch and what else a pass gives, without the output. */
  async evaluate(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass> {
    return this.run(batch, options, {});
  }

  /**
   * Runs a batch forward and backward, adding into the gradients of the network's parameters.
   *
   * Equal to `forward` and `backward` of the network but for the order in which sums are added up; equal to the bit for
   * the same number of threads. Dropout is drawn from the network's generator, the same for any number of threads.
   *
   * @throws what `network.forward` throws; an Error when a worker has stopped: `parallel: worker 2 of 3 stopped (…)`.
   * The weights are never changed.
   */
  async forwardBackward(batch: Batch, options: ParallelPassOptions = {}): Promise<ParallelPass> {
    const { loss } = this.network.architecture;
    mustBe(loss !== undefined, 'parallel', 'the network must have a loss', 'none');
    return this.run(batch, options, { backward: true });
  }

  /** Ends the workers. Threads of an object that is forgotten, or of a process that ends, end without it. */
  close(): void {
    dismiss(this.members);
    this.broken ??= new Stopped('parallel: the threads were closed');
  }

  /** Where the first number that is not finite arose in the last pass: the states, or else the gradients. */
  firstBad(what: 'value' | 'gradient'): string | undefined {
    const plan = this.lastPlan();
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
      const task: Task = { batch, backward, ...part, ...(states && { from: states }) };
      if (this.threads === 1) return this.alone(task, output);
      const shared: Task = { ...task, ...exchange.put(task) };
      const read = runnerOf(network).read(shared.batch);
      if (shared.from) exchange.mustBeOf(read.B, shared.from);
      return await (read.B === 1 ? this.alone(shared, output, read) : this.together(shared, read, output));
    } finally {
      this.busy = false;
    }
  }

  private alone(task: Task, wantsOutput: boolean, read?: ReadBatch): ParallelPass & { output?: Tensor } {
    const { rows, tokens, loss, pass } = runShare(this.network, task, undefined, read);
    this.last = pass;
    const finals = Object.entries(pass.states).map(([name, t]) => [name, contents(t)] as const);
    const states = flatStates(pass.states, Object.fromEntries(finals));
    return { loss, rows, tokens, states, ...(wantsOutput && { output: pass.output }) };
  }

  private async together(
    given: Task,
    read: ReadBatch,
    wantsOutput: boolean,
  ): Promise<ParallelPass & { output?: Tensor }> {
    const { network, exchange } = this;
    const { random } = network;
    const before = random.state;
    const task: Task = { ...given, random: before };
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
    // all of them, whatever happened: nobody may still be at work when the next pass begins
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
   * The plan of the last pass; a pass of several threads is run again as one, with the same dropout. The gradients and
   * the generator stay as the pass left them.
   */
  private lastPlan(): Plan {
    const { network, last } = this;
    if (!last || last instanceof Pass) return planOf(last as Pass);
    const { state } = network.random;
    const { data } = network.parameters.flatGradients;
    const gradients = data.slice();
    const { pass } = runShare(network, last);
    data.set(gradients);
    network.random.state = state;
    return planOf(pass);
  }

  /** Adds the gradients of the first `count` workers to the network's, in their order. */
  private sum(count: number): () => void {
    let sum = this.sums.get(count);
    if (!sum) {
      const { flatGradients: g } = this.network.parameters;
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
 * Threads that share each batch of a network in training.
 *
 * Memory and start-up (some 0.1 s) are those of as many networks; one thread costs nothing. Where threads or shared
 * memory are missing there is one thread, and `note` says why.
 *
 * @param options how many threads, or more than that.
 * @throws TypeError when a cell cannot be built by its name; an Error when a worker does not start.
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
    const gradients = zeros(flatGradients.shape, flat.dtype);
    const figures = new Float64Array(new SharedArrayBuffer(24));
    const [values, sums] = [flat.data, gradients.data];
    const at = { values: values.byteOffset, gradients: sums.byteOffset };
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

/** More threads than any machine here has; each takes address space and start-up. */
const MOST = 64;

/** Neighbouring rows for each of `count` threads, as many for each as for the others, or one more. */
function shareOut(B: number, count: number): [from: number, to: number][] {
  const start = (k: number): number => Math.ceil((k * B) / count);
  return Array.from({ length: count }, (_, k) => [start(k), start(k + 1)]);
}

/** States row-major, of the same time as others. */
const flatStates = (
  others: States,
  states: Readonly<Record<string, ArrayLike<number>>>,
): States<Float64Array> => {
  const copies = Object.entries(states).map(([name, values]) => [name, new Float64Array(values)] as const);
  return new States(clockOf(others, 'parallel'), Object.fromEntries(copies));
};

function dismiss(members: readonly Member[]): void {
  for (const { thread } of members) thread.close();
}

// asked by tag: under some test runners the constructor is another realm's
const isShared = ({ buffer }: WebAssembly.Memory): boolean =>
  Object.prototype.toString.call(buffer) === '[object SharedArrayBuffer]';
