/** Conformance suites: ours is complete, deterministic and detects mistakes; foreign ones are read and scored. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gru, gradcheck, lstm, type Cell } from '../index';
import { suiteLayers } from '../conformance/cases';
import { gradientScores } from '../conformance/gradientscore';
import { runLayer, type RecurrentLayer } from '../conformance/layer';
import { literalAt } from '../conformance/literal';
import { cellOfOperator, defaults, type Operator } from '../conformance/operator';
import { readSuite, type SuiteName } from '../conformance/read';
import { suiteScores } from '../conformance/score';
import { judgeFound, type SuiteCase } from '../conformance/suite';
import { suiteFiles } from '../conformance/write';
import { Random } from '../core/random/random';
import { encodeOnnxTensor, OnnxGraph, type Attribute } from '../io/onnx/graph';
import { decodeSafetensors } from '../io/safetensors';
import { Subject, type Named } from '../referee/subject';
import { backstep } from './command';

const folder = mkdtempSync(join(tmpdir(), 'backstep-conformance-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { files, counts } = suiteFiles();
const put = (path: string, contents: Uint8Array | string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), contents);
};
for (const [path, contents] of files) put(`suite/${path}`, contents);
const casesOf = (suite: SuiteName, path: string): SuiteCase[] =>
  readSuite(suite, join(folder, path)).filter((one): one is SuiteCase => 'layer' in one);

describe('the operators of the formats', () => {
  it.each([
    ['elman', 'before', 0.4],
    ['lstm', 'before', 0.4],
    ['gru', 'before', 0.4],
    ['gru', 'after', 0.4],
  ] as const)(
    '%s, reset %s, clip %p: the gradients are right (without a clip they are the built-in cells’)',
    (kind, reset, clip) => {
      const operator: Operator = { ...defaults[kind], reset, clip, bias: true, peepholes: kind === 'lstm' };
      const cell = cellOfOperator(operator, { input: 3, hidden: 4 });
      const random = new Random(3);
      const parameters = Object.fromEntries(
        Object.entries(cell.parameters).map(([p, { shape }]) => [
          p,
          {
            shape,
            init: (t: { data: { set(v: number[], at: number): void }; offset: number }) => {
              const count = shape.reduce((n, d) => n * d, 1);
              t.data.set(
                Array.from({ length: count }, () => random.normal(0, 0.7)),
                t.offset,
              );
            },
          },
        ]),
      ) as Cell['parameters'];
      expect(gradcheck({ ...cell, parameters }).ok).toBe(true);
    },
  );

  it('with the default activations, compute the same as the built-in cells, bit for bit', () => {
    const sizes = { input: 3, hidden: 4 };
    for (const [operator, cell] of [
      [{ ...defaults.lstm, bias: true, peepholes: true }, lstm({ ...sizes, peepholes: true })],
      [{ ...defaults.gru, bias: true, reset: 'after' }, gru(sizes)],
      [{ ...defaults.gru, bias: true }, gru({ ...sizes, reset: 'before' })],
    ] as [Operator, Cell][]) {
      const random = new Random(5);
      const draw = (count: number): number[] => Array.from({ length: count }, () => random.normal());
      const question = {
        x: [
          [draw(3), draw(3)],
          [draw(3), draw(3)],
        ],
        parameters: Object.fromEntries(
          Object.entries(cell.parameters).map(([p, { shape }]) => [
            p,
            draw(shape.reduce((n, d) => n * d, 1)),
          ]),
        ),
        dOutput: draw(16),
      };
      const run = (of: Cell): [Named, Named] => {
        const subject = new Subject({ cell: of, ...question });
        return [subject.run(), subject.gradients()];
      };
      expect(run(cellOfOperator(operator, sizes))).toEqual(run(cell));
    }
  });

  it('in reverse turn each row round within its own length', () => {
    const { layer } = suiteLayers().find(({ name }) => name === 'lstm_reverse_lengths')!;
    const { B, D, H, x, lengths = [] } = layer;
    const [whole] = runLayer(layer);
    lengths.forEach((n, b) => {
      const rowOf = (numbers: readonly number[], width: number): number[] =>
        Array.from({ length: n }, (_, t) =>
          numbers.slice((t * B + b) * width, (t * B + b + 1) * width),
        ).flat();
      const stateOf = (numbers: readonly number[]): number[] => [...numbers.slice(b * H, (b + 1) * H)];
      const [{ parameters, initial }] = layer.directions;
      const alone: RecurrentLayer = {
        ...layer,
        ...{ T: n, B: 1, lengths: undefined, x: rowOf(x, D) },
        directions: [
          { reverse: true, parameters, initial: { h: stateOf(initial.h), c: stateOf(initial.c) } },
        ],
      };
      const [row] = runLayer(alone);
      expect(row.output).toEqual(rowOf(whole.output, H));
      expect(row.hT).toEqual(stateOf(whole.hT));
      // the last state of the reverse direction is at the first step
      expect(row.hT).toEqual(row.output.slice(0, H));
    });
  });
});

describe('our suite', () => {
  it('has at most 1 MB', () => {
    const bytes = [...files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(bytes).toBeLessThan(1_000_000);
  });

  it('has sizes of which no two are equal in a case', () => {
    for (const {
      name,
      layer: { T, B, D, H },
    } of suiteLayers())
      expect([name, new Set(T === 1 ? [B, D, H] : [T, B, D, H]).size]).toEqual([name, T === 1 ? 3 : 4]);
  });

  it.each(['onnx', 'webnn'] as const)('comes back from its %s files, and passes', (suite) => {
    const verdicts = readSuite(suite, join(folder, 'suite', suite)).map(judgeFound);
    expect(verdicts).toHaveLength(counts[suite]);
    expect(verdicts.filter(({ verdict, difference = 1 }) => verdict !== 'pass' || difference > 0.5)).toEqual(
      [],
    );
  });

  it('in safetensors holds outputs and gradients, each with its tolerances', () => {
    const manifest = JSON.parse(readFileSync(join(folder, 'suite/safetensors/manifest.json'), 'utf8')) as {
      cases: { file: string; answers: string[]; tolerances: Record<string, Record<string, number>> }[];
    };
    expect(manifest.cases).toHaveLength(counts.safetensors);
    for (const { file, answers, tolerances } of manifest.cases) {
      const { tensors } = decodeSafetensors(files.get(`safetensors/${file}`)!);
      for (const answer of answers) {
        expect([file, answer, tensors.has(answer)]).toEqual([file, answer, true]);
        const { float64, float32 } = tolerances[answer];
        expect(float64).toBeGreaterThan(0);
        expect(float32 / float64).toBeGreaterThan(1e6);
        // far below the effect of a mistake
        expect(float32).toBeLessThan(1e-2);
      }
    }
  });

  // all kinds of layers take a minute: backstep suite --score and backstep conformance measure them
  it('notices every wrong forward pass of the plain network and the clipped one', () => {
    const marks = suiteScores(
      casesOf('onnx', 'suite/onnx').filter(({ layer }) => layer.operator.kind === 'elman'),
    );
    expect(marks.map(({ form, survivors }) => [form, survivors])).toEqual([
      ['elman', []],
      ['elman, clip 0.75', []],
      ['elman, relu', []],
      ['elman, sigmoid', []],
    ]);
    expect(marks.every(({ total }) => total > 15)).toBe(true);
  });

  it('notices every wrong backward pass of the plain network, at float32', () => {
    const layers = suiteLayers().filter(({ name }) => ['rnn', 'rnn_lengths', 'rnn_clip'].includes(name));
    for (const { form, survivors, killed } of gradientScores(layers, 'float32')) {
      expect([form, survivors]).toEqual([form, []]);
      expect(killed).toBeGreaterThan(100);
    }
  });
});

/** A node test of ours with whatever numbers. */
function nodeTest(
  name: string,
  type: string,
  inputs: Record<string, [dims: number[], numbers: number[]]>,
  outputs: Record<string, [dims: number[], numbers: number[]]>,
  attributes: Record<string, Attribute>,
  more = false,
): void {
  const graph = new OnnxGraph();
  for (const [input, [dims]] of Object.entries(inputs)) if (input) graph.input(input, 'float32', dims);
  for (const [output, [dims]] of Object.entries(outputs)) graph.output(output, 'float32', dims);
  const [first, ...rest] = Object.keys(outputs);
  graph.node(type, Object.keys(inputs), [first, ...rest], attributes);
  if (more) graph.node('Relu', [first], ['z']);
  put(`${name}/model.onnx`, graph.encode());
  for (const [what, tensors] of Object.entries({ input: inputs, output: outputs }))
    Object.entries(tensors).forEach(([tensor, [dims, numbers]], k) =>
      put(
        `${name}/test_data_set_0/${what}_${k}.pb`,
        encodeOnnxTensor(tensor, dims, Float32Array.from(numbers)),
      ),
    );
}

