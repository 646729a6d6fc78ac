/** `verify` on the golden vectors of PyTorch, and on malformed files. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { vectorKinds } from '../verify/kinds';
import { parseVector, type TestVector } from '../verify/vectors';
import { errorBounds } from '../bptt/check/bounds';
import { verify } from '../verify/verify';

const folder = join(__dirname, 'golden');
const read = (file: string): TestVector => parseVector(readFileSync(join(folder, file), 'utf8'));
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
const all = files.map((file) => [file, read(file)] as const);

describe(`golden vectors agree within ${errorBounds.vectors}`, () => {
  it.each(all)('%s', (_file, vector) => {
    const { values, gradients, ok } = verify(vector);
    expect({ where: values.where, within: values.error <= errorBounds.vectors }).toMatchObject({
      within: true,
    });
    expect({ where: gradients.where, within: gradients.error <= errorBounds.vectors }).toMatchObject({
      within: true,
    });
    expect(ok).toBe(true);
  });

  it('cover every kind that verify knows', () => {
    expect(new Set(all.map(([, { kind }]) => kind))).toEqual(new Set(Object.keys(vectorKinds)));
  });
});

describe('a wrong vector fails', () => {
  const lstm = (): TestVector => read('lstm_1l.json');

  it('by a value that is off by 1e-9', () => {
    const vector = lstm();
    const output = vector.expected.output as { data: number[] };
    output.data[3] *= 1 + 1e-9;
    const verdict = verify(vector);
    expect(verdict.ok).toBe(false);
    expect(verdict.values.where).toMatch(/^expected\.output\[/);
  });

  it('by a gradient that is off by 1e-9', () => {
    const vector = lstm();
    vector.grads.weight_hh_l0.data[7] *= 1 + 1e-9;
    const verdict = verify(vector);
    expect(verdict.ok).toBe(false);
    expect(verdict.gradients.where).toMatch(/^grads\.weight_hh_l0\[/);
  });

  it('that expects nothing', () => {
    expect(() => verify({ ...lstm(), expected: {}, grads: {} })).toThrow(
      'verify: the vector must hold expected or grads, got neither',
    );
  });

  it('a GRU whose second bias were added outside r * (…) is caught', () => {
    const vector = read('gru_b_hn.json');
    const H = vector.sizes.H as number;
    const [ih, hh] = [vector.params.bias_ih_l0.data, vector.params.bias_hh_l0.data];
    for (let k = 2 * H; k < 3 * H; k++) {
      ih[k] += hh[k];
      hh[k] = 0;
    }
    expect(verify(vector).ok).toBe(false);
  });
});

describe('conventions that a vector does not spell out', () => {
  it('the initial states of an encoder and its table of classes go by other names too', () => {
    const vector = read('seq2seq_gru.json');
    vector.init = { enc_h_0: vector.init.h_0 };
    const { h_0, ...grads } = vector.grads;
    vector.grads = { ...grads, enc_h_0: h_0 };
    expect(verify(vector).ok).toBe(true);
  });

  it('targets of all steps come as one list', () => {
    for (const file of ['elman.json', 'seq2seq_gru.json']) {
      const vector = read(file);
      const { targets } = vector.loss as { targets: { shape: number[]; data: number[] } };
      targets.shape = [targets.data.length];
      expect(verify(vector).ok).toBe(true);
    }
  });

  it("feedback p: o_0 as it stands, or before its softmax; the vector's own first step tells", () => {
    const vector = read('jordan_p.json');
    expect(verify(vector).ok).toBe(true);
    // the same network, started from logits: o_0 = log p_0, so that softmax(o_0) = p_0
    const { o_0: start } = vector.init;
    const O = start.shape[1];
    const d = vector.grads.o_0.data;
    const p = [...start.data];
    const inner = p.map((_, k) => {
      const row = k - (k % O);
      return p.slice(row, row + O).reduce((sum, v, c) => sum + v * d[row + c], 0);
    });
    start.data = p.map(Math.log);
    vector.grads.o_0.data = p.map((v, k) => v * (d[k] - inner[k]));
    expect(verify(vector).ok).toBe(true);
    // and neither of the two passes for the other kind of feedback
    vector.hyper.feedback = 'o';
    expect(verify(vector).ok).toBe(false);
  });

  it('a clockwork network whose mask runs the other way is caught', () => {
    const vector = read('clockwork_1_2_4_t0.json');
    const H = vector.sizes.H as number;
    const { data } = vector.params.W_h;
    vector.params.W_h.data = data.map((_, k) => data[(k % H) * H + Math.floor(k / H)]);
    expect(verify(vector).ok).toBe(false);
  });

  it('a clock that starts at the other time is caught', () => {
    const vector = read('clockwork_1_2_4_t1.json');
    vector.hyper.t_first = 0;
    expect(verify(vector).ok).toBe(false);
  });

  it('a direction that starts in the padding is caught', () => {
    const vector = read('lstm_packed_bidirectional_unsorted.json');
    delete vector.hyper.lengths;
    expect(verify(vector).ok).toBe(false);
  });
});

describe('errors name what is wrong', () => {
  const changed = (file: string, change: (vector: TestVector) => void): string => {
    const vector = read(file);
    change(vector);
    return JSON.stringify(vector);
  };
  const broken = (change: (vector: Record<string, never>) => void): string => {
    const vector = JSON.parse(readFileSync(join(folder, 'lstm_1l.json'), 'utf8')) as Record<string, never>;
    change(vector);
    return JSON.stringify(vector);
  };
  const cases: [string, string, RegExp][] = [
    ['no JSON', '{', /^vector: the file must be JSON/],
    ['a list', '[]', /^vector: /],
    ['no kind', broken((v) => delete v.kind), /^vector: kind/],
    [
      'an unknown kind',
      broken((v) => Object.assign(v, { kind: 'LSTN' })),
      /^verify: the kind must be one of .*got LSTN/,
    ],
    [
      'a kind of Object.prototype',
      broken((v) => Object.assign(v, { kind: 'constructor' })),
      /^verify: the kind/,
    ],
    [
      'data that does not fit its shape',
      broken((v) => (v as never as TestVector).inputs.x.data.pop()),
      /^vector: inputs\.x must hold \d+ numbers for shape \[.*\], got \d+/,
    ],
    [
      'a missing parameter',
      broken((v) => delete (v as never as TestVector).params.weight_hh_l0),
      /weight_hh_l0/,
    ],
    [
      'a parameter of another shape',
      broken((v) => (v as never as TestVector).params.weight_hh_l0.shape.reverse()),
      /weight_hh_l0 must be \[/,
    ],
    [
      'a feedback that is neither o nor p',
      changed('jordan_o.json', ({ hyper }) => (hyper.feedback = 'h')),
      /^verify: hyper\.feedback must be one of o, p, got h/,
    ],
    [
      'a jordan vector without its initial output',
      changed('jordan_o.json', ({ init }) => delete init.o_0),
      /^verify: init must hold o_0/,
    ],
    [
      'a jordan vector with a weighted sum',
      changed('jordan_o.json', (v) => (v.loss = { type: 'weighted_sum', weights: {} })),
      /^verify: the loss must be cross_entropy, got weighted_sum/,
    ],
    [
      'a target that is no class',
      changed('jordan_o.json', ({ loss }) =>
        loss?.type === 'cross_entropy' ? (loss.targets.data[1] = 9) : 0,
      ),
      /^verify: loss\.targets must be class numbers in 0…3, got 9/,
    ],
    [
      'lengths that are nothing',
      changed('lstm_packed_b1.json', ({ hyper }) => (hyper.lengths = null as never)),
      /^vector: hyper\.lengths must be Array, got null/,
    ],
    [
      'a clockwork vector without periods',
      changed('clockwork_b1_t0.json', ({ hyper }) => delete hyper.periods),
      /^verify: hyper must hold periods, got \[t_first\]/,
    ],
    [
      'periods that do not grow',
      changed('clockwork_1_2_4_t0.json', ({ hyper }) => (hyper.periods as number[]).reverse()),
      /^clockwork: periods must increase from module to module, got 4, 2, 1/,
    ],
    [
      'weights of something a clockwork network does not put out',
      changed('clockwork_b1_t0.json', ({ loss }) =>
        loss?.type === 'weighted_sum' ? Object.assign(loss.weights, { cell: loss.weights.h_n }) : 0,
      ),
      /^verify: loss\.weights must be among hidden, output, h_n, got cell/,
    ],
    [
      'weights of something an encoder-decoder does not put out',
      changed('seq2seq_gru_weighted_2l.json', ({ loss }) =>
        loss?.type === 'weighted_sum' ? Object.assign(loss.weights, { attention: loss.weights.logits }) : 0,
      ),
      /^verify: loss\.weights must be among enc_output, .*, probs, got attention/,
    ],
    [
      'too few weights',
      changed('seq2seq_gru_loss_on_probs.json', ({ loss }) => {
        const weights = loss?.type === 'weighted_sum' ? loss.weights : {};
        weights.probs = { shape: [2], data: [1, 2] };
      }),
      /^verify: loss\.weights\.probs must be \[30\], got \[2\]/,
    ],
    [
      'a decoder that reads rows that are not those of its encoder',
      changed('seq2seq_gru.json', ({ inputs }) => (inputs.dec_in.shape = [2, 4])),
      /^verify: the rows of inputs\.dec_in must be \[2\], got \[4\] \(B = 2 is that of inputs\.x\)/,
    ],
    [
      'three directions',
      changed('gru_bidirectional.json', ({ sizes }) => (sizes.D = 3)),
      /^verify: sizes\.D must be 1 or 2, got 3/,
    ],
    [
      'an expected result that the kind does not compute',
      broken((v) => Object.assign((v as never as TestVector).expected, { surprise: 1 })),
      /^verify: expected\.surprise must be something this kind computes/,
    ],
  ];
  it.each(cases)('%s', (_what, text, message) => {
    expect(() => verify(parseVector(text))).toThrow(message);
  });
});
