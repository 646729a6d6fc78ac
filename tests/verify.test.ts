/** `verify` over the golden vectors of PyTorch, and over files that are wrong. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { kinds } from '../io/kinds';
import { parseVector, type Vector } from '../io/vectors';
import { verify, VERIFY_BOUND } from '../io/verify';

const folder = join(__dirname, 'golden');
const read = (file: string): Vector => parseVector(readFileSync(join(folder, file), 'utf8'));
const files = readdirSync(folder).filter((file) => file.endsWith('.json'));
/** Vectors of architectures that this engine does not have yet. */
const ahead = (vector: Vector): boolean => !(vector.kind in kinds);
const all = files.map((file) => [file, read(file)] as const);

describe(`golden vectors agree within ${VERIFY_BOUND}`, () => {
  it.each(all.filter(([, vector]) => !ahead(vector)))('%s', (_file, vector) => {
    const { values, gradients, ok } = verify(vector);
    expect({ where: values.where, within: values.error <= VERIFY_BOUND }).toMatchObject({ within: true });
    expect({ where: gradients.where, within: gradients.error <= VERIFY_BOUND }).toMatchObject({
      within: true,
    });
    expect(ok).toBe(true);
  });

  it('cover every kind that verify knows', () => {
    expect(new Set(all.filter(([, v]) => !ahead(v)).map(([, v]) => v.kind))).toEqual(
      new Set(Object.keys(kinds)),
    );
  });

  it.each(all.filter(([, vector]) => ahead(vector)))('%s is refused, not passed', (_file, vector) => {
    expect(() => verify(vector)).toThrow('verify: the kind must be one of');
  });
});

describe('a wrong vector fails', () => {
  const lstm = (): Vector => read('lstm_1l.json');

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

  it('trap 3: a GRU whose second bias were added outside r * (…) is caught', () => {
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

describe('errors name what is wrong', () => {
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
      broken((v) => (v as never as Vector).inputs.x.data.pop()),
      /^vector: inputs\.x: data must hold \d+ numbers for shape \[.*\], got \d+/,
    ],
    ['a missing parameter', broken((v) => delete (v as never as Vector).params.weight_hh_l0), /weight_hh_l0/],
    [
      'a parameter of another shape',
      broken((v) => (v as never as Vector).params.weight_hh_l0.shape.reverse()),
      /weight_hh_l0 must be \[/,
    ],
    [
      'an expected result that the kind does not compute',
      broken((v) => Object.assign((v as never as Vector).expected, { surprise: 1 })),
      /^verify: expected\.surprise must be something this kind computes/,
    ],
  ];
  it.each(cases)('%s', (_what, text, message) => {
    expect(() => verify(parseVector(text))).toThrow(message);
  });
});
