import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { judgePeers, judgeText } from '../benchmarks/figures';
import { markdown } from '../benchmarks/markdown';
import type { PeerRow } from '../benchmarks/peers/host';
import { readCase, writeCase } from '../benchmarks/peers/case';
import { Absent, Child } from '../benchmarks/peers/child';
import { logSlope, median, sample, sampleAsync } from '../measure/timing';
import {
  dataOf,
  disagreement,
  flopsOf,
  WorkloadRun,
  smallestWorkloads,
  workloads,
} from '../measure/workloads';

const root = join(__dirname, '..');
const [tiny] = smallestWorkloads;

describe('timing', () => {
  test('the median is the middle, or between the two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2);
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test('the slope of a power is its exponent', () => {
    expect(logSlope([1, 2, 5, 9].map((x) => [x, 7 * x ** 1.5]))).toBeCloseTo(1.5, 12);
  });

  // a clock that advances by a fixed number of milliseconds on every read
  const ticking = (step: number): (() => number) => {
    let now = 0;
    return () => (now += step);
  };

  test('calls are timed until enough time has passed, at least once', async () => {
    expect(sample(() => undefined, 10, ticking(4))).toEqual([4, 4, 4]);
    expect(sample(() => undefined, 0, ticking(4))).toEqual([4]);
    expect(await sampleAsync(() => Promise.resolve(), 10, ticking(4))).toEqual([4, 4, 4]);
  });

  test('short calls are timed in groups, and the time is that of one', () => {
    let calls = 0;
    const times = sample(() => calls++, 0.25, ticking(0.1));
    expect(times).toEqual([0.1, expect.closeTo(0.05, 9), expect.closeTo(0.025, 9)]);
    expect(calls).toBe(1 + 2 + 4);
  });
});

describe('workloads', () => {
  test('flops are those of the formula: an LSTM, and one with an output layer', () => {
    const [w1, w2] = workloads;
    expect(flopsOf(w2).forward).toBe(100 * 2 * 32 * 4 * 256 * (128 + 256));
    expect(flopsOf(w1).training).toBe(3 * 50 * 2 * 32 * (4 * 128 * (64 + 128) + 128 * 64));
    expect(flopsOf(w2).training - flopsOf(w2).done).toBe(100 * 2 * 32 * 4 * 256 * 128);
  });

  test('data are the same every time', () => {
    expect(dataOf(tiny)).toEqual(dataOf(tiny));
  });

  test.each(smallestWorkloads.map((workload) => [workload.name, workload] as const))(
    '%s computes the same in float32 and float64, on SIMD kernels and plain loops',
    (_name, workload) => {
      const reference = new WorkloadRun(workload, { dtype: 'float64', executor: 'plain' }).outcome();
      for (const dtype of ['float32', 'float64'] as const) {
        const outcome = new WorkloadRun(workload, { dtype }).outcome();
        expect(disagreement(outcome, reference, dtype)).toBeUndefined();
      }
    },
  );

  test('a wrong loss, gradient or stream is noticed, and so is what is no number', () => {
    const right = { loss: 1, gradientNorm: 2, streamed: 3 };
    expect(disagreement({ loss: 1.01 }, right, 'float32')).toBe('loss is 1.01, not 1');
    expect(disagreement({ ...right, gradientNorm: 2.001 }, right, 'float32')).toMatch(/^gradientNorm/);
    expect(disagreement({ ...right, streamed: NaN }, right, 'float64')).toMatch(/^streamed/);
    expect(disagreement({ ...right, loss: 1 + 1e-8 }, right, 'float64')).toMatch(/^loss/);
    expect(disagreement({ loss: 1 }, right, 'float64')).toBeUndefined();
  });
});

describe('peers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-bench-test-'));
  const file = join(folder, 'case.json');
  beforeAll(() => writeCase(tiny, file));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a case is read as it was written', () => {
    expect(readCase(file)).toEqual({ workload: tiny, ...dataOf(tiny) });
  });

  test('an engine in a process of its own computes what this one does', async () => {
    const child = await Child.start('ours:float64:plain', file);
    try {
      const wanted = new WorkloadRun(tiny, { dtype: 'float64' }).outcome();
      expect(disagreement(await child.check(), wanted, 'float64')).toBeUndefined();
      expect(child.does).toEqual(['forward', 'train', 'step']);
      expect((await child.time('step', 1, 'wall')).length).toBeGreaterThan(0);
      expect(await child.peakMegabytes()).toBeGreaterThan(10);
    } finally {
      await child.stop();
    }
  });

  test('an engine that is not there, or does not start, is absent and says why', async () => {
    await expect(Child.start('nosuchengine', file)).rejects.toThrow(new Absent('not installed'));
    await expect(Child.start([join(folder, 'nosuchcommand')], file)).rejects.toThrow(Absent);
    const dying = [process.execPath, '-e', 'console.error("no luck"); process.exit(1)'];
    await expect(Child.start(dying, file)).rejects.toThrow(new Absent('it ended: no luck'));
  });

  test('figures are judged where both sides were measured', () => {
    const row = (peer: string, ms: number, ratio: number): PeerRow => ({
      workload: 'W6',
      peer,
      about: peer,
      tasks: { train: { median: ms, min: ms, calls: 1, ours: ms / ratio, ratio } },
    });
    const judged = judgePeers([
      row('backstep', 2, 1),
      row('backstep plain', 50, 25),
      row('backstep float64', 5, 2.5),
      row('PyTorch', 80, 40),
      row('recurrent-js', 40, 20),
    ]);
    expect(judged).toEqual([
      { what: 'W6 train: recurrent-js / backstep', wanted: '≥ 50×', got: 20, unit: '×', met: false },
      { what: 'W6 train: PyTorch / backstep', wanted: '≥ 30×', got: 40, unit: '×', met: true },
      { what: 'W6 train: backstep / backstep float64', wanted: '≥ 0.45×', got: 0.4, unit: '×', met: false },
      { what: 'W6 train: recurrent-js / backstep plain', wanted: '≥ 1×', got: 0.8, unit: '×', met: false },
    ]);
  });
});

