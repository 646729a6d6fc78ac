/** Runs the remaining trials of a sweep, records each result immediately, and prints a summary of all. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { Records } from '../io/records';
import { barFits } from '../terminal/bar';
import { exitCodes } from '../terminal/errors';
import { onInterrupt } from '../terminal/interrupt';
import { jsonLine, line, noteLine } from '../terminal/output';
import { Board } from './board';
import { readSweep, type Trial } from './config';
import { Embedded } from './embedded';
import { lock } from '../terminal/lock';
import { inWords } from './outcome';
import { ended, endedIn, failed, recordSchema } from './record';
import type * as Queue from './queue';
import type { TrialRunner } from './runner';
import { bestOf, showTable } from './table';

export interface SweepOptions {
  out?: string;
  jobs: number;
  queue?: string;
  fresh?: boolean;
  dryRun?: boolean;
  json?: boolean;
}

/** Returns the exit code. */
export async function conduct(config: string, options: SweepOptions): Promise<number> {
  const { jobs, queue, fresh = false, json = false } = options;
  const sweep = readSweep(config);
  const say = json ? () => undefined : line;
  if (options.dryRun) {
    for (const { id, label, settings } of sweep.trials)
      if (json) jsonLine({ id, settings });
      else line(`${id}  ${label}`);
    say(trialsInWords(sweep.trials.length));
    return 0;
  }
  const out = options.out ?? join('runs', sweep.name);
  const unlock = lock(out, { command: 'sweep', noun: 'sweep' });
  const file = join(out, 'trials.jsonl');
  let runner: TrialRunner | undefined;
  try {
    // before anything is forgotten: there may be no such queue
    runner = queue === undefined ? new Embedded(jobs, join(out, 'models')) : await queued(queue, fresh);
    if (fresh) rmSync(file, { force: true });
    if (fresh) rmSync(join(out, 'models'), { recursive: true, force: true });
    const records = new Records(file, recordSchema);
    const before = endedIn(records);
    const left = sweep.trials.filter(({ id }) => !before.has(id));
    say(
      `${trialsInWords(sweep.trials.length)}${left.length < sweep.trials.length ? `, ${left.length} left to run` : ''}; results in ${file}`,
    );
    if (records.damaged > 0) say(`${records.damaged} unreadable lines of ${file} are ignored`);

    const code = left.length > 0 ? await run(runner, left, sweep.trials.length, records, json) : 0;

    const done = endedIn(records);
    // the varied settings may have changed since a trial was run
    const trials = sweep.trials.flatMap(({ id, varied }) => {
      const record = done.get(id);
      return record ? [{ ...record, varied }] : [];
    });
    if (json)
      jsonLine({
        event: 'end',
        trials: sweep.trials.length,
        ended: trials.length,
        best: bestOf(trials)?.id ?? null,
      });
    else showTable(sweep, trials);
    if (code !== 0)
      say(`${trials.length} of ${sweep.trials.length} trials have ended; run the same command to continue`);
    return code;
  } finally {
    await runner?.close();
    unlock();
  }
}

async function run(
  runner: TrialRunner,
  left: readonly Trial[],
  all: number,
  records: Records<typeof recordSchema>,
  json: boolean,
): Promise<number> {
  const board = barFits() && !json ? new Board(left, all) : undefined;
  const say = json ? () => undefined : (text: string) => (board ? board.say(text) : line(text));
  const interrupt = onInterrupt(
    () => {
      say(`stopping: ${runner.stop()}`);
    },
    () => board?.close(),
  );
  let failures = 0;
  try {
    await runner.run(left, {
      moved: (trial, part, where) => board?.moved(trial, part, where),
      returned: (trial) => board?.left(trial, false),
      note: (text) => (json ? noteLine(text) : say(text)),
      finished: (trial, outcome) => {
        const record = ended(trial, outcome);
        records.add(record);
        board?.left(trial, true);
        say(`${trial.label}: ${inWords(outcome)}`);
        if (json) jsonLine({ event: 'trial', ...record });
      },
      failed: (trial, message) => {
        const record = failed(trial, message);
        records.add(record);
        failures++;
        board?.left(trial, true);
        say(`${trial.label}: failed: ${message}`);
        if (json) jsonLine({ event: 'trial', ...record });
      },
    });
  } finally {
    interrupt.done();
    board?.close();
  }
  return interrupt.code ?? (failures > 0 ? exitCodes.failed : 0);
}

/** Loaded only on request, because its dependencies are not always installed. */
function queued(url: string, fresh: boolean): Promise<TrialRunner> {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return (require('./queue') as typeof Queue).queued(url, fresh);
}

const trialsInWords = (n: number): string => (n === 1 ? '1 trial' : `${n} trials`);
