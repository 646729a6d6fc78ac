/** `backstep sweep`: runs many trainings over cells, sizes, rates and seeds, here or on any number of machines. */
import { cpus } from 'node:os';
import type { Command } from 'commander';
import { whole } from '../terminal/arguments';
import { conduct, type SweepOptions } from '../sweep/conduct';

const examples = `
A configuration, cells.json:
  {
    "fixed": { "text": "book.txt", "steps": 2000 },
    "vary": { "cell": ["gru", "lstm"], "hidden": [64, 128] },
    "seeds": 3
  }
Settings are those of backstep train. With "draws": 20, that many combinations are drawn at random, and \
"lr": { "from": 0.001, "to": 0.01, "scale": "log" } can stand among those that vary.

Examples:
  backstep sweep cells.json --dry-run                  list the trials
  backstep sweep cells.json
  backstep sweep cells.json --queue redis://host:6379  trials are run by backstep worker, anywhere

Every finished trial is one line of OUT/trials.jsonl; its model is in OUT/models. After Ctrl-C, or a crash, \
the same command goes on: what has ended is not run again, what had begun goes on from its last checkpoint. \
Figures do not depend on --jobs, nor on the queue.
Exit codes: 0 done, 1 a trial failed, 2 bad usage, 130 stopped by Ctrl-C.
`;

/** Adds the command to the program. */
export function add(program: Command): void {
  const jobs = Math.max(1, cpus().length);
  program
    .command('sweep')
    .description('train many models: a grid or random sample of settings, with seeds')
    .argument('<config>', 'JSON file with the settings to vary')
    .option('--out <dir>', 'folder for results and models (default: runs/NAME-OF-CONFIG)')
    .option('--jobs <n>', 'trials run in parallel in this process', whole('sweep: --jobs', 1, 256), jobs)
    .option('--queue <url>', 'let workers run the trials, over this Redis server (redis://…)')
    .option('--fresh', 'delete earlier results and models')
    .option('--dry-run', 'list the trials, run none')
    .option('--json', 'one JSON object per line on standard output')
    .addHelpText('after', examples)
    .action(async (config: string, options: SweepOptions) => {
      process.exitCode = await conduct(config, options);
    });
}
