/**
 * The matrix product kernels against a plain triple loop: every extent around the tiles' own, all layouts, tails exact.
 *
 * Without fused multiply-adds the kernels must give the triple loop's bits, as they add in the same order. Everything
 * around the operands is poison: NaN where a kernel must not read, a pattern that must survive where it must not write.
 * Operands are also placed at the very end of the memory, where accessing one byte too many traps.
 */
import type { Dtype } from '../core/memory';
import { Random } from '../core/random/random';
import { compileModule } from '../core/wasm/encoder';
import { type Wide, WIDE, wideHere } from '../core/wasm/wide';
import { ACCUMULATE, ADD_BIAS, compileGemm, multiply, multiplyBytes } from '../core/wasm/gemm';

const extents = [1, 2, 3, 4, 5, 7, 8, 9, 19, 31, 64, 131];
const layouts = [
  'rows',
  'columns',
  'rows with gaps',
  'columns with gaps',
  'gaps both ways',
  'reversed',
] as const;
type Layout = (typeof layouts)[number];

interface Matrix {
  /** Address of element [0, 0]; strides in elements. */
  at: number;
  row: number;
  col: number;
  get(r: number, c: number): number;
}

/** The tiles of 256 bits, with whatever vectors the machine has. */
const wide = (fma: boolean): Wide => {
  const here = wideHere();
  return typeof here === 'string'
    ? { tile: WIDE, fma, compile: compileModule, compileNarrow: compileModule }
    : { ...here, fma };
};

export interface Variant {
  dtype: Dtype;
  fma: boolean;
  shared: boolean;
  bits: number;
}

