/** The public interface: what index.ts exports, and the report of it. */
import { readFileSync } from 'node:fs';
import { publicInterface, report, reportFile } from '../scripts/api';

const face = publicInterface();

test('docs/api.txt reports what index.ts exports; `npm run api` updates it', () =>
  expect(report(face)).toBe(readFileSync(reportFile, 'utf8')));

test('every type in a public signature is stated, not inferred', () => expect(face.inferred).toEqual([]));
