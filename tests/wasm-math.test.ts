/**
 * The functions of core/wasm/math.ts against the true values: float32 against Math in float64, float64 against 256 bits.
 * Errors are in units in the last place (ulp) of the true value; below the normal range a unit is the smallest number.
 */
import { Random } from '../core/random/random';
import { type Big, exact, ln2 } from './exact';
import { functionOf, reference, worst, type Name } from './functionerrors';

const ulpOf32 = (y: number): number => 2 ** (Math.max(Math.floor(Math.log2(Math.abs(y))), -126) - 23);

/** Distance in ulp between a float32 and the true value; Infinity when one is NaN, or infinite, or signed otherwise. */
function error32(got: number, y: number): number {
  if (Object.is(got, Math.fround(y)))
    return Number.isFinite(got) && y !== 0 ? Math.abs(got - y) / ulpOf32(y) : 0;
  // one step beyond the largest number represents Infinity
  const finite = Number.isFinite(got) ? got : Math.sign(got) * 2 ** 128;
  const distance = Math.abs(finite - y) / ulpOf32(y);
  return Number.isNaN(distance) ? Infinity : distance;
}

describe('the reference', () => {
  test('knows ln 2 and e to 50 digits', () => {
    const digits = ({ m, e }: Big) => ((m * 10n ** 50n) >> BigInt(-e)).toString();
    expect(digits(ln2)).toBe('69314718055994530941723212145817656807550013436025');
    expect(digits(exact.exp(1))).toBe('271828182845904523536028747135266249775724709369995');
  });
});

// measured over all 2³² arguments: 1.06, 0.84, 1.40, 2.00, 2.04
const bounds32: [Name, number][] = [
  ['exp', 1.1],
  ['log', 0.9],
  ['log1p', 1.5],
  ['sigmoid', 2.1],
  ['tanh', 2.1],
];

describe.each(bounds32)('%s, float32', (name, bound) => {
  const f = functionOf(name, 'float32');
  const check = (x: Float32Array) => {
    const y = f(x);
    return worst(x, (k) => error32(y[k], reference[name](x[k])));
  };

  test(`is within ${bound} ulp at a random bit pattern of each of 2¹⁷ ranges, NaN and Inf among them`, () => {
    const random = new Random(2);
    const x = new Float32Array(2 ** 17);
    const bits = new Uint32Array(x.buffer);
    for (let k = 0; k < bits.length; k++) bits[k] = k * 2 ** 15 + Math.floor(random.uniform(0, 2 ** 15));
    expect(check(x).ulp).toBeLessThanOrEqual(bound);
  });

  test(`is within ${bound} ulp where the argument is of order 1`, () => {
    const random = new Random(3);
    const x = Float32Array.from({ length: 2 ** 16 }, () => random.uniform(-4, 4));
    expect(check(x).ulp).toBeLessThanOrEqual(bound);
  });
});

const { MAX_VALUE, MIN_VALUE } = Number;
const max32 = (2 - 2 ** -23) * 2 ** 127;
const special: Record<
  Name,
  { both: [number, number][]; float32: [number, number][]; float64: [number, number][] }
> = {
  exp: {
    both: [
      [0, 1],
      [-0, 1],
      [Infinity, Infinity],
      [-Infinity, 0],
      [NaN, NaN],
      [1e9, Infinity],
      [-1e9, 0],
      [MIN_VALUE, 1],
    ],
    // the last arguments before overflow and before 0, and the first ones behind
    float32: [
      [88.72283172607422, 3.40279851902147e38],
      [88.7228393554687, Infinity],
      [-103.9720764, 2 ** -149],
      [-103.9721, 0],
    ],
    float64: [
      [709.782712893384, 1.797693134862273e308],
      [709.7827128933841, Infinity],
      [-745.1332191019411, MIN_VALUE],
      [-745.1332191019412, 0],
    ],
  },
  log: {
    both: [
      [0, -Infinity],
      [-0, -Infinity],
      [1, 0],
      [Infinity, Infinity],
      [-Infinity, NaN],
      [-1, NaN],
      [NaN, NaN],
    ],
    float32: [
      [2 ** -149, -103.27893],
      [max32, 88.72284],
    ],
    float64: [
      [MIN_VALUE, -744.4400719213812],
      [MAX_VALUE, 709.782712893384],
    ],
  },
  log1p: {
    both: [
      [0, 0],
      [-0, -0],
      [-1, -Infinity],
      [-2, NaN],
      [Infinity, Infinity],
      [-Infinity, NaN],
      [NaN, NaN],
    ],
    float32: [
      [2 ** -149, 2 ** -149],
      [-(2 ** -149), -(2 ** -149)],
      [max32, 88.72284],
    ],
    float64: [
      [MIN_VALUE, MIN_VALUE],
      [-MIN_VALUE, -MIN_VALUE],
      [MAX_VALUE, 709.782712893384],
    ],
  },
  sigmoid: {
    both: [
      [0, 0.5],
      [-0, 0.5],
      [Infinity, 1],
      [-Infinity, 0],
      [NaN, NaN],
      [1e9, 1],
      [-1e9, 0],
    ],
    float32: [
      [-103, 1.4013e-45],
      [-104, 0],
    ],
    float64: [
      [-745, MIN_VALUE],
      [-746, 0],
    ],
  },
  tanh: {
    both: [
      [0, 0],
      [-0, -0],
      [Infinity, 1],
      [-Infinity, -1],
      [NaN, NaN],
      [1e9, 1],
      [-1e9, -1],
    ],
    float32: [
      [1e-30, Math.fround(1e-30)],
      [-1e-42, Math.fround(-1e-42)],
      [9.2, 1],
    ],
    float64: [
      [1e-30, 1e-30],
      [-MIN_VALUE, -MIN_VALUE],
      [19.2, 1],
    ],
  },
};

describe.each(['float32', 'float64'] as const)('special values, %s', (dtype) => {
  test.each(Object.keys(special) as Name[])('%s', (name) => {
    const table = [...special[name].both, ...special[name][dtype]];
    const y = functionOf(name, dtype)(table.map(([x]) => x));
    table.forEach(([, expected], k) => {
      const rounded = dtype === 'float32' ? Math.fround(expected) : expected;
      // exact for 0, powers of two and non-finite values, within a rounding or two for others
      if (Number.isFinite(rounded) && 2 ** Math.log2(Math.abs(rounded)) !== Math.abs(rounded)) {
        const relative = Math.abs(y[k] - rounded) / Math.abs(rounded);
        expect(relative).toBeLessThan(dtype === 'float32' ? 2 ** -22 : 2 ** -51);
      } else expect(y[k]).toBe(rounded);
    });
  });

  test('tanh is odd to the bit and at most 1, sigmoid lies in [0, 1]', () => {
    const random = new Random(5);
    const x = Array.from({ length: 5000 }, () => random.uniform(-25, 25));
    const y = functionOf('tanh', dtype)(x).slice();
    const mirrored = functionOf('tanh', dtype)(x.map((v) => -v));
    const s = functionOf('sigmoid', dtype)(x);
    expect(Array.from(y).every((v, k) => Object.is(mirrored[k], -v) && Math.abs(v) <= 1)).toBe(true);
    expect(s.every((v) => v >= 0 && v <= 1)).toBe(true);
  });
});
