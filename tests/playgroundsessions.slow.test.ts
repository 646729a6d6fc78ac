/** Training sessions of the page: every cell and task learns, and what the page shows on the way is right. */
import { typeset, withoutColumns } from '../playground/equations/typeset';
import { load } from '../playground/engine/load';
import { Session, type TracedPass } from '../playground/engine/session';
import { traceOf } from '../bptt/trace/numbers';
import { settingsFor, pageTaskNames, type PageSettings } from '../playground/engine/settings';
import { network } from '../bptt/network/network';
import { Plan } from '../bptt/network/passes/plan';
import { suite } from '../bptt/check/suite/suite';
import { recordStep } from '../bptt/trace/lines';
import { printedLines, tensorName } from '../core/programs/print';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { kinds } from '../cells/kinds';
import { encodeCheckpoint } from '../io/checkpoint';
import { Vocabulary } from '../io/vocabulary';
import { toFlat } from '../core/tensor';
import { distance } from './executors';
import { planOf } from '../bptt/network/passes/pass';
import { runnerOf } from '../bptt/network/network';

const small: PageSettings = { ...settingsFor('text'), hidden: 12, batch: 4, seq: 12, window: 12 };
const train = (session: Session, steps: number): number[][] =>
  Array.from({ length: steps }, () => session.step().map(({ loss }) => loss));

describe('a session', () => {
  test.each(kinds.names)('%s learns, alike each time', (cell) => {
    const settings = { ...small, cell };
    const losses = train(new Session(settings), 40).flat();
    expect(losses[39]).toBeLessThan(0.9 * losses[0]);
    expect(train(new Session(settings), 40).flat()).toEqual(losses);
  });

  test.each([...pageTaskNames])('%s is learned', (task) => {
    const session = new Session(settingsFor(task));
    const losses = train(session, 60).flat();
    const mean = (from: number, to: number): number =>
      losses.slice(from, to).reduce((sum, loss) => sum + loss, 0) / (to - from);
    expect(mean(50, 60)).toBeLessThan(0.9 * mean(0, 10));
  });

  test('what is asked of it between two steps changes nothing', () => {
    const settings: PageSettings = { ...small, against: 'clockwork', window: 5, layers: 2 };
    const quiet = train(new Session(settings), 4);
    const asked = new Session(settings);
    const losses = Array.from({ length: 4 }, () => {
      for (const run of [0, 1]) {
        asked.sample(run, 20, 1);
        asked.trace(run, 1);
        asked.flow(run);
        asked.prediction(run);
      }
      return asked.step().map(({ loss }) => loss);
    });
    expect(losses).toEqual(quiet);
  });

  test.each([0, 0.3])('a checkpoint with an embedding goes on too, and is traced, dropout %d', (dropout) => {
    const vocabulary = Vocabulary.of(small.text);
    const layers = [
      embedding({ input: vocabulary.size, width: 5 }),
      gru({ input: 5, hidden: 9 }),
      gru({ input: 9, hidden: 9 }),
    ];
    const net = network({ layers, output: vocabulary.size, loss: 'softmax', dropout });
    const { session } = load(encodeCheckpoint({ network: net, vocabulary }), small);
    const before = toFlat(session.runs[0].network.parameters.values['embedding.E']);
    const losses = train(session, 20).flat();
    expect(losses[19]).toBeLessThan(losses[0]);
    expect(toFlat(session.runs[0].network.parameters.values['embedding.E'])).not.toEqual(before);

    const { network: trained } = session.runs[0];
    const batch = {
      x: { shape: [4, 1], numbers: [3, 1, 4, 1] },
      targets: { shape: [4, 1], numbers: [1, 4, 1, 5] },
    };
    const { layers: traced, loss } = traceOf(runnerOf(trained).lay(batch));
    const pass = trained.forward(batch);
    expect(distance([loss], [pass.loss])).toBeLessThan(1e-12);
    pass.backward();
    const { unrolls } = planOf(pass);
    traced.forEach(({ tracks }, k) => {
      for (let t = 0; t < 4; t++) {
        const v = unrolls[k].at(t);
        expect(distance(tracks.h[t], toFlat(v.h))).toBeLessThan(1e-12);
        expect(distance(tracks.dhNext[t], toFlat(v.dhNext))).toBeLessThan(1e-12);
      }
    });
    expect(session.jacobians(0).map(({ name }) => name)).toEqual(['l0', 'l1']);
    // saved files can be loaded again
    const again = load(session.checkpoint(0, []), small).session;
    expect(train(again, 3)).toEqual(train(session, 3));
  });
});

