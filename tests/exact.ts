/**
 * Elementary functions to 256 bits, as a reference for the kernels: numbers m · 2^e with a BigInt m.
 * Plain series after plain reductions; slow, and with nothing in common with the kernels' own way.
 */
const BITS = 256;

export interface Big {
  m: bigint;
  e: number;
}

const lengthOf = (m: bigint): number => (m < 0n ? -m : m).toString(2).length;

function trimmed(m: bigint, e: number): Big {
  const excess = m === 0n ? 0 : lengthOf(m) - BITS;
  return excess > 0 ? { m: m >> BigInt(excess), e: e + excess } : { m, e };
}

export function big(x: number): Big {
  let e = 0;
  for (; !Number.isInteger(x); e--) x *= 2;
  return { m: BigInt(x), e };
}

const neg = ({ m, e }: Big): Big => ({ m: -m, e });
export const mul = (a: Big, b: Big): Big => trimmed(a.m * b.m, a.e + b.e);

export function add(a: Big, b: Big): Big {
  if (a.m === 0n) return b;
  if (b.m === 0n) return a;
  const [high, low] = a.e >= b.e ? [a, b] : [b, a];
  // digits entirely below the last bit kept are dropped
  if (exponentOf(high) - exponentOf(low) > BITS + 2) return high;
  return trimmed((high.m << BigInt(high.e - low.e)) + low.m, low.e);
}

function div(a: Big, b: Big): Big {
  const shift = 2 * BITS;
  return trimmed((a.m << BigInt(shift)) / b.m, a.e - b.e - shift);
}

/** ⌊log2 |a|⌋ */
export const exponentOf = ({ m, e }: Big): number => e + lengthOf(m) - 1;

/** a · 2^scale as the nearest number, for results of moderate size. */
export function toNumber({ m, e }: Big, scale = 0): number {
  const excess = Math.max(0, lengthOf(m) - 64);
  return Number(m >> BigInt(excess)) * 2 ** (e + excess + scale);
}

const one = big(1);

/** log u, from 2 atanh((m − 1) / (m + 1)) for u = 2ᵏ m with m near 1. */
function logOf(u: Big): Big {
  let k = exponentOf(u);
  if (u.m ** 2n > 2n << (2n * BigInt(lengthOf(u.m) - 1))) k++; // m in (√½, √2)
  const m = { m: u.m, e: u.e - k };
  const s = div(add(m, neg(one)), add(m, one));
  const s2 = mul(s, s);
  let sum = s;
  let power = s;
  for (let n = 3; power.m !== 0n && exponentOf(power) > exponentOf(s) - BITS; n += 2) {
    power = mul(power, s2);
    sum = add(sum, div(power, big(n)));
  }
  const logM = { m: 2n * sum.m, e: sum.e };
  return k === 0 ? logM : add(mul(big(k), LN2), logM);
}

// 2 atanh(1/3)
const LN2: Big = (() => {
  let sum: Big = { m: 0n, e: 0 };
  for (let n = 1; n < BITS; n += 2) sum = add(sum, div(big(2), { m: BigInt(n) * 3n ** BigInt(n), e: 0 }));
  return sum;
})();

function expOf(x: Big): Big {
  const n = Math.round(toNumber(x) / Math.LN2);
  const r = add(x, neg(mul(big(n), LN2)));
  const halvings = 8;
  const small = { m: r.m, e: r.e - halvings };
  let term = one;
  let sum = one;
  for (let k = 1; k < 40; k++) {
    term = div(mul(term, small), big(k));
    sum = add(sum, term);
  }
  for (let k = 0; k < halvings; k++) sum = mul(sum, sum);
  return { m: sum.m, e: sum.e + n };
}

// below 2^-120 the first term of the series is exact to more than 200 bits
const tiny = (x: number): boolean => Math.abs(x) < 2 ** -120;

/** The functions at an exact argument, where they are finite and not 0. */
export const exact = {
  exp: (x: number): Big => expOf(big(x)),
  log: (x: number): Big => logOf(big(x)),
  log1p: (x: number): Big => (tiny(x) ? big(x) : logOf(add(one, big(x)))),
  sigmoid: (x: number): Big => div(one, add(one, expOf(big(-x)))),
  tanh(x: number): Big {
    if (tiny(x)) return big(x);
    const q = expOf(big(-2 * x));
    return div(add(one, neg(q)), add(one, q));
  },
};
export const ln2 = LN2;
