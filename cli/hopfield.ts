/** `backstep hopfield`: stores patterns, distorts and recalls them, and shows the results. */
import { basename, extname } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import { trainingSettings } from '../bptt/train/settings';
import { Random } from '../core/random/random';
import { denseHopfield, mostOrder, type EnergyOrder } from '../hopfield/dense';
import { hopfield } from '../hopfield/network';
import { corrupt, type HopfieldState } from '../hopfield/patterns';
import { followed, modes, unitsOff, type RecallMode, type RecallResult } from '../hopfield/recall';
import { ruleNames, type StorageRule } from '../hopfield/storage';
import { readUtf8 } from '../io/files';
import {
  drawnShapes,
  drawPicture,
  pictureLines,
  randomPictures,
  readPictures,
  shapeNames,
  type NamedPattern,
} from '../io/pictures';
import { oneOf, real, whole } from '../terminal/arguments';
import { usage, using } from '../terminal/errors';
import { settingOption } from '../terminal/options';
import { jsonLine, line, verbatim, type Paint } from '../terminal/output';
import { sparkline } from '../draw/sparkline';

const examples = `
Examples:
  backstep hopfield                             five drawn shapes, a fifth of each flipped
  backstep hopfield --flip 1                    all units flipped: the mirror image is a memory too
  backstep hopfield --random 20 --rule storkey  twenty random patterns of a hundred units
  backstep hopfield --random 500 --order 4      five times as many patterns as units, an energy of order 4
  backstep hopfield letters.txt --mode synchronous --json

In a file, pictures are separated by empty lines: # is a dot, . is none.
`;

interface HopfieldFlags {
  rule?: StorageRule;
  order?: EnergyOrder;
  mode: RecallMode;
  flip: number;
  size: number;
  random?: number;
  seed: number;
  json?: boolean;
}

/** Adds the command to the program. */
export function add(program: Command): void {
  const at = (option: string): string => `hopfield: --${option}`;
  program
    .command('hopfield')
    .description('store pictures in a Hopfield network, corrupt them, and recall them')
    .argument('[file]', `pictures as text (default: ${shapeNames.join(', ')})`)
    .option('--rule <name>', `${ruleNames.join(', ')} (default: "hebbian")`, oneOf(at('rule'), ruleNames))
    .option(
      '--order <n>',
      `dense associative memory: the order of its energy, 2 … ${mostOrder}, or exponential`,
      orderOf,
    )
    .option('--mode <name>', modes.join(', '), oneOf(at('mode'), modes), 'asynchronous')
    .option(
      '--flip <share>',
      'fraction of units flipped before the recall',
      real(at('flip'), { least: 0, most: 1 }),
      0.2,
    )
    .option('--size <n>', 'width and height of built-in and random pictures', whole(at('size'), 2, 50), 10)
    .option('--random <n>', 'store this many random patterns', whole(at('random'), 1, 10_000))
    .addOption(
      settingOption(
        'hopfield',
        'seed',
        {
          ...trainingSettings.seed,
          help: 'seed of flipped units, of random patterns and of the order of updates',
        },
        { fills: true },
      ),
    )
    .option('--json', 'one JSON object per recall')
    .addHelpText('after', examples)
    .action(run);
}

function run(
  file: string | undefined,
  { rule, order, mode, flip, size, random: count, seed, json }: HopfieldFlags,
): void {
  if (order !== undefined && rule !== undefined)
    throw usage(`hopfield: --rule must be left out, got ${rule} (with --order)`);
  const random = new Random(seed);
  const pictures = picturesOf(file, size, count, random);
  const patterns = pictures.map(({ state }) => state);
  const memory = using(
    () => (order === undefined ? hopfield({ patterns, rule }) : denseHopfield({ patterns, order })),
    rule === 'pseudo-inverse' ? 'remove that pattern, or choose another --rule' : undefined,
  );
  const { width, height } = pictures[0];
  if (!json) {
    const load = (pictures.length / memory.units).toFixed(3);
    const energy = order === 'exponential' ? 'exponential energy' : `energy of order ${order}`;
    const how = order === undefined ? (rule ?? 'hebbian') : energy;
    line(
      `${pictures.length} patterns of ${width} × ${height} = ${memory.units} units, ${how}, load ${load}, ${mode} recall`,
    );
  }
  for (const picture of pictures) {
    const probe = corrupt(picture.state, flip, random);
    const { energies, end } = followed(memory.steps(probe, { mode, random }));
    const trial = { picture, flip, probe, energies, end, nearest: pictures[end.pattern].name };
    if (json) tell(trial);
    else show(trial);
  }
}

