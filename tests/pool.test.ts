/** Worker threads: an answer that arrives after its thread was terminated. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from '../bptt/parallel/pool';

const folder = mkdtempSync(join(tmpdir(), 'backstep-pool-'));
const file = join(folder, 'double.js');
// the thread says in shared memory that its answer has been sent
writeFileSync(
  file,
  `module.exports = ({ order: { value, sent } }) => {
    setImmediate(() => setImmediate(() => { Atomics.store(sent, 0, 1); Atomics.notify(sent, 0); }));
    return 2 * value;
  };`,
);
afterAll(() => rmSync(folder, { recursive: true }));

interface Order {
  value: number;
  sent: Int32Array;
}
const order = (value: number): Order => ({ value, sent: new Int32Array(new SharedArrayBuffer(4)) });

it('an order is carried out', async () => {
  const pool = new Pool<Order, number, never>(file, 1);
  expect(await pool.run(order(21), () => undefined)).toBe(42);
  await pool.close();
});

it('an answer that arrives after the pool was closed is dropped, and its order fails', async () => {
  const pool = new Pool<Order, number, never>(file, 1);
  // the thread is up
  await pool.run(order(1), () => undefined);
  const late = order(2);
  const answer = pool.run(late, () => undefined);
  const failed = expect(answer).rejects.toThrow('Terminating worker thread');
  // nothing is received meanwhile: this thread sleeps
  expect(Atomics.wait(late.sent, 0, 0, 100_000)).not.toBe('timed-out');
  await pool.close();
  await failed;
});
