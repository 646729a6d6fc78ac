/**
 * Writes cases in the format of WebNN's conformance tests (web platform tests): a list of one-operator graphs, as JSON.
 *
 *   lstm, gru: input [T, B, D]   weight [n, G·H, D]   recurrentWeight [n, G·H, H]   bias, recurrentBias [n, G·H]
 *   outputs: last states [n, B, H], then with returnSequence all of them [T, n, B, H]
 *
 * The format has no sequence lengths, no clip, no gradients, and no operator for a plain recurrent network.
 */
import type { GateOrder } from '../io/gateorder';
import { onnxCells } from '../io/onnx/model';
import type { Answers, Tolerances } from './answers';
import type { NamedLayer } from './cases';
import type { RecurrentLayer } from './layer';
import { defaults } from './operator';
import { toRowWeights } from './weights';

/** Gate orders by their WebNN names. */
export const layouts = {
  lstm: { iofg: onnxCells.lstm.gates, ifgo: [0, 1, 2, 3] },
  gru: { zrn: onnxCells.gru.gates, rzn: [0, 1, 2] },
} as const satisfies Record<string, Record<string, GateOrder>>;

/** Whether the format can express a case. */
export const fitsWebnn = ({ operator, lengths }: RecurrentLayer): boolean =>
  operator.kind !== 'elman' && operator.clip === undefined && lengths === undefined;

interface WebnnOperand {
  data: number[];
  descriptor: { shape: number[]; dataType: 'float32' };
}

/** One test for each gate order that the operator has. */
export function webnnTests(
  { name, layer }: NamedLayer,
  { values }: Answers,
  tolerances: Tolerances,
): object[] {
  const { operator, T, B, D, H, x, directions } = layer;
  const kind = operator.kind === 'lstm' ? 'lstm' : 'gru';
  const n = directions.length;
  return Object.entries<GateOrder>(layouts[kind]).map(([layout, order]) => {
    const rows = directions.map(({ parameters }) => toRowWeights(parameters, layer, order));
    const G = order.length * H;
    const operand = (shape: number[], data: readonly number[]): WebnnOperand => ({
      data: data.map(Math.fround),
      descriptor: { shape, dataType: 'float32' },
    });
    const inputs: Record<string, WebnnOperand> = {
      input: operand([T, B, D], x),
      weight: operand(
        [n, G, D],
        rows.flatMap(({ W }) => W),
      ),
      recurrentWeight: operand(
        [n, G, H],
        rows.flatMap(({ R }) => R),
      ),
    };
    const options: Record<string, unknown> = {};
    const optional = (option: string, shape: number[], data: readonly number[]): void => {
      inputs[option] = operand(shape, data);
      options[option] = option;
    };
    if (operator.bias) {
      optional(
        'bias',
        [n, G],
        rows.flatMap(({ inputBias = [] }) => inputBias),
      );
      optional(
        'recurrentBias',
        [n, G],
        rows.flatMap(({ recurrentBias = [] }) => recurrentBias),
      );
    }
    if (operator.peepholes)
      optional(
        'peepholeWeight',
        [n, 3 * H],
        rows.flatMap(({ P = [] }) => P),
      );
    for (const [s, option] of Object.entries({ h: 'initialHiddenState', c: 'initialCellState' }))
      if (directions[0].initial[s])
        optional(
          option,
          [n, B, H],
          directions.flatMap(({ initial }) => initial[s]),
        );
    if (kind === 'gru') options.resetAfter = operator.reset === 'after';
    options.returnSequence = true;
    options.direction = n === 2 ? 'both' : directions[0].reverse ? 'backward' : 'forward';
    options.layout = layout;
    if (operator.activations.join() !== defaults[kind].activations.join())
      options.activations = operator.activations;

    const all = Array.from({ length: T }, (_, t) =>
      values.flatMap(({ output }) => output.slice(t * B * H, (t + 1) * B * H)),
    ).flat();
    const expectedOutputs: Record<string, WebnnOperand> = {
      hiddenState: operand(
        [n, B, H],
        values.flatMap(({ hT }) => hT),
      ),
    };
    if (kind === 'lstm')
      expectedOutputs.cellState = operand(
        [n, B, H],
        values.flatMap(({ cT }) => cT),
      );
    expectedOutputs.sequence = operand([T, n, B, H], all);
    const widest = Math.max(...tolerances.directions.flatMap(({ output, hT, cT = 0 }) => [output, hT, cT]));
    return {
      name: `${kind} float32 ${name}, layout ${layout}`,
      graph: {
        inputs,
        operators: [
          {
            name: kind,
            arguments: [
              { input: 'input' },
              { weight: 'weight' },
              { recurrentWeight: 'recurrentWeight' },
              { steps: T },
              { hiddenSize: H },
              { options },
            ],
            outputs: Object.keys(expectedOutputs),
          },
        ],
        expectedOutputs,
      },
      tolerance: { metricType: 'ATOL', value: widest },
    };
  });
}
