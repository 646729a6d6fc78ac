/**
 * Runs all benchmarks, or the named ones.
 *
 *   npm run bench -- [kernels] [cells] [scaling] [startup] [threads] [lengths] [online] [scan] [profile]
 *       [peers] [--smallest] [--json] [--report FILE.html] [--markdown FILE.md] [more]
 *
 * Each benchmark runs in a process of its own; `more`, such as `--rounds 3`, `--workload W1,W6` or `--clock cpu`, is
 * passed to the benchmarks that accept it. --json prints all results as one object; --report writes them as an HTML
 * page with each figure as an SVG file beside it; --markdown writes the tables as printed.
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
  showFigures,
} from './figures';
import { markdown, type Printed } from './markdown';
import { report, type Results } from './report';
import { oneOf } from '../terminal/arguments';
import { failure } from '../terminal/errors';
import { clockOf, dtypesOf, roundsOf, workloadsOf } from './options';
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
  peers: ['peers'],
};
type Group = keyof typeof groups;

/** Options that are passed on, and the benchmarks that accept them. */
const known: Record<string, string[]> = {
  rounds: ['cells', 'scaling', 'startup', 'lengths', 'online', 'scan', 'peers'],
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

async function main({ values, positionals }: Arguments<typeof config>): Promise<void> {
  const names = Object.keys(groups) as Group[];
  const wanted = positionals.map(oneOf('the benchmark', names));
  const chosen = names.filter((name) => wanted.length === 0 || wanted.includes(name));
  // the benchmarks read them again; a wrong one is refused before the first of them runs
  if (values.rounds !== undefined) roundsOf(values.rounds);
  if (values.clock !== undefined) clockOf(values.clock);
  dtypesOf(values.dtype);
  workloadsOf(values.workload);
  const folder = mkdtempSync(join(tmpdir(), 'backstep-bench-'));
  let results: Partial<Results> = {};
  const printed: Printed[] = [];
  try {
    for (const name of chosen.flatMap((group) => groups[group])) {
      const more = Object.entries(known).flatMap(([option, takers]) => {
        const value = values[option as keyof typeof values];
        return takers.includes(name) && typeof value === 'string' ? [`--${option}`, value] : [];
      });
      const flags = [
        ...(values.smallest ? ['--smallest'] : []),
        ...(values.all && name === 'peers' ? ['--all'] : []),
      ];
      const one = await run(name, [...flags, ...more], values.json, folder);
      results = { ...results, ...one.results };
      printed.push({ name, text: one.text });
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  // results at the smallest size are not judged
  const judged = values.smallest ? {} : results;
  const { gemm = [], pointwise = [], cells = [], peers = [], startup = [], lengths = [] } = judged;
  const peaks = cells.filter(({ dtype }) => dtype === 'float32').map(({ peakGflops }) => peakGflops);
  const peak = peaks.length > 0 ? (Math.max(...peaks) * (whyNotWide() ? 128 : 256)) / 128 : undefined;
  results.figures = [
    ...judgeGemm(gemm),
    ...judgePointwise(pointwise),
    ...judgeCells(cells),
    ...judgeStartup(startup),
    ...judgeLengths(lengths),
    ...judgePeers(peers, peak),
  ];
  if (values.json) console.log(JSON.stringify(results, null, 2));
  else if (results.figures.length > 0) console.log(`\n== figures\n${showFigures(results.figures)}`);
  if (values.markdown !== undefined) {
    // paths of this machine do not belong in the report
    const words = process.argv.slice(2).map((word) => (word.includes(sep) ? basename(word) : word));
    const command = `npm run bench -- ${words.join(' ')}`;
    const { machine = '', figures } = results;
    writeFileSync(values.markdown, markdown({ command, machine, figures, printed }));
    if (!values.json) console.log(`wrote ${values.markdown}`);
  }
  if (values.report !== undefined) {
    for (const { file, text } of await report(results, values.report)) {
      writeFileSync(file, text);
      if (!values.json) console.log(`wrote ${file}`);
    }
  }
}

void script(__filename, config, main);
