import { randomNormals } from '../bptt/check/problem';
import { Unroll } from '../bptt/unroll';
import type { Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import { hoist } from '../core/programs/hoist';
import { Program } from '../core/programs/program';
import { Random } from '../core/random/random';
import { columns, fillFrom, rows, sizeOf, toFlat, zeros, type Tensor, type Tensors } from '../core/tensor';
import { distance, settings, type Setting } from './executors';

const [T, B, D, H] = [4, 3, 2, 5];

const same = (p: Tensor, q: Tensor): boolean =>
  p.data === q.data &&
  p.offset === q.offset &&
  p.shape.join() === q.shape.join() &&
  p.stride.join() === q.stride.join();

interface Unrolled {
  unroll: Unroll;
  forward: () => void;
  backward: () => void;
}

/** A cell unrolled, with random weights, inputs, initial states and upstream gradients. */
function unrolled(
  cell: Cell,
  { dtype, executor }: Pick<Setting, 'dtype' | 'executor'>,
  lengths?: number[],
  steps = T,
): Unrolled {
  const random = new Random(6);
  const make = (): Tensors =>
    Object.fromEntries(
      Object.entries(cell.parameters).map(([name, { shape }]) => [name, zeros(shape, dtype)]),
    );
  const x = zeros([steps * B, D], dtype);
  const valid = lengths && zeros([steps * B, 1], dtype);
  if (valid) for (let k = 0; k < steps * B; k++) valid.set(k, 0, Math.floor(k / B) < lengths[k % B] ? 1 : 0);
  const unroll = new Unroll(cell, {
    T: steps,
    B,
    dtype,
    x,
    dx: zeros([steps * B, D], dtype),
    parameters: make(),
    gradients: make(),
    valid,
  });
  for (const t of Object.values(unroll.options.parameters))
    fillFrom(t, randomNormals(sizeOf(t.shape), random));
  for (const s of Object.keys(cell.states)) {
    fillFrom(unroll.block(unroll.states[s], 0), randomNormals(B * H, random));
    fillFrom(unroll.block(unroll.dStates[s], steps), randomNormals(B * H, random));
  }
  // the first T steps are the same whatever the number of steps
  fillFrom(rows(x, 0, T * B), randomNormals(T * B * D, random));
  fillFrom(rows(unroll.dOutput, 0, T * B), randomNormals(T * B * H, random));
  const [forward, backward] = [new Program(), new Program()];
  unroll.forward(forward);
  unroll.backward(backward);
  return { unroll, forward: hoist(forward).bind(executor), backward: hoist(backward).bind(executor) };
}

describe('the tensors of a step', () => {
  const cell = lstm({ input: D, hidden: H });
  const { unroll } = unrolled(cell, settings[0]);

  test('what one step leaves is what the next one finds, forward and backward', () => {
    for (let t = 0; t + 1 < T; t++) {
      const [now, next] = [unroll.at(t), unroll.at(t + 1)];
      for (const s of ['h', 'c']) {
        expect(same(now[s], next[`${s}Prev`])).toBe(true);
        expect(same(now[`d${s}Next`], next[`d${s}Prev`])).toBe(true);
      }
    }
  });

  test('names: parameters and their gradients, x, dx, states, buffers and their parts', () => {
    const v = unroll.at(2);
    expect(Object.keys(v).sort()).toEqual(
      'Wx Wh b dWx dWh db x dx h hPrev dhPrev dhNext c cPrev dcPrev dcNext dhOut a tc da ai af ag ao i f g o dai daf dag dao'
        .split(' ')
        .sort(),
    );
    expect(v.x.shape).toEqual([B, D]);
    expect(same(v.x, rows(unroll.options.x, 2 * B, 3 * B))).toBe(true);
    expect(same(v.dao, columns(v.da, 3 * H, 4 * H))).toBe(true);
    expect(same(v.Wx, unroll.options.parameters.Wx)).toBe(true);
    expect(same(v.dWx, unroll.options.gradients.Wx)).toBe(true);
  });

  test('the first state is the output, of all steps but the initial one', () => {
    expect(unroll.outputName).toBe('h');
    expect(same(unroll.output, rows(unroll.states.h, B, (T + 1) * B))).toBe(true);
    expect(unroll.output.shape).toEqual([T * B, H]);
  });

  test('valid is there only where rows end at different steps', () => {
    expect('valid' in unroll.at(0)).toBe(false);
    const ragged = unrolled(cell, settings[0], [4, 2, 1]).unroll;
    expect(toFlat(ragged.at(1).valid)).toEqual([1, 1, 0]);
  });
});

const cells: [string, Cell][] = [
  ['elman', elman({ input: D, hidden: H })],
  ['elman relu', elman({ input: D, hidden: H, activation: 'relu' })],
  ['lstm with peepholes', lstm({ input: D, hidden: H, peepholes: true })],
  ['gru, reset after', gru({ input: D, hidden: H })],
  ['gru, reset before', gru({ input: D, hidden: H, reset: 'before' })],
];

describe.each(settings)('$name', (setting) => {
  test('by hand: relu with Wh = 2 I doubles the gradient at every step back', () => {
    const cell = elman({ input: D, hidden: 2, activation: 'relu', bias: false });
    const { dtype, executor } = setting;
    const parameters = { Wx: zeros([D, 2], dtype), Wh: zeros([2, 2], dtype) };
    const gradients = { Wx: zeros([D, 2], dtype), Wh: zeros([2, 2], dtype) };
    const [x, dx] = [zeros([T, D], dtype), zeros([T, D], dtype)];
    fillFrom(parameters.Wh, [2, 0, 0, 2]);
    const unroll = new Unroll(cell, { T, B: 1, dtype, x, dx, parameters, gradients });
    fillFrom(unroll.block(unroll.states.h, 0), [1, 3]);
    fillFrom(unroll.block(unroll.dStates.h, T), [1, 10]);
    const [forward, backward] = [new Program(), new Program()];
    unroll.forward(forward);
    unroll.backward(backward);
    forward.bind(executor)();
    backward.bind(executor)();
    expect(toFlat(unroll.states.h)).toEqual([1, 3, 2, 6, 4, 12, 8, 24, 16, 48]);
    expect(toFlat(unroll.dStates.h)).toEqual([16, 160, 8, 80, 4, 40, 2, 20, 1, 10]);
    // dWh += hPrevᵀ dz at every step: 1·8 + 2·4 + 4·2 + 8·1 = 32, and so on
    expect(toFlat(gradients.Wh)).toEqual([32, 320, 96, 960]);
  });

  describe.each(cells)('%s', (_name, cell) => {
    const lengths = [4, 1, 3];
    const states = Object.keys(cell.states);

    test('the gradients reach the initial states', () => {
      const { unroll, forward, backward } = unrolled(cell, setting);
      const initial = (): number[] => states.flatMap((s) => toFlat(unroll.block(unroll.states[s], 0)));
      const before = initial();
      forward();
      backward();
      expect(initial()).toEqual(before);
      for (const s of states)
        expect(toFlat(unroll.block(unroll.dStates[s], 0)).some((v) => v !== 0)).toBe(true);
    });

    test('a row that has ended keeps its state to the bit', () => {
      const { unroll, forward } = unrolled(cell, setting, lengths);
      const whole = unrolled(cell, setting);
      forward();
      whole.forward();
      for (const s of states) {
        for (let b = 0; b < B; b++) {
          for (let t = 0; t < T; t++) {
            const row = toFlat(rows(unroll.block(unroll.states[s], t + 1), b, b + 1));
            const last = Math.min(t, lengths[b] - 1);
            const live = toFlat(rows(whole.unroll.block(whole.unroll.states[s], last + 1), b, b + 1));
            expect(row).toEqual(live);
          }
        }
      }
    });

    test('what comes back from later passes by the steps that are held, to the bit', () => {
      const { unroll, forward, backward } = unrolled(cell, setting, lengths);
      forward();
      backward();
      for (const s of states) {
        const final = toFlat(unroll.block(unroll.dStates[s], T));
        // row 1 ended after step 0: its block 1 has the value of block T
        expect(toFlat(unroll.block(unroll.dStates[s], 1)).slice(H, 2 * H)).toEqual(final.slice(H, 2 * H));
        expect(toFlat(unroll.block(unroll.dStates[s], 3)).slice(2 * H)).toEqual(final.slice(2 * H));
      }
      const dx = toFlat(unroll.options.dx);
      dx.forEach((v, k) => {
        const step = Math.floor(k / D);
        if (Math.floor(step / B) >= lengths[step % B]) expect(v === 0).toBe(true);
      });
    });

    test('unequal lengths give what each row gives alone', () => {
      const together = unrolled(cell, setting, lengths);
      together.forward();
      together.backward();
      const sums = Object.fromEntries(
        Object.entries(together.unroll.options.gradients).map(([name, t]) => [
          name,
          Array<number>(t.data.length).fill(0),
        ]),
      );
      for (let b = 0; b < B; b++) {
        // only the first lengths[b] steps, and only of row b: the others run along with no gradient
        const alone = unrolled(cell, setting, undefined, T);
        const { unroll } = alone;
        const short = lengths[b];
        const cut = new Unroll(cell, {
          ...unroll.options,
          T: short,
          x: rows(unroll.options.x, 0, short * B),
          dx: rows(unroll.options.dx, 0, short * B),
        });
        for (const s of states) {
          fillFrom(cut.block(cut.states[s], 0), toFlat(unroll.block(unroll.states[s], 0)));
          const d = toFlat(unroll.block(unroll.dStates[s], T));
          fillFrom(
            cut.block(cut.dStates[s], short),
            d.map((v, k) => (Math.floor(k / H) === b ? v : 0)),
          );
        }
        const above = toFlat(rows(unroll.dOutput, 0, short * B));
        fillFrom(
          cut.dOutput,
          above.map((v, k) => (Math.floor(k / H) % B === b ? v : 0)),
        );
        const [forward, backward] = [new Program(), new Program()];
        cut.forward(forward);
        cut.backward(backward);
        forward.bind(setting.executor)();
        backward.bind(setting.executor)();
        for (const [name, sum] of Object.entries(sums))
          toFlat(unroll.options.gradients[name]).forEach((v, k) => (sum[k] += v));
        for (const s of states) {
          const row = (of: Unroll, all: Tensor): number[] => toFlat(rows(of.block(all, 0), b, b + 1));
          const [own, theirs] = [row(cut, cut.dStates[s]), row(together.unroll, together.unroll.dStates[s])];
          expect(distance(theirs, own)).toBeLessThanOrEqual(setting.rounding);
        }
      }
      for (const [name, sum] of Object.entries(sums))
        expect(distance(toFlat(together.unroll.options.gradients[name]), sum)).toBeLessThanOrEqual(
          setting.rounding,
        );
    });

    test('lengths that are all T change nothing, to the bit', () => {
      const results = [undefined, [T, T, T]].map((given) => {
        const { unroll, forward, backward } = unrolled(cell, setting, given);
        forward();
        backward();
        return states.flatMap((s) => [toFlat(unroll.states[s]), toFlat(unroll.dStates[s])]);
      });
      expect(results[1]).toEqual(results[0]);
    });

    test('two halves, the state carried and the gradient handed over, equal one pass', () => {
      const whole = unrolled(cell, setting);
      whole.forward();
      whole.backward();
      const [first, second] = [0, 2].map((from) => {
        const { unroll } = unrolled(cell, setting);
        const { dtype, executor } = setting;
        const half = new Unroll(cell, {
          ...unroll.options,
          T: 2,
          dtype,
          x: rows(unroll.options.x, from * B, (from + 2) * B),
          dx: rows(unroll.options.dx, from * B, (from + 2) * B),
        });
        fillFrom(half.dOutput, toFlat(rows(unroll.dOutput, from * B, (from + 2) * B)));
        const [forward, backward] = [new Program(), new Program()];
        half.forward(forward);
        half.backward(backward);
        return { half, unroll, forward: forward.bind(executor), backward: backward.bind(executor) };
      });
      for (const s of states)
        fillFrom(
          first.half.block(first.half.states[s], 0),
          toFlat(first.unroll.block(first.unroll.states[s], 0)),
        );
      first.forward();
      for (const s of states)
        fillFrom(
          second.half.block(second.half.states[s], 0),
          toFlat(first.half.block(first.half.states[s], 2)),
        );
      second.forward();
      for (const s of states) {
        const all = [...toFlat(first.half.states[s]), ...toFlat(second.half.states[s]).slice(B * H)];
        expect(distance(all, toFlat(whole.unroll.states[s]))).toBeLessThanOrEqual(setting.rounding);
        fillFrom(
          second.half.block(second.half.dStates[s], 2),
          toFlat(second.unroll.block(second.unroll.dStates[s], T)),
        );
      }
      second.backward();
      for (const s of states)
        fillFrom(
          first.half.block(first.half.dStates[s], 2),
          toFlat(second.half.block(second.half.dStates[s], 0)),
        );
      first.backward();
      for (const s of states) {
        const d0 = toFlat(first.half.block(first.half.dStates[s], 0));
        const expected = toFlat(whole.unroll.block(whole.unroll.dStates[s], 0));
        expect(distance(d0, expected)).toBeLessThanOrEqual(setting.rounding);
      }
    });
  });
});

test.each<[object, string]>([
  [{ T: 0 }, 'unroll: T must be a whole number >= 1, got 0'],
  [{ B: 1.5 }, 'unroll: B must be a whole number >= 1, got 1.5'],
  [{ x: zeros([T * B, 3]) }, 'unroll: x must be [12, 2], got [12, 3] (T = 4, B = 3, D = 2)'],
])('%#: %s', (wrong, message) => {
  const cell = elman({ input: D, hidden: H });
  const options = { ...unrolled(cell, settings[0]).unroll.options, ...wrong };
  expect(() => new Unroll(cell, options)).toThrow(message);
  expect(() => new Unroll(cell, options)).toThrow(RangeError);
});

it('a copy with other parts reads and writes these, and shares the rest', () => {
  const { unroll } = unrolled(lstm({ input: D, hidden: H }), settings[0]);
  const gradients = Object.fromEntries(
    Object.entries(unroll.options.gradients).map(([name, t]) => [name, zeros([...t.shape])]),
  );
  const dOutput = zeros([...unroll.dOutput.shape]);
  const other = unroll.with({ options: { ...unroll.options, gradients }, dOutput });
  const [ours, theirs] = [unroll.at(1), other.at(1)];
  expect(theirs.dWx.data).toBe(gradients.Wx.data);
  expect(theirs.dhOut.data).toBe(dOutput.data);
  const replaced = Object.keys(ours).filter((name) => theirs[name].data !== ours[name].data);
  expect(replaced.filter((name) => !['dhOut', 'dWx', 'dWh', 'db'].includes(name))).toEqual([]);
  expect(ours.dWx.data).toBe(unroll.options.gradients.Wx.data);
});