describe('a trace', () => {
  const passes: Partial<PageSettings>[] = [
    ...kinds.names.map((cell) => ({ cell })),
    { cell: 'lstm', window: 5 },
    { cell: 'clockwork', window: 5, layers: 2 },
    { cell: 'gru', bidirectional: true },
    { task: 'adding', cell: 'gru', seq: 20, window: 20 },
    { task: 'adding', cell: 'elman', seq: 20, window: 6 },
    { task: 'reber', cell: 'elman', layers: 2 },
    { task: 'sine', cell: 'jordan' },
  ];
  test.each(passes)('of %j is of the pass that training made', (some) => {
    const session = new Session({ ...small, ...some });
    const { seq: T, batch: B, window } = session.settings;
    const traces = (): TracedPass[] => Array.from({ length: B }, (_, row) => session.trace(0, row));
    const lossOf = (all: TracedPass[]): number => all.reduce((sum, { loss }) => sum + loss, 0);
    // before the first step, the one to come
    const first = traces();
    expect(first[0]).toMatchObject({ step: 1, made: false, carried: false, T });
    const [{ loss }] = session.step();
    expect(distance([lossOf(first)], [loss])).toBeLessThan(1e-12);
    train(session, 3);
    const [point] = session.step();
    const all = traces();
    expect(all[0]).toMatchObject({ step: 5, made: true, rows: B, T });
    expect(all[0].carried).toBe(session.task.stream && !session.settings.bidirectional);
    expect(all[0].read).toHaveLength(T);
    expect(distance([lossOf(all)], [point.loss])).toBeLessThan(1e-12);
    const state = Object.keys(all[0].layers[0].tracks)[0];
    const norms = Array.from({ length: T }, (_, t) =>
      Math.hypot(...all.flatMap(({ layers }) => layers[0].tracks[`d${state}`][t])),
    );
    expect(distance(norms, [...session.runs[0].flow.norms.slice(0, T)])).toBeLessThan(1e-12);
    if (window < T) expect(Math.max(...all[0].layers[0].tracks[`d${state}Next`][window - 1])).toBe(0);
  });
});

/** Every line that the page can show: those of every kind of cell in every variant, forward and backward. */
function allLines(): string[] {
  const lines = suite()
    .flatMap(({ cells }) => cells)
    .flatMap((cell) => {
      const net = network({ layers: [cell] });
      const plan = new Plan(net.architecture, { T: 2, B: 2, masked: false }, net.parameters);
      const ways = [0, 1].flatMap((t) => [[t, 'step'] as const, [t, 'stepBackward'] as const]);
      return plan.unrolls.flatMap((unroll) =>
        ways.flatMap(([t, way]) => {
          const { operations, v } = recordStep(unroll, t, way);
          return operations.flatMap(({ operation }) =>
            printedLines(operation, (tensor) => tensorName(tensor, v)),
          );
        }),
      );
    });
  return [...new Set(lines.map(withoutColumns))];
}

test('every line that the page can show is typeset', () => {
  const lines = allLines();
  expect(lines).toContain('dc = dcNext + dh * o * (1 - tc * tc)');
  expect(lines.filter((line) => line.includes('·'))).toEqual([]); // an operand without a name
  for (const line of lines) {
    const [math] = typeset(line);
    expect(math).toMatch(/^<math>.*<\/math>$/);
    // every element is closed, and an operator holds text only: nested operators would be drawn as blocks
    const open: string[] = [];
    for (const [, end, tag] of math.matchAll(/<(\/?)(\w+)[^>]*>/g)) {
      if (end === '') expect(open.at(-1)).not.toBe('mo');
      if (end === '') open.push(tag);
      else expect(open.pop()).toBe(tag);
    }
    expect(open).toEqual([]);
  }
  const text = (line: string): string => typeset(line)[0].replace(/<[^>]*>/g, '');
  expect(typeset('dx += dz @ Wx.T')[0]).toContain('<mo>+=</mo>');
  expect(text('dhPrev += du @ Whn.T')).toBe('δht−1+=δuWhn⊤');
  expect(typeset('daq = dh')[0]).toContain('<msub><mi>a</mi><mi>q</mi></msub>');
  expect(typeset('dcPrev = dc * f')[0]).toContain(
    '<msub><mi>c</mi><mrow><mi>t</mi><mo>−</mo><mn>1</mn></mrow></msub>',
  );
  expect(text('h = (1 - z) * n + z * hPrev')).toBe('h=(1−z)⊙n+z⊙ht−1');
  expect(text('y = a - (b - c) * -0.5')).toBe('y=a−(b−c)⊙−0.5');
});
