/**
 * Mistakes in how the steps of one unrolled cell are combined: the gradients that flow between steps, the order of the
 * steps, and the sums over them. Each is recorded as a backward pass, so any executor or check can run it.
 */
import { lazyEquations } from '../core/equations/equations';
import { Program } from '../core/programs/program';
import { reshape, rows, tensor, toFlat, transpose, zeros, type Tensor, type Tensors } from '../core/tensor';
import type { Unroll, UnrollParts } from '../bptt/unroll';
import type { Named, Subject } from './subject';

/** A backward pass of an unrolling, with one mistake in it. */
export interface StepMistake {
  /** Follows `your gradients equal ours`. */
  words: string;
  record: (program: Program) => void;
  /** Also recognizable from each gradient alone, so tried only if that fails. */
  rare?: boolean;
}

const copying = lazyEquations('a mistake', 'from [B, W]   writes to [B, W]', 'to = from');
const clearing = lazyEquations('a mistake', 'from [B, W]   writes to [B, W]', 'to = 0 * from');

/** Records a copy of `from` into `to`. */
export const copy = (program: Program, from: Tensor, to: Tensor): void =>
  copying.record(program, { from, to });
const clear = (program: Program, to: Tensor): void => clearing.record(program, { from: to, to });

/** New zero tensors of the same shapes. */
export const likeThese = (tensors: Tensors): Tensors =>
  Object.fromEntries(Object.entries(tensors).map(([name, t]) => [name, zeros([...t.shape])]));

/** Hooks and changes that plant a mistake in a backward pass. */
interface Spoilt extends Pick<StepMistake, 'rare'> {
  /** The order of the steps; default last to first. */
  order?: number[];
  before?: (program: Program, t: number) => void;
  after?: (program: Program, t: number) => void;
  /** Replaced parts of the unrolling. */
  parts?: UnrollParts;
  /** The step whose output gradient step t reads; default t. */
  output?: (t: number) => number | undefined;
}

/** A backward pass that works on copies of the upstream and recurrent gradients, so that a mistake may overwrite them. */
class Stage {
  private readonly dStates: Tensors;
  private readonly dOutput: Tensor;
  readonly states: string[];

  constructor(readonly unroll: Unroll) {
    this.dStates = likeThese(unroll.dStates);
    this.dOutput = zeros([...unroll.dOutput.shape]);
    this.states = Object.keys(unroll.dStates);
  }

  /** The gradient that step t receives from the step after. */
  coming(state: string, t: number): Tensor {
    return this.copy.at(t)[`d${state}Next`];
  }

  /** The gradient that step t sends to the step before. */
  leaving(state: string, t: number): Tensor {
    return this.copy.at(t)[`d${state}Prev`];
  }

  get last(): number {
    return this.unroll.steps()[this.unroll.options.T - 1];
  }

  get copy(): Unroll {
    return this.unroll.with({ dStates: this.dStates, dOutput: this.dOutput });
  }

  record(program: Program, { order, before, after, parts, output = (t) => t }: Spoilt): void {
    const { unroll, states, dStates, dOutput, copy: own } = this;
    const { T } = unroll.options;
    for (const t of unroll.steps()) {
      const from = output(t);
      const into = own.block(dOutput, t);
      if (from === undefined) clear(program, into);
      else copy(program, unroll.block(unroll.dOutput, from), into);
    }
    for (const s of states) copy(program, unroll.after(T, unroll.dStates[s]), own.after(T, dStates[s]));
    const spoilt = parts ? own.with(parts) : own;
    for (const t of order ?? unroll.steps().reverse()) {
      before?.(program, t);
      spoilt.backward(program, t, t + 1);
      after?.(program, t);
    }
    for (const s of states) copy(program, own.after(0, dStates[s]), unroll.after(0, unroll.dStates[s]));
  }
}

