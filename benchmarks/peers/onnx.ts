/** ONNX Runtime, inference only, one thread. Option: `web` (its wasm build) or `node` (its native build). */
import { WorkloadRun, STREAMED } from '../../measure/workloads';
import { encodeOnnx } from '../../io/onnx/model';
import type { Case } from './case';
import type { Engine } from './host';

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

export async function open(given: Case, build: 'web' | 'node'): Promise<Engine> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const ort = require(`onnxruntime-${build}`) as Ort;
  ort.env.wasm.numThreads = 1;
  const { workload, x, targets } = given;
  const { cell, D, H, B, T, O } = workload;
  const { net, stream } = new WorkloadRun(workload, { dtype: 'float32', executor: 'plain' }, given);
  const create = (bytes: Uint8Array): Promise<Session> =>
    ort.InferenceSession.create(bytes, { intraOpNumThreads: 1, interOpNumThreads: 1 });
  const whole = await create(encodeOnnx(net));
  const single = await create(encodeOnnx(stream, { states: true }));

  const feeds: Feeds = { x: new ort.Tensor('float32', x.numbers, [T, B, D]) };
  const singles = Array.from({ length: Math.min(T, STREAMED) }, (_, t) => {
    return new ort.Tensor('float32', x.numbers.slice(t * B * D, t * B * D + D), [1, 1, D]);
  });
  const states = cell === 'lstm' ? ['l0_h', 'l0_c'] : ['l0_h'];
  const zero = new ort.Tensor('float32', new Float32Array(H), [1, H]);
  let state: Feeds = Object.fromEntries(states.map((s) => [`${s}n`, zero]));
  let at = 0;
  const step = async (): Promise<void> => {
    const before = Object.fromEntries(states.map((s) => [`${s}0`, state[`${s}n`]]));
    state = await single.run({ x: singles[at], ...before });
    at = (at + 1) % singles.length;
  };
  const { versions } = ort.env;
  return {
    about: `onnxruntime-${build} ${versions[build] ?? versions.common}`,
    check: async () => {
      const { data } = (await whole.run(feeds)).y;
      for (let k = 0; k < singles.length; k++) await step();
      const streamed = state.l0_hn.data.reduce((sum, h) => sum + h, 0);
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
