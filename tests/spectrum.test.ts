/** Powers of a matrix by its eigenvalues: every case of a linear recurrence, against products and by hand. */
import { exampleMatrices, Random, spectralRadius, spectrum } from '../index';

type Rows = number[][];
const times = (A: Rows, B: Rows): Rows =>
  A.map((line) => B[0].map((_, c) => line.reduce((sum, v, k) => sum + v * B[k][c], 0)));
const power = (A: Rows, t: number): Rows =>
  t === 0 ? A.map((_, r) => A.map((_, c) => Number(r === c))) : times(A, power(A, t - 1));
/** The largest singular value of a 2 × 2 matrix, in closed form. */
function norm2([[a, b], [c, d]]: Rows): number {
  const [plus, minus] = [Math.hypot(a + d, b - c), Math.hypot(a - d, b + c)];
  return (plus + minus) / 2;
}
const { vanishing, exploding, rotating, defective, 'non-normal': nonNormal } = exampleMatrices;

describe('W⁸ = Q Λ⁸ Q⁻¹', () => {
  it.each(Object.entries(exampleMatrices).filter(([name]) => name !== 'defective'))(
    'equals eight products: %s',
    (_name, { W }) => {
      const { check, powers } = spectrum(W);
      expect(check?.t).toBe(8);
      expect(check?.error).toBeLessThan(1e-14);
      powers.forEach((norm, t) => expect(norm / norm2(power(W, t))).toBeCloseTo(1, 12));
    },
  );

  it('holds for random matrices of any size, complex eigenvalues and all, up to κ(Q) roundings', () => {
    const random = new Random(3);
    let complex = 0;
    for (let n = 1; n <= 12; n++) {
      const W = Array.from({ length: n }, () =>
        Array.from({ length: n }, () => random.normal(0, 1 / Math.sqrt(n))),
      );
      const { check, condition, eigenvalues, radius, powers } = spectrum(W, { power: 8 });
      expect(check?.error).toBeLessThan(1e-14 * condition);
      complex += eigenvalues.filter(({ im }) => im > 0).length;
      // the trace is their sum, and |det| the product of the moduli
      const trace = W.reduce((sum, row, k) => sum + row[k], 0);
      expect(eigenvalues.reduce((sum, { re }) => sum + re, 0)).toBeCloseTo(trace, 12);
      expect(eigenvalues.reduce((sum, { im }) => sum + im, 0)).toBeCloseTo(0, 12);
      expect(radius).toBe(eigenvalues[0].modulus);
      expect(spectralRadius(W)).toBe(radius);
      powers.forEach((norm, t) => {
        expect(norm).toBeGreaterThan(radius ** t * (1 - 1e-9));
        expect(norm).toBeLessThan(Math.min(powers[1] ** t, condition * radius ** t) * (1 + 1e-9));
      });
    }
    expect(complex).toBeGreaterThan(5);
  });

  it('holds for equal eigenvalues that have a basis, and is exact for a nilpotent power', () => {
    for (const W of [
      [
        [2, 0, 1],
        [0, 2, 0],
        [0, 0, 1],
      ],
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
      [
        [0, 0],
        [0, 0],
      ],
      [
        [0, -1, 0, 0],
        [1, 0, 0, 0],
        [0, 0, 0, -1],
        [0, 0, 1, 0],
      ],
    ]) {
      const { check, defective: none } = spectrum(W);
      expect([none, (check?.error ?? 1) < 1e-14]).toEqual([false, true]);
    }
  });

  it('is measured, not assumed: eigenvectors that are nearly parallel cost digits', () => {
    const errors = [1e-1, 1e-4, 1e-7].map(
      (gap) =>
        spectrum([
          [0.9, 1],
          [0, 0.9 + gap],
        ]).check?.error ?? NaN,
    );
    expect(errors[0]).toBeLessThan(1e-14);
    expect(errors[2]).toBeGreaterThan(1e-12);
    expect(errors[2]).toBeLessThan(1e-6);
  });
});

