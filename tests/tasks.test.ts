/** Synthetic sequence tasks are exactly as the papers define them. */
import { Random } from '../core/random/random';
import { adding } from '../tasks/adding';
import { chords } from '../tasks/chords';
import { counting } from '../tasks/counting';
import { continualReber, embeddedReber, reber, type ReberStep } from '../tasks/reber';
import { orderSymbols, temporalOrder } from '../tasks/temporalorder';

const N = 4000;
const many = <T>(draw: (random: Random) => T, n = N): T[] => {
  const random = new Random(7);
  return Array.from({ length: n }, () => draw(random));
};
const text = (steps: readonly ReberStep[]): string => steps.map(({ symbol }) => symbol).join('');
/** A share p among n draws lies within five deviations of its expectation. */
const expectShare = (count: number, n: number, p: number): void =>
  expect(Math.abs(count / n - p)).toBeLessThan(5 * Math.sqrt((p * (1 - p)) / n));

// the grammar once more, as a regular expression
const REST = 'T*V(PXT*V)*(V|PS)';
const GRAMMAR = new RegExp(`^B(TS*X(S|X${REST})|P${REST})E$`);

describe('Reber strings', () => {
  it('are those of the grammar', () => {
    const strings = many((random) => text(reber(random)));
    const wrong = strings.filter((s) => !GRAMMAR.test(s));
    expect(wrong).toEqual([]);
    // the shortest ones, with their probabilities
    const countOf = (s: string): number => strings.filter((other) => other === s).length;
    expectShare(countOf('BTXSE'), N, 1 / 8);
    expectShare(countOf('BPVVE'), N, 1 / 8);
  });

  it('are embedded between the same T or P', () => {
    const strings = many((random) => text(embeddedReber(random)));
    expect(strings.filter((s) => !/^B(T|P)B.*E\1E$/.test(s))).toEqual([]);
    expect(strings.filter((s) => !GRAMMAR.test(s.slice(2, -2)))).toEqual([]);
    expectShare(strings.filter((s) => s[1] === 'T').length, N, 1 / 2);
    expect(Math.min(...strings.map((s) => s.length))).toBe(9);
  });

  it('know the legal symbols at each position', () => {
    const byPrefix = new Map<string, { seen: Set<string>; legal: string }>();
    // one expectation for all: a call for each of 50,000 symbols takes seconds
    const wrong: [prefix: string, legal: string][] = [];
    for (const steps of many(embeddedReber)) {
      steps.forEach(({ symbol, legal }, t) => {
        const prefix = text(steps.slice(0, t));
        const sorted = [...legal].sort().join('');
        const entry = byPrefix.get(prefix) ?? { seen: new Set(), legal: sorted };
        entry.seen.add(symbol);
        byPrefix.set(prefix, entry);
        if (sorted !== entry.legal) wrong.push([prefix, sorted]);
      });
    }
    expect(wrong).toEqual([]);
    // prefixes that came up often have been gone on with in every legal way
    for (const prefix of [
      '',
      'B',
      'BT',
      'BTB',
      'BTBT',
      'BPBP',
      'BTBTS',
      'BTBTX',
      'BPBPV',
      'BTBTXSE',
      'BPBTXSE',
    ]) {
      const entry = byPrefix.get(prefix);
      expect([prefix, [...(entry?.seen ?? [])].sort().join('')]).toEqual([prefix, entry?.legal]);
    }
    expect(byPrefix.get('BTBTXSE')?.legal).toBe('T');
    expect(byPrefix.get('BPBTXSE')?.legal).toBe('P');
  });

  it('follow one another without a gap', () => {
    const stream = continualReber(new Random(3));
    const joined = Array.from({ length: 500 }, () => stream.next().value.symbol).join('');
    const random = new Random(3);
    let strings = '';
    while (strings.length < 500) strings += text(embeddedReber(random));
    expect(joined).toBe(strings.slice(0, 500));
  });
});

