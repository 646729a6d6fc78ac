/** The record of mutation tests that `npm run mutate` writes. */

/** A mutant and its result. */
export interface Mutant {
  mutatorName: string;
  replacement: string;
  /** Stryker's status. */
  status: string;
  location: Record<'start' | 'end', { line: number; column: number }>;
  /** Line of the source where the mutation begins. */
  line: string;
}

/** The results of one file. */
export interface Result {
  file: string;
  /** SHA-256 of the file when it was tested. */
  hash: string;
  date: string;
  minutes: number;
  tests: string[];
  mutants: Mutant[];
}

/** Equivalent mutants, which change nothing observable, by file, each with the reason. */
const EQUIVALENT: Record<string, { line: string; replacement: string; why: string }[]> = {
  'cells/lstm.ts': [
    {
      line: "const small = weightInit('uniform', H, 'lstm');",
      replacement: '""',
      why: 'the name stands in the message for an unknown initializer, and `uniform` is known',
    },
  ],
};

export const same = (p: Mutant, q: Mutant): boolean =>
  p.mutatorName === q.mutatorName &&
  p.replacement === q.replacement &&
  JSON.stringify(p.location) === JSON.stringify(q.location);

/**
 * A mutant is noticed if a test fails or never ends. It is refused if it cannot even be loaded, such as equations
 * that do not compile: like Stryker, the score leaves it out.
 */
export function count(mutants: readonly Mutant[]) {
  const of = (...statuses: string[]): number =>
    mutants.filter(({ status }) => statuses.includes(status)).length;
  const [noticed, refused] = [of('Killed', 'Timeout'), of('RuntimeError', 'CompileError')];
  const survived = of('Survived', 'NoCoverage');
  const all = noticed + survived;
  return { noticed, refused, survived, score: all === 0 ? '–' : ((100 * noticed) / all).toFixed(1) };
}

const code = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').slice(0, 100);
  const fence = line.includes('`') ? '``' : '`';
  return fence === '`' ? `\`${line}\`` : `${fence} ${line} ${fence}`;
};

/** The record as Markdown. */
export function record(results: readonly Result[]): string {
  const sorted = [...results].sort((a, b) => (a.file < b.file ? -1 : 1));
  const rows = sorted.map(({ file, date, mutants, tests }) => {
    const { noticed, refused, survived, score } = count(mutants);
    return `| ${file} | ${date} | ${mutants.length} | ${noticed} | ${refused} | ${survived} | ${score} | ${tests.length} |`;
  });
  const survivors = sorted.flatMap(({ file, mutants }) => {
    const left = mutants.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
    if (left.length === 0) return [];
    const lines = left.map(({ location, mutatorName, line, replacement }) => {
      const known = EQUIVALENT[file]?.find((e) => e.line === line && e.replacement === replacement);
      const why = known ? `. Equivalent: ${known.why}` : '';
      return `- line ${location.start.line}, ${mutatorName}: ${code(line)} with ${code(replacement)}${why}`;
    });
    return [`### ${file}`, '', ...lines, ''];
  });
  return [
    '# Mistakes that the tests do not notice',
    '',
    'Written by `npm run mutate`, which plants mistakes in the source with Stryker: see `scripts/mutate.ts`. A score is the',
    'share of the mistakes that a test noticed, of those that could be loaded; text in messages counts like all else.',
    'Files that are not listed have not been run.',
    '',
    '| file | date | mistakes | noticed | refused when loaded | survived | score % | test files |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...rows,
    '',
    '## What survived',
    '',
    ...survivors,
  ].join('\n');
}