/** All mistakes between the steps of an unrolling. */
export function stepMistakes(unroll: Unroll): StepMistake[] {
  const stage = new Stage(unroll);
  const { T, B } = unroll.options;
  const found: StepMistake[] = [];
  const add = (words: string, { rare, ...spoilt }: Spoilt): void =>
    void found.push({ words, rare, record: (program) => stage.record(program, spoilt) });
  found.push({
    words: 'without a backward pass of the layer: nothing is written',
    rare: true,
    record(program) {
      clear(program, unroll.options.dx);
      for (const d of Object.values(unroll.dStates)) clear(program, unroll.after(0, d));
    },
  });
  addCuts(stage, add);
  if (T > 1) {
    addOrders(stage, add);
    addOutputs(stage, add);
    addSums(stage, add);
    addStates(stage, add);
  }
  if (T > 1 && B > 1) {
    const { dOutput } = unroll;
    const order = Array.from({ length: T * B }, (_, k) => (k % B) * T + Math.floor(k / B));
    found.push({
      words:
        'with the gradient of the output read as [row, step, unit] where it lies as [step, row, unit]: its strides are ignored',
      record(program) {
        const mixed = zeros([...dOutput.shape]);
        order.forEach((from, k) => copy(program, rows(dOutput, from, from + 1), rows(mixed, k, k + 1)));
        unroll.with({ dOutput: mixed }).backward(program);
      },
    });
  }
  addReshaped(stage, add);
  if (unroll.options.valid) {
    const { valid: _, ...options } = unroll.options;
    add('with the padding not masked: steps behind the end of a row take part', { parts: { options } });
  }
  return found;
}

type Add = (words: string, spoilt: Spoilt) => void;

/** Adds mistakes that cut the gradient between steps. */
function addCuts(stage: Stage, add: Add): void {
  const { states, last, unroll } = stage;
  const { T, reverse } = unroll.options;
  const groups = states.length > 1 ? [...states.map((s) => [s]), states] : [states];
  // steps are counted in the cell's own direction
  const taken = (t: number): number => (reverse ? T - 1 - t : t);
  for (const group of groups) {
    const names = group.map((s) => `\`d${s}Next\``).join(' and ');
    const cut = (where: (count: number) => boolean): Spoilt => ({
      // nothing is cut after the last step: its gradient comes from above
      before: (program, t) => {
        if (t !== last && where(taken(t))) for (const s of group) clear(program, stage.coming(s, t));
      },
    });
    for (let every = 1; every < T; every++)
      add(
        every === 1
          ? `if nothing came back from the step after: ${names} cut between all steps`
          : `with ${names} cut between chunks of ${every} steps`,
        cut((count) => (count + 1) % every === 0),
      );
    // chunks may also be counted from the end
    for (let every = 2; every < T; every++)
      if (T % every !== 0)
        add(
          `with ${names} cut between chunks of ${every} steps, counted from the end`,
          cut((count) => (T - 1 - count) % every === 0),
        );
  }
  for (const s of states)
    add(`without the gradient that comes from above to the last \`${s}\``, {
      before: (program, t) => {
        if (t === last) clear(program, stage.coming(s, t));
      },
    });
}

function addOrders(stage: Stage, add: Add): void {
  const { states, unroll } = stage;
  const order = unroll.steps();
  add('with the steps taken from the first to the last: the Jacobians are multiplied in forward order', {
    order,
    before(program, t) {
      const k = order.indexOf(t);
      for (const s of states)
        copy(
          program,
          k > 0 ? stage.leaving(s, order[k - 1]) : stage.coming(s, stage.last),
          stage.coming(s, t),
        );
    },
    after(program, t) {
      // the gradient that leaves the last of them is that of the initial state
      if (t === stage.last)
        for (const s of states) copy(program, stage.leaving(s, t), stage.leaving(s, order[0]));
    },
  });
}

function addOutputs({ last, unroll }: Stage, add: Add): void {
  const { T } = unroll.options;
  const [first] = unroll.steps();
  const without = (words: string, included: (t: number) => boolean): void =>
    add(words, { output: (t) => (included(t) ? t : undefined) });
  without('with the gradient of the output at the last step alone', (t) => t === last);
  without('without the gradient of the output at the last step', (t) => t !== last);
  without('without the gradient of the output at any step', () => false);
  without('without the gradient of the output at the first step', (t) => t !== first);
  const late = (words: string, by: number): void =>
    add(words, { output: (t) => (t + by >= 0 && t + by < T ? t + by : undefined) });
  late('with the gradient of the output taken from the step after', 1);
  late('with the gradient of the output taken from the step before', -1);
  add('with the gradient of the output in reverse', { output: (t) => T - 1 - t });
}

