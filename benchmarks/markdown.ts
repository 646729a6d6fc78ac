/** Formats benchmark results as Markdown: machine, command, targets, and the tables as printed. */
import { showGot, type Judged } from './figures';

export interface Printed {
  /** Name of the benchmark: `gemm`. */
  name: string;
  text: string;
}

export interface BenchmarkOutput {
  /** The command that reproduces these results. */
  command: string;
  machine: string;
  figures: readonly Judged[];
  printed: readonly Printed[];
}

const verdict = ({ met, bound }: Judged): string => (met ? 'met' : `**not met**${bound ? `: ${bound}` : ''}`);

/** The results as a Markdown text, generated entirely from the data. */
export function markdown({ command, machine, figures, printed }: BenchmarkOutput): string {
  const day = new Date().toISOString().slice(0, 10);
  const judged = figures.map(
    (figure) => `| ${figure.what} | ${figure.wanted} | ${showGot(figure)} | ${verdict(figure)} |`,
  );
  const met = figures.filter((figure) => figure.met).length;
  return [
    '# Results',
    `Written on ${day} by \`${command}\`; see [README.md](README.md) for how it is measured. ${machine}.`,
    ...(judged.length > 0
      ? [
          `## What is wanted\n\n${met} of ${figures.length} figures met.`,
          ['| figure | wanted | got | |', '| --- | --- | --- | --- |', ...judged].join('\n'),
        ]
      : []),
    ...printed.flatMap(({ name, text }) => {
      const lines = text.split('\n').filter((line) => line !== machine);
      return [`## ${name}`, `\`\`\`text\n${lines.join('\n').replace(/^\n+|\s+$/g, '')}\n\`\`\``];
    }),
  ]
    .join('\n\n')
    .concat('\n');
}
