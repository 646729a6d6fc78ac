/**
 * Runs the code blocks of README.md and compares what they print with what the README says they print.
 *
 *   ```ts             a program of its own: type-checked, then run as an ES module against dist/
 *   ```ts fragment    not a complete program: skipped
 *   ```sh run         run by bash in the repository
 *   ```sh             commands only to read: left alone
 *
 * `// → text` (in sh `# → text`) gives the lines printed so far, one each; `…` stands for anything. A block
 * with such a comment must print exactly those lines; a block with none must only succeed.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { script } from './script';

const root = join(__dirname, '..');
const SECONDS = 180;

interface Block {
  line: number;
  info: string;
  code: string;
}

function readBlocks(markdown: string): Block[] {
  const blocks = [...markdown.matchAll(/^```(\w+.*)\n([^]*?)^```$/gm)];
  return blocks.map(({ index, 1: info, 2: code }) => ({
    line: markdown.slice(0, index).split('\n').length,
    info: info.trim(),
    code,
  }));
}

/** The expected output of a block, as one pattern per line. */
function readPromises(code: string): string[] {
  return [...code.matchAll(/(?:\/\/|#) → ?(.*)$/gm)].map(([, text]) => text.trimEnd());
}

function matches(printed: string, promised: string): boolean {
  const parts = promised.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(printed.trimEnd());
}

function run(where: string, command: string, args: string[], cwd: string): string {
  // NO_COLOR and a pipe for output: the plain text that the README shows
  const env = { ...process.env, NO_COLOR: '1' };
  const result = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: SECONDS * 1000 });
  if (result.status === 0) return result.stdout;
  const end = result.error?.message ?? `exit code ${result.status}`;
  throw new Error(`${where}: must succeed, got ${end}\n${result.stdout}${result.stderr}`.slice(0, 4000));
}

function runBlock({ line, info, code }: Block, folder: string): void {
  const where = `README.md:${line}`;
  let printed: string;
  if (info === 'ts') {
    const name = `line${line}`;
    writeFileSync(join(folder, `${name}.mts`), code);
    const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
    const options = [
      '--ignoreConfig',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'node16',
      '--types',
      'node',
    ];
    run(where, process.execPath, [tsc, ...options, `${name}.mts`], folder);
    printed = run(where, process.execPath, [`${name}.mjs`], folder);
  } else {
    printed = run(where, 'bash', ['-euo', 'pipefail', '-c', code], root);
  }

  const promises = readPromises(code);
  if (promises.length === 0) return;
  const lines = printed.split('\n').filter((text) => text.trim() !== '');
  for (let i = 0; i < Math.max(lines.length, promises.length); i++) {
    if (i < lines.length && i < promises.length && matches(lines[i], promises[i])) continue;
    const got = i < lines.length ? JSON.stringify(lines[i]) : 'nothing';
    const wanted = i < promises.length ? JSON.stringify(promises[i]) : 'nothing';
    throw new Error(`${where}: line ${i + 1} printed must be ${wanted}, got ${got}`);
  }
}

function main(): number {
  const blocks = readBlocks(readFileSync(join(root, 'README.md'), 'utf8'));
  const runnable = blocks.filter(({ info }) => info === 'ts' || info === 'sh run');
  // inside the repository a program resolves `backstep` by the package's own name, through its exports
  mkdirSync(join(root, '.cache'), { recursive: true });
  const folder = mkdtempSync(join(root, '.cache', 'readme-'));
  let failed = 0;
  try {
    for (const block of runnable) {
      try {
        runBlock(block, folder);
        console.log(`  ok    README.md:${block.line} ${block.info}`);
      } catch (error) {
        failed++;
        console.log(`  FAIL  ${(error as Error).message}`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`readme-test: ${runnable.length - failed} of ${runnable.length} blocks do what they say`);
  return failed;
}

void script(__filename, {}, () => {
  process.exitCode = main() === 0 ? 0 : 1;
});