describe('ONNX node tests', () => {
  const X: [number[], number[]] = [[1, 1, 1], [0.5]];
  const W: [number[], number[]] = [[1, 1, 1], [1]];
  const R: [number[], number[]] = [[1, 1, 1], [0.5]];
  const Y: [number[], number[]] = [[1, 1, 1, 1], [Math.tanh(0.5)]];
  beforeAll(() => {
    nodeTest('theirs/test_rnn', 'RNN', { X, W, R }, { Y }, { hidden_size: 1 });
    nodeTest('theirs/test_rnn_wrong', 'RNN', { X, W, R }, { Y: [[1, 1, 1, 1], [0.5]] }, { hidden_size: 1 });
    nodeTest('theirs/test_rnn_elu', 'RNN', { X, W, R }, { Y }, { hidden_size: 1, activations: ['Elu'] });
    nodeTest('theirs/test_two_nodes', 'RNN', { X, W, R }, { Y }, { hidden_size: 1 }, true);
    nodeTest(
      'theirs/test_shapes',
      'RNN',
      {
        X,
        W: [
          [1, 2, 1],
          [1, 1],
        ],
        R,
      },
      { Y },
      { hidden_size: 1 },
    );
    nodeTest('theirs/test_nothing', 'Relu', { X }, { Y: X }, {});
    put('theirs/test_truncated/model.onnx', Uint8Array.of(0x3a, 99));
    nodeTest('theirs/test_no_data', 'RNN', { X, W, R }, { Y }, { hidden_size: 1 });
    rmSync(join(folder, 'theirs/test_no_data/test_data_set_0'), { recursive: true });
  });

  it('pass, fail, are not expressible or not readable, each with a reason; other operators are ignored', () => {
    const said = Object.fromEntries(
      readSuite('onnx', join(folder, 'theirs')).map((one) => {
        const { name, verdict, reason = '' } = judgeFound(one);
        return [name, `${verdict}: ${reason}`];
      }),
    );
    expect(said).toEqual({
      test_rnn: 'pass: ',
      test_rnn_wrong: expect.stringMatching(/^fail: output\[0\]: 0\.46\d* here, 0\.5 expected/) as string,
      test_rnn_elu: 'not expressible: the activation Elu',
      test_two_nodes: 'not expressible: a graph of more than one recurrent node: RNN, Relu',
      test_shapes: 'unreadable: W must be [1, 1, 1], got [1, 2, 1]',
      test_truncated: expect.stringMatching(
        /^unreadable: .*field 7 must have at most 0 bytes, got 99/,
      ) as string,
      test_no_data: 'unreadable: there is no test_data_set_0',
    });
  });

  it('with one step and no states let a wrong recurrence pass', () => {
    const [mark] = suiteScores(casesOf('onnx', 'theirs/test_rnn'));
    expect(mark.survivors).toContain('without Wh');
    expect(mark.survivors).toContain('without the term `hPrev @ Wh` in `z`');
    expect(mark.survivors).not.toContain('without Wx');
    expect(mark.killed).toBe(mark.total - mark.survivors.length);
  });
});

