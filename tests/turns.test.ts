/** Threads that take turns. */
import { once } from 'node:events';
import { getEnvironmentData, Worker } from 'node:worker_threads';
import { inTurn, LOCK } from '../core/wasm/turns';

const lock = new Int32Array(getEnvironmentData(LOCK) as unknown as SharedArrayBuffer);

it('returns what it ran, and gives the turn back, also after an error', () => {
  expect(inTurn(() => lock[0])).toBe(1);
  expect(lock[0]).toBe(0);
  expect(() =>
    inTurn(() => {
      throw new Error('no');
    }),
  ).toThrow('no');
  expect(lock[0]).toBe(0);
});

it('waits for a thread that has the turn, which inherited the lock', async () => {
  const state = new Int32Array(new SharedArrayBuffer(8));
  const program = `
    const { getEnvironmentData, parentPort, workerData: state } = require('node:worker_threads');
    const lock = new Int32Array(getEnvironmentData(${JSON.stringify(LOCK)}));
    Atomics.store(lock, 0, 1);
    parentPort.postMessage('mine');
    Atomics.wait(state, 0, 0);
    for (let k = 0; k < 1e7; k++) state[1] = k; // the other thread is waiting by now
    state[1] = -1;
    Atomics.store(lock, 0, 0);
    Atomics.notify(lock, 0);
  `;
  const worker = new Worker(program, { eval: true, workerData: state, execArgv: [] });
  await once(worker, 'message');
  Atomics.store(state, 0, 1);
  Atomics.notify(state, 0);
  expect(inTurn(() => state[1], Infinity)).toBe(-1);
  await worker.terminate();
});

it('goes ahead when the turn is never given back', () => {
  Atomics.store(lock, 0, 1);
  expect(inTurn(() => 'ahead', 1)).toBe('ahead');
  expect(lock[0]).toBe(0);
});
