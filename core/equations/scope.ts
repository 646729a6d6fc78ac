/** Symbol table of a block of equations: shapes of names, the buffers they are part of, and which are written. */
import { unknown } from './error';
import { broadcast, shapeText, times, type Fail, type Shape, type Shapes } from './shapes';

/**
 * Adjacent column blocks of equal width in one buffer, one for each gate.
 *
 * With `{ buffer: 'a', names: ['r', 'z', 'n'], size: 'H' }`, `a` is [B, 3H] and `az` its second block, which the gate
 * `z` replaces in place; `arz` are the first two blocks. In the same way `Whn` is the third block of `Wh` [H, 3H].
 */
export interface Gates {
  buffer: string;
  names: readonly string[];
  /** Width of one block. */
  size: string;
}

export interface Declarations {
  /** Inputs, which the equations cannot write. */
  given: Shapes;
  /** Outputs whose shape is declared. */
  outputs?: Shapes;
  /** Names that the equations may only add to. */
  accumulators?: Shapes;
  gates?: Gates;
  /** Names that replace another one in place when written, besides the gates themselves: `Jf` replaces `Jaf`. */
  inPlace?: Readonly<Record<string, string>>;
  /** Sizes that may be used as numbers in expressions: `sum(z, axis=1) / H`. */
  letters?: Readonly<Record<string, number>>;
}

/** The storage of a name: blocks `from`…`to` (exclusive) of `of`, which may be the name itself. */
export interface BlockRange {
  of: string;
  from: number;
  to: number;
}

/** Tracks every name of a block while its equations are processed in order. */
export class Scope {
  /** Names in the order in which they were first written, with their shapes. */
  readonly written = new Map<string, Shape>();
  /** Names that were read, with the position of their first use. */
  readonly read = new Map<string, number>();
  private readonly filled = new Map<string, Set<number>>();
  private readonly replaced = new Map<string, string>();

  readonly declared: Declarations;

  constructor(
    { given, outputs, accumulators, ...rest }: Declarations,
    private readonly fail: Fail,
    /** All names that the equations write, including later ones. */
    private readonly later: ReadonlySet<string> = new Set(),
  ) {
    // without a prototype, so that names such as toString are not found
    const bare = (shapes?: Shapes): Shapes => Object.assign(Object.create(null) as object, shapes);
    this.declared = { given: bare(given), outputs: bare(outputs), accumulators: bare(accumulators), ...rest };
  }

  /** All names known here, for messages. */
  get known(): string[] {
    const { given, outputs, accumulators, gates } = this.declared;
    return [
      ...new Set(
        [given, outputs, accumulators]
          .flatMap((s) => Object.keys(s ?? {}))
          .concat(gates?.names ?? [], ...this.written.keys()),
      ),
    ];
  }

  /** Whether a name is known here. */
  isKnown(name: string): boolean {
    const { given, outputs = {}, accumulators = {}, gates } = this.declared;
    return (
      this.written.has(name) ||
      [given, outputs, accumulators].some((shapes) => name in shapes) ||
      (gates?.names.includes(name) ?? false)
    );
  }

  /** The storage of a name. */
  placeOf(name: string): BlockRange {
    const { gates } = this.declared;
    if (!gates) return { of: name, from: 0, to: 1 };
    const gate = gates.names.indexOf(name);
    if (gate >= 0) return { of: gates.buffer, from: gate, to: gate + 1 };
    for (let cut = name.length - 1; cut > 0; cut--) {
      const run = runOf(name.slice(cut), gates.names);
      if (run && this.isGated(name.slice(0, cut))) return { of: name.slice(0, cut), ...run };
    }
    return { of: name, from: 0, to: this.isGated(name) ? gates.names.length : 1 };
  }

  /** Notes that a name is read at a position, and returns its shape. @throws EquationError if it has no value yet. */
  shapeAt(name: string, at: number): Shape {
    const place = this.placeOf(name);
    const shape = this.shapeOf(name);
    if (!shape && this.later.has(name)) throw this.fail(at, `${name} is read before it is written`);
    if (!shape) throw this.fail(at, unknown('name', name, this.known));
    if (this.isLetter(name)) return [];
    const gate = this.replaced.get(name);
    if (gate !== undefined) throw this.fail(at, `${name} has been overwritten by ${gate}`);
    // before a gate is written, its columns hold the pre-activation
    const early = this.declared.gates?.names.includes(name) && !this.isGiven(name) && !this.written.has(name);
    if (early) throw this.fail(at, `${name} is read before it is written`);
    if (!this.isGiven(name) && !this.isGiven(place.of) && !this.isFilled(place))
      throw this.fail(at, `${name} is read before it is written`);
    if (!this.read.has(name)) this.read.set(name, at);
    return shape;
  }

