'use strict';
/**
 * Runs Keras' layers as TensorFlow.js implements them, in a process of its own.
 * In: a JSON list of {layers: [{kind, units, activation?, bias?, both?}], dense?, weights: [{shape, data}], x}, with x
 * [B, T, D] as nested lists. Out: for each its output [B, T, O].
 */
const { readFileSync } = require('node:fs');
const tf = require('@tensorflow/tfjs-core');
const layers = require('@tensorflow/tfjs-layers');
require('@tensorflow/tfjs-backend-cpu');

const kinds = { elman: 'simpleRNN', lstm: 'lstm', gru: 'gru' };

function run({ layers: stack, dense, weights, x }) {
  const model = layers.sequential();
  stack.forEach(({ kind, units, activation = 'tanh', bias = true, both }, k) => {
    const layer = layers.layers[kinds[kind]]({
      units,
      activation,
      useBias: bias,
      returnSequences: true,
      // the default of the file format's present version; here it is hardSigmoid
      ...(kind !== 'elman' && { recurrentActivation: 'sigmoid' }),
      recurrentInitializer: 'zeros',
      ...(k === 0 && !both && { inputShape: [null, x[0][0].length] }),
    });
    const shape = k === 0 ? { inputShape: [null, x[0][0].length] } : {};
    model.add(both ? layers.layers.bidirectional({ layer, mergeMode: 'concat', ...shape }) : layer);
  });
  if (dense) model.add(layers.layers.timeDistributed({ layer: layers.layers.dense({ units: dense }) }));
  model.setWeights(weights.map(({ shape, data }) => tf.tensor(data, shape)));
  return model.predict(tf.tensor(x)).arraySync();
}

async function main() {
  await tf.setBackend('cpu');
  const list = JSON.parse(readFileSync(0, 'utf8'));
  process.stdout.write(JSON.stringify(list.map(run)));
}

main();