/** Adds mistakes in the sums over the steps that make the parameter gradients. */
function addSums(stage: Stage, add: Add): void {
  const { unroll, states } = stage;
  const { gradients } = unroll.options;
  add('with `=` where `+=` belongs: each step overwrites the gradients of the parameters', {
    rare: true,
    before: (program) => Object.values(gradients).forEach((d) => clear(program, d)),
  });
  // each step runs twice; the second run treats the gradient that the step sends back as the one it receives
  const nowhere = { ...unroll.options, gradients: likeThese(gradients) };
  const spare = likeThese(unroll.dStates);
  const [dx, silent] = [zeros([...unroll.options.dx.shape]), zeros([...unroll.dOutput.shape])];
  add('with one Jacobian too many before the gradients of the parameters: that of the step itself', {
    parts: { options: nowhere },
    after(program, t) {
      const again = unroll.with({
        dStates: spare,
        dOutput: silent,
        options: { ...unroll.options, dx },
      });
      for (const s of states) copy(program, stage.leaving(s, t), again.at(t)[`d${s}Next`]);
      again.backward(program, t, t + 1);
    },
  });
}

/** Adds mistakes in which the numbers of a matrix are read in the shape of its transpose, as `reshape` and `view` do. */
function addReshaped({ unroll }: Stage, add: Add): void {
  const { parameters, dtype } = unroll.options;
  for (const [name, W] of Object.entries(parameters)) {
    const [rows, columns] = W.shape;
    if (W.shape.length !== 2 || Math.min(rows, columns) < 2) continue;
    const reshaped = tensor(toFlat(transpose(reshape(W, [columns, rows]))), [rows, columns], dtype);
    add(`with \`${name}\` reshaped to [${columns}, ${rows}] where its transpose belongs`, {
      rare: true,
      parts: { options: { ...unroll.options, parameters: { ...parameters, [name]: reshaped } } },
    });
  }
}

/** Adds mistakes in which a step reads the saved state of another step. */
function addStates({ unroll, states, copy: own }: Stage, add: Add): void {
  const { T, reverse } = unroll.options;
  for (let every = 2; every <= T; every++)
    add(`with the states before each step read from the start of its chunk of ${every} steps`, {
      parts: {
        at(t: number) {
          const start = reverse ? T - 1 - Math.floor((T - 1 - t) / every) * every : t - (t % every);
          const saved = unroll.at(start);
          const wrong = Object.fromEntries(states.map((s) => [`${s}Prev`, saved[`${s}Prev`]]));
          return { ...own.at(t), ...wrong };
        },
      },
    });
}

/** The contribution of each step and each row of the batch to each parameter's gradient. */
export interface Contributions {
  byStep: Named[];
  byRow: Named[];
}

/** Computes the contributions. The backward pass is linear in the upstream gradient, and rows are independent. */
export function contributionsOf(subject: Subject): Contributions {
  const { T, B, cell, unroll } = subject;
  const names = Object.keys(cell.parameters);
  const byStep: Named[] = Array.from({ length: T }, () => ({}));
  subject.clear();
  let before = Object.fromEntries(subject.readSome(names));
  for (const t of unroll.steps().reverse()) {
    const program = new Program();
    unroll.backward(program, t, t + 1);
    program.bind(subject.executor)();
    const now = Object.fromEntries(subject.readSome(names));
    for (const [name, values] of Object.entries(now))
      byStep[t][name] = values.map((v, k) => v - before[name][k]);
    before = now;
  }
  const byRow = Array.from({ length: B }, (_, row): Named => {
    subject.upstream((other) => other === row);
    const found = subject.gradients();
    return Object.fromEntries(names.map((name) => [`d${name}`, found[`d${name}`]]));
  });
  subject.upstream();
  return { byStep, byRow };
}
