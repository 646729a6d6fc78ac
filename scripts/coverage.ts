/**
 * Merges the coverage of the quick and the slow tests and requires the thresholds of jest.config.js:
 *
 *   npm test -- --coverage; npm run test:slow -- --coverage; npm run coverage
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { failure } from '../terminal/errors';
import { script } from './script';

/** An entry of jest's `json` coverage report: where each statement begins, and how often it ran. */
interface FileCoverage {
  statementMap: Record<string, { start: { line: number } }>;
  s: Record<string, number>;
}

const root = join(__dirname, '..');
const { coverageThreshold } = jestConfig();

function jestConfig(): { coverageThreshold: Record<string, { lines: number }> } {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  return require('../jest.config.js') as ReturnType<typeof jestConfig>;
}

/** For each file, the lines that any test ran. */
function linesOfTests(): Map<string, Map<number, boolean>> {
  const files = new Map<string, Map<number, boolean>>();
  for (const half of ['quick', 'slow']) {
    const report = join(root, 'coverage', half, 'coverage-final.json');
    if (!existsSync(report)) throw failure(`${report} must exist`, `run the ${half} tests with --coverage`);
    const covered = JSON.parse(readFileSync(report, 'utf8')) as Record<string, FileCoverage>;
    for (const [path, { statementMap, s }] of Object.entries(covered)) {
      const name = `./${relative(root, path)}`;
      const lines = files.get(name) ?? new Map<number, boolean>();
      files.set(name, lines);
      for (const [id, { start }] of Object.entries(statementMap))
        lines.set(start.line, (lines.get(start.line) ?? false) || s[id] > 0);
    }
  }
  return files;
}

function main(): void {
  const files = linesOfTests();
  for (const [folder, { lines: wanted }] of Object.entries(coverageThreshold)) {
    const within = [...files].filter(([name]) => name.startsWith(folder));
    const lines = within.flatMap(([, lines]) => [...lines.values()]);
    const percent = (100 * lines.filter(Boolean).length) / lines.length;
    const ok = percent >= wanted;
    console.log(
      `${folder} ${percent.toFixed(2)} % of ${lines.length} lines${ok ? '' : `: must be ${wanted} %`}`,
    );
    if (!ok) process.exitCode = 1;
  }
}

void script(__filename, {}, main);
