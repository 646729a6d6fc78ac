/** Formats benchmark results as Markdown: machine, command, targets, and the tables as printed. */
import { showGot, type Judged } from './figures';

export interface Printed {
  /** Name of the benchmark: `gemm`. */
  name: string;
  text: string;
}

/** The results of one version of Node. */
export interface BenchmarkOutput {
  machine: string;
  figures: readonly Judged[];
  printed: readonly Printed[];
}

/** `2.18× (≥ 1.5×)`, in bold if it is not met. */
function verdict(figure: Judged | undefined): string {
  if (!figure) return '';
  const { wanted, met, detail } = figure;
  const got = `${met ? showGot(figure) : `**${showGot(figure)}**`} (${wanted})`;
  return detail === undefined ? got : `${got}: ${detail}`;
}

/** The figures of all versions of Node, a column for each. */
function targets(outputs: readonly BenchmarkOutput[]): string[] {
  const judged = outputs.filter(({ figures }) => figures.length > 0);
  if (judged.length === 0) return [];
  const names = [...new Set(judged.flatMap(({ figures }) => figures.map(({ what }) => what)))];
  const rows = names.map((name) => [
    name,
    ...judged.map(({ figures }) => verdict(figures.find(({ what }) => what === name))),
  ]);
  const head = ['figure', ...judged.map(({ machine }) => /Node [\d.]+/.exec(machine)?.[0] ?? machine)];
  const all = judged.flatMap(({ figures }) => figures);
  const met = all.filter((figure) => figure.met).length;
  return [
    `## What is wanted\n\n${met} of ${all.length} figures met; those in bold are not. The target is in parentheses.`,
    [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n'),
  ];
}

/**
 * The results as a Markdown text, generated entirely from the data.
 *
 * @param command the command that reproduces them
 */
export function markdown(command: string, outputs: readonly BenchmarkOutput[]): string {
  const day = new Date().toISOString().slice(0, 10);
  return [
    '# Results',
    `Written on ${day} by \`${command}\`; see [README.md](README.md) for how it is measured.`,
    ...targets(outputs),
    ...outputs.flatMap(({ machine, printed }) => [
      `## ${machine}`,
      ...printed.flatMap(({ name, text }) => {
        const lines = text.split('\n').filter((line) => line !== machine);
        return [`### ${name}`, `\`\`\`text\n${lines.join('\n').replace(/^\n+|\s+$/g, '')}\n\`\`\``];
      }),
    ]),
  ]
    .join('\n\n')
    .concat('\n');
}