/** Tests of kernels made in these ways. */
export function describeGemm(variants: readonly Variant[]): void {
  describe.each(variants)(
    'matrix products, $dtype, fma $fma, shared memory $shared, tiles of $bits bits',
    ({ dtype, fma, shared, bits: width }) => {
      const PAGES = 32;
      const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES, shared });
      const kernels = compileGemm(
        memory,
        dtype,
        width === 256 ? { wide: wide(fma) } : { reproducible: !fma },
      );
      const size = dtype === 'float32' ? 4 : 8;
      const all = dtype === 'float32' ? new Float32Array(memory.buffer) : new Float64Array(memory.buffer);
      const bits = new Uint32Array(memory.buffer);
      const before = new Uint32Array(bits.length);
      const stretch = (words: Uint32Array, from: number, to: number) =>
        Buffer.from(words.buffer as ArrayBuffer, from, to - from);
      const POISON = 0x7fc0beef; // a NaN of a pattern of its own, in either half of a double too
      const rounded = (x: number) => (dtype === 'float32' ? Math.fround(x) : x);
      const random = new Random(7);

      // The memory is handed out from the front; `last` takes the very end instead.
      let top = 0;
      const take = (bytes: number): number => {
        const at = top + 64;
        top = at + Math.ceil(bytes / 64) * 64;
        return at;
      };
      const reset = () => {
        top = 0;
        bits.fill(POISON);
      };

      function matrix(rows: number, cols: number, layout: Layout, last = false): Matrix {
        const gap = layout.includes('gaps') ? 3 : 0;
        let row = layout.startsWith('columns') ? 1 : cols + gap;
        let col = layout.startsWith('columns') ? rows + gap : 1;
        if (layout === 'gaps both ways') [row, col] = [2 * cols + 5, 2];
        if (layout === 'reversed') [row, col] = [-cols, -1];
        const extent = (rows - 1) * Math.abs(row) + (cols - 1) * Math.abs(col) + 1;
        const start = last ? memory.buffer.byteLength - extent * size : take(extent * size);
        const at = layout === 'reversed' ? start + (extent - 1) * size : start;
        const place = (r: number, c: number) => at / size + r * row + c * col;
        for (let r = 0; r < rows; r++)
          for (let c = 0; c < cols; c++) all[place(r, c)] = random.uniform(-1, 1);
        return { at, row, col, get: (r, c) => all[place(r, c)] };
      }

      interface Case {
        M: number;
        N: number;
        K: number;
        a: Layout;
        b: Layout;
        last: 'a' | 'b' | 'out';
        flags: number;
        gap: number;
      }

      /** Sums in the kernels' order; `spread` bounds the deviation of fused sums. */
      function naive(a: Matrix, b: Matrix, K: number, start: number, m: number, n: number) {
        let sum = start;
        let spread = Math.abs(start);
        for (let k = 0; k < K; k++) {
          const product = a.get(m, k) * b.get(k, n);
          sum = rounded(sum + rounded(product));
          spread += Math.abs(product);
        }
        return { sum, spread };
      }

      /** Runs one case and returns a description of the fault, or ''. */
      function run(
        { M, N, K, a: aLayout, b: bLayout, last, flags, gap }: Case,
        product: 'packed' | 'multiply' | 'gemv' = 'packed',
      ): string {
        reset();
        const a = matrix(M, K, aLayout, last === 'a');
        const b = matrix(K, N, bLayout, last === 'b');
        const bias = matrix(1, N, 'rows');
        const outRow = N + gap;
        const outBytes = ((M - 1) * outRow + N) * size;
        const out = last === 'out' ? memory.buffer.byteLength - outBytes : take(outBytes);
        const y = out / size;
        const room = product === 'packed' ? kernels.panelBytes(K, N) : multiplyBytes(kernels, K, N);
        const panels = take(room);
        const scratch = take(kernels.scratchBytes);

        const expected = new Map<number, { sum: number; spread: number }>();
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            const at = y + m * outRow + n;
            if (flags & ACCUMULATE) all[at] = random.uniform(-1, 1);
            const start = rounded(
              (flags & ACCUMULATE ? all[at] : 0) + (flags & ADD_BIAS ? bias.get(0, n) : 0),
            );
            expected.set(at, naive(a, b, K, start, m, n));
          }
        }
        before.set(bits);
        const written = [
          [out, out + outBytes],
          ...(product === 'gemv'
            ? []
            : [
                [panels, panels + room],
                [scratch, scratch + kernels.scratchBytes],
              ]),
        ];

        if (product === 'packed') {
          kernels.packB(b.at, b.row, b.col, K, N, panels);
          kernels.gemm(a.at, a.row, a.col, panels, out, outRow, M, N, K, flags, bias.at, scratch, 0);
        } else if (product === 'gemv') {
          for (let m = 0; m < M; m++) {
            const to = out + m * outRow * size;
            const start = flags & ACCUMULATE ? to : flags & ADD_BIAS ? bias.at : 0;
            kernels.gemv(a.at + m * a.row * size, a.col, b.at, b.row, to, N, K, start);
          }
        } else {
          const strides = { aRow: a.row, aCol: a.col, bRow: b.row, bCol: b.col, outRow };
          multiply(
            kernels,
            { a: a.at, b: b.at, out, ...strides, M, N, K, flags, bias: bias.at },
            panels,
            scratch,
          );
        }

        for (const [at, { sum, spread }] of expected) {
          const error = Math.abs(all[at] - sum);
          const bound = fma ? spread * (K + 2) * (dtype === 'float32' ? 2 ** -24 : 2 ** -53) : 0;
          if (!(error <= bound)) return `element ${at - y} is ${all[at]}, not ${sum}`;
        }
        let end = 0;
        for (const [from, to] of [...written.sort(([a], [b]) => a - b), [bits.length * 4, 0]]) {
          if (!stretch(bits, end, from).equals(stretch(before, end, from)))
            return `bytes from ${end} to ${from}, outside the operands, were written`;
          end = to;
        }
        for (let i = out / 4; i < (out + outBytes) / 4; i++) {
          if (bits[i] !== before[i] && !expected.has(Math.floor((4 * i) / size)))
            return `byte ${4 * i} between the rows of out was written`;
        }
        return '';
      }

      const pick = <T>(from: readonly T[]): T => from[random.below(from.length)];
      const someCase = (): Case => ({
        M: pick(extents),
        N: pick(extents),
        K: pick(extents),
        a: pick(layouts),
        b: pick(layouts),
        last: pick(['a', 'b', 'out'] as const),
        flags: random.below(4),
        gap: pick([0, 0, 1, 5]),
      });

      it('equal the triple loop for each extent in each place, over all layouts', () => {
        const failures: string[] = [];
        const check = (test: Case) => {
          const wrong = run(test);
          if (wrong) failures.push(`${JSON.stringify(test)}: ${wrong}`);
        };
        for (const extent of extents) {
          for (const place of ['M', 'N', 'K'] as const) check({ ...someCase(), [place]: extent });
        }
        for (const a of layouts) for (const b of layouts) check({ ...someCase(), a, b });
        for (let i = 0; i < 20; i++) check(someCase());
        expect(failures).toEqual([]);
      });

      it('equal it across the blocks of rows and of k', () => {
        const rest = { a: 'rows', b: 'rows', last: 'a', flags: ADD_BIAS, gap: 1 } as const;
        expect(run({ ...rest, M: 66, N: 9, K: 513 })).toBe('');
        expect(run({ ...rest, M: 1, N: 35, K: 1030 })).toBe('');
        expect(run({ ...rest, M: 3, N: 8, K: 512, a: 'columns', flags: ACCUMULATE })).toBe('');
        expect(run({ ...rest, M: 129, N: 5, K: 4, a: 'columns' })).toBe('');
      });

      it('equal it when b is packed in slices', () => {
        const rest = { a: 'columns', b: 'rows', last: 'b', gap: 0 } as const;
        for (const flags of [0, ACCUMULATE, ADD_BIAS, ACCUMULATE | ADD_BIAS]) {
          expect(run({ ...rest, M: 13, N: 18, K: 700, flags }, 'multiply')).toBe('');
        }
        expect(run({ ...rest, M: 5, N: 3, K: 256, flags: 0 }, 'multiply')).toBe('');
      });

      it('equal it row by row, where b lies as it is', () => {
        const failures: string[] = [];
        for (const N of extents) {
          for (const K of [1, 3, 4, 5, 19]) {
            const flags = [0, ACCUMULATE, ADD_BIAS][random.below(3)];
            const test = { ...someCase(), M: 2, N, K, b: pick(['rows', 'rows with gaps'] as const), flags };
            const wrong = run(test, 'gemv');
            if (wrong) failures.push(`${JSON.stringify(test)}: ${wrong}`);
          }
        }
        expect(failures).toEqual([]);
      });

      it('give the bias, zero or the former out for an empty sum', () => {
        for (const [flags, value] of [
          [0, 0],
          [ADD_BIAS, 2],
          [ACCUMULATE, 3],
          [ACCUMULATE | ADD_BIAS, 5],
        ]) {
          reset();
          const [out, bias, scratch] = [take(7 * 11 * size), take(11 * size), take(kernels.scratchBytes)];
          const y = all.subarray(out / size, out / size + 77).fill(3);
          all.fill(2, bias / size, bias / size + 11);
          kernels.packB(64, 1, 1, 0, 11, 64);
          kernels.gemm(64, 1, 1, 64, out, 11, 7, 11, 0, flags, bias, scratch, 0);
          expect(Array.from(y)).toEqual(new Array(77).fill(value));
        }
      });

      it('do nothing for no rows or no columns', () => {
        reset();
        const scratch = take(kernels.scratchBytes);
        const before = bits.slice((scratch + kernels.scratchBytes) / 4);
        kernels.gemm(64, 4, 1, 64, scratch + kernels.scratchBytes + 64, 9, 0, 9, 4, 0, 64, scratch, 0);
        kernels.gemm(64, 4, 1, 64, scratch + kernels.scratchBytes + 64, 9, 9, 0, 4, 0, 64, scratch, 0);
        expect(
          Buffer.compare(
            Buffer.from(bits.slice((scratch + kernels.scratchBytes) / 4).buffer),
            Buffer.from(before.buffer),
          ),
        ).toBe(0);
      });

      /** out of a [M, K] · b [K, N] in newly allocated memory, with the operands' addresses. */
      function laidOut(M: number, N: number, K: number) {
        reset();
        const [a, b] = [matrix(M, K, 'rows'), matrix(K, N, 'rows')];
        const [whole, parts] = [take(M * N * size), take(M * N * size)];
        const [panels, scratch] = [take(kernels.panelBytes(K, N)), take(kernels.scratchBytes)];
        kernels.packB(b.at, N, 1, K, N, panels);
        kernels.gemm(a.at, K, 1, panels, whole, N, M, N, K, 0, 0, scratch, 0);
        const bytesOf = (at: number) => Array.from(new Uint8Array(memory.buffer, at, M * N * size));
        return { a, b, whole, parts, panels, scratch, bytesOf };
      }

      it('let NaN and infinities through to the elements they belong to, and to no other', () => {
        const [M, N, K] = [9, 13, 21];
        const { a, b, whole, panels, scratch } = laidOut(M, N, K);
        all[a.at / size + 2 * K + 5] = NaN;
        all[a.at / size + 8 * K + 20] = Infinity;
        all[b.at / size + 3 * N + 12] = -Infinity;
        kernels.packB(b.at, N, 1, K, N, panels);
        kernels.gemm(a.at, K, 1, panels, whole, N, M, N, K, 0, 0, scratch, 0);
        for (let m = 0; m < M; m++) {
          for (let n = 0; n < N; n++) {
            const { sum } = naive(a, b, K, 0, m, n);
            const got = all[whole / size + m * N + n];
            if (Number.isFinite(sum)) expect(Math.abs(got - sum)).toBeLessThan(1e-4);
            else expect(got).toBe(sum);
          }
        }
      });

      it('give the same bits for a row alone, b packed or not', () => {
        const [M, N, K] = [3, 45, 70];
        const { a, b, whole, parts, bytesOf } = laidOut(M, N, K);
        for (let m = 0; m < M; m++)
          kernels.gemv(a.at + m * K * size, 1, b.at, N, parts + m * N * size, N, K, 0);
        expect(bytesOf(parts)).toEqual(bytesOf(whole));
      });

      it.each([1, 2, 3, 5, 6, 64])('give the same bits when rows are computed %d at a time', (rows) => {
        const [M, N, K] = [75, 45, 70];
        const { a, whole, parts, panels, scratch, bytesOf } = laidOut(M, N, K);
        for (let m = 0; m < M; m += rows) {
          const [from, to] = [a.at + m * K * size, parts + m * N * size];
          kernels.gemm(from, K, 1, panels, to, N, Math.min(rows, M - m), N, K, 0, 0, scratch, 0);
        }
        expect(bytesOf(parts)).toEqual(bytesOf(whole));
      });

      it('give the same bits when blocks of panels are used', () => {
        const [M, N, K] = [11, 45, 70];
        const { a, whole, parts, panels, scratch, bytesOf } = laidOut(M, N, K);
        const n0 = 2 * kernels.panelColumns;
        for (const [n, columns] of [
          [0, n0],
          [n0, N - n0],
        ]) {
          for (const [k, steps] of [
            [0, 33],
            [33, K - 33],
          ]) {
            const block = kernels.panelAt(panels, K, k, n);
            const [from, to] = [a.at + k * size, parts + n * size];
            kernels.gemm(from, K, 1, block, to, N, M, columns, steps, k > 0 ? ACCUMULATE : 0, 0, scratch, K);
          }
        }
        expect(bytesOf(parts)).toEqual(bytesOf(whole));
      });
    },
  );
}
