/** Adapter for recurrent-js: an LSTM for one sequence at a time, in float64, whose graph is rebuilt for every pass. */
import { STREAMED, type Values } from '../../measure/workloads';
import type { Case } from './case';
import type { Engine } from './host';

interface Mat {
  w: Float64Array;
  dw: Float64Array;
}
interface Gate {
  Wx: Mat[];
  Wh: Mat[];
  bh: Mat[];
}
interface State {
  hiddenActivationState: Mat[];
  cells: Mat[];
}
interface Graph {
  memorizeOperationSequence(on: boolean): void;
  forgetCurrentSequence(): void;
  backward(): void;
}
interface Recurrent {
  Mat: new (rows: number, cols: number) => Mat;
  Graph: new () => Graph;
  LSTM: new (options: { architecture: { inputSize: number; hiddenUnits: number[]; outputSize: number } }) => {
    model: { hidden: Record<'input' | 'forget' | 'cell' | 'output', Gate> };
    forward(x: Mat, before: State | undefined, graph: Graph): State;
  };
}

export function open({ workload, parameters, x, targets }: Case): Engine {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { Mat, Graph, LSTM } = require('recurrent-js') as Recurrent;
  const { D, H, T } = workload;
  // an output layer is mandatory, so it is as small as possible
  const lstm = new LSTM({ architecture: { inputSize: D, hiddenUnits: [H], outputSize: 1 } });
  const { input, forget, cell, output } = lstm.model.hidden;
  const gates = [input, forget, cell, output];
  const set = (into: Mat, { shape: [rows, width], numbers }: Values, k: number): void => {
    for (let r = 0; r < rows; r++)
      for (let h = 0; h < H; h++) into.w[h * rows + r] = numbers[r * width + k * H + h];
  };
  gates.forEach(({ Wx, Wh, bh }, k) => {
    set(Wx[0], parameters.Wx, k);
    set(Wh[0], parameters.Wh, k);
    bh[0].w.set(parameters.b.numbers.subarray(k * H, (k + 1) * H));
  });
  const learnt = gates.flatMap(({ Wx, Wh, bh }) => [Wx[0], Wh[0], bh[0]]);
  const xs = Array.from({ length: T }, (_, t) => {
    const column = new Mat(D, 1);
    column.w.set(x.numbers.subarray(t * D, (t + 1) * D));
    return column;
  });

  const graph = new Graph();
  const pass = (learning: boolean): number => {
    graph.forgetCurrentSequence();
    graph.memorizeOperationSequence(learning);
    let state: State | undefined;
    let loss = 0;
    for (let t = 0; t < T; t++) {
      state = lstm.forward(xs[t], state, graph);
      const [h] = state.hiddenActivationState;
      for (let k = 0; k < H; k++) {
        const away = h.w[k] - targets.numbers[t * H + k];
        loss += away * away;
        if (learning) h.dw[k] = (2 * away) / (T * H);
      }
    }
    return loss / (T * H);
  };
  const train = (): number => {
    for (const { dw } of learnt) dw.fill(0);
    const loss = pass(true);
    graph.backward();
    return loss;
  };
  const idle = new Graph();
  let state: State | undefined;
  let at = 0;
  const step = (): void => {
    state = lstm.forward(xs[at], state, idle);
    at = (at + 1) % Math.min(T, STREAMED);
  };
  return {
    about: 'recurrent-js 1.7.4, float64',
    check: () => {
      const loss = train();
      const squares = learnt.reduce((sum, { dw }) => sum + dw.reduce((s, v) => s + v * v, 0), 0);
      for (let k = 0; k < Math.min(T, STREAMED); k++) step();
      const streamed = state?.hiddenActivationState[0].w.reduce((sum, h) => sum + h, 0);
      return { loss, gradientNorm: Math.sqrt(squares), streamed };
    },
    forward: () => pass(false),
    train,
    step,
  };
}
