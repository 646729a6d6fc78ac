/**
 * Adapter for the layers API of TensorFlow.js, differentiated by the library, as in its guide. Option: backend.
 *
 * Its GRU supports only the reset before the product, so W4 uses that variant there. Time is the second axis.
 */
import { STREAMED, type Values } from '../../measure/workloads';
import type { Case } from './case';
import type { Engine } from './host';
import { normOf, startTf, tensorOf, type Tf, type TfTensor } from './tfjs-backend';

interface Layer {
  apply(x: unknown): unknown;
  setWeights(weights: TfTensor[]): void;
  /** For a stateful layer. */
  resetStates(): void;
}
interface Layers {
  input(options: { batchShape: number[] }): unknown;
  layers: {
    lstm(options: object): Layer;
    gru(options: object): Layer;
    simpleRNN(options: object): Layer;
    dense(options: object): Layer;
  };
  model(options: { inputs: unknown; outputs: unknown }): {
    apply(x: TfTensor): unknown;
    predictOnBatch(x: TfTensor): unknown;
  };
}

/** [T, B, …] as [B, T, …]. */
function batchFirst({ shape: [T, B, ...rest], numbers }: Values): Values {
  const width = rest.reduce((product, n) => product * n, 1);
  const turned = new Float32Array(numbers.length);
  for (let t = 0; t < T; t++)
    for (let b = 0; b < B; b++)
      turned.set(numbers.subarray((t * B + b) * width, (t * B + b + 1) * width), (b * T + t) * width);
  return { shape: [B, T, ...rest], numbers: turned };
}

/** Reorders [r z n] of a GRU to the library's [z r n]: columns of a matrix, or parts of a row. */
function zFirst({ shape, numbers }: Values): Values {
  const width = shape[shape.length - 1];
  const H = width / 3;
  const from = (c: number): number => (c < H ? c + H : c < 2 * H ? c - H : c);
  return { shape, numbers: numbers.map((_, k) => numbers[k - (k % width) + from(k % width)]) };
}

export async function open(given: Case, backend: string): Promise<Engine> {
  const tf: Tf = await startTf(backend);
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const tfl = require('@tensorflow/tfjs-layers') as Layers;
  const { workload, parameters, targets } = given;
  const { cell, D, H, B, T, O } = workload;
  const options = {
    units: H,
    // the default, orthogonal, takes half a minute for H = 512; the weights are overwritten below anyway
    recurrentInitializer: 'zeros',
    kernelInitializer: 'zeros',
    ...(cell !== 'elman' && { recurrentActivation: 'sigmoid' }), // the default is the piecewise linear hard sigmoid
  };
  const make = (more: object): Layer => {
    const all = { ...options, ...more };
    return cell === 'lstm'
      ? tfl.layers.lstm(all)
      : cell === 'gru'
        ? tfl.layers.gru(all)
        : tfl.layers.simpleRNN(all);
  };
  const turned = (v: Values): TfTensor => tensorOf(tf, cell === 'gru' ? zFirst(v) : v);
  const weights = [parameters.Wx, parameters.Wh, parameters.b].map(turned);

  const input = tfl.input({ batchShape: [B, T, D] });
  const layer = make({ returnSequences: true });
  let output = layer.apply(input);
  layer.setWeights(weights);
  if (O) {
    const head = tfl.layers.dense({ units: O });
    output = head.apply(output);
    head.setWeights([tensorOf(tf, parameters.Wy), tensorOf(tf, parameters.by)]);
  }
  const model = tfl.model({ inputs: input, outputs: output });
  const x = tensorOf(tf, batchFirst(given.x));
  const wanted = O
    ? tf.tidy(() => tf.oneHot(tensorOf(tf, batchFirst(targets), 'int32'), O))
    : tensorOf(tf, batchFirst(targets));
  const loss = (): TfTensor => {
    const y = model.apply(x) as TfTensor;
    return O ? tf.losses.softmaxCrossEntropy(wanted, y) : tf.losses.meanSquaredError(wanted, y);
  };

  // one step at a time; the layer keeps its state between calls
  const single = tfl.input({ batchShape: [1, 1, D] });
  const streaming = make({ stateful: true });
  const stream = tfl.model({ inputs: single, outputs: streaming.apply(single) });
  streaming.setWeights(weights);
  const singles = Array.from({ length: Math.min(T, STREAMED) }, (_, t) =>
    tensorOf(tf, { shape: [1, 1, D], numbers: given.x.numbers.slice(t * B * D, t * B * D + D) }),
  );
  let at = 0;
  const step = (): TfTensor => {
    const h = stream.predictOnBatch(singles[at]) as TfTensor;
    at = (at + 1) % singles.length;
    return h;
  };

  const train = (): { loss: number; gradients: TfTensor[] } => {
    const { value, grads } = tf.variableGrads(loss);
    const gradients = Object.values(grads);
    const result = { loss: value.dataSync()[0], gradients };
    value.dispose();
    return result;
  };
  return {
    about: `TensorFlow.js ${tf.version_core} layers, ${backend}`,
    check: () => {
      const { loss, gradients } = train();
      streaming.resetStates();
      at = 0;
      let streamed = 0;
      for (let k = 0; k < singles.length; k++)
        streamed = step()
          .dataSync()
          .reduce((sum, h) => sum + h, 0);
      return { loss, gradientNorm: normOf(gradients), streamed };
    },
    forward: () => tf.tidy(() => loss().dataSync()[0]),
    train: () => {
      const { gradients } = train();
      for (const gradient of gradients) gradient.dispose();
    },
    step: () => {
      const h = step();
      h.dataSync();
      h.dispose();
    },
  };
}
