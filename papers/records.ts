/** Finished trials in a file, one JSON object a line: written as soon as each ends, read when the run goes on. */
import { appendFileSync, existsSync } from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { makeFolder, readWhole, reasonOf } from '../io/files';
import type { Finished } from './trials';

const schema = v.object({
  row: v.string(),
  seed: v.number(),
  settings: v.record(v.string(), v.unknown()),
  data: v.nullable(v.string()),
  figures: v.record(v.string(), v.nullable(v.number())),
  cpuSeconds: v.number(),
  seconds: v.number(),
});

export class Records {
  readonly finished: Finished[];
  /** Lines that are none: what a full disk or a lost power supply left. */
  readonly damaged: number;
  private readonly cut: boolean;

  /** @throws Error naming the file and the reason when its folder cannot be made or it cannot be read. */
  constructor(private readonly file: string) {
    this.writing(() => makeFolder(dirname(file)));
    const text = existsSync(file) ? readWhole(file).toString('utf8') : '';
    const lines = text.split('\n').filter((line) => line.trim() !== '');
    this.finished = lines.map(parsed).filter((one) => one !== undefined);
    this.damaged = lines.length - this.finished.length;
    this.cut = text !== '' && !text.endsWith('\n');
  }

  /** @throws Error naming the file and the reason when it cannot be written. */
  add(one: Finished): void {
    const first = this.cut && !this.finished.includes(one) ? '\n' : '';
    this.writing(() => appendFileSync(this.file, `${first}${JSON.stringify(one)}\n`));
    this.finished.push(one);
  }

  private writing(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw new Error(`write: ${this.file} must be writable, got ${reasonOf(error)}`, { cause: error });
    }
  }
}

function parsed(line: string): Finished | undefined {
  try {
    const result = v.safeParse(schema, JSON.parse(line));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
}
