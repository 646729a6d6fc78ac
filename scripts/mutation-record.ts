/** The record of mutation tests that `npm run mutate` writes. */

/** A mutant. Its line may move; the code of the line, the mutation and `nth` of equal ones name it. */
export interface Mutant {
  file: string;
  line: number;
  mutatorName: string;
  /** The line of the source where the mutation begins. */
  code: string;
  replacement: string;
  nth: number;
}

/**
 * `noticed`: a test fails. `endless`: a test runs a statement a hundred times as often as without the mutant, or needs
 * twenty times as much processor time. `refused`: it cannot even be loaded, such as equations that do not compile. `timed out` is not counted as noticed.
 */
export type Status = 'noticed' | 'endless' | 'refused' | 'survived' | 'timed out';

/** Stryker's status in our words. */
export function mutantStatus(status: string, reason = ''): Status {
  if (status === 'Killed') return 'noticed';
  if (status === 'Timeout')
    return /^(Hit limit reached|processor time)/.test(reason) ? 'endless' : 'timed out';
  if (status === 'Survived' || status === 'NoCoverage') return 'survived';
  return 'refused';
}

interface Numbers {
  scope: string;
  noticed: number;
  endless: number;
  refused: number;
  survived: Mutant[];
}

/** The results of one file, or of a sample of a folder. */
export interface Result extends Numbers {
  /** How many mutants the folder has that the sample was drawn from. */
  of?: number;
  mutants: number;
  date: string;
  /** Before tests were written for survivors. */
  first: { date: string } & Counts;
  /** How it was measured: which tests, up to which bound. */
  how?: string;
}

/** Equivalent mutants, which change nothing observable, by file, each with the reason. */
const EQUIVALENT: Record<string, { code: string; replacement: string; why: string }[]> = {
  'core/programs/plain.ts': [
    {
      code: 'const passes = stores.some(({ from }) => reads.some(({ place }) => place === from)) && stores.length > 1;',
      replacement: 'true',
      why: 'the results then pass through a second buffer, which takes time and changes no number',
    },
  ],
  'core/memory.ts': [
    {
      code: 'arrays: (Data | Int32Array)[] = [];',
      replacement: '["Stryker was here"]',
      why: 'every layout begins with a list of its own, and nothing reads the list before the first',
    },
  ],
  'core/wasm/emit-pointwise.ts': [
    {
      code: 'const single = operands',
      replacement: 'operands.slice(0, access.length)',
      why: 'other inputs are then loaded once before the loop, too, into locals that nothing reads',
    },
  ],
  'core/equations/scope.ts': [
    {
      code: 'return (places.get(of) ?? []).some((place) => place.from < to && from < place.to);',
      replacement: '["Stryker was here"]',
      why: 'a text has no from and no to, so that no comparison with it holds',
    },
    {
      code: 'if (!gates) return undefined;',
      replacement: 'false',
      why: 'without gates every name is its own storage, which the line above returns',
    },
  ],
  'cells/kind.ts': [
    {
      code: "kinds.add(definition.name, kindFrom(definition, 'cells'), 'cells');",
      replacement: '""',
      why: 'the text stands in messages about registrations of this project, all of which are right',
    },
  ],
  'bptt/parallel/worker.ts': [
    {
      code: 'if (task.backward) gradients.set(flatGradients.data);',
      replacement: 'true',
      why: 'zeros then follow a pass without a backward one, and the next backward pass overwrites them before they are read',
    },
  ],
  'bptt/train/clip.ts': [
    {
      code: 'if (coefficient < 1) scaleGradients(parameters, coefficient);',
      replacement: 'coefficient <= 1',
      why: 'a factor of 1 changes no bit',
    },
  ],
  'cells/lstm.ts': [
    {
      code: "const small = weightInit('uniform', H, 'lstm');",
      replacement: '""',
      why: 'the name stands in the message for an unknown initializer, and `uniform` is known',
    },
  ],
};

const reason = ({ file, code, replacement }: Mutant): string | undefined =>
  EQUIVALENT[file]?.find((e) => e.code === code && e.replacement === replacement)?.why;

export const isEquivalent = (mutant: Mutant): boolean => reason(mutant) !== undefined;

