import fc from 'fast-check';
import { schedule, type ScheduleOptions } from '../bptt/train/schedules';

const rates = (options: ScheduleOptions, steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => schedule(options)(step));

test('constant', () => {
  expect(rates({ name: 'constant' }, 3)).toEqual([1, 1, 1]);
});

test('step: times the factor after every so many steps', () => {
  expect(rates({ name: 'step', every: 2, factor: 0.5 }, 6)).toEqual([1, 1, 0.5, 0.5, 0.25, 0.25]);
  expect(rates({ name: 'step', every: 1 }, 3)).toEqual([1, 0.1, 0.1 ** 2]);
});

test('cosine: half a wave down to the minimum, then constant', () => {
  const rate = schedule({ name: 'cosine', steps: 4, minimum: 0.2 });
  expect(rate(0)).toBe(1);
  expect(rate(1)).toBeCloseTo(0.2 + 0.4 * (1 + Math.SQRT1_2), 15);
  expect(rate(2)).toBeCloseTo(0.6, 15);
  for (const step of [4, 5, 100]) expect(rate(step)).toBeCloseTo(0.2, 15);
  expect(schedule({ name: 'cosine', steps: 3 })(3)).toBe(0);
});

/** Expects two lists of factors to differ by rounding only. */
const expectNear = (ours: number[], theirs: number[]): void => {
  expect(ours).toHaveLength(theirs.length);
  ours.forEach((rate, k) => expect(Math.abs(rate - theirs[k])).toBeLessThan(1e-15));
};

test('exponential: as PyTorch’s ExponentialLR with gamma = factor ^ (1 / every)', () => {
  const theirs = [1.0, 0.5623413251903491, 0.31622776601683794, 0.1778279410038923, 0.1, 0.05623413251903491];
  expectNear(rates({ name: 'exponential', every: 4 }, 6), theirs);
});

test('one-cycle: as PyTorch’s OneCycleLR, then constant', () => {
  const ten = [
    0.040000000000000036, 0.52, 1.0, 0.9504846320134737, 0.8117456539497631, 0.6112620219362893,
    0.38874197806371075, 0.18825834605023697, 0.049519367986526286, 4e-6,
  ];
  const seven = [
    0.040000000000000036, 0.3716718427000253, 0.9083281572999747, 0.9504846320134737, 0.6112620219362893,
    0.18825834605023697, 4e-6,
  ];
  expectNear(rates({ name: 'one-cycle', steps: 10 }, 10), ten);
  expectNear(rates({ name: 'one-cycle', steps: 7, peak: 0.5 }, 7), seven);
  expect(schedule({ name: 'one-cycle', steps: 10 })(50)).toBeCloseTo(4e-6, 15);
});

test('warm-up: rises linearly to 1, then the schedule from its own start', () => {
  expect(rates({ name: 'constant', warmUp: 4 }, 6)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
  expect(rates({ name: 'step', every: 2, factor: 0.5, warmUp: 2 }, 7)).toEqual([
    0.5, 1, 1, 1, 0.5, 0.5, 0.25,
  ]);
  const [plain, warm] = [
    schedule({ name: 'cosine', steps: 9 }),
    schedule({ name: 'cosine', steps: 9, warmUp: 5 }),
  ];
  for (let step = 0; step < 12; step++) expect(warm(step + 5)).toBe(plain(step));
});

test('the example of the documentation', () => {
  const rate = schedule({ name: 'cosine', steps: 10, warmUp: 2 });
  expect([rate(0), rate(1), rate(2), rate(7), rate(12)]).toEqual([0.5, 1, 1, 0.5, 0]);
});

test('every factor is in 0…1, and after the warm-up none is larger than the one before', () => {
  const warmUp = fc.integer({ min: 0, max: 20 });
  const anySchedule: fc.Arbitrary<ScheduleOptions> = fc.oneof(
    fc.record({ name: fc.constant('constant' as const), warmUp }),
    fc.record({
      name: fc.constant('step' as const),
      every: fc.integer({ min: 1, max: 9 }),
      factor: fc.double({ min: 0.01, max: 1, noNaN: true }),
      warmUp,
    }),
    fc.record({
      name: fc.constant('exponential' as const),
      every: fc.integer({ min: 1, max: 9 }),
      factor: fc.double({ min: 0.01, max: 1, noNaN: true }),
      warmUp,
    }),
    fc.record({
      name: fc.constant('cosine' as const),
      steps: fc.integer({ min: 1, max: 50 }),
      minimum: fc.double({ min: 0, max: 1, noNaN: true }),
      warmUp,
    }),
  );
  fc.assert(
    fc.property(anySchedule, (options) => {
      const all = rates(options, 80);
      expect(all.every((rate) => rate >= 0 && rate <= 1)).toBe(true);
      const after = all.slice(options.warmUp);
      expect(after.every((rate, k) => k === 0 || rate <= after[k - 1])).toBe(true);
    }),
  );
});

test.each([
  [null, 'schedule: options must be an object, got null'],
  [
    { name: 'linear' },
    'schedule: the name must be one of constant, step, cosine, exponential, one-cycle, got linear',
  ],
  [{ name: 'constant', every: 3 }, 'schedule: options must be among name, warmUp, got every'],
  [{ name: 'step' }, 'schedule: every must be a whole number >= 1, got undefined'],
  [{ name: 'step', every: 2, factor: 0 }, 'schedule: factor must be in 0 < factor ≤ 1, got 0'],
  [{ name: 'cosine', steps: 0 }, 'schedule: steps must be a whole number >= 1, got 0'],
  [{ name: 'cosine', steps: 3, minimum: -1 }, 'schedule: minimum must be a factor in 0…1, got -1'],
  [{ name: 'exponential', every: 0 }, 'schedule: every must be a whole number >= 1, got 0'],
  [{ name: 'exponential', every: 2, factor: 2 }, 'schedule: factor must be in 0 < factor ≤ 1, got 2'],
  [{ name: 'one-cycle', steps: 1 }, 'schedule: steps must be a whole number >= 2, got 1'],
  [
    { name: 'one-cycle', steps: 3 },
    'schedule: peak must be a share of the steps, after the first of them and below 1, got 0.3',
  ],
  [{ name: 'cosine', steps: 3, warmUp: -1 }, 'schedule: warmUp must be a whole number >= 0, got -1'],
])('%j is refused', (options, message) => {
  expect(() => schedule(options as ScheduleOptions)).toThrow(message);
});
