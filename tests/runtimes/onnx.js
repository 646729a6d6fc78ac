'use strict';
/**
 * Runs ONNX models in a process of its own, outside jest's realm, whose typed arrays the runtime does not take.
 * In: a JSON list of {file, feeds: {name: {type, dims, data}}}. Out: for each its outputs, {name: {dims, data}}.
 */
const { readFileSync } = require('node:fs');
const ort = require('onnxruntime-node');

const arrays = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array };

async function run({ file, feeds }) {
  const session = await ort.InferenceSession.create(file, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const tensors = Object.entries(feeds).map(([name, { type, dims, data }]) => {
    const numbers = arrays[type].from(data, type === 'int64' ? BigInt : Number);
    return [name, new ort.Tensor(type, numbers, dims)];
  });
  const outputs = await session.run(Object.fromEntries(tensors));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { dims, data }]) => [name, { dims, data: Array.from(data) }]),
  );
}

async function main() {
  const results = [];
  for (const one of JSON.parse(readFileSync(0, 'utf8'))) results.push(await run(one));
  process.stdout.write(JSON.stringify(results));
}

main();
