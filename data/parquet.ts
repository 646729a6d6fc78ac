/** Reads the rows of Parquet files with hyparquet, one group of rows at a time. */
import type Fs from 'node:fs';
import { builtin } from '../core/builtin';
import { must, mustBe } from '../core/check';
import { joined } from '../core/join';
import { safe } from '../core/safe';
import { cellsOf, type Rows } from './rows';
import type { Piece } from './text';

const MAGIC = 'PAR1';

/** Whether a file that begins with this piece is a Parquet file; `begin` makes it long enough to tell. */
export const isParquet = (first: Piece | undefined): boolean =>
  first !== undefined && String.fromCharCode(...Array.from(first.slice(0, MAGIC.length), codeOf)) === MAGIC;

const codeOf = (item: string | number): number => (typeof item === 'string' ? item.charCodeAt(0) : item);

/** Random access to the bytes of a file. */
interface Bytes {
  byteLength: number;
  slice(start: number, end?: number): ArrayBuffer | Promise<ArrayBuffer>;
  close?(): Promise<void>;
}

/** Rows that are handed on together. */
const AT_ONCE = 10_000;

/**
 * The rows of a Parquet file; memory is needed for one group of rows.
 *
 * @param source the name of a file, or all of its bytes in pieces.
 * @throws TypeError for a damaged file, a compression that this Node cannot read, or a column that holds neither numbers,
 *   dates, texts nor lists.
 */
export async function* parquetRows(
  source: string | AsyncIterable<Piece>,
  where: string,
): AsyncGenerator<Rows> {
  const file = typeof source === 'string' ? await bytesOfFile(source) : await bytesIn(source);
  try {
    // ESM only, so loaded only for such a file
    const { parquetMetadataAsync, parquetRead, parquetSchema } = await import('hyparquet');
    const { deserializeTCompactProtocol } = await import('hyparquet/src/thrift.js');
    const compressors = await decompressors();
    const readable = <R>(read: () => R | Promise<R>): Promise<R> => readably(where, read);
    const metadata = await readable(() => parquetMetadataAsync(file, { geoparquet: false }));
    const { children } = await readable(() => parquetSchema(metadata));
    const names = children.map((node) => nameOf(node, where));
    let row = 0;
    for (const { num_rows: count, columns: chunks } of metadata.row_groups) {
      for (const { meta_data: chunk } of chunks)
        if (chunk) await readable(() => checkPages(file, chunk, deserializeTCompactProtocol));
      const range = { file, metadata, rowStart: row, rowEnd: row + Number(count), compressors };
      const columns: unknown[][] = [];
      // one after the other: of several at once, the error of one could leave that of another without a handler
      for (const name of names) {
        const values: unknown[] = [];
        const onChunk = ({ columnData }: { columnData: ArrayLike<unknown> }): void => {
          for (let k = 0; k < columnData.length; k++) values.push(columnData[k]);
        };
        await readable(() => parquetRead({ ...range, columns: [name], onChunk }));
        columns.push(values);
      }
      const wrong = columns.find(({ length }) => length !== Number(count));
      must(wrong === undefined, where, `each column must have ${count} values in a group`, wrong?.length);
      for (let from = 0; from < Number(count); from += AT_ONCE) {
        const rows = Array.from({ length: Math.min(AT_ONCE, Number(count) - from) }, (_, k) => from + k);
        const cellsAt = (k: number): Rows['cells'][number] =>
          cellsOf(
            Object.fromEntries(names.map((name, c) => [name, plain(columns[c][k])])),
            `${where}: row ${row + k + 1}`,
          );
        yield { lines: rows.map((k) => row + k + 1), cells: rows.map(cellsAt) };
      }
      row += Number(count);
    }
  } finally {
    await file.close?.();
  }
}

/** What the end of the file says of the values of one column in a group of rows. */
interface Chunk {
  data_page_offset: bigint;
  dictionary_page_offset?: bigint;
  num_values: bigint;
  total_compressed_size: bigint;
  total_uncompressed_size: bigint;
}

/** The fields of a page's header by their numbers in the specification of Parquet. */
interface PageHeader {
  /** Sizes in bytes: uncompressed and compressed. */
  field_2: number;
  field_3: number;
  /** Headers of a page of values, of a dictionary, and of a page of values in the second version; each begins with a count. */
  field_5?: { field_1: number };
  field_7?: { field_1: number };
  field_8?: { field_1: number };
}

