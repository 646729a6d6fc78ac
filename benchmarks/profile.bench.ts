/**
 * Profile of training: where the processor's time goes, by kernels and by functions around them.
 *
 *   node -r ./scripts/register.js benchmarks/profile.bench.ts [W1 W2 W5 text] [--smallest] [--json] [--out FILE]
 *
 * A step is zeroed gradients, forward, backward, clipping and Adam, on one thread; `text` is `backstep train` with its
 * default settings. V8's profiler takes a sample every 200 µs; a row is the share of the samples in one function itself.
 * The ten largest are listed. --smallest only shows that the benchmark still runs; its figures mean nothing.
 */
import { execFileSync } from 'node:child_process';
import { Session, type Profiler } from 'node:inspector';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { clipGlobalNorm } from '../bptt/train/clip';
import { optimizer } from '../bptt/train/optimizers';
import { formatDecimal } from '../core/format';
import { smallestWorkloads, WorkloadRun, workloads, workloadText } from '../measure/workloads';
import { machine } from './machine';
import { common } from './options';
import { publish } from './output';
import { oneOf } from '../terminal/arguments';
import { script, type Arguments } from '../scripts/script';
import { table } from './table';

export interface ProfileRow {
  what: string;
  /** A kernel, or a function and its file. */
  where: string;
  /** Percent of all samples. */
  share: number;
}

const INTERVAL = 200;
const LARGEST = 10;
const MILLISECONDS = 4000;

/** What rows are called, by how V8 names their functions. */
const names: [RegExp, string][] = [
  [/^\(garbage collector\)$/, 'garbage collection'],
  [/^\(program\)$/, 'outside of JavaScript'],
  [/^micro/, 'products: micro-kernels'],
  [/^(gemm|tiles|copyTile|addBias)$/, 'products: blocks'],
  [/^pack/, 'products: packing'],
  [/^gemv$/, 'products of single rows'],
  [/^loop\d+$|^run\d+$/, 'elementwise statements'],
  [/^js-to-wasm/, 'calls of kernels'],
];
/** Not counted: waiting, and the profiler. */
const OUTSIDE = ['(idle)', '(root)', 'post'];

/** The largest costs of a profile. */
function rowsOf(what: string, { nodes, samples = [], timeDeltas = [] }: Profiler.Profile): ProfileRow[] {
  const whereOf = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => {
      if (OUTSIDE.includes(functionName)) return [id, undefined];
      const isOwn = url !== '' && !url.startsWith('wasm:');
      const known = isOwn ? undefined : names.find(([pattern]) => pattern.test(functionName))?.[1];
      const name = functionName || 'a function';
      return [id, known ?? (isOwn ? `${name} (${basename(url)})` : name)];
    }),
  );
  const times = new Map<string, number>();
  let total = 0;
  samples.forEach((id, k) => {
    const where = whereOf.get(id);
    if (where === undefined) return;
    times.set(where, (times.get(where) ?? 0) + timeDeltas[k]);
    total += timeDeltas[k];
  });
  return [...times]
    .sort(([, one], [, other]) => other - one)
    .slice(0, LARGEST)
    .map(([where, time]) => ({ what, where, share: (100 * time) / total }));
}

/** The profile of repeated training steps. */
function ofWorkload(name: string, smallest: boolean): ProfileRow[] {
  const workload = (smallest ? smallestWorkloads : workloads).find((one) => one.name === name)!;
  const run = new WorkloadRun(workload, { dtype: 'float32' });
  const adam = optimizer(run.net, { name: 'adam' });
  const step = (): void => {
    run.train();
    clipGlobalNorm(run.net.parameters, 1);
    adam.step();
  };
  step();
  const session = new Session();
  session.connect();
  let profile: Profiler.Profile | undefined;
  session.post('Profiler.enable');
  session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
  session.post('Profiler.start');
  const end = performance.now() + (smallest ? 50 : MILLISECONDS);
  while (performance.now() < end) step();
  session.post('Profiler.stop', (_error, result) => (profile = result.profile));
  session.disconnect();
  return rowsOf(`${name}: ${workloadText(workload)}`, profile!);
}

/** The profile of `backstep train`. */
function ofText(smallest: boolean): ProfileRow[] {
  const root = join(__dirname, '..');
  const folder = mkdtempSync(join(tmpdir(), 'backstep-profile-'));
  try {
    const flags = ['--cpu-prof', '--cpu-prof-dir', folder, '--cpu-prof-interval', String(INTERVAL)];
    const register = ['-r', join(root, 'scripts', 'register.js'), join(root, 'cli', 'main.ts')];
    const train = ['train', '--steps', smallest ? '2' : '400', '--threads', '1', '--out', join(folder, 'm')];
    execFileSync(process.execPath, [...flags, ...register, ...train], { stdio: 'ignore', cwd: folder });
    const file = readdirSync(folder).find((one) => one.endsWith('.cpuprofile'))!;
    const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Profiler.Profile;
    return rowsOf('text: backstep train', profile);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const config = { allowPositionals: true, options: common } as const;

const profileOf = oneOf('the profile', [...workloads.map(({ name }) => name), 'text']);

function main({ values, positionals }: Arguments<typeof config>): void {
  const chosen = positionals.length > 0 ? positionals.map(profileOf) : ['W1', 'W2', 'W5', 'text'];
  const rows = chosen.flatMap((name) =>
    name === 'text' ? ofText(values.smallest) : ofWorkload(name, values.smallest),
  );
  publish({ profile: rows }, values);
  if (values.json) return;
  console.log(machine());
  for (const what of new Set(rows.map((row) => row.what))) {
    const own = rows.filter((row) => row.what === what);
    console.log(
      table(
        [what, '%'],
        own.map(({ where, share }) => [where, formatDecimal(share)]),
      ),
    );
  }
}

void script(__filename, config, main);
