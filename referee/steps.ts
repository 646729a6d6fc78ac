/** Mistakes in how the steps are put together: what comes back from the future, and in which order. */
import { Program } from '../core/program';
import { copyInto, fillFrom, zeros, type Tensor } from '../core/tensor';
import { Unroll } from '../bptt/unroll';
import type { Named, Subject } from './subject';

/** A mistake that changes many gradients at once, and what they are with it. */
export interface Hypothesis {
  words: string;
  gradients: () => Named | undefined;
}

/** Runs the backward pass of a subject step by step, so that something can happen between two steps. */
class Steps {
  private readonly calls: (() => void)[];

  constructor(
    private readonly subject: Subject,
    private readonly unroll: Unroll = subject.unroll,
  ) {
    this.calls = unroll.steps().map((t) => {
      const program = new Program();
      unroll.backward(program, t, t + 1);
      return program.bind(subject.executor);
    });
  }

  /**
   * Runs the steps in an order; `before` is called ahead of each.
   * @returns what `read` finds after it.
   */
  run(order: number[], before: (t: number) => void, after: (t: number) => void = () => undefined): Named {
    const { subject } = this;
    subject.clear();
    for (const t of order) {
      before(t);
      this.calls[t]();
      after(t);
    }
    const found = subject.read();
    subject.upstream();
    return found;
  }

  /** What comes back to step t from the future. */
  coming(state: string, t: number): Tensor {
    return this.unroll.block(this.unroll.dStates[state], t + 1);
  }
}

/** Everything that goes wrong between steps. The subject's forward pass has run. */
export function stepHypotheses(subject: Subject): Hypothesis[] {
  const { T, question, cell, unroll } = subject;
  const steps = new Steps(subject);
  const states = Object.keys(cell.states);
  const backwards = unroll.steps().reverse();
  const found: Hypothesis[] = [];
  const add = (words: string, gradients: () => Named | undefined): void =>
    void found.push({ words, gradients });
  const zero = (names: readonly string[], t: number): void =>
    names.forEach((s) => fillFrom(steps.coming(s, t), 0));

  const groups = states.length > 1 ? [...states.map((s) => [s]), states] : [states];
  for (const group of groups) {
    const said = group.map((s) => `\`d${s}Next\``).join(' and ');
    for (let every = 1; every < T; every++)
      add(
        every === 1
          ? `if nothing came back from the step after: ${said} cut between all steps`
          : `with ${said} cut between chunks of ${every} steps`,
        // nothing is cut behind the last step: what comes there is from above
        () => steps.run(backwards, (t) => t < T - 1 && (t + 1) % every === 0 && zero(group, t)),
      );
    // a chunk may be counted from the end as well
    for (let every = 2; every < T; every++)
      if (T % every !== 0)
        add(`with ${said} cut between chunks of ${every} steps, counted from the end`, () =>
          steps.run(backwards, (t) => t < T - 1 && (T - 1 - t) % every === 0 && zero(group, t)),
        );
    for (const s of group)
      if (question.dFinal?.[s] && group.length === 1)
        add(`without the gradient that comes from above to the last \`${s}\``, () =>
          steps.run(backwards, (t) => t === T - 1 && zero([s], t)),
        );
  }
  if (T > 1) {
    add(
      'with the steps taken from the first to the last: the Jacobians are multiplied in forward order',
      () => {
        const { dStates } = unroll;
        return steps.run(unroll.steps(), (t) => {
          if (t > 0) for (const s of states) copyInto(steps.coming(s, t), unroll.block(dStates[s], t - 1));
          else for (const s of states) copyInto(steps.coming(s, t), unroll.block(dStates[s], T));
        });
      },
    );
    const output = unroll.dOutput;
    const without = (kept: (t: number) => boolean) => () =>
      steps.run(backwards, (t) => !kept(t) && fillFrom(unroll.block(output, t), 0));
    add(
      'with the gradient of the output at the last step alone',
      without((t) => t === T - 1),
    );
    add(
      'without the gradient of the output at the last step',
      without((t) => t < T - 1),
    );
    add(
      'without the gradient of the output at any step',
      without(() => false),
    );
    add(
      'without the gradient of the output at the first step',
      without((t) => t > 0),
    );
    const late = (by: number) => () => {
      const kept = zeros([...output.shape]);
      copyInto(kept, output);
      return steps.run(backwards, (t) => {
        const into = unroll.block(output, t);
        if (t + by < 0 || t + by >= T) fillFrom(into, 0);
        else copyInto(into, unroll.block(kept, t + by));
      });
    };
    add('with the gradient of the output taken from the step after', late(1));
    add('with the gradient of the output taken from the step before', late(-1));
  }
  if (unroll.options.valid) {
    const { valid: _, ...options } = unroll.options;
    add('with the padding not masked: steps behind the end of a row take part', () => {
      const open = new Unroll(cell, {
        ...options,
        output: { states: unroll.states[unroll.outputName], gradient: unroll.dOutput },
      });
      for (const [name, t] of Object.entries(unroll.states))
        if (name !== unroll.outputName) copyInto(open.states[name], t);
      for (const [name, t] of Object.entries(unroll.buffers)) copyInto(open.buffers[name], t);
      for (const [name, t] of Object.entries(unroll.dStates))
        copyInto(open.after(T, open.dStates[name]), unroll.after(T, t));
      const found = new Steps(subject, open).run(backwards, () => undefined);
      for (const s of states) found[`d${s}0`] = Array.from(flat(open.after(0, open.dStates[s])));
      return found;
    });
  }
  return found;
}

const flat = (t: Tensor): Float64Array => {
  const [R, C] = t.shape;
  return Float64Array.from({ length: R * C }, (_, k) => t.get(Math.floor(k / C), k % C));
};

/** Of each parameter, what each step and each row of the batch adds to its gradient. */
export interface Contributions {
  byStep: Named[];
  byRow: Named[];
}

/** The backward pass is linear in what comes from above, and rows know nothing of each other. */
export function contributionsOf(subject: Subject): Contributions {
  const { T, B, cell, unroll } = subject;
  const steps = new Steps(subject);
  const names = Object.keys(cell.parameters);
  const backwards = unroll.steps().reverse();
  const byStep: Named[] = Array.from({ length: T }, () => ({}));
  const before = new Map<string, number[]>();
  steps.run(
    backwards,
    () => subject.readSome(names).forEach(([name, values]) => before.set(name, values)),
    (t) =>
      subject.readSome(names).forEach(([name, values]) => {
        const old = before.get(name) ?? [];
        byStep[t][name] = values.map((v, k) => v - old[k]);
      }),
  );
  const byRow = Array.from({ length: B }, (_, row): Named => {
    subject.upstream((other) => other === row);
    const found = steps.run(backwards, () => undefined);
    return Object.fromEntries(names.map((name) => [`d${name}`, found[`d${name}`]]));
  });
  return { byStep, byRow };
}