describe('the adding problem', () => {
  const T = 100;
  const sums = many((random) => adding(random, T));

  it('marks two pairs, and the ends, and nothing else', () => {
    // one expectation for all: a call for each of 400,000 pairs takes a minute
    const wrong = sums.filter(({ pairs, marked }) => {
      const [first, second] = marked;
      const right =
        pairs.every(([value, marker], t) => {
          const end = t === 0 || t === pairs.length - 1;
          return value >= -1 && value < 1 && marker === (marked.includes(t) ? 1 : end ? -1 : 0);
        }) &&
        first < 10 &&
        second !== first &&
        second < T / 2 &&
        (!marked.includes(0) || pairs[0][0] === 0);
      return !right;
    });
    expect(wrong).toEqual([]);
  });

  it('asks for half and a quarter of the sum, which lies in 0 … 1', () => {
    const wrong = sums.filter(({ pairs, target }) => {
      const sum = pairs.reduce((total, [value, marker]) => total + (marker === 1 ? value : 0), 0);
      return !(Math.abs(target - (0.5 + sum / 4)) < 5e-13 && target >= 0 && target <= 1);
    });
    expect(wrong).toEqual([]);
  });

  it('is between T and T + T/10 long, every length alike; so are the places of the marks', () => {
    for (let length = 100; length <= 110; length++)
      expectShare(sums.filter(({ pairs }) => pairs.length === length).length, N, 1 / 11);
    for (let k = 0; k < 10; k++) expectShare(sums.filter(({ marked }) => marked[0] === k).length, N, 1 / 10);
    const seconds = new Set(sums.map(({ marked }) => marked[1]));
    expect([Math.min(...seconds), Math.max(...seconds)]).toEqual([0, T / 2 - 1]);
  });

  it('needs room for its marks', () =>
    expect(() => adding(new Random(), 19)).toThrow('adding: T must be a whole number >= 20, got 19'));
});

describe('temporal order', () => {
  const orders = many(temporalOrder);

  it('has X or Y at two places, E and B at its ends, and a to d elsewhere', () => {
    const wrong = orders.filter(({ symbols, class: of }) => {
      const places = symbols.flatMap((symbol, t) => (symbol === 'X' || symbol === 'Y' ? [t] : []));
      const right =
        places.length === 2 &&
        places[0] >= 10 &&
        places[0] <= 20 &&
        places[1] >= 50 &&
        places[1] <= 60 &&
        of === ['XX', 'XY', 'YX', 'YY'].indexOf(places.map((t) => symbols[t]).join('')) &&
        /^E[abcdXY]{98,108}B$/.test(symbols.join(''));
      return !right;
    });
    expect(wrong).toEqual([]);
  });

  it('draws everything alike', () => {
    for (let of = 0; of < 4; of++) expectShare(orders.filter((one) => one.class === of).length, N, 1 / 4);
    for (let length = 100; length <= 110; length++)
      expectShare(orders.filter(({ symbols }) => symbols.length === length).length, N, 1 / 11);
    for (const t of [10, 20]) {
      const there = orders.filter(({ symbols }) => orderSymbols.indexOf(symbols[t]) >= 6).length;
      expectShare(there, N, 1 / 11);
    }
  });
});

describe('chords', () => {
  it('are up to four notes of C major; voices move by steps and stay near where they began', () => {
    const pieces = many((random) => chords(random, 50), 20);
    for (const piece of pieces) {
      expect(piece).toHaveLength(50);
      expect(piece[0]).toEqual(pieces[0][0]);
      for (const chord of piece) {
        expect(chord.length >= 1 && chord.length <= 4).toBe(true);
        for (const pitch of chord) expect([0, 2, 4, 5, 7, 9, 11]).toContain(pitch % 12);
        expect(Math.min(...chord) >= 40 && Math.max(...chord) <= 84).toBe(true);
      }
    }
  });
});

describe('counting modulo m', () => {
  it.each([2, 3, 5])('m = %i: each count is the number of ones so far, modulo m', (m) => {
    for (const { bits, counts } of many((random) => counting(random, m, 3, 40), 200)) {
      expect(bits.every((bit) => bit === 0 || bit === 1)).toBe(true);
      expect(counts).toEqual(bits.map((_, t) => bits.slice(0, t + 1).filter((bit) => bit === 1).length % m));
    }
  });

  it('all lengths, and both bits, are equally likely', () => {
    const all = many((random) => counting(random, 2, 3, 6));
    for (const length of [3, 4, 5, 6])
      expectShare(all.filter(({ bits }) => bits.length === length).length, N, 1 / 4);
    const bits = all.flatMap((one) => one.bits);
    expectShare(bits.filter((bit) => bit === 1).length, bits.length, 1 / 2);
  });
});
