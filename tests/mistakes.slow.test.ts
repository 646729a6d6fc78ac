/** The collection of wrong gradients: the oracles and the diagnosis find what each file states. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { diagnosisOf, readMistake, seenBy } from '../referee/mistakes';
import { backstep } from './command';

const folder = join(__dirname, '..', 'examples', 'mistakes');
const files = readdirSync(folder).sort();
const names = { differences: 'differences', forwardMode: 'forward mode', exact: 'exact' } as const;

test('there are at least twelve, and each says where it was made and whom it harmed', () => {
  expect(files.length).toBeGreaterThanOrEqual(12);
  for (const file of files) {
    const { title, facts } = readMistake(readFileSync(join(folder, file), 'utf8'));
    expect([file, title]).toEqual([file, expect.stringMatching(/^[A-Z].*\.$/)]);
    expect([file, facts.Source]).toEqual([file, expect.stringMatching(/^https:\/\/github\.com\/.+\d+$/)]);
    expect([file, Object.keys(facts)]).toEqual([
      file,
      ['Project', 'Source', 'Harm', 'Right', 'Seen by', 'Diagnosis'],
    ]);
  }
});

describe.each(files)('%s', (file) => {
  const mistake = readMistake(readFileSync(join(folder, file), 'utf8'));

  test('is seen by the oracles that it names', () => {
    const seen = seenBy(mistake);
    const by = (Object.keys(names) as (keyof typeof names)[]).filter((oracle) => seen[oracle]);
    expect(by.map((oracle) => names[oracle]).join(', ')).toBe(mistake.facts['Seen by']);
  });

  test('is named by the diagnosis, from the numbers alone', () => {
    const found = diagnosisOf(mistake)!;
    expect(found.verdict).toBe('explained');
    const [words, ...others] = mistake.facts.Diagnosis.split(' | ');
    const explanation = found.explanations.map((explanation) => explanation.words).join('\n');
    expect([words, ...others].some((one) => explanation.includes(one)) || explanation).toBe(true);
  });
});

test('check shows what the oracles and the diagnosis say', async () => {
  const { status, stdout } = await backstep(
    'check',
    join(folder, 'aiedu-own-step.txt'),
    join(folder, 'mlpack-direction.txt'),
  );
  expect(status).toBe(1);
  expect(stdout).toMatch(/mlpack-direction, both directions .* FAIL/);
  expect(stdout).toContain('without the term `dhOut` in `dh` (line 1: `dh = dhOut + dhNext`)');
  expect(stdout).toMatch(/mlpack-direction, both directions: your l0r.Wx.* are 0 everywhere/);
});
