/** `backstep trace`: shows one unit at one step: every equation with its numbers, forward and backward. */
import type { Command } from 'commander';
import { safe } from '../core/safe';
import { trace } from '../bptt/trace/trace';
import type { TracedLine } from '../bptt/trace/arithmetic';
import type { Setting } from '../core/setting';
import { usage, using } from '../terminal/errors';
import { jsonLine, line } from '../terminal/output';
import { addSettings, settingOption } from '../terminal/options';
import { readCellChoice } from '../run/cellchoice';
import { flowSettings, settled, subjectOf, type SubjectOptions } from '../text/subject';

const examples = `
Examples:
  backstep trace runs/moby-dick --step 4 --unit 7             a trained model, on the text it was trained on
  backstep trace runs/moby-dick --step 4 --unit 7 --layer l1 --text book.txt
  backstep trace --cell gru --step 1 --unit 0                 a new network on noise
  backstep trace --cell my-cell.txt --step 1 --unit 0         your own cell

Steps and units count from 0. Of a sum, the largest terms are printed and the others are added up. A gradient of \
weights adds up over rows and steps, so no number stands beside its equation.
`;

interface TraceFlags extends Omit<SubjectOptions, 'batch' | 'at'> {
  step: number;
  unit: number;
  layer?: string;
  json?: boolean;
}

const { at: _at, batch: _batch, spectralRadius: _radius, forgetBias: _bias, ...settings } = flowSettings;
const place = { kind: 'number', whole: true, least: 0 } as const;
/** What is shown of the network. */
const own = {
  step: { ...place, unit: 't', label: 'Step', help: 'the step' },
  unit: { ...place, unit: 'u', label: 'Unit', help: 'the unit' },
} as const satisfies Record<string, Setting>;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('trace')
    .description('show every equation of one unit at one step with its numbers, forward and back')
    .argument('[checkpoint]', 'a trained character model, or its folder (default: a new network)');
  for (const [name, setting] of Object.entries(own))
    command.addOption(settingOption('trace', name, setting).makeOptionMandatory());
  command.option(
    '--layer <name>',
    'the cell: l0, l1 …, l0r for the one that reads from the end (default: l0)',
  );
  addSettings(command, { ...settings, steps: { ...settings.steps, default: 16 } }, (name) => ({
    // options that only new networks have must be omitted with a checkpoint
    fills: !(settled as readonly string[]).includes(name),
    ...(name === 'cell' && { read: (word) => readCellChoice(word, 'trace: --cell') }),
  }));
  command
    .option('--json', 'one JSON object, each value in all digits')
    .addHelpText('after', examples)
    .action(run);
}

function run(checkpoint: string | undefined, flags: TraceFlags): void {
  const { step, unit, layer, steps } = flags;
  if (step >= steps)
    throw usage(`trace: --step must be in 0 … ${steps - 1}, got ${step} (--steps ${steps})`, 'more --steps');
  const { network, batch, what, from } = subjectOf('trace', checkpoint, { ...flags, batch: 1, at: 'every' });
  const found = using(() => trace(network, batch, { step, unit, layer }));
  if (flags.json) return jsonLine({ what, from, steps, ...found });
  line(safe(`${what}; ${from}`));
  line(`${found.layer}: ${safe(found.cell)}, unit ${unit}, step ${step} of ${steps}`);
  for (const way of ['forward', 'backward'] as const) {
    line();
    line(way);
    for (const one of found[way]) for (const text of linesOf(one)) line(text);
  }
}

/** An equation, and the same with its numbers beneath. */
function linesOf({ line: equation, sums, note }: TracedLine): string[] {
  const [name] = equation.split(' ');
  const numbers = sums.map(({ gate = name, numbers: right, result }) =>
    right === result ? `${gate} = ${result}` : `${gate} = ${right} = ${result}`,
  );
  const below = note === undefined ? numbers : [`(${note})`];
  return [`  ${equation}`, ...below.map((text) => `      ${text}`)];
}
