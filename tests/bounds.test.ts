/** README and guide state the tolerances of the gradient checks. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorBounds } from '../bptt/check/bounds';

/** Names of the bounds in the tables. */
const titles: Record<string, keyof typeof errorBounds> = {
  differences: 'differences',
  'forward mode': 'forwardMode',
  'double sum': 'doubleSum',
  Newton: 'newton',
  Jacobians: 'jacobian',
  statements: 'statement',
  duals: 'statement',
  exact: 'exact',
  "PyTorch's vectors": 'vectors',
};

test.each(['README.md', 'docs/guide/checking.md'])('%s states the bounds as they are', (file) => {
  const text = readFileSync(join(__dirname, '..', file), 'utf8');
  const [table] = /^\| oracle[^]*?\n\n/m.exec(text) as RegExpExecArray;
  const [header, , ...rows] = table
    .trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const column = header.indexOf('bound');
  const stated = rows
    .filter(([, title]) => title in titles)
    .map((cells) => [titles[cells[1]], Number(cells[column])]);
  expect(stated).toHaveLength(8);
  for (const [name, bound] of stated) expect([name, bound]).toEqual([name, errorBounds[name as 'exact']]);
});