describe('backstep bench', () => {
  const bench = (...args: string[]): string =>
    execFileSync(process.execPath, ['-r', './scripts/register.js', 'cli/main.ts', 'bench', ...args], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    });

  test('prints one row for each workload and dtype', () => {
    const rows = bench('--smallest', '--json', 'W1', 'W6')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { workload: string; dtype: string; training: { median: number } });
    expect(rows.map(({ workload, dtype }) => `${workload} ${dtype}`)).toEqual([
      'W1 float32',
      'W1 float64',
      'W6 float32',
      'W6 float64',
    ]);
    for (const { training } of rows) expect(training.median).toBeGreaterThan(0);
  });

  test('refuses a workload that it does not know', () => {
    expect(() => bench('W9')).toThrow(/bench: the workload must be one of W1, W2, W3, W4, W5, W6/);
  });
});

describe('the report in Markdown', () => {
  const figure = (what: string, got: number, met: boolean) => ({ what, wanted: '≥ 2×', got, unit: '×', met });

  test('has a column for each version of Node that was judged; what is missed is bold', () => {
    const text = markdown('npm run bench', [
      {
        machine: 'One processor, Node 20.1.0',
        figures: [figure('speed', 1, false)],
        printed: [{ name: 'gemm', text: 'One processor, Node 20.1.0\nrows' }],
      },
      {
        machine: 'One processor, Node 24.1.0',
        figures: [{ ...figure('speed', 3, true), detail: 'slowest of all' }, figure('only here', 2, true)],
        printed: [],
      },
      { machine: 'One processor, Node 26.1.0', figures: [], printed: [] },
    ]);
    expect(text).toContain('2 of 3 figures met');
    expect(text).toContain(
      [
        '| figure | Node 20.1.0 | Node 24.1.0 |',
        '| --- | --- | --- |',
        '| speed | **1.00×** (≥ 2×) | 3.00× (≥ 2×): slowest of all |',
        '| only here |  | 2.00× (≥ 2×) |',
      ].join('\n'),
    );
    expect(text).toContain('## One processor, Node 20.1.0\n\n### gemm\n\n```text\nrows\n```');
  });

  test('compares characters per second with the oldest Node, where that has kernels of 128 bits', () => {
    const row = (node: string, ratio: number) => ({ node, charactersPerSecond: 1000 * ratio, ratio });
    const judged = judgeText([row('20.20.2', 1), row('22.1.0', 1.2), row('24.1.0', 1.6), row('26.1.0', 1.4)]);
    expect(judged.map(({ met, got }) => [met, got])).toEqual([
      [true, 1.6],
      [false, 1.4],
    ]);
    expect(judgeText([row('24.1.0', 1), row('26.1.0', 2)])).toEqual([]);
  });
});
