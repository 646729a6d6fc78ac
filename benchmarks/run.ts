/**
 * Runs all benchmarks, or the named ones.
 *
 *   npm run bench -- [kernels] [cells] [scaling] [startup] [threads] [lengths] [online] [scan] [profile]
 *       [text] [peers] [--nodes 20,24,26] [--smallest] [--json] [--out FILE.json] [--report FILE.html]
 *       [--markdown FILE.md] [more]
 *
 * Each benchmark runs in a process of its own; `more`, such as `--rounds 3`, `--workload W1,W6` or `--clock cpu`, is
 * passed to the benchmarks that accept it. --nodes runs everything on each of these versions of Node. --json prints all
 * results as one object, --out writes that object to a file; --report writes them as an HTML page with each figure as an
 * SVG file beside it; --markdown writes the tables as printed.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, sep } from 'node:path';
import { whyNotWide } from '../core/programs/executor';
import {
  judgeCells,
  judgeGemm,
  judgeLengths,
  judgePeers,
  judgePointwise,
  judgeStartup,
  judgeText,
  showFigures,
  type Judged,
} from './figures';
import { markdown, type BenchmarkOutput, type Printed } from './markdown';
import { report, type Results } from './report';
import { oneOf, whole } from '../terminal/arguments';
import { failure, usage } from '../terminal/errors';
import { clockOf, dtypesOf, roundsOf, workloadsOf } from './options';
import { nodeOf, type InstalledNode } from '../scripts/installednodes';
import { script, type Arguments } from '../scripts/script';

const groups = {
  kernels: ['gemm', 'pointwise'],
  cells: ['cells'],
  scaling: ['scaling'],
  startup: ['startup'],
  threads: ['threads'],
  lengths: ['lengths'],
  online: ['online'],
  scan: ['scan'],
  profile: ['profile'],
  text: ['text'],
  peers: ['peers'],
};
type Group = keyof typeof groups;

/** Options that are passed on, and the benchmarks that accept them. */
const known: Record<string, string[]> = {
  rounds: ['cells', 'scaling', 'startup', 'lengths', 'online', 'scan', 'text', 'peers'],
  clock: ['cells', 'scaling', 'startup', 'lengths', 'online', 'scan', 'peers'],
  workload: ['cells', 'peers'],
  peer: ['peers'],
  dtype: ['gemm', 'pointwise'],
};

/** Runs one benchmark file and reads the results from its output file. */
async function run(
  name: string,
  args: string[],
  quiet: boolean,
  folder: string,
): Promise<{ results: Partial<Results>; text: string }> {
  const out = join(folder, `${name}.json`);
  const register = join(__dirname, '..', 'scripts', 'register.js');
  const file = join(__dirname, `${name}.bench.ts`);
  if (!quiet) console.log(`\n== ${name}`);
  const child = spawn(process.execPath, ['-r', register, file, ...args, '--out', out], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    if (!quiet) process.stdout.write(chunk);
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0)
    throw failure(`${name}.bench.ts must succeed, got exit code ${status}`, 'see its message above');
  const results = existsSync(out) ? (JSON.parse(readFileSync(out, 'utf8')) as Partial<Results>) : {};
  return { results, text };
}

const config = {
  allowPositionals: true,
  options: {
    smallest: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    out: { type: 'string' },
    nodes: { type: 'string' },
    report: { type: 'string' },
    markdown: { type: 'string' },
    all: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    clock: { type: 'string' },
    workload: { type: 'string' },
    peer: { type: 'string' },
    dtype: { type: 'string' },
  },
} as const;

/** The options that are passed on, to one benchmark or to all. */
const passedOn = (values: Arguments<typeof config>['values'], name?: string): string[] =>
  Object.entries(known).flatMap(([option, takers]) => {
    const value = values[option as keyof typeof values];
    const taken = name === undefined || takers.includes(name);
    return taken && typeof value === 'string' ? [`--${option}`, value] : [];
  });

/** The results of one version of Node: all rows, the judged figures, the tables as printed. */
type Output = Partial<Results> & BenchmarkOutput;

