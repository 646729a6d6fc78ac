/** `backstep worker`: runs trials of sweeps, from a queue. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { real, whole } from '../terminal/arguments';
import { serveQueue, type WorkerOptions } from '../sweep/serve';

const examples = `
Examples:
  backstep worker --queue redis://host:6379            on every machine that should help
  backstep sweep cells.json --queue redis://host:6379  on one of them, or on another

A worker that is killed loses nothing: after --stalled-after seconds its trials go to others. Ctrl-C gives them \
back at once. The texts come through the queue; models stay where they were trained.
Exit codes: 2 bad usage, 130 stopped by Ctrl-C.
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('worker')
    .description('run trials of sweeps from a queue')
    .requiredOption('--queue <url>', 'Redis server, redis://…')
    .option(
      '--jobs <n>',
      'trials run in parallel',
      whole('worker: --jobs', 1, 256),
      Math.max(1, cpus().length),
    )
    .option('--out <dir>', 'folder for texts and models', 'runs/worker')
    .option(
      '--stalled-after <s>',
      'seconds without contact after which a trial goes to another worker',
      real('worker: --stalled-after', { least: 1 }),
      30,
    )
    .addHelpText('after', examples)
    .action(async (options: WorkerOptions) => {
      process.exitCode = await serveQueue(options);
    });
}
