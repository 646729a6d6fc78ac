/** Module boundaries: permitted imports between folders, no import cycles, and a complete table in CONTRIBUTING. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { commandNames } from '../cli/main';

const root = join(__dirname, '..');
const rooms = JSON.parse(readFileSync(join(root, 'scripts/rooms.json'), 'utf8')) as Record<string, string[]>;
const ignored = new Set(['node_modules', 'dist', 'coverage', 'runs', 'site', '.book']);

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name.startsWith('.') || ignored.has(entry.name)) return [];
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return path.endsWith('.ts') && !path.endsWith('.d.ts') ? [relative(root, path)] : [];
  });
}

/** The files that a file imports, types included. */
function imports(file: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(root, file), 'utf8'));
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => relative(root, resolve(root, dirname(file), fileName)))
    .flatMap((path) => [`${path}.ts`, `${path}/index.ts`, path.replace(/\.js$/, '.ts')])
    .filter((path) => path.endsWith('.ts') && existsSync(join(root, path)));
}

const graph = new Map(sources(root).map((file) => [file, imports(file)]));

/** Groups of files that import each other, perhaps through others (Tarjan's strongly connected components). */
function circles(edges: ReadonlyMap<string, readonly string[]>): string[][] {
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const found: string[][] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    lowest.set(file, index);
    stack.push(file);
    for (const next of edges.get(file) ?? []) {
      const reached = order.has(next) ? (stack.includes(next) ? order.get(next)! : index) : visit(next);
      lowest.set(file, Math.min(lowest.get(file)!, reached));
    }
    if (lowest.get(file) === index) {
      const circle = stack.splice(stack.indexOf(file));
      if (circle.length > 1) found.push(circle.sort());
    }
    return lowest.get(file)!;
  };
  for (const file of edges.keys()) if (!order.has(file)) visit(file);
  return found;
}

test('no two files import each other', () => {
  expect(graph.size).toBeGreaterThan(300);
  expect(circles(graph)).toEqual([]);
});

test('a circle of three files is found', () => {
  const edges = new Map([
    ['a', ['b', 'd']],
    ['b', ['c']],
    ['c', ['a']],
    ['d', []],
  ]);
  expect(circles(edges)).toEqual([['a', 'b', 'c']]);
});

test('rooms import only those beneath them', () => {
  const above = [...graph].flatMap(([file, targets]) => {
    const [room] = file.split('/');
    if (!(room in rooms)) return [];
    const allowed = [room, ...rooms[room]];
    return targets
      .filter((target) => !allowed.includes(target.split('/')[0]))
      .map((target) => `${file} imports ${target}`);
  });
  expect(above).toEqual([]);
});

const folders = (path: string): string[] =>
  readdirSync(join(root, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.') && !ignored.has(entry.name))
    .map(({ name }) => name);

test('CONTRIBUTING names every room, and all folders or none within it', () => {
  const table = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8').matchAll(/^\| +`([a-z/]+)\/` +\|/gm);
  const named = [...table].map(([, name]) => name).sort();
  const divided = new Set(named.filter((name) => name.includes('/')).map((name) => dirname(name)));
  const inside = [...divided].flatMap((room) => folders(room).map((name) => `${room}/${name}`));
  expect(named).toEqual([...folders('.'), ...inside].sort());
  expect(Object.keys(rooms).filter((room) => !named.includes(room))).toEqual([]);
});

test('a command is one file of its name: only the tests of the command line import it', () => {
  const files = readdirSync(join(root, 'cli')).map((file) => file.replace(/\.ts$/, ''));
  expect([...commandNames, 'main'].sort()).toEqual(files.sort());
  const importers = [...graph].filter(
    ([file, targets]) => !/^(cli|tests)\//.test(file) && targets.some((target) => target.startsWith('cli/')),
  );
  expect(importers.map(([file]) => file)).toEqual([]);
});

test('equations are text: only core/ records products, sums and elementwise operations one by one', () => {
  const calls = /\.(matmul|sumRows|sumColumns|logSumExp)\((?!from)|\bstatement\(\(/;
  const others = sources(root).filter(
    (file) => !/^(core|tests|benchmarks)\//.test(file) && calls.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(others).toEqual([]);
});
