/** The trials of a paper and the file of finished ones: runs the remaining trials and summarizes the results. */
import { rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { readUtf8, readWhole } from '../io/files';
import { Records } from '../io/records';
import { saving, usage, using } from '../terminal/errors';
import { fingerprint } from '../text/read';
import type { Paper, Size } from './paper';
import { runTrials, type PaperRunOptions } from './run';
import {
  finishedOf,
  finishedSchema,
  resultLines,
  trialsOf,
  type Finished,
  type Line,
  type PaperTrial,
} from './trials';

export interface ExperimentOptions {
  size: Size;
  /** Number of seeds per row; default: each row's own. */
  seeds?: number;
  /** The file of a paper that needs data. */
  dataFile?: string;
  /** Where finished trials are kept. */
  folder: string;
  /** Forgets the finished ones. */
  fresh?: boolean;
}

export class Experiment {
  /** The file of finished trials. */
  readonly file: string;
  /** SHA-256 of the data; null for none. */
  readonly digest: string | null;
  readonly trials: readonly PaperTrial[];
  private readonly records: Records<typeof finishedSchema>;

  /** @throws CommandError when the data cannot be read, or the folder cannot be written. */
  constructor(
    readonly paper: Paper,
    private readonly options: ExperimentOptions,
  ) {
    const { size, seeds, dataFile, folder, fresh } = options;
    this.digest = readData(paper, size, dataFile);
    this.file = join(folder, `${paper.name}${size === 'quick' ? '-quick' : ''}.jsonl`);
    if (fresh) rmSync(this.file, { force: true });
    this.records = saving(() => new Records(this.file, finishedSchema), 'choose another folder with --runs');
    this.trials = trialsOf(paper, size, seeds);
  }

  /** The finished trials among those of this experiment. */
  get finished(): Finished[] {
    return this.trials.map((trial) => this.done(trial)).filter((one) => one !== undefined);
  }

  get left(): PaperTrial[] {
    return this.trials.filter((trial) => !this.done(trial));
  }

  /** Lines of the file that cannot be read. */
  get damaged(): number {
    return this.records.damaged;
  }

  /** Whether other data than the paper's is used, so that the figures are not comparable. */
  get standIn(): boolean {
    return this.paper.data !== undefined && this.digest === null;
  }

  /** Runs the trials that are left, and keeps each as soon as it has ended. */
  run({ onFinished, ...options }: PaperRunOptions): Promise<void> {
    const { size, dataFile } = this.options;
    return runTrials(
      this.left,
      ({ row, seed }) => ({
        ...{ paper: this.paper.name, size, row: row.name, seed },
        ...(dataFile !== undefined && { dataFile: resolve(dataFile) }),
      }),
      {
        ...options,
        onFinished: (trial, answer) => {
          const { row, seed } = trial;
          this.records.add({ row: row.name, seed, settings: row.settings, data: this.digest, ...answer });
          onFinished(trial, answer);
        },
      },
    );
  }

  /** The results of the finished trials, compared with the published ones. */
  lines(): Line[] {
    const rows = this.paper.rows(this.options.size);
    const rowsToPrint = this.standIn ? rows.map((row) => ({ ...row, published: {} })) : rows;
    return resultLines(this.paper, rowsToPrint, this.finished);
  }

  private done(trial: PaperTrial): Finished | undefined {
    return finishedOf(trial, this.digest, this.records.all);
  }
}

/** SHA-256 of the data file; null when there is none, which the quick size can do without. */
function readData({ name, data }: Paper, size: Size, file: string | undefined): string | null {
  if (!data) {
    if (file !== undefined)
      throw usage(`paper ${name}: --data must be left out, got ${file} (this paper needs no data)`);
    return null;
  }
  if (file === undefined) {
    if (size === 'quick') return null;
    throw usage(
      `paper ${name}: --data must be given, got none (${data.what})`,
      `backstep paper ${name} --data FILE, or --quick without a file`,
    );
  }
  const bytes = using(() => readWhole(file), data.what);
  using(() => data.read(readUtf8(file)), data.what);
  return fingerprint(bytes);
}
