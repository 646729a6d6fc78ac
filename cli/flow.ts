/** `backstep flow`: shows where gradients vanish and explode on their way back through time. */
import type { Command } from 'commander';
import { safe } from '../core/safe';
import type { Setting } from '../core/setting';
import { trainingSettings } from '../bptt/train/settings';
import { clipEffect, type ClipEffect } from '../bptt/train/clipeffect';
import { leadingCurvature } from '../bptt/check/hessian';
import { flow } from '../bptt/flow/flow';
import { writeWhole } from '../io/files';
import { saving, usage, using } from '../terminal/errors';
import { addSettings } from '../terminal/options';
import { clipLines, curvatureLines, flowLines, trendLines, trendTable } from '../draw/flowreport';
import { flowSettings, many, settled, subjectOf, type SubjectOptions } from '../text/subject';
import { readCellChoice } from '../run/cellchoice';
import { drawFlow } from '../draw/heatmap';
import { jsonLine, line, table } from '../terminal/output';

const examples = `
Examples:
  backstep flow                                          a new lstm on noise, its loss at the last of 100 steps
  backstep flow --cell elman --spectral-radius 1.5       does it explode? (tanh prevents it)
  backstep flow --cell elman-relu --spectral-radius 1.1 --clip 1
  backstep flow --forget-bias 5 --svg flow.svg           what a forget gate that stays open changes
  backstep flow runs/moby-dick --steps 200               a trained model, on the text it was trained on

∂L/∂h_t is printed for each state of each layer over all rows; ∂h_T/∂h_k, a matrix, for one row. Clipping shortens \
the whole step: it does not change how much the past counts against the present.
`;

interface FlowFlags extends SubjectOptions {
  row: number;
  clip?: number;
  lr: number;
  curvature?: boolean;
  svg?: string;
  json?: boolean;
}

const { clip, lr } = trainingSettings;
/** What is shown of the network, and the step with which clipping is compared. */
const own = {
  row: {
    ...{ kind: 'number', whole: true, least: 0, default: 0 },
    ...{ label: 'Row', help: 'the row whose Jacobians are shown' },
  },
  clip: { ...clip, off: false, default: undefined, help: 'also compare one step with and without clipping' },
  lr: { ...lr, default: 0.1, help: 'learning rate of that step' },
} as const satisfies Record<string, Setting>;

/** Adds the command to the program. */
export function add(program: Command): void {
  const command = program
    .command('flow')
    .description('show how gradients flow back through time: norms, Jacobians, and what clipping does')
    .argument('[checkpoint]', 'a trained character model, or its folder (default: a new network)');
  addSettings(command, { ...flowSettings, ...own }, (name) => ({
    // options that only new networks have must be omitted with a checkpoint
    fills: !(settled as readonly string[]).includes(name),
    ...(name === 'cell' && { read: (word) => readCellChoice(word, 'flow: --cell') }),
  }));
  command
    .option('--curvature', 'also show the largest curvature of the loss, from Hessian-vector products')
    .option('--svg <file>', 'draw gradients by time and layer, and the Jacobians with their bound')
    .option('--json', 'one JSON object')
    .addHelpText('after', examples)
    .action(run);
}

async function run(checkpoint: string | undefined, flags: FlowFlags): Promise<void> {
  const { row, clip: norm, lr: learningRate, svg } = flags;
  if (row >= flags.batch)
    throw usage(`flow: --row must be in 0 … ${flags.batch - 1}, got ${row} (--batch ${flags.batch})`);
  const { network, batch, what, from } = subjectOf('flow', checkpoint, flags);
  const found = using(() => flow(network, batch, { row }), 'smaller weights, or fewer --steps');
  const clipped: ClipEffect | undefined =
    norm === undefined ? undefined : using(() => clipEffect(network, batch, { norm, learningRate }));
  const curvature = flags.curvature && using(() => leadingCurvature(network, batch), 'another --seed');
  const where = flags.at === 'last' ? 'the last of' : 'every one of';
  const title = safe(
    `${what}; ${from}, loss ${found.loss.toPrecision(4)} at ${where} ${many(flags.steps, 'step')} of ${many(flags.batch, 'row')}`,
  );
  if (flags.json)
    jsonLine({
      what,
      from,
      ...found,
      ...(clipped && { clip: clipped }),
      ...(curvature && { curvature: { ...curvature, direction: undefined } }),
    });
  else {
    line(title);
    for (const text of flowLines(found, process.stdout.columns || 80)) line(text.trimEnd());
    line();
    table(...trendTable(found));
    for (const text of trendLines(found)) line(text);
    if (clipped) for (const text of clipLines(clipped, learningRate)) line(text);
    if (curvature) for (const text of curvatureLines(curvature)) line(text);
  }
  if (svg !== undefined) {
    const picture = await drawFlow(found, title);
    saving(() => writeWhole(svg, picture), 'choose another file with --svg');
  }
}
