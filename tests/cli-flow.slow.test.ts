import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flow, spectralRadius, toNested, trendOf, type Flow } from '../index';
import { clipLines, flowLines, trendLines, trendTable } from '../draw/flowreport';
import { subjectOf, type SubjectOptions } from '../text/subject';
import { choiceNames } from '../cells/kinds';
import { command } from './process';

const folder = mkdtempSync(join(tmpdir(), 'backstep-flow-'));
afterAll(() => rmSync(folder, { recursive: true }));
const text = join(folder, 'text.txt');
writeFileSync(text, 'she sells sea shells by the sea shore\n'.repeat(9));

const backstep = (...args: string[]) =>
  spawnSync(process.execPath, [...command, ...args], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1' },
  });
const small = ['--hidden', '4', '--steps', '6', '--batch', '2'];

test('curves, a table, what clipping does, and a picture with its scale', () => {
  const { status, stdout, stderr } = backstep(
    'flow',
    ...[...small, '--layers', '2', '--clip', '0.001', '--curvature', '--svg', 'flow.svg'],
  );
  expect([status, stderr]).toEqual([0, '']);
  const lines = stdout.split('\n');
  expect(lines[0]).toMatch(
    /^lstm, 4 units, 2 layers, untrained; noise, loss \d\.\d+ at the last of 6 steps of 2 rows$/,
  );
  expect(stdout).toMatch(/^‖∂L\/∂h_t‖, t = 0 … 5; log scale from \S+ to \S+$/m);
  // nothing but h reaches a loss at the last step: of the last c there is a gap
  expect(stdout).toMatch(/^l0\.h {7}[▁-█]{6}\nl0\.c {7}[▁-█]{5}\nl1\.h {7}[▁-█]{6}\nl1\.c {7}[▁-█]{5}$/m);
  expect(stdout).toMatch(/^l1 {2}lstm .* × 0\.\d+$/m);
  expect(stdout).toMatch(/^l1: ‖∂h_T\/∂h_T−d‖ halves every \S+ steps$/m);
  expect(stdout).toMatch(
    /^largest curvature of the loss: λ = -?[\d.]+ \(residual \S+ after \d+ products\)$/m,
  );
  expect(stdout).toMatch(/^gradient of all parameters: ‖g‖ = \S+, clipped to 0.001, × \S+$/m);
  expect(stdout).toContain('keeps its direction');
  const svg = readFileSync(join(folder, 'flow.svg'), 'utf8');
  expect(svg.startsWith('<svg xmlns="http://www.w3.org/2000/svg"')).toBe(true);
  for (const label of ['l0.h', 'l0.c', 'l1.h', 'l1.c']) expect(svg).toContain(`>${label}<`);
  // a cell for each state and step
  expect(svg.match(/<rect /g)?.length).toBeGreaterThanOrEqual(4 * 6 + 100 - 2);
});

test('a trained model, on its own text; JSON holds all of it', () => {
  const sizes = ['--hidden', '5', '--batch', '2', '--seq', '5', '--steps', '3', '--threads', '1'];
  expect(backstep('train', '--text', text, '--cell', 'gru', ...sizes, '--out', 'run').status).toBe(0);
  const { status, stdout } = backstep(
    'flow',
    'run',
    '--steps',
    '7',
    '--batch',
    '3',
    '--at',
    'every',
    '--json',
    '--clip',
    '2',
  );
  expect(status).toBe(0);
  const found = JSON.parse(stdout) as Flow & { what: string; from: string; clip: object };
  expect(found).toMatchObject({ what: 'gru 5, trained', from: text, row: 0 });
  expect(found.layers[0].gradients.h).toHaveLength(7);
  expect(found.layers[0].back).toHaveLength(8);
  expect(found.clip).toMatchObject({ loss: { before: found.loss } });
  const wrong = backstep('flow', 'run', '--forget-bias', '3');
  expect([wrong.status, wrong.stderr]).toEqual([
    2,
    expect.stringContaining('flow: --forget-bias must be left out, got 3 (it is fixed by the checkpoint)'),
  ]);
  const damaged = join(folder, 'damaged.safetensors');
  writeFileSync(damaged, readFileSync(join(folder, 'run', 'checkpoint.safetensors')).subarray(0, 100));
  expect(backstep('flow', damaged).status).toBe(2);
});

