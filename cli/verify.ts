/** `backstep verify`: recomputes and compares test vectors of other frameworks. */
import type { Command } from 'commander';
import pc from 'picocolors';
import { errorBounds } from '../bptt/check/bounds';
import { executorOf } from '../core/programs/executor';
import { readUtf8 } from '../io/files';
import { parseVector } from '../verify/vectors';
import { verify, type Disagreement, type VectorVerdict } from '../verify/verify';
import { jsonLine, line, table } from '../terminal/output';

/** Adds the command to the program. */
export function add(program: Command): void {
  program
    .command('verify')
    .description('recompute test vectors from other frameworks and compare values and gradients')
    .argument('<files...>', 'test vectors, one JSON file each')
    .option('--json', 'one JSON object per file')
    .addHelpText('after', '\nExample:\n  backstep verify tests/golden/lstm_*.json\n')
    .action((files: string[], { json = false }: { json?: boolean }) => {
      process.exitCode = verifyFiles(files, json) ? 0 : 1;
    });
}

type Outcome = { file: string } & (VectorVerdict | { error: string; ok: false });

function verifyFiles(files: string[], json: boolean): boolean {
  const outcomes = files.map((file) => {
    const outcome = verifyFile(file);
    if (json) jsonLine(outcome);
    return outcome;
  });
  const failed = outcomes.filter(({ ok }) => !ok).length;
  if (!json) {
    const rows = outcomes.map((outcome) => ('error' in outcome ? [outcome.file] : rowOf(outcome)));
    table(
      ['name', 'kind', 'values', 'gradients', 'worst at', ''],
      rows.map((row) => (row.length === 1 ? [row[0], '', '', '', '', 'FAIL'] : row)),
    );
    const spoilt = outcomes.filter((outcome) => 'error' in outcome);
    for (const { error } of spoilt) line(`verify: ${error}`, pc.red);
    if (spoilt.length > 0) line('  fix: write the files as examples/pytorch_vector.py does', pc.dim);
    line(
      `${files.length - failed} of ${files.length} agree within ${errorBounds.vectors} (relative) on the ${executorOf().name} executor`,
    );
  }
  return failed === 0;
}

function verifyFile(file: string): Outcome {
  try {
    return { file, ...verify(parseVector(readUtf8(file))) };
  } catch (error) {
    // a malformed file is a failed line; the other files are still checked
    const reason = (error as Error).message.replace(/^(read|vector|verify): /, '');
    return { file, ok: false, error: reason.startsWith(file) ? reason : `${file}: ${reason}` };
  }
}

function rowOf({ name, kind, values, gradients, ok }: VectorVerdict): string[] {
  const worse = gradients.error > values.error ? gradients : values;
  return [name, kind, show(values), show(gradients), worse.where, ok ? 'ok' : 'FAIL'];
}

const show = ({ error, where }: Disagreement): string => (where === '' ? '–' : error.toExponential(1));