/** Runs the benchmarks of these groups on this version of Node. */
async function runGroups(
  chosen: readonly Group[],
  { values }: Arguments<typeof config>,
  quiet: boolean,
): Promise<Output> {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-bench-'));
  let results: Partial<Results> = {};
  const printed: Printed[] = [];
  try {
    for (const name of chosen.flatMap((group) => groups[group])) {
      const more = passedOn(values, name);
      const flags = [
        ...(values.smallest ? ['--smallest'] : []),
        ...(values.all && name === 'peers' ? ['--all'] : []),
      ];
      const one = await run(name, [...flags, ...more], quiet, folder);
      results = { ...results, ...one.results };
      printed.push({ name, text: one.text });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // results at the smallest size are not judged
  const figures = values.smallest ? [] : judge(results);
  return { ...results, machine: results.machine ?? '', figures, printed };
}

function judge(results: Partial<Results>): Judged[] {
  const {
    gemm = [],
    pointwise = [],
    cells = [],
    peers = [],
    startup = [],
    lengths = [],
    text = [],
  } = results;
  const peaks = cells.filter(({ dtype }) => dtype === 'float32').map(({ peakGflops }) => peakGflops);
  const peak = peaks.length > 0 ? (Math.max(...peaks) * (whyNotWide() ? 128 : 256)) / 128 : undefined;
  return [
    ...judgeGemm(gemm),
    ...judgePointwise(pointwise),
    ...judgeCells(cells),
    ...judgeStartup(startup),
    ...judgeLengths(lengths),
    ...judgeText(text),
    ...judgePeers(peers, peak),
  ];
}

/** Runs this script on another version of Node, without --nodes and what is made of the results. */
async function runOn(
  { path, major }: InstalledNode,
  chosen: readonly Group[],
  { values }: Arguments<typeof config>,
): Promise<Output> {
  const folder = mkdtempSync(join(tmpdir(), 'backstep-bench-'));
  const out = join(folder, 'results.json');
  const flags = (['smallest', 'all'] as const).filter((flag) => values[flag]).map((flag) => `--${flag}`);
  const args = [
    join(__dirname, '..', 'scripts', 'register.js'),
    __filename,
    ...chosen,
    ...flags,
    ...passedOn(values),
  ];
  try {
    if (!values.json) console.log(`\n==== Node ${major}`);
    const child = spawn(path, ['-r', ...args, '--out', out], {
      stdio: ['ignore', values.json ? 'ignore' : 'inherit', 'inherit'],
    });
    const [status] = (await once(child, 'close')) as [number | null];
    if (status !== 0)
      throw failure(`the benchmarks must succeed on Node ${major}, got exit code ${status}`, 'see above');
    return JSON.parse(readFileSync(out, 'utf8')) as Output;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The results of this version of Node, or of each one that is named. What compares versions itself runs once. */
async function runAll(chosen: readonly Group[], given: Arguments<typeof config>): Promise<Output[]> {
  const { nodes, json } = given.values;
  if (nodes === undefined) return [await runGroups(chosen, given, json)];
  const named = nodes.split(',').map((major) => nodeOf(whole('--nodes')(major)));
  const current = named.find(({ path }) => path === process.execPath) ?? named[0];
  const outputs: Output[] = [];
  for (const node of named) {
    const these = node === current ? chosen : chosen.filter((name) => name !== 'text');
    if (these.length > 0) outputs.push(await runOn(node, these, given));
  }
  return outputs;
}

async function main(given: Arguments<typeof config>): Promise<void> {
  const { values, positionals } = given;
  const names = Object.keys(groups) as Group[];
  const wanted = positionals.map(oneOf('the benchmark', names));
  const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
  // the benchmarks read them again; a wrong one is refused before the first of them runs
  if (values.rounds !== undefined) roundsOf(values.rounds);
  if (values.clock !== undefined) clockOf(values.clock);
  dtypesOf(values.dtype);
  workloadsOf(values.workload);
  if (values.nodes !== undefined && values.report !== undefined)
    throw usage('--report draws the results of one version of Node: leave out --nodes, or use --markdown');
  const outputs = await runAll(chosen, given);
  const object = outputs.length === 1 ? outputs[0] : { nodes: outputs };
  const files: [file: string, text: string][] = [];
  if (values.out !== undefined) files.push([values.out, `${JSON.stringify(object, null, 2)}\n`]);
  if (values.markdown !== undefined) {
    // paths of this machine do not belong in the report
    const words = process.argv.slice(2).map((word) => (word.includes(sep) ? basename(word) : word));
    files.push([values.markdown, markdown(`npm run bench -- ${words.join(' ')}`, outputs)]);
  }
  if (values.report !== undefined)
    for (const { file, text } of await report(outputs[0], values.report)) files.push([file, text]);
  if (values.json) console.log(JSON.stringify(object, null, 2));
  else
    for (const { machine, figures } of outputs.filter((each) => each.figures.length > 0))
      console.log(`\n== figures: ${machine}\n${showFigures(figures)}`);
  for (const [file, text] of files) {
    writeFileSync(file, text);
    if (!values.json) console.log(`wrote ${file}`);
  }
}

void script(__filename, config, main);