describe('the cases', () => {
  it('|λ| < 1 vanishes, |λ| > 1 explodes', () => {
    // λ of [[a, b], [b, c]] by hand
    const half = Math.hypot(0.05, 0.2);
    const small = spectrum(vanishing.W, { steps: 100 });
    expect(small.eigenvalues.map(({ re }) => re)).toEqual(
      [0.65 + half, 0.65 - half].map((v) => expect.closeTo(v, 14) as number),
    );
    expect(small.powers[100]).toBeCloseTo((0.65 + half) ** 100, 14);
    expect(small).toMatchObject({ nonNormality: 0, defective: false, peak: { t: 0, norm: 1 } });
    const large = spectrum(exploding.W, { steps: 100 });
    expect(large.eigenvalues.map(({ re }) => re)).toEqual(
      [1.2, 0.7].map((v) => expect.closeTo(v, 14) as number),
    );
    expect(large.peak.t).toBe(100);
    expect(large.powers[100] / large.powers[99]).toBeCloseTo(1.2, 12);
  });

  it('a complex pair rotates: twelve steps of 30° are one turn', () => {
    const { eigenvalues, powers, condition } = spectrum(rotating.W);
    expect(eigenvalues.map(({ angle, modulus }) => [angle, modulus])).toEqual([
      [expect.closeTo(30, 12), expect.closeTo(0.95, 14)],
      [expect.closeTo(-30, 12), expect.closeTo(0.95, 14)],
    ]);
    expect(condition).toBeCloseTo(1, 12);
    powers.forEach((norm, t) => expect(norm).toBeCloseTo(0.95 ** t, 13));
    const turned = power(rotating.W, 12);
    expect(turned.flat()).toEqual([1, 0, 0, 1].map((v) => expect.closeTo(v * 0.95 ** 12, 13) as number));
    expect(power(rotating.W, 6)[0][0]).toBeCloseTo(-(0.95 ** 6), 13);
  });

  it('a Jordan block is defective: there is no Q, and Wᵗ = λᵗ I + t λᵗ⁻¹ N', () => {
    const { defective: none, condition, check, powers, eigenvalues } = spectrum(defective.W, { steps: 200 });
    expect(none).toBe(true);
    expect(condition).toBeGreaterThan(1e12);
    expect(check).toBeUndefined();
    expect(eigenvalues.map(({ re }) => re)).toEqual([0.9, 0.9]);
    powers.forEach((norm, t) => {
      const byHand = [
        [0.9 ** t, t * 0.9 ** (t - 1)],
        [0, 0.9 ** t],
      ];
      expect(norm / norm2(byHand)).toBeCloseTo(1, 11);
    });
    expect(
      spectrum([
        [0, 1],
        [0, 0],
      ]),
    ).toMatchObject({ defective: true, radius: 0, powers: [1, 1, ...(Array(49).fill(0) as number[])] });
    // in another basis, rounding splits the eigenvalue by √ε: it is still recognized as defective
    const [c, s] = [Math.cos(1), Math.sin(1)];
    const turned = times(
      times(
        [
          [c, -s],
          [s, c],
        ],
        defective.W,
      ),
      [
        [c, s],
        [-s, c],
      ],
    );
    expect(spectrum(turned).defective).toBe(true);
  });

  it('a matrix that is not normal grows before it decays, though ρ < 1', () => {
    const { radius, peak, powers, nonNormality, condition } = spectrum(nonNormal.W, { steps: 200 });
    expect(radius).toBeCloseTo(0.9, 15);
    // the corner of Wᵗ is 5 (0.9ᵗ − 0.8ᵗ) / 0.1, largest at t = 6
    expect(peak.t).toBe(6);
    expect(peak.norm).toBeGreaterThan((5 * (0.9 ** 6 - 0.8 ** 6)) / 0.1);
    expect(peak.norm).toBeLessThan((5 * (0.9 ** 6 - 0.8 ** 6)) / 0.1 + 1);
    expect(powers[200]).toBeLessThan(1e-7);
    expect(nonNormality).toBeGreaterThan(1);
    // unit eigenvectors (1, 0) and (−50, 1): κ = (1 + cos) / sin of the angle between them
    expect(condition).toBeCloseTo((Math.hypot(50, 1) + 50) / 1, 6);
  });

  it('norms beyond float64 do not disturb those before', () => {
    const { powers } = spectrum([[1e200]], { steps: 3 });
    expect(powers).toEqual([1, 1e200, Infinity, Infinity]);
    expect(spectrum([[1e-200]], { steps: 2 }).powers).toEqual([1, 1e-200, 0]);
  });
});

describe('errors', () => {
  it.each<[string, unknown, string]>([
    [
      'not square',
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
      'spectrum: the matrix must be square, got [2, 3]',
    ],
    ['ragged', [[1, 2], [3]], 'spectrum: every row must hold 2 numbers, got 1 in row 1'],
    ['empty', [], 'spectrum: the matrix must be a list of rows'],
    ['a list of numbers', [1, 2], 'spectrum: the matrix must be a list of rows'],
    [
      'NaN',
      [
        [1, 0],
        [NaN, 1],
      ],
      'spectrum: numbers must be finite, got NaN at [1, 0]',
    ],
    ['text', [['1']], 'spectrum: numbers must be finite, got 1 at [0, 0]'],
  ])('%s', (_what, W, message) => {
    expect(() => spectrum(W as Rows)).toThrow(message);
    expect(() => spectralRadius(W as Rows)).toThrow(message);
  });

  it.each([{ steps: 0 }, { power: 1.5 }, { steps: NaN }])('%j', (options) =>
    expect(() => spectrum([[1]], options)).toThrow('must be a whole number >= 1'),
  );
});
