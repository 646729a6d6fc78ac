/** Decodes the text of a file or a stream piece by piece; invalid bytes are an error. */
import { must, mustBe } from '../core/check';
import { builtin } from '../core/builtin';
import { encodingOf } from '../core/encoding';
import { joined } from '../core/join';

/** Pieces of a file: bytes, or text that is already decoded. */
export type Piece = Uint8Array | string;
/** The name of a file, or its pieces in order. */
export type Source = string | Iterable<Piece> | AsyncIterable<Piece>;

/**
 * The text of a source in pieces, without byte order mark.
 *
 * @param name the name of the source in messages.
 * @throws TypeError with the position for bytes that are not UTF-8 (or UTF-16 with a byte order mark); for a binary file.
 */
export async function* textOf(source: Source, name: string): AsyncGenerator<string> {
  const where = `table: ${name}`;
  let decoder: InstanceType<typeof TextDecoder> | undefined;
  let read = 0;
  const decode = (piece?: Uint8Array): string => {
    decoder ??= decoderOf(piece ?? new Uint8Array());
    try {
      return decoder.decode(piece, { stream: piece !== undefined });
    } catch {
      const why = 'binary, or another encoding, which iconv converts';
      mustBe(false, where, 'it must be UTF-8 text', `bytes that are not, after byte ${read}`, why);
    }
  };
  for await (const piece of await piecesOf(source, name)) {
    if (typeof piece === 'string') yield read === 0 && piece.startsWith('\uFEFF') ? piece.slice(1) : piece;
    else {
      const text = decode(piece);
      mustBe(!text.includes('\0'), where, 'it must be text', `a zero byte after byte ${read}: a binary file`);
      yield text;
    }
    read += piece.length;
  }
  if (decoder) yield decode();
}

/** A source of which the first piece was read already; `close` leaves the others unread. */
export interface Begun {
  first?: Piece;
  pieces: AsyncIterable<Piece>;
  close(): Promise<unknown>;
}

/** Length of the longest mark at the beginning of a file that tells its format or its encoding. */
const LONGEST_MARK = 4;

/** Reads the beginning of a source, which tells its format: a pipe may give it in pieces of a byte. */
export async function begin(source: Source, name: string): Promise<Begun> {
  const all = await piecesOf(source, name);
  const iterator = Symbol.asyncIterator in all ? all[Symbol.asyncIterator]() : asynchronous(all);
  const read: Piece[] = [];
  for (let length = 0; length < LONGEST_MARK;) {
    const { value, done } = (await iterator.next()) as IteratorResult<Piece, undefined>;
    if (done) break;
    read.push(value);
    length += value.length;
  }
  const rest = { [Symbol.asyncIterator]: () => iterator };
  const first = read.length > 0 ? whole(read) : undefined;
  return {
    ...(first !== undefined && { first }),
    pieces: first === undefined ? asynchronous([]) : rejoined(first, rest),
    close: async () => iterator.return?.(),
  };
}

/** Pieces as one. */
function whole(pieces: readonly Piece[]): Piece {
  if (pieces.every((piece) => typeof piece === 'string')) return pieces.join('');
  const bytes = pieces.map((piece) => (typeof piece === 'string' ? new TextEncoder().encode(piece) : piece));
  return bytes.length === 1 ? bytes[0] : joined(Uint8Array, bytes);
}

// eslint-disable-next-line @typescript-eslint/require-await -- its purpose is to make pieces that are there asynchronous
async function* asynchronous(pieces: Iterable<Piece>): AsyncGenerator<Piece, undefined> {
  yield* pieces;
}

/** Puts a piece that was read already before the others. */
export async function* rejoined<P extends Piece>(first: P, rest: AsyncIterable<P>): AsyncGenerator<P> {
  yield first;
  yield* rest;
}

/** It removes the byte order mark. */
const decoderOf = (first: Uint8Array): InstanceType<typeof TextDecoder> =>
  new TextDecoder(encodingOf(first), { fatal: true });

async function piecesOf(source: Source, name: string): Promise<Iterable<Piece> | AsyncIterable<Piece>> {
  if (typeof source !== 'string') return source;
  const fs = await builtin('node:fs');
  mustBe(fs !== undefined, 'table', 'the source must be the pieces of a file', name, 'a page has no files');
  const stats = fs.statSync(source, { throwIfNoEntry: false });
  must(stats !== undefined, 'table', `${name} must be a readable file`, 'no such file');
  mustBe(!stats.isDirectory(), 'table', `${name} must be a file`, 'a folder');
  return fs.createReadStream(source, { highWaterMark: 1 << 18 }) as AsyncIterable<Uint8Array>;
}
