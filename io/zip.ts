/** Reads zip archives in the form that NumPy writes: the directory is checked before anything is unpacked. */
import { inflateSync } from 'fflate';
import { must, mustBe } from '../core/check';

/** One file of an archive, as described by the directory. */
export interface ZipEntry {
  name: string;
  /** Compressed and uncompressed size in bytes. */
  packed: number;
  size: number;
  deflated: boolean;
  /** Offset of its data. */
  start: number;
}

/** Maximum compression ratio of deflate. */
const MAX_RATIO = 1032;
const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];
/** Sizes of a local header, of a directory entry, and of the end record, without names and comments. */
const [LOCAL_BYTES, CENTRAL_BYTES, END_BYTES] = [30, 46, 22];
const LONGEST_COMMENT = 0xffff;

/**
 * The entries of an archive, in directory order. No byte of the file belongs to two entries, so the unpacked size is
 * bounded in proportion to the file.
 *
 * @throws TypeError when the file is not a zip archive, or an entry is neither stored nor deflated; RangeError when
 * sizes or offsets disagree with the file, and for duplicate names.
 */
export function readDirectory(bytes: Uint8Array, where: string): ZipEntry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = (fits: boolean, got: string): void =>
    mustBe(fits, where, 'the file must be a zip archive', `an incomplete one: ${got}`);
  let end = bytes.length - END_BYTES;
  const least = Math.max(0, end - LONGEST_COMMENT);
  while (end >= least && view.getUint32(end, true) !== END) end--;
  whole(end >= least, 'it has no end');
  const count = view.getUint16(end + 10, true);
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const names = new Set<string>();
  const spans: (ZipEntry & { from: number })[] = [];
  for (let k = 0, at = view.getUint32(end + 16, true); k < count; k++) {
    const there = at + CENTRAL_BYTES <= end && view.getUint32(at, true) === CENTRAL;
    whole(there, `its directory holds ${k} of ${count} entries`);
    const from = view.getUint32(at + 42, true);
    const named = at + CENTRAL_BYTES + view.getUint16(at + 28, true);
    const name = utf8.decode(bytes.subarray(at + CENTRAL_BYTES, Math.min(named, end)));
    mustBe(!names.has(name), where, 'names must differ', `${name} twice`);
    names.add(name);
    const method = view.getUint16(at + 10, true);
    mustBe(method === 0 || method === 8, where, `${name} must be stored or deflated`, method);
    const [packed, size] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true)];
    const most = method === 0 ? packed : packed * MAX_RATIO;
    must(size <= most, where, `${name} must have at most ${most} bytes`, size, `${packed} in the archive`);
    const begun = from + LOCAL_BYTES <= end && view.getUint32(from, true) === LOCAL;
    whole(begun, `${name} is not where the directory says`);
    const start = from + LOCAL_BYTES + view.getUint16(from + 26, true) + view.getUint16(from + 28, true);
    must(start + packed <= end, where, `${name} must lie in the archive`, `${packed} bytes from ${start} on`);
    spans.push({ name, packed, size, deflated: method === 8, start, from });
    at = named + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  let [last, before] = [0, 'the beginning'];
  for (const { name, start, packed, from } of [...spans].sort((a, b) => a.from - b.from)) {
    must(from >= last, where, `${name} must begin at ${last} or later`, from, `${before} ends there`);
    [last, before] = [start + packed, name];
  }
  return spans.map(({ from: _, ...entry }) => entry);
}

/** The contents of one entry. @throws TypeError when they cannot be unpacked; RangeError when the size is wrong. */
export function unpack(bytes: Uint8Array, entry: ZipEntry, where: string): Uint8Array {
  const { name, packed, size, deflated, start } = entry;
  const body = bytes.subarray(start, start + packed);
  let contents = body;
  try {
    if (deflated) contents = inflateSync(body, { out: new Uint8Array(size) });
  } catch (error) {
    mustBe(false, where, `${name} must unpack`, (error as Error).message);
  }
  must(
    contents.length === size,
    where,
    `${name} must have ${size} bytes`,
    contents.length,
    'the size that the archive gives',
  );
  return contents;
}