describe('WebNN tests', () => {
  const test = (changes: string, expected = '[3]', extra = ''): string => `
    // META: title=tests
    'use strict';
    /* not run: */ const getTolerance = () => { throw new Error('run'); };
    const lstmTests = [
      {
        'name': 'one "step"',
        'graph': {
          'inputs': {
            'x': {'data': [1], 'descriptor': {shape: [1, 1, 1], dataType: 'float32'}},
            'w': {'data': [1, 1, 1, 1], 'descriptor': {'dimensions': [1, 4, 1]}},
            'r': {'data': [.5, 0.5, 5e-1, 0.5], 'descriptor': {shape: [1, 4, 1]}},${extra}
          },
          'operators': [{
            'name': 'lstm',
            'arguments': [{'input': 'x'}, {'weight': 'w'}, {'recurrentWeight': 'r'}, {'steps': 1}, {'hiddenSize': 1},
              {'options': {'activations': ['relu', 'relu', 'relu'], ${changes}}}],
            'outputs': ['h', 'c']
          }],
          'expectedOutputs': {'h': {'data': ${expected}, 'descriptor': {shape: [1, 1, 1]}}},
        },
      },
    ];
    if (navigator.ml) lstmTests.forEach(() => 0);`;
  const verdictOf = (name: string, text: string): string => {
    put(`${name}.js`, text);
    const [{ verdict, reason = '' }] = readSuite('webnn', join(folder, `${name}.js`)).map(judgeFound);
    return `${verdict}: ${reason}`;
  };

  it.each<[string, string, string | RegExp]>([
    ['a right one', test('', '[1]'), 'pass: '],
    ['a wrong one', test('', '[1.0000003]'), /^fail: hT\[0\]: 1 here, 1\.0000003 expected/],
    [
      'another activation',
      test(`'activations': ['relu', 'elu', 'relu']`),
      'not expressible: the activation elu',
    ],
    ['another layout', test(`'layout': 'ofig'`), 'unreadable: layout must be one of iofg, ifgo, got ofig'],
    [
      'an operand that is not there',
      test(`'bias': 'b'`),
      'unreadable: an argument must name an input, got "b"',
    ],
    [
      'too few biases',
      test(`'bias': 'b'`, '[1]', `'b': {'data': [1], 'descriptor': {shape: [1, 4]}}`),
      'unreadable: bias must have 4 numbers, got 1',
    ],
    ['outputs of another size', test('', '[1, 2]'), 'unreadable: h must have 1 numbers, got 2'],
    ['a call in the list', test('', 'load()'), /^unreadable: line \d+: a value must stand here, got load/],
    [
      'a control character in the list',
      test('', '\u001b[2J'),
      /^unreadable: line \d+: a value must stand here, got ·\[2J/,
    ],
    [
      'a control character in a name',
      test(`'activations': ['\u001b[2J', 'tanh', 'tanh']`),
      'not expressible: the activation ·[2J',
    ],
    [
      'no list',
      'const x = 1;',
      'unreadable: webnn: the file must hold a list such as const lstmTests = […], got none',
    ],
    ['half a list', 'const lstmTests = [{', /^unreadable: line 1: a name must stand here/],
    ['a hundred thousand brackets', `const lstmTests = ${'['.repeat(100_000)}`, /nested at most 64 deep/],
  ])('%s', (what, text, said) => {
    const verdict = verdictOf(what.replaceAll(' ', '_'), text);
    if (typeof said === 'string') expect(verdict).toBe(said);
    else expect(verdict).toMatch(said);
  });

  it('are read as JavaScript writes values, and never run', () => {
    const text = `{a: [1, -2.5, .5, 1e3,], 'b': "it\\'s \\u0041\\n", /* c */ "__proto__": {x: true}, d: null} // end`;
    const read = literalAt(text, 0) as Record<string, unknown>;
    expect(read.a).toEqual([1, -2.5, 0.5, 1000]);
    expect([read.b, read.d]).toEqual(["it's A\n", null]);
    expect(({} as { x?: boolean }).x).toBeUndefined();
  });
});

describe('TensorFlow Lite tests', () => {
  /** Numbers as C++ writes them. */
  const list = (numbers: readonly number[]): string =>
    `{${numbers.map((v) => `${Math.fround(v)}${Number.isInteger(v) ? '.' : ''}`).join(', ')}}`;
  const random = new Random(8);
  const draw = (count: number): number[] => Array.from({ length: count }, () => random.normal(0, 0.5));
  const [T, B, D, H] = [3, 2, 2, 4];

  /** An LSTM's data and the lines that state it, with one gate less where the input gate is coupled. */
  function lstmData(coupled: boolean): { lines: string; layer: RecurrentLayer } {
    const given: Record<string, number[]> = Object.create(null) as Record<string, number[]>;
    for (const gate of ['input', 'forget', 'cell', 'output']) {
      if (coupled && gate === 'input') continue;
      given[`input_to_${gate}_weights`] = draw(H * D);
      given[`recurrent_to_${gate}_weights`] = draw(H * H);
      given[`${gate}_gate_bias`] = draw(H);
      if (gate !== 'cell') given[`cell_to_${gate}_weights`] = draw(H);
    }
    const of = (gate: string, what: (gate: string) => string): number[] =>
      coupled && gate === 'input' ? given[what('forget')].map((v) => -v) : given[what(gate)];
    const columns = (what: (gate: string) => string, rows: number): number[] =>
      Array.from({ length: rows * 4 * H }, (_, k) => {
        const [d, gate, u] = [Math.floor(k / (4 * H)), Math.floor(k / H) % 4, k % H];
        return of(['input', 'forget', 'cell', 'output'][gate], what)[u * rows + d];
      });
    const x = draw(T * B * D);
    const operator = { ...defaults.lstm, bias: true, peepholes: true };
    const parameters = {
      Wx: columns((gate) => `input_to_${gate}_weights`, D),
      Wh: columns((gate) => `recurrent_to_${gate}_weights`, H),
      b: columns((gate) => `${gate}_gate_bias`, 1),
      pi: of('input', (gate) => `cell_to_${gate}_weights`),
      pf: given.cell_to_forget_weights,
      po: given.cell_to_output_weights,
    };
    const layer: RecurrentLayer = {
      ...{ operator, T, B, D, H, x },
      directions: [{ reverse: false, parameters, initial: {} }],
    };
    const lines = Object.entries(given).map(([name, numbers]) => `${name}_ = ${list(numbers)};`);
    return { lines: lines.join('\n'), layer };
  }

  /** Numbers [T, B, width] by row, or by step and row. */
  function nestedList(numbers: readonly number[], width: number, byStep: boolean): string {
    const part = (t: number, b: number): number[] =>
      numbers.slice((t * B + b) * width, (t * B + b + 1) * width);
    const [outer, inner] = byStep ? [T, B] : [B, 1];
    const lists = Array.from({ length: outer }, (_, i) => {
      const rows = Array.from({ length: inner }, (__, j) =>
        list(byStep ? part(i, j) : Array.from({ length: T }, (___, t) => part(t, i)).flat()),
      );
      return byStep ? `{${rows.join(', ')}}` : rows[0];
    });
    return `{${lists.join(', ')}}`;
  }

  const sizes = `const int n_batch = ${B}; const int n_input = ${D}; const int n_cell = ${H}; const int n_output = ${H};`;
  const makeText = ({ coupled = false, byStep = false, wrong = 0, call = '', more = '' } = {}): string => {
    const { lines, layer } = lstmData(coupled);
    const output = [...runLayer(layer)[0].output];
    output[5] += wrong;
    return `// Copyright {
      class BaseTest : public ::testing::Test { void Verify() { /* } */ } };
      class DataTest : public BaseTest {
        void SetUp() override {
          ${lines}
          lstm_input_ = ${nestedList(layer.x, D, byStep)};  // steps, { rows
          lstm_golden_output_ = ${nestedList(output, H, byStep)};
          ${more}
        }
      };
      class SameTest : public DataTest {};
      TEST_F(SameTest, BlackBox) {
        ${sizes}
        LSTMOpModel lstm(n_batch, n_input, /*use_cifg=*/${coupled}, /*use_peephole=*/true, ${call || '/*cell_clip=*/0.0'});
        Verify(lstm_input_);
      }`;
  };
  const verdictOf = (text: string): string => {
    put('lstm_test.cc', text);
    const [{ verdict, reason = '' }] = readSuite('tflite', join(folder, 'lstm_test.cc')).map(judgeFound);
    return `${verdict}: ${reason}`;
  };

  it.each<[string, string, string | RegExp]>([
    ['by row', makeText(), 'pass: '],
    ['by step', makeText({ byStep: true }), 'pass: '],
    ['a coupled input gate', makeText({ coupled: true }), 'pass: '],
    ['a wrong number', makeText({ wrong: 2e-5 }), /^fail: output\[\d+\]/],
    ['a tolerance of its own', makeText({ wrong: 2e-5, call: '/*tolerance=*/1e-4' }), 'pass: '],
    [
      'bounds on the state',
      makeText({ call: '/*cell_clip=*/1.5' }),
      'not expressible: cell_clip: bounds on states',
    ],
    [
      'quantized weights',
      makeText({ call: '/*weight_type=*/TensorType_INT8' }),
      'not expressible: quantized weights',
    ],
    ['a projection', makeText({ more: 'projection_weights_ = {1.f};' }), 'not expressible: a projection'],
    [
      'layer normalization',
      makeText({ more: 'cell_layer_norm_coefficients_ = {.5f};' }),
      'not expressible: layer normalization in the gates',
    ],
    [
      'a list that is too short',
      makeText({ more: 'forget_gate_bias_ = {1.f};' }),
      'unreadable: forget_gate_bias must have 4 numbers, got 1',
    ],
    ['rows of unequal length', makeText({ more: 'lstm_input_ = {{1.}, {1., 2.}};' }), /equally long/],
    ['a call in a list', makeText({ more: 'lstm_input_ = {f(1)};' }), /a value must stand here, got f/],
    ['another test', 'TEST(A, B) { EXPECT_EQ(1, 1); }', /^not expressible: a test that states no numbers/],
    ['no test', 'int main() {}', /^unreadable: tflite: the file must hold tests/],
    ['half a test', 'TEST(A, B) { {', 'unreadable: tflite: every { must be closed'],
  ])('%s', (_, text, expected) => {
    const verdict = verdictOf(text);
    if (typeof expected === 'string') expect(verdict).toBe(expected);
    else expect(verdict).toMatch(expected);
  });

  it('of a GRU state their numbers in calls', () => {
    const operator = { ...defaults.gru, bias: true };
    const parameters = { Wx: draw(D * 3 * H), Wh: draw(H * 3 * H), b: draw(3 * H) };
    const h = draw(B * H);
    const x = draw(T * B * D);
    const layer: RecurrentLayer = {
      ...{ operator, T, B, D, H, x },
      directions: [{ reverse: false, parameters, initial: { h } }],
    };
    const rows = Array.from({ length: 3 * H }, (_, j) =>
      Array.from({ length: D + H }, (__, k) =>
        k < D ? parameters.Wx[k * 3 * H + j] : parameters.Wh[(k - D) * 3 * H + j],
      ),
    );
    put(
      'kernels/unidirectional_sequence_gru_test.cc',
      `TEST(GRUTest, Simple) {
        const int n_time = ${T}; const int n_batch = ${B}; const int n_input = ${D}; const int n_output = ${H};
        m.SetInput(${list(x)}); m.SetInputState(${list(h)});
        m.SetGateWeight(${list(rows.slice(0, 2 * H).flat())}); m.SetGateBias(${list(parameters.b.slice(0, 2 * H))});
        m.SetCandidateWeight(${list(rows.slice(2 * H).flat())}); m.SetCandidateBias(${list(parameters.b.slice(2 * H))});
        EXPECT_THAT(m.GetOutput(), ElementsAreArray(ArrayFloatNear(${list(runLayer(layer)[0].output)})));
      }`,
    );
    put('kernels/other.cc', 'not a test');
    expect(readSuite('tflite', join(folder, 'kernels')).map(judgeFound)).toEqual([
      expect.objectContaining({ name: 'GRUTest.Simple', verdict: 'pass', form: 'gru, reset before' }),
    ]);
  });
});

describe('the commands', () => {
  it('suite writes the files, with the same bytes each time', async () => {
    const out = join(folder, 'written');
    const { status, stdout } = await backstep('suite', '--out', out);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^454 files in .*, \d+ kB\n {2}onnx: 46 node tests; outputs, no gradients\n/);
    for (const [path, contents] of files)
      expect([path, readFileSync(join(out, path)).equals(contents)]).toEqual([path, true]);
  });

  it('conformance prints a table, the score, and exits with 1 when a case fails', async () => {
    const { status, stdout } = await backstep('conformance', 'onnx', join(folder, 'theirs'), '--survivors');
    expect(status).toBe(1);
    expect(stdout).toMatch(/test_rnn +elman +[\d.e-]+ +ok\n/);
    expect(stdout).toContain('1 pass, 1 fail, 2 not expressible, 3 unreadable');
    expect(stdout).toMatch(/\d+ of \d+ noticed; \d+ would pass/);
    expect(stdout).toContain('  elman: without Wh\n');
  });

  it('conformance reports the same as JSON', async () => {
    const { status, stdout } = await backstep(
      'conformance',
      'onnx',
      join(folder, 'theirs/test_rnn'),
      '--json',
    );
    const lines = stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(status).toBe(0);
    expect(lines.map(({ verdict, form }) => [verdict, form])).toEqual([
      ['pass', 'elman'],
      [undefined, 'elman'],
    ]);
  });

  it('conformance refuses what is no suite', async () => {
    const nowhere = await backstep('conformance', 'onnx', join(folder, 'nothing'));
    expect([nowhere.status, nowhere.stderr]).toEqual([
      2,
      expect.stringContaining('the path must be a file or a folder'),
    ]);
    const empty = await backstep('conformance', 'onnx', join(folder, 'theirs/test_nothing'));
    expect([empty.status, empty.stderr]).toEqual([
      2,
      expect.stringContaining('must hold recurrent cases of onnx'),
    ]);
    const unknown = await backstep('conformance', 'onix', folder);
    expect([unknown.status, unknown.stderr]).toEqual([2, expect.stringContaining('onnx')]);
  });
});
