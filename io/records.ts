/** Records in a file, one JSON object per line: each is written at once, and read when the work resumes. */
import { appendFileSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { makeFolder, readUtf8, reasonOf } from './files';

/**
 * The file survives a process that is killed at any moment: all completed records remain, in order, and an incomplete
 * line is skipped and counted.
 *
 * @example
 * const records = new Records('runs/trials.jsonl', v.object({ seed: v.number(), loss: v.number() }));
 * records.add({ seed: 1, loss: 0.25 }); // appends {"seed":1,"loss":0.25}
 * records.all; // those read, then those added
 */
export class Records<Schema extends v.GenericSchema> {
  readonly all: v.InferOutput<Schema>[];
  /** Number of malformed lines, as left by a full disk or a power failure. */
  readonly damaged: number;
  /** Whether the file may end with an incomplete line. */
  private cut: boolean;

  /** @throws Error naming the file and the reason when its folder cannot be created or it cannot be read. */
  constructor(
    private readonly file: string,
    schema: Schema,
  ) {
    this.writing(() => makeFolder(dirname(file)));
    const text = existsSync(file) ? readUtf8(file) : '';
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    const read = lines.map((line) => parsed(schema, line)).filter((result) => result !== undefined);
    this.all = read.map(({ record }) => record);
    this.damaged = lines.length - read.length;
    this.cut = text !== '' && !text.endsWith('\n');
  }

  /** @throws Error naming the file and the reason when it cannot be written. */
  add(record: v.InferOutput<Schema>): void {
    // a single write: a killed process leaves the whole line or nothing of it
    const line = `${this.cut ? '\n' : ''}${JSON.stringify(record)}\n`;
    this.cut = true; // a full disk may have interrupted the write
    this.writing(() => appendFileSync(this.file, line));
    this.cut = false;
    this.all.push(record);
  }

  private writing(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw new Error(`write: ${this.file} must be writable, got ${reasonOf(error)}`, { cause: error });
    }
  }
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
): { record: v.InferOutput<Schema> } | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(line));
    return result.success ? { record: result.output } : undefined;
  } catch {
    return undefined;
  }
}