/**
 * Checks the pages of a column before they are decoded: memory is reserved by the counts and sizes in their headers, which a
 * damaged file has wrong.
 */
async function checkPages(
  file: Bytes,
  chunk: Chunk,
  headerOf: (reader: { view: DataView; offset: number }) => unknown,
): Promise<void> {
  // some writers give 0 where there is no dictionary
  const start = Number(chunk.dictionary_page_offset || chunk.data_page_offset);
  const bytes = await file.slice(start, start + Number(chunk.total_compressed_size));
  const reader = { view: new DataView(bytes), offset: 0 };
  let values = 0;
  while (reader.offset < bytes.byteLength) {
    const page = headerOf(reader) as PageHeader;
    const [whole, packed] = [page.field_2, page.field_3];
    values += (page.field_5 ?? page.field_8)?.field_1 ?? 0;
    const sizes = packed >= 0 && whole >= 0 && whole <= chunk.total_uncompressed_size;
    // each entry of a dictionary takes a bit at least
    const counts = values <= chunk.num_values && (page.field_7?.field_1 ?? 0) <= 8 * whole;
    if (!sizes || !counts) throw new RangeError('a page of another size or count than its column');
    reader.offset += packed;
  }
}

/** A column of a file, and those inside it. */
interface Node {
  element: { name: string };
  children: Node[];
}

/** The name of a column. @throws TypeError for one of several leaves. */
function nameOf({ element: { name }, children }: Node, where: string): string {
  const leaves = (all: Node[]): number =>
    all.reduce((sum, { children: own }) => sum + Math.max(1, leaves(own)), 0);
  mustBe(
    leaves(children) < 2,
    `${where}: column ${name}`,
    'it must hold numbers, dates, texts or lists of them',
    'objects',
  );
  return name;
}

/** A value as JSON has it: dates as texts, large whole numbers as numbers, and missing ones as null. */
function plain(value: unknown): unknown {
  if (value === undefined || Number.isNaN(value)) return null;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return Array.isArray(value) ? value.map(plain) : value;
}

/** The result of the library, whose errors are those of a file that cannot be read. */
async function readably<R>(where: string, read: () => R | Promise<R>): Promise<R> {
  try {
    return await read();
  } catch (error) {
    const { message } = error as Error;
    const why = message.includes('ZSTD') ? 'zstd needs Node 22.15; gzip and Snappy do not' : undefined;
    mustBe(false, where, 'it must be a readable Parquet file', safe(message), why);
  }
}

async function bytesIn(pieces: AsyncIterable<Piece>): Promise<Bytes> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces)
    all.push(typeof piece === 'string' ? new TextEncoder().encode(piece) : piece);
  const whole = joined(Uint8Array, all);
  return { byteLength: whole.length, slice: (start, end) => whole.buffer.slice(start, end) };
}

async function bytesOfFile(name: string): Promise<Bytes> {
  const fs = (await builtin('node:fs')) as typeof Fs;
  const handle = await fs.promises.open(name);
  const { size } = await handle.stat();
  return {
    byteLength: size,
    async slice(start, end = size) {
      const bytes = new Uint8Array(Math.max(0, Math.min(end, size) - start));
      await handle.read(bytes, 0, bytes.length, start);
      return bytes.buffer;
    },
    close: () => handle.close(),
  };
}

type Decompress = (bytes: Uint8Array, size: number) => Uint8Array;

/** The compressions that Node reads, besides Snappy, which the library reads itself. */
async function decompressors(): Promise<Record<string, Decompress>> {
  const zlib = await builtin('node:zlib');
  if (zlib === undefined) return {};
  const { zstdDecompressSync: zstd } = zlib as { zstdDecompressSync?: typeof zlib.brotliDecompressSync };
  // a damaged file must not grow beyond what its header says
  const limited =
    (read: typeof zlib.brotliDecompressSync): Decompress =>
    (bytes, size) =>
      read(bytes, { maxOutputLength: Math.max(1, size) });
  return {
    GZIP: (bytes, size) => zlib.gunzipSync(bytes, { maxOutputLength: Math.max(1, size) }),
    BROTLI: limited(zlib.brotliDecompressSync),
    ...(zstd && { ZSTD: limited(zstd) }),
  };
}