interface Counts {
  noticed: number;
  equivalent: number;
  survived: number;
  score: string;
}

/** The score is the share of the noticed mutants among those that load and are not equivalent. */
export function countStatuses({ noticed, endless, survived }: Numbers): Counts {
  const equivalent = survived.filter(isEquivalent).length;
  return counts(noticed + endless, equivalent, survived.length - equivalent);
}

function counts(noticed: number, equivalent: number, survived: number): Counts {
  const all = noticed + survived;
  return { noticed, equivalent, survived, score: all === 0 ? '–' : ((100 * noticed) / all).toFixed(1) };
}

/** The 95 % interval of a share by Wilson's formula, in percent. */
export function interval(noticed: number, all: number): string {
  const z = 1.96;
  const fraction = noticed / all;
  const middle = fraction + (z * z) / (2 * all);
  const half = z * Math.sqrt((fraction * (1 - fraction)) / all + (z * z) / (4 * all * all));
  return [middle - half, middle + half].map((p) => ((100 * p) / (1 + (z * z) / all)).toFixed(1)).join('–');
}

const code = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').slice(0, 100);
  const fence = line.includes('`') ? '``' : '`';
  return fence === '`' ? `\`${line}\`` : `${fence} ${line} ${fence}`;
};

function row(one: Result): string {
  const { scope, mutants, date, first, endless, refused } = one;
  const { noticed, equivalent, survived, score } = countStatuses(one);
  return `| ${[scope, date, mutants, noticed, endless, refused, equivalent, survived, first.score, score].join(' | ')} |`;
}

const survivors = (one: Result): string[] =>
  one.survived.map((mutant) => {
    const why = reason(mutant);
    const place = `${one.of === undefined ? '' : `${mutant.file}, `}line ${mutant.line}`;
    const change = `${code(mutant.code)} with ${code(mutant.replacement)}`;
    return `- ${place}, ${mutant.mutatorName}: ${change}${why ? `. Equivalent: ${why}` : ''}`;
  });

/** The record as Markdown. */
export function record(results: readonly Result[]): string {
  const head = [
    '| what | date | mistakes | noticed | of these endless | refused when loaded | equivalent | survived | first score % | score % |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  const samples = results.filter(({ of }) => of !== undefined);
  const files = results.filter(({ of }) => of === undefined);
  const rooms = [...new Set(files.map(({ scope }) => scope.split('/')[0]))];
  const sums = rooms.map((room) => {
    const inside = files.filter(({ scope }) => scope.startsWith(`${room}/`)).map(countStatuses);
    const sum = (key: 'noticed' | 'equivalent' | 'survived'): number =>
      inside.reduce((s, c) => s + c[key], 0);
    const { noticed, survived, score } = counts(sum('noticed'), sum('equivalent'), sum('survived'));
    return `- ${room}/: ${score} %, ${noticed} of ${noticed + survived}, in ${inside.length} files`;
  });
  const drawn = samples.map((one) => {
    const { noticed, survived, score } = countStatuses(one);
    const all = noticed + survived;
    return `- ${one.scope}: ${score} %, ${noticed} of ${all}; 95 % interval ${interval(noticed, all)} %; ${one.mutants} drawn from ${one.of}${one.how ? `; ${one.how}` : ''}`;
  });
  return [
    '# Mistakes that the tests do not notice',
    '',
    'Written by `npm run mutate`, which plants mistakes in the source with Stryker: see `scripts/mutate.ts`. A score is the',
    'share of the mistakes that a quick test noticed, among those that load and change anything. Texts of error messages',
    'are left out: `scripts/mutation-ignorer.mjs`. A sample is drawn from a whole folder, in the order of a hash.',
    'The first score is that before tests were written for what survived. Only some quick tests are tried, up to a bound of',
    'processor time: a score is a lower bound.',
    '',
    ...[...sums, ...drawn],
    '',
    ...head,
    ...results.map(row),
    '',
    '## What survived',
    '',
    ...results.flatMap((one) =>
      one.survived.length === 0 ? [] : [`### ${one.scope}`, '', ...survivors(one), ''],
    ),
  ].join('\n');
}
