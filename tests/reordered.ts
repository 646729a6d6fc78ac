/** Correct answers to a question, computed another way than the referee computes them, for tests that none is blamed. */
import { Program } from '../core/programs/program';
import { hoist } from '../core/programs/hoist';
import { executorOf } from '../core/programs/executor';
import { fillFrom, toFlat, zeros, type Tensor } from '../core/tensor';
import { Unroll } from '../bptt/unroll';
import { precisions, type Precision } from '../referee/errorbound';
import { Subject, type Named } from '../referee/subject';
import type { Question } from '../index';
import { lowPrecision } from './lowprecision';

/** Outputs and last states, and all gradients. */
export interface Answers {
  values: Named;
  gradients: Named;
}

/** Every single operation is rounded to the format, and sums are added from first to last. */
export function roundedEach(question: Question, precision: Precision): Answers {
  const subject = new Subject(question);
  const executor = lowPrecision(precisions[precision]);
  subject.forward.bind(executor)();
  const values = subject.outputs();
  subject.clear();
  subject.backward.bind(executor)();
  return { values, gradients: subject.read() };
}

/** The engine's fastest executor on merged products, in float64 or float32: another order of operations. */
export function reordered(question: Question, dtype: 'float64' | 'float32'): Answers {
  const source = new Subject(question);
  const { T, B, unroll } = source;
  const copy = (t: Tensor): Tensor => {
    const made = zeros([...t.shape], dtype);
    fillFrom(made, toFlat(t));
    return made;
  };
  const names = Object.keys(question.cell.parameters);
  const gradients = Object.fromEntries(
    names.map((p) => [p, zeros([...source.variables[p].value.shape], dtype)]),
  );
  const parameters = Object.fromEntries(names.map((p) => [p, copy(source.variables[p].value)]));
  const { valid } = unroll.options;
  const [x, dx] = [copy(source.variables.x.value), zeros([T * B, question.cell.input], dtype)];
  const mine = new Unroll(question.cell, {
    ...{ T, B, dtype, x, dx, parameters, gradients },
    valid: valid && copy(valid),
  });
  fillFrom(mine.dOutput, toFlat(unroll.dOutput));
  const states = Object.keys(question.cell.states);
  for (const s of states) {
    fillFrom(mine.after(0, mine.states[s]), toFlat(unroll.after(0, unroll.states[s])));
    fillFrom(mine.after(T, mine.dStates[s]), toFlat(unroll.after(T, unroll.dStates[s])));
  }
  for (const record of ['forward', 'backward'] as const) {
    const program = new Program();
    mine[record](program);
    hoist(program).bind(executorOf())();
  }
  const finals = states.map((s) => [`${s}T`, toFlat(mine.after(T, mine.states[s]))] as const);
  const first = states.map((s) => [`d${s}0`, toFlat(mine.after(0, mine.dStates[s]))] as const);
  const all = names.map((p) => [`d${p}`, toFlat(gradients[p])] as const);
  return {
    values: { output: toFlat(mine.output), ...Object.fromEntries(finals) },
    gradients: { dx: toFlat(dx), ...Object.fromEntries([...first, ...all]) },
  };
}
