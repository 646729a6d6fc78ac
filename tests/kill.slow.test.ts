/** Some of the random kills of scripts/kill.ts, and proof that the script detects faults. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHECKPOINT } from '../run/settings';
import { Random } from '../core/random/random';
import { gru } from '../cells/gru';
import { network } from '../bptt/network/network';
import { optimizer } from '../bptt/train/optimizers';
import { encodeCheckpoint } from '../io/checkpoint';
import { differences, killRuns, stepLeft } from '../scripts/kill';

it('killed at any moment, a run goes on from its last checkpoint and ends the same to the byte', async () => {
  const settings = '--cell lstm --hidden 16 --batch 2 --seq 3 --threads 2 --dropout 0.2 --save-every 1';
  const { kills, steps, faults } = await killRuns(
    settings.split(' '),
    { kills: 4, steps: 30 },
    new Random(5),
  );
  expect(faults).toEqual([]);
  expect(kills).toBe(4);
  expect(Math.max(...steps)).toBeGreaterThan(0);
});

describe('mistakes are found', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-killed-'));
  const [whole, killed] = ['whole', 'killed'].map((name) => join(folder, name));
  const [older, newer] = [0, 3].map((steps) => {
    const net = network({ layers: [gru({ input: 2, hidden: 2 })], output: 2, loss: 'softmax' });
    const made = optimizer(net, { name: 'sgd' });
    for (let k = 0; k < steps; k++) made.step();
    return Buffer.from(encodeCheckpoint({ network: net, optimizer: made }));
  });
  const leave = (bytes: Uint8Array): void => writeFileSync(join(killed, CHECKPOINT), bytes);
  beforeEach(() => {
    for (const each of [whole, killed]) {
      rmSync(each, { recursive: true, force: true });
      mkdirSync(each);
      writeFileSync(join(each, CHECKPOINT), newer);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('nothing, where nothing is wrong', () => {
    expect(stepLeft(killed, older, 3)).toBe(3);
    expect(stepLeft(killed, newer, 0)).toBe(0);
    expect(differences(killed, whole)).toEqual([]);
  });

  it('a checkpoint that is behind what was saved', () => {
    const message = 'kill: the checkpoint must be that of step 4 or later, got 3 (it was saved)';
    expect(() => stepLeft(killed, older, 4)).toThrow(message);
    leave(older);
    expect(() => stepLeft(killed, older, 1)).toThrow('got 0');
  });

  it('a checkpoint that is cut off, or missing', () => {
    leave(newer.subarray(0, newer.length - 1));
    expect(() => stepLeft(killed, older, 0)).toThrow('must be a whole checkpoint');
    rmSync(join(killed, CHECKPOINT));
    expect(() => stepLeft(killed, older, 0)).toThrow('ENOENT');
  });

  it('another bit, and a file that was left behind', () => {
    const other = readFileSync(join(whole, CHECKPOINT));
    other[other.length - 1] ^= 1;
    leave(other);
    expect(differences(killed, whole)).toEqual([`${CHECKPOINT} has other bytes`]);
    writeFileSync(join(killed, 'a.tmp'), '');
    expect(differences(killed, whole)).toEqual([`the files must be ${CHECKPOINT}, got a.tmp, ${CHECKPOINT}`]);
  });
});
