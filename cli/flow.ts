/** `backstep flow`: where gradients vanish and explode on their way back through time. */
import type { Command } from 'commander';
import { safe } from '../core/safe';
import { clipEffect, type ClipEffect } from '../bptt/train/clipeffect';
import { leadingCurvature } from '../bptt/check/hessian';
import { flow } from '../bptt/flow/flow';
import { writeWhole } from '../io/files';
import { oneOf, real, whole } from '../terminal/arguments';
import { saving, usage, using } from '../terminal/errors';
import { clipLines, curvatureLines, flowLines, trendLines, trendTable } from '../draw/flowreport';
import { many, subjectOf, type SubjectOptions } from '../text/flowsubject';
import { cellNames, readCell } from '../text/cellchoice';
import { drawFlow } from '../draw/heatmap';
import { jsonLine, line, table } from '../terminal/output';

const examples = `
Examples:
  backstep flow                                          a new lstm on noise, its loss at the last of 100 steps
  backstep flow --cell elman --spectral-radius 1.5       does it explode? (tanh keeps it from it)
  backstep flow --cell elman-relu --spectral-radius 1.1 --clip 1
  backstep flow --forget-bias 5 --svg flow.svg           what a forget gate that stays open changes
  backstep flow runs/moby-dick --steps 200               a trained model, on the text it was trained on

∂L/∂h_t is told for each state of each layer over all rows; ∂h_T/∂h_k, a matrix, for one row. Clipping makes \
the whole step shorter: it changes nothing in how the past is weighed against the present.
`;

interface FlowFlags extends SubjectOptions {
  row: number;
  clip?: number;
  lr: number;
  curvature?: boolean;
  svg?: string;
  json?: boolean;
}

/** Adds the command to the program. */
export function addFlow(program: Command): void {
  const at = (option: string): string => `flow: --${option}`;
  const positive = (option: string) => real(at(option), (x) => x > 0, '> 0');
  program
    .command('flow')
    .description('show how gradients flow back through time: norms, Jacobians, and what clipping does')
    .argument('[checkpoint]', 'a trained character model, or its folder (default: a new network)')
    .option(
      '--cell <name or file>',
      `${cellNames.join(', ')} (default: lstm); or a file with your own cell`,
      (word) => readCell(word, at('cell')),
    )
    .option('--hidden <n>', 'units in each layer (default: 32)', whole(at('hidden'), 1, 1024))
    .option('--layers <n>', 'layers (default: 1)', whole(at('layers'), 1, 100))
    .option('--bidirectional', 'bidirectional layers')
    .option('--input <n>', 'width of the noise input (default: 8)', whole(at('input')))
    .option(
      '--spectral-radius <r>',
      'scale the recurrent matrix of every gate to this spectral radius',
      positive('spectral-radius'),
    )
    .option(
      '--forget-bias <b>',
      "bias of an lstm's forget gates (default: 1)",
      real(at('forget-bias'), () => true, ''),
    )
    .option('--seed <n>', 'seed of weights and noise', whole(at('seed'), 0, 2 ** 32 - 1), 0)
    .option(
      '--text <file>',
      'read this text instead of noise, or instead of the text the model was trained on',
    )
    .option('--steps <n>', 'steps in time', whole(at('steps')), 100)
    .option('--batch <n>', 'rows in a batch', whole(at('batch')), 8)
    .option(
      '--at <steps>',
      'steps with a loss: last or every',
      oneOf(at('at'), ['last', 'every'] as const),
      'last',
    )
    .option('--row <n>', 'the row whose Jacobians are shown', whole(at('row'), 0), 0)
    .option('--clip <norm>', 'also compare one step with and without clipping', positive('clip'))
    .option('--lr <rate>', 'learning rate of that step', positive('lr'), 0.1)
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
  const { network, batch, what, from } = subjectOf(checkpoint, flags);
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
