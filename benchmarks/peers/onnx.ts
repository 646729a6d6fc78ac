/** ONNX Runtime, inference only, one thread. Option: `web` (its wasm build) or `node` (its native build). */
import { STREAMED, type Values } from '../../cli/workloads';
import type { Case } from './case';
import type { Engine } from './host';
import { constant, model, node } from './onnx-model';

interface OrtTensor {
  data: Float32Array;
}
type Feeds = Record<string, OrtTensor>;
interface Session {
  run(feeds: Feeds): Promise<Feeds>;
}
interface Ort {
  Tensor: new (type: 'float32', data: Float32Array, dims: number[]) => OrtTensor;
  InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
  env: { wasm: { numThreads: number }; versions: { common: string; web?: string; node?: string } };
}

/** Its order of our gates: i o f g of an LSTM, z r n of a GRU. */
const orders = { lstm: [0, 3, 1, 2], gru: [1, 0, 2], elman: [0] };
const types = { lstm: 'LSTM', gru: 'GRU', elman: 'RNN' };

export async function open(given: Case, build: 'web' | 'node'): Promise<Engine> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const ort = require(`onnxruntime-${build}`) as Ort;
  ort.env.wasm.numThreads = 1;
  const { workload, parameters: p, x, targets } = given;
  const { cell, D, H, B, T, O } = workload;
  const order = orders[cell];
  const G = order.length;

  /** [K, GH] as [GH, K], gates in its order. */
  const turned = ({ shape, numbers }: Values): Float32Array => {
    const K = shape.length === 1 ? 1 : shape[0];
    const result = new Float32Array(numbers.length);
    order.forEach((from, to) => {
      for (let h = 0; h < H; h++)
        for (let k = 0; k < K; k++) result[(to * H + h) * K + k] = numbers[k * G * H + from * H + h];
    });
    return result;
  };
  // two biases that are added up; only a GRU needs the second one, for the part that r scales
  const bias = new Float32Array(2 * G * H);
  bias.set(turned(p.b));
  if (cell === 'gru') bias.set(p.bhn.numbers, bias.length - H);
  const weights = [
    constant('W', [1, G * H, D], turned(p.Wx)),
    constant('R', [1, G * H, H], turned(p.Wh)),
    constant('B', [1, 2 * G * H], bias),
  ];
  const attributes = { hidden_size: H, ...(cell === 'gru' && { linear_before_reset: 1 }) };
  const create = (bytes: Uint8Array): Promise<Session> =>
    ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });

  const shape = (values: number[]): BigInt64Array => BigInt64Array.from(values, BigInt);
  const head = O
    ? [
        constant('rows', [2], shape([T * B, H])),
        constant('Wy', [H, O], p.Wy.numbers),
        constant('by', [O], p.by.numbers),
        node('Reshape', ['Y', 'rows'], ['h']),
        node('MatMul', ['h', 'Wy'], ['hWy']),
        node('Add', ['hWy', 'by'], ['y']),
      ]
    : [];
  const output = O ? 'y' : 'Y';
  const whole = await create(
    model({ X: [T, B, D] }, { [output]: O ? [T * B, O] : [T, 1, B, H] }, [
      ...weights,
      node(types[cell], ['X', 'W', 'R', 'B'], ['Y'], attributes),
      ...head,
    ]),
  );
  const states = cell === 'lstm' ? ['h', 'c'] : ['h'];
  const dims = (suffix: string) => Object.fromEntries(states.map((s) => [`${s}${suffix}`, [1, 1, H]]));
  const single = await create(
    model({ X: [1, 1, D], ...dims('Prev') }, dims('Next'), [
      ...weights,
      node(
        types[cell],
        ['X', 'W', 'R', 'B', '', ...states.map((s) => `${s}Prev`)],
        ['', ...states.map((s) => `${s}Next`)],
        attributes,
      ),
    ]),
  );

  const feeds: Feeds = { X: new ort.Tensor('float32', x.numbers, [T, B, D]) };
  const singles = Array.from({ length: Math.min(T, STREAMED) }, (_, t) => {
    return new ort.Tensor('float32', x.numbers.slice(t * B * D, t * B * D + D), [1, 1, D]);
  });
  const zero = new ort.Tensor('float32', new Float32Array(H), [1, 1, H]);
  let state: Feeds = Object.fromEntries(states.map((s) => [`${s}Next`, zero]));
  let at = 0;
  const step = async (): Promise<void> => {
    const before = Object.fromEntries(states.map((s) => [`${s}Prev`, state[`${s}Next`]]));
    state = await single.run({ X: singles[at], ...before });
    at = (at + 1) % singles.length;
  };
  const { versions } = ort.env;
  return {
    about: `onnxruntime-${build} ${versions[build] ?? versions.common}`,
    check: async () => {
      const { data } = (await whole.run(feeds))[output];
      for (let k = 0; k < singles.length; k++) await step();
      const streamed = state.hNext.data.reduce((sum, h) => sum + h, 0);
      return {
        loss: O ? crossEntropy(data, targets.numbers, O) : meanSquare(data, targets.numbers),
        streamed,
      };
    },
    forward: () => whole.run(feeds),
    step,
  };
}

function meanSquare(y: Float32Array, targets: Float32Array): number {
  return y.reduce((sum, v, k) => sum + (v - targets[k]) ** 2, 0) / y.length;
}

function crossEntropy(y: Float32Array, classes: Float32Array, O: number): number {
  let loss = 0;
  classes.forEach((k, row) => {
    const logits = y.subarray(row * O, (row + 1) * O);
    loss += Math.log(logits.reduce((sum, v) => sum + Math.exp(v), 0)) - logits[k];
  });
  return loss / classes.length;
}