describe('what is looked at', () => {
  const options: SubjectOptions = { seed: 1, steps: 5, batch: 2, hidden: 4, at: 'last' };

  it.each(choiceNames())('%s, on noise and on a text, from one end and from both', (cell) => {
    for (const more of [{}, { text, bidirectional: true, at: 'every' as const, layers: 2 }]) {
      const { network, batch } = subjectOf('flow', undefined, { ...options, cell, ...more });
      const { layers } = flow(network, batch);
      expect(layers).toHaveLength('text' in more ? 4 : 1);
      for (const { back } of layers) expect(back).toHaveLength(6);
    }
  });

  it('--spectral-radius is refused for a cell without a recurrent matrix', () =>
    expect(() => subjectOf('flow', undefined, { ...options, cell: 'mingru', spectralRadius: 1.5 })).toThrow(
      'flow: --spectral-radius must be left out, got 1.5 (--cell mingru has no recurrent matrix)',
    ));

  it('--spectral-radius scales every recurrent matrix', () => {
    const H = 4;
    const radii = (cell: SubjectOptions['cell']): number[] => {
      const { network } = subjectOf('flow', undefined, { ...options, cell, layers: 2, spectralRadius: 1.5 });
      return ['l0', 'l1'].flatMap((layer) => {
        const { [`${layer}.Wh`]: Wh, [`${layer}.Wf`]: Wf, [`${layer}.Wo`]: Wo } = network.parameters.values;
        const rows = (t: typeof Wh): number[][] => toNested(t) as number[][];
        if (!(`${layer}.Wh` in network.parameters.values))
          return [
            spectralRadius(
              rows(Wf).map((f) => f.map((_, c) => f.reduce((sum, v, k) => sum + v * Wo.get(k, c), 0))),
            ),
          ];
        const gates = Wh.shape[1] / H;
        return Array.from({ length: gates }, (_, k) =>
          spectralRadius(rows(Wh).map((row) => row.slice(k * H, (k + 1) * H))),
        );
      });
    };
    for (const [cell, count] of [
      ['elman', 2],
      ['lstm', 8],
      ['gru', 6],
      ['jordan', 2],
      ['clockwork', 2],
    ] as const)
      expect([cell, radii(cell)]).toEqual([cell, Array(count).fill(expect.closeTo(1.5, 10))]);
  });

  it('--forget-bias opens the gates: the memory lasts', () => {
    const last = [-5, 0, 5].map((forgetBias) => {
      const { network, batch } = subjectOf('flow', undefined, { ...options, cell: 'lstm', forgetBias });
      return flow(network, batch).layers[0].back[5].states.c;
    });
    expect(last[0]).toBeLessThan(1e-4);
    expect(last[1]).toBeLessThan(0.5);
    expect(last[2]).toBeGreaterThan(0.9);
  });

  it.each([
    [
      { cell: 'gru', forgetBias: 2 },
      'flow: --forget-bias must be left out, got 2 (--cell gru has no forget gate)',
    ],
    [{ text, input: 3 }, 'flow: --input must be left out, got 3'],
    [{ text: '/nothing/here' }, 'flow: --text: /nothing/here must be a readable file, got no such file'],
    [{ text, steps: 1000 }, 'streams: the text must hold at least 2001 symbols'],
    [{ cell: 'clockwork', hidden: 5 }, 'clockwork: hidden must be a multiple of 4, got 5'],
  ] as const)('%j is refused', (more, message) =>
    expect(() => subjectOf('flow', undefined, { ...options, ...more })).toThrow(message),
  );
});

