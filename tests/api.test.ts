/** The public interface: what index.ts exports, and the report of it. */
import { readFileSync } from 'node:fs';
import { publicInterface, interfaceReport, reportFile } from '../scripts/api';

const face = publicInterface();

test('docs/api.txt reports what index.ts exports; `npm run api` updates it', () =>
  expect(interfaceReport(face)).toBe(readFileSync(reportFile, 'utf8')));

test('every type in a public signature is stated, not inferred', () => expect(face.inferred).toEqual([]));

// types that users get from the engine and give back to it, and never write
const internal = ['ARRAYS', 'language', 'NestedNumbers', 'Node', 'Plan'];
test('users can import every type that a public signature mentions', () => {
  const missing = face.missing.filter((text) => !internal.includes(text.replace(/ .*/, '')));
  expect(missing).toEqual([]);
});

test('every function, class and constant has an example, which tests/docstrings.test.ts runs', () => {
  const without = face.names.filter(({ isType, docstring }) => !isType && !/@example\b/.test(docstring));
  expect(without.map(({ name }) => name)).toEqual([]);
});

test('every type says what it is', () => {
  const without = face.names.filter(({ docstring }) => docstring === '');
  expect(without.map(({ name }) => name)).toEqual([]);
});