  /** Notes that a name is written with a value of some shape. @throws EquationError if that is not allowed. */
  write(name: string, shape: Shape, accumulate: boolean, at: number, text: string): Shape {
    const { given, accumulators = {}, gates } = this.declared;
    const place = this.placeOf(name);
    if (place.of in given || name in given || this.isLetter(name))
      throw this.fail(at, `${name} is given and cannot be written`);
    const adds = place.of in accumulators;
    if (adds && !accumulate) throw this.fail(at, `${name} is a sum over all steps: add to it with +=`);
    if (accumulate && !adds && !this.isFilled(place))
      throw this.fail(at, `${name} must be written before it is added to`);
    const isGate = gates?.names.includes(name) ?? false;
    if (!accumulate && (isGate ? this.written.has(name) : this.isTouched(place)))
      throw this.fail(at, `${name} is written twice`);
    const own = this.shapeOf(name) ?? shape;
    const stretched = broadcast(own, shape);
    if (!stretched || shapeText(stretched) !== shapeText(own))
      throw this.fail(at, `${name} is ${shapeText(own)}, but ${text} is ${shapeText(shape)}`);
    const before = isGate && gates ? `${gates.buffer}${name}` : this.declared.inPlace?.[name];
    if (before !== undefined) this.replaced.set(before, name);
    if (!this.written.has(name)) this.written.set(name, own);
    // looked up again: for a new name, only now is it known whether it has a block for each gate
    const { of, from, to } = this.placeOf(name);
    const blocks = this.filled.get(of) ?? new Set();
    for (let k = from; k < to; k++) blocks.add(k);
    this.filled.set(of, blocks);
    return own;
  }

  /** Returns a test whether a name, or one that overlaps it in storage, was read so far. */
  reads(): (name: string) => boolean {
    const places = new Map<string, BlockRange[]>();
    for (const place of Array.from(this.read.keys(), (name) => this.placeOf(name)))
      places.set(place.of, [...(places.get(place.of) ?? []), place]);
    return (name) => {
      const { of, from, to } = this.placeOf(name);
      return (places.get(of) ?? []).some((place) => place.from < to && from < place.to);
    };
  }

  /** Whether all of a name has been written. */
  isWritten(name: string): boolean {
    return this.isFilled(this.placeOf(name));
  }

  /** Whether a gate has overwritten the value of the name or a part of it. */
  isGone(name: string): boolean {
    const { gates } = this.declared;
    const { of } = this.placeOf(name);
    return gates?.buffer === of && !gates.names.includes(name) && this.replaced.size > 0;
  }

  /** Whether the name denotes some columns of a larger tensor. */
  isPart(name: string): boolean {
    return this.placeOf(name).of !== name;
  }

  /** The shape of a name; undefined if it is not known yet. */
  shapeOf(name: string): Shape | undefined {
    const { of, from, to } = this.placeOf(name);
    const { given, outputs = {}, accumulators = {}, gates } = this.declared;
    if (name in given) return given[name];
    if (this.isLetter(name)) return [];
    const whole = this.written.get(of) ?? given[of] ?? outputs[of] ?? accumulators[of];
    if (of === name) return whole;
    if (!gates) return undefined;
    const gated: Shape = whole ?? ['B', times(gates.size, gates.names.length)];
    return gated.map((size) =>
      size === times(gates.size, gates.names.length) ? times(gates.size, to - from) : size,
    );
  }

  /** Whether the name denotes a size and nothing else. */
  isLetter(name: string): boolean {
    const { given, outputs = {}, accumulators = {}, letters = {} } = this.declared;
    return Object.hasOwn(letters, name) && ![given, outputs, accumulators].some((shapes) => name in shapes);
  }

  /** Whether a tensor has a block for each gate. */
  private isGated(name: string): boolean {
    const { given, outputs = {}, accumulators = {}, gates } = this.declared;
    if (!gates) return false;
    const total = times(gates.size, gates.names.length);
    const shape = this.written.get(name) ?? given[name] ?? outputs[name] ?? accumulators[name];
    return shape?.includes(total) ?? false;
  }

  private isGiven(name: string): boolean {
    const { given, accumulators = {} } = this.declared;
    return name in given || name in accumulators;
  }

  private isFilled({ of, from, to }: BlockRange): boolean {
    const blocks = this.filled.get(of);
    for (let k = from; k < to; k++) if (!blocks?.has(k)) return false;
    return true;
  }

  private isTouched({ of, from, to }: BlockRange): boolean {
    const blocks = this.filled.get(of);
    for (let k = from; k < to; k++) if (blocks?.has(k)) return true;
    return false;
  }
}

/** The range of adjacent gates whose concatenated names are `text`: `rz`. */
export function runOf(text: string, names: readonly string[]): { from: number; to: number } | undefined {
  for (let from = 0; from < names.length; from++) {
    let rest = text;
    for (let to = from; to < names.length && rest.startsWith(names[to]);) {
      rest = rest.slice(names[to++].length);
      if (rest === '') return { from, to };
    }
  }
  return undefined;
}
