/** The versions of Node on this machine that tests and benchmarks can be run on. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { usage } from '../terminal/errors';

export interface InstalledNode {
  /** Major version: 24. */
  major: number;
  /** Path of its executable. */
  path: string;
}

const FOLDER = join(__dirname, '..', 'tests', 'nodes', 'node_modules');

/** The versions that `npm ci --prefix tests/nodes` has installed, oldest first. */
export function testedNodes(): InstalledNode[] {
  const names = existsSync(FOLDER) ? readdirSync(FOLDER) : [];
  return names
    .flatMap((name) => {
      const [, major] = /^node-(\d+)$/.exec(name) ?? [];
      return major === undefined ? [] : [{ major: Number(major), path: join(FOLDER, name, 'bin', 'node') }];
    })
    .sort((a, b) => a.major - b.major);
}

/** Those, and the one that runs this; each major version once, oldest first. */
export function allNodes(): InstalledNode[] {
  const current = { major: Number(process.versions.node.split('.')[0]), path: process.execPath };
  return [current, ...testedNodes().filter(({ major }) => major !== current.major)].sort(
    (a, b) => a.major - b.major,
  );
}

/**
 * The one of that major version.
 *
 * @throws Error if it is not installed.
 */
export function nodeOf(major: number): InstalledNode {
  const found = allNodes().find((each) => each.major === major);
  if (found) return found;
  const there = allNodes().map((each) => each.major);
  throw usage(
    `--nodes: each version must be one of ${there.join(', ')}, got ${major}`,
    'npm ci --prefix tests/nodes installs others (Linux on x64)',
  );
}