/** Reads `--order`. */
function orderOf(text: string): EnergyOrder {
  if (text === 'exponential') return text;
  const order = Number(text);
  if (Number.isInteger(order) && order >= 2 && order <= mostOrder) return order;
  throw usage(`hopfield: --order must be a whole number in 2 … ${mostOrder}, or exponential, got ${text}`);
}

/** A picture, distorted and recalled. */
interface Trial {
  picture: NamedPattern;
  flip: number;
  probe: HopfieldState;
  energies: number[];
  end: RecallResult;
  /** Name of the stored picture nearest to the final state. */
  nearest: string;
}

function tell({ picture: { name, width }, flip, probe, energies, end, nearest }: Trial): void {
  const { state, other, ...figures } = end;
  const [from, to] = [probe, state].map((one) => pictureLines(one, width));
  const cycle = other && { other: pictureLines(other, width) };
  jsonLine({ picture: name, flip, ...figures, nearest, probe: from, state: to, ...cycle, energies });
}

function show({ picture, flip, probe, energies, end, nearest }: Trial): void {
  line();
  showBeside(
    [picture.name, `${+(100 * flip).toFixed(2)} % flipped`, 'recalled'],
    [picture.state, probe, end.state].map((state) => drawPicture({ ...picture, state })),
  );
  const [before, after] = [energies[0], end.energy].map((energy) => energy.toFixed(2));
  const curve = sparkline(energies, Math.max(8, Math.min(40, (process.stdout.columns || 80) - 30)));
  line(`energy ${before} ${curve} ${after}, ${end.outcome} after ${end.sweeps} sweeps`);
  line(...verdict(end, picture.name, nearest));
}

function picturesOf(
  file: string | undefined,
  size: number,
  count: number | undefined,
  random: Random,
): NamedPattern[] {
  if (file === undefined) {
    return count === undefined ? drawnShapes(size) : randomPictures(count, size, random);
  }
  if (count !== undefined)
    throw usage(`hopfield: --random must be left out, got ${count} (with a file of pictures)`);
  const fix = 'give pictures as text: # is on, . is off, an empty line separates pictures';
  return using(() => readPictures(readUtf8(file), basename(file, extname(file))), fix);
}

/** Drawings side by side with titles, or one below the other if the terminal is too narrow. */
function showBeside(titles: readonly string[], drawings: readonly string[][]): void {
  const widths = drawings.map((drawing, k) => Math.max(titles[k].length, drawing[0].length));
  const room = process.stdout.columns || 80;
  if (widths.reduce((sum, width) => sum + width + 2, -2) > room) {
    titles.forEach((title, k) => {
      line(title, pc.dim);
      drawings[k].forEach(verbatim);
    });
    return;
  }
  const beside = (parts: readonly string[]): string =>
    parts.map((part, k) => part.padEnd(widths[k])).join('  ');
  line(beside(titles).trimEnd(), pc.dim);
  drawings[0].forEach((_, row) => verbatim(beside(drawings.map((drawing) => drawing[row])).trimEnd()));
}

function verdict(end: RecallResult, wanted: string, nearest: string): [string, Paint] {
  const { outcome, overlap, state } = end;
  if (overlap === 1 && nearest === wanted) return ['recalled exactly', pc.green];
  const named = overlap < 0 ? `the mirror image of ${nearest}` : nearest;
  const wrong = unitsOff(end);
  if (wrong === 0) return [named, pc.yellow];
  const what = {
    '2-cycle': 'a cycle of two states',
    'longer cycle': `a cycle of ${end.period} states`,
    'fixed point': 'a state that was not stored',
    stopped: 'a state that was not stored',
  }[outcome];
  return [`${what}; nearest is ${named}, ${wrong} of ${state.length} units differ`, pc.yellow];
}
