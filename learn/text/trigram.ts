/**
 * A simple rule beside a model of text: a trigram that learns as it reads.
 *
 * The probability of a symbol s after a context c of two symbols is that of its counts n so far, mixed with that after the
 * last one of them, and so on:
 *
 *   p(s | c) = (n(c s) + d(c) p(s | c′)) / (n(c) + d(c)),   in the end p = 1 / V
 *
 * d(c) is the number of different symbols seen after c.
 *
 * Source: Witten & Bell 1991, "The zero-frequency problem", method C.
 */
const ORDERS = [0, 1, 2] as const;

/** How often a context occurred, and how many different symbols followed. */
interface Context {
  count: number;
  different: number;
}

/**
 * @example
 * const rule = new Trigram(4); // classes
 * rule.bits(1); // 2: nothing is known yet
 * rule.bits(1); // less
 */
export class Trigram {
  private readonly contexts = ORDERS.map(() => new Map<number, Context>());
  private readonly counts = ORDERS.map(() => new Map<number, number>());
  /** The last two symbols. */
  private before: number[] = [];

  constructor(private readonly classes: number) {}

  /** −log₂ of the probability of the next symbol, which is then counted. */
  bits(symbol: number): number {
    const { classes, before } = this;
    let p = 1 / classes;
    for (const order of ORDERS.slice(0, before.length + 1)) {
      // numbers below 65,536³ are exact
      const place = before.slice(before.length - order).reduce((sum, one) => sum * classes + one, 0);
      const gram = place * classes + symbol;
      const [contexts, counts] = [this.contexts[order], this.counts[order]];
      const context = contexts.get(place) ?? { count: 0, different: 0 };
      const count = counts.get(gram) ?? 0;
      if (context.count > 0) p = (count + context.different * p) / (context.count + context.different);
      contexts.set(place, {
        count: context.count + 1,
        different: context.different + Number(count === 0),
      });
      counts.set(gram, count + 1);
    }
    this.before = [...before, symbol].slice(-2);
    return -Math.log2(p);
  }

  /** Forgets the last symbols, before a text that does not follow on them. */
  restart(): void {
    this.before = [];
  }
}
