/** A cell, a loss, an optimizer and a schedule that were registered by a user are found in every list of such things. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { checkProblem } from '../bptt/check/gradcheck';
import { casesOfText, suite } from '../bptt/check/suite';
import { trainingSettings } from '../bptt/train/settings';
import { gateBias } from '../cells/define';
import { add as addImport } from '../cli/import';
import { add as addTrain } from '../cli/train';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  exactCheck,
  gru,
  loss,
  lossNames,
  mutationScore,
  network,
  registerLoss,
  registerOptimizer,
  registerSchedule,
} from '../index';
import { pageSettings } from '../playground/engine/settings';
import { cellLabel, isCellSetting, makeCell } from '../run/cellchoice';
import { readSchedule } from '../run/settings';

const leaky = `cell own-leaky
shapes
  x [D]   states h [H]   parameters Wx [D, H]
forward
  n = tanh(x @ Wx)
  h = 0.5 * hPrev + 0.5 * n
backward
  dh = dhOut + dhNext
  da = 0.5 * dh * (1 - n * n)
  dhPrev = 0.5 * dh
  dx = da @ Wx.T
  dWx += x.T @ da`;

registerLoss(
  loss({
    name: 'own-loss',
    title: 'quartic error',
    targets: 'numbers',
    forward: `
      e = y - target
      rowLoss = sum(e * e * e * e, axis=1)`,
    backward: 'dy = weight * 4 * e * e * e',
  }),
);
registerOptimizer({
  name: 'own-signs',
  title: 'signs',
  defaults: { learningRate: 0.01 },
  update: () => ({
    states: [],
    equations: 'p = pPrev - lr * (step(g) - step(-g))',
    numbers: (_t, lr) => ({ lr }),
  }),
});
registerSchedule({
  name: 'own-halving',
  options: ['every'],
  factor:
    ({ every }) =>
    (t) =>
      2 ** -Math.floor(t / every),
});

const help = (add: (program: Command) => void): string => {
  const program = new Command();
  add(program);
  return program.commands[0].helpInformation();
};

describe('a cell', () => {
  test('has its cases in the check suite, all of which pass, and its mutants, all of which are noticed', () => {
    const cases = casesOfText(leaky);
    expect(cases.map(({ name }) => name)).toEqual([
      'own-leaky',
      'own-leaky, lengths',
      'own-leaky in both directions',
    ]);
    const [{ problem, cells }] = cases;
    expect(checkProblem(problem(1), cells, { seed: 1 }).ok).toBe(true);
    const { killed, total } = mutationScore(problem(1), { oracles: ['exact'] });
    expect([killed, total > 20]).toEqual([total, true]);
  });
  test('is a choice of --cell, by the text of its file', () => {
    expect(isCellSetting(leaky)).toBe(true);
    expect(makeCell(leaky, { input: 2, hidden: 3 }).name).toBe('own-leaky');
    expect(cellLabel(leaky)).toBe('own-leaky (from a file)');
  });
  test('has a forget gate for --forget-bias where its equations have one with a bias', () => {
    const sizes = { input: 2, hidden: 3 };
    const gated = readFileSync(join(__dirname, '..', 'examples', 'cells', 'coupled-lstm.txt'), 'utf8');
    expect(gateBias(makeCell(leaky, sizes), 'f')).toBeUndefined();
    expect(gateBias(makeCell('lstm', sizes), 'f')).toEqual({ of: 'b', from: 3, to: 6 });
    expect(gateBias(makeCell(gated, sizes), 'f')).toEqual({ of: 'b', from: 0, to: 3 });
    for (const cell of ['gru', 'lstm1997', 'elman', 'clockwork'])
      expect(gateBias(makeCell(cell, { input: 2, hidden: 4 }), 'f')).toBeUndefined();
  });
});

describe('a loss', () => {
  test('is tried by the check suite', () => {
    const found = suite().filter(({ name }) => name.includes('own-loss'));
    expect(found.map(({ name }) => name)).toEqual(['network deep, own-loss, lengths']);
    expect(exactCheck(found[0].problem(1)).proved).toBe(true);
  });
  test('is a choice of the command line', () => expect(help(addImport)).toContain('own-loss'));
  test('is read from a checkpoint', () => {
    const net = network({ layers: [gru({ input: 2, hidden: 3 })], output: 2, loss: 'own-loss' });
    expect(decodeCheckpoint(encodeCheckpoint({ network: net })).network.architecture.loss).toBe('own-loss');
    expect(lossNames()).toContain('own-loss');
  });
});

describe('an optimizer', () => {
  test('is a choice of the command line and a setting', () => {
    expect(trainingSettings.optimizer.names()).toContain('own-signs');
    expect(help(addTrain)).toContain('own-signs');
  });
  test('is in the menu of the page', () => expect(pageSettings.optimizer.names()).toContain('own-signs'));
});

test('a schedule is read from the command line, and named in its help', () => {
  expect(readSchedule('own-halving:10', null)).toEqual({ name: 'own-halving', every: 10 });
  expect(help(addTrain)).toContain('own-halving');
});
