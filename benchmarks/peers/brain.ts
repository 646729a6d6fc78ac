/**
 * brain.js: its "LSTM" over time steps, which keeps no cell state beside its output, so that neither its loss nor its
 * gradients can be ours. It learns to foretell the next input, and so has D outputs.
 */
import type { Case } from './case';
import type { Engine } from './host';

interface Brain {
  recurrent: {
    LSTMTimeStep: new (options: { inputSize: number; hiddenLayers: number[]; outputSize: number }) => {
      initialize(): void;
      trainArrayOfArray(input: Float32Array[]): number;
      backpropagate(): void;
      run(input: Float32Array[]): Float32Array;
    };
  };
}

export function open({ workload, x }: Case): Engine {
  /* eslint-disable @typescript-eslint/no-require-imports */
  const { recurrent } = require('brain.js') as Brain;
  const { version } = require('brain.js/package.json') as { version: string };
  /* eslint-enable @typescript-eslint/no-require-imports */
  const { D, H, T } = workload;
  const net = new recurrent.LSTMTimeStep({ inputSize: D, hiddenLayers: [H], outputSize: D });
  net.initialize();
  // of T + 1 inputs the first T are read, and each is compared with the one after
  const sequence = Array.from({ length: T + 1 }, (_, t) => x.numbers.slice((t % T) * D, (t % T) * D + D));
  return {
    about: `brain.js ${version}`,
    check: () => ({}),
    forward: () => net.trainArrayOfArray(sequence),
    // gradients are not set back to zero: only its optimizer does that
    train: () => {
      net.trainArrayOfArray(sequence);
      net.backpropagate();
    },
  };
}