describe('the report', () => {
  const back = (norms: number[]) =>
    norms.map((norm, d) => ({ d, norm, bound: norm, singular: [norm], states: { h: norm } }));
  const layer = (norms: number[], gradients: number[]) => ({
    ...{ name: 'l0', cell: 'elman', reverse: false, steps: [], initial: { h: 0 } },
    gradients: { h: gradients },
    back: back(norms),
  });
  const report = (norms: number[], gradients = [1, 1]): string => {
    const found = { loss: 1, row: 0, layers: [layer(norms, gradients)] };
    const [, body] = trendTable(found);
    return [...flowLines(found, 40), ...body.map((cells) => cells.join('  ')), ...trendLines(found)].join(
      '\n',
    );
  };

  it('says where it vanished or exploded', () => {
    expect(report([1, 1e-5, 1e-10])).toMatch(
      /× 0.0000100\nl0: .* halves every 0.0602 steps; from d = 2 on it is below 2⁻²⁴, lost in float32$/,
    );
    expect(report([1, 1e5, 1e10])).toMatch(
      /× 1.00e\+5\nl0: .* doubles every 0.0602 steps; from d = 2 on it is above 2²⁴$/,
    );
    expect(report([1, 0, 0])).toMatch(/ is gone; from d = 1 on it is below 2⁻²⁴/);
    expect(report([1, 1, 1])).toMatch(/× 1.00\nl0: .* stays$/);
    expect(trendOf([1, 1]).vanished).toBeUndefined();
  });

  it('fits a narrow terminal, and gradients that are 0 everywhere', () => {
    expect(report([1, 1], Array<number>(500).fill(2))).toMatch(/^l0\.h {7}▁{29}$/m);
    expect(report([1, 1], [0, 0])).toContain('‖∂L/∂h_t‖, t = 0 … 1: 0 everywhere');
  });

  it('says when there was nothing to clip', () => {
    const same = { free: 0.1, clipped: 0.1 };
    const lines = clipLines(
      { norm: 1, clipped: 1, coefficient: 1, update: same, loss: { before: 2, free: 1, clipped: 1 } },
      0.1,
    );
    expect(lines.join('\n')).toMatch(
      /‖g‖ = 1, below the limit: not clipped\none step at rate 0.1: ‖Δθ‖ = 0.1, loss 2.000 → 1.000$/,
    );
  });
});

test.each([
  [['--row', '8'], 'flow: --row must be in 0 … 7, got 8 (--batch 8)'],
  [
    ['--cell', 'elman-relu', '--spectral-radius', '1e9', ...small, '--steps', '60'],
    'flow: gradients must be finite, got',
  ],
])('%j is refused', (args, message) => {
  const { status, stderr } = backstep('flow', ...args);
  expect([status, stderr]).toEqual([2, expect.stringContaining(message)]);
});

test('the name of a text, which a checkpoint holds, does nothing to a terminal, a picture or its reader', () => {
  const wild = 'a\x1b[31m\x1b]0;title\x07\u202e.txt';
  writeFileSync(join(folder, wild), 'she sells sea shells by the sea shore\n'.repeat(9));
  const sizes = ['--hidden', '4', '--batch', '2', '--seq', '4', '--steps', '2'];
  const train = backstep('train', '--text', wild, ...sizes, '--out', 'wild');
  const looked = backstep('flow', 'wild', '--steps', '6', '--batch', '2', '--svg', 'wild.svg');
  const resumed = backstep('train', '--resume', 'wild', '--steps', '3');
  rmSync(join(folder, wild));
  const gone = [backstep('flow', 'wild'), backstep('train', '--resume', 'wild', '--steps', '4')];
  expect([train, looked, resumed, ...gone].map(({ status }) => status)).toEqual([0, 0, 0, 2, 2]);
  const outputs = [train, looked, resumed, ...gone].flatMap(({ stdout, stderr }) => [stdout, stderr]);
  for (const words of [...outputs, readFileSync(join(folder, 'wild.svg'), 'utf8')])
    // eslint-disable-next-line no-control-regex
    expect(words).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/);
  expect(looked.stdout).toContain('a·[31m·]0;title··.txt');
});
