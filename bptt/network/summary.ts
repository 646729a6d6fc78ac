/** Describes a network in a table: its layers, the shapes of their outputs, the parameters, the memory. */
import { mustCount, mustKnowKeys } from '../../core/check';
import { count } from '../../core/format';
import { sizeOf } from '../../core/tensor';
import { lossOf } from '../../losses';
import type { Architecture } from './architecture';
import { directionsOf, nameOf, widthOf, type Layer } from './layers/layer';
import { needOf } from './need';
import type { Parameters } from './parameters';
import { outputAxes } from './topology';

/** The size of a batch whose memory is estimated. */
export interface SummaryOptions {
  /** Steps of a sequence; for an encoder-decoder, those of the decoder. */
  T?: number;
  /** Rows of a batch. */
  B?: number;
}

/** What is described. */
interface Described {
  readonly architecture: Architecture;
  readonly parameters: Parameters;
  readonly output: number;
}

/** A line of the table: the prefix of the names of parameters, what it is, the shape of its output. */
type Line = [prefix: string, kind: string, shape: string];

/** The lines of the table, as text; sizes that are not given stay letters. */
export function summaryOf({ architecture, parameters, output }: Described, options: SummaryOptions): string {
  const where = 'summary';
  mustKnowKeys(options, ['T', 'B'], where);
  for (const name of ['T', 'B'] as const)
    if (options[name] !== undefined) mustCount(options[name], where, name);
  const { T, B } = options;
  const axes = outputAxes(architecture.topology, 0, 0).length === 1 ? [B ?? 'B'] : [T ?? 'T', B ?? 'B'];
  const shaped = (steps: number | string, width: number): string =>
    `[${[steps, B ?? 'B', width].join(', ')}]`;
  const lines: Line[] = [];
  const stack = (letter: 'e' | 'l', layers: readonly Layer[], steps: number | string): void =>
    layers.forEach((layer, k) => lines.push([`${letter}${k}`, nameOf(layer), shaped(steps, widthOf(layer))]));
  const { encoder, embedding, encoderEmbedding, layers, attention } = architecture;
  if (encoderEmbedding) lines.push(['encoderEmbedding', 'embedding', shaped('S', encoderEmbedding.width)]);
  if (encoder) stack('e', encoder, 'S');
  if (embedding) lines.push(['embedding', 'embedding', shaped(T ?? 'T', embedding.width)]);
  stack('l', layers, T ?? 'T');
  const width = widthOf(layers[layers.length - 1]);
  if (attention) lines.push(['attention', `attention, ${attention}`, `[${[...axes, width].join(', ')}]`]);
  if (architecture.output !== undefined)
    lines.push(['head', 'output layer', `[${[...axes, output].join(', ')}]`]);
  const rows = lines.map(([prefix, kind, shape]) => [
    prefix,
    kind,
    shape,
    count(weightsOf(parameters, prefix)),
  ]);
  const initial = weightsOf(parameters, 'initial');
  if (initial > 0) rows.push(['initial', 'initial states', '', count(initial)]);
  return [...table([['layer', 'kind', 'output', 'parameters'], ...rows]), ...totals()].join('\n');

  function totals(): string[] {
    const all = Object.values(parameters.values).reduce((sum, { shape }) => sum + sizeOf(shape), 0);
    const fixed = all - parameters.count;
    const trained = `${count(parameters.count)} trained parameters${fixed > 0 ? `, ${count(fixed)} fixed` : ''}`;
    const { loss, dtype } = architecture;
    const bytes = parameters.flat.data.byteLength;
    const weights = `memory: ${size(2 * bytes)} for weights and gradients in ${dtype}`;
    const batch = T === undefined || B === undefined ? '' : `, at least ${size(memoryOf(T, B))} for a batch`;
    return [trained, `loss: ${loss === undefined ? 'none' : lossOf(loss).title}`, `${weights}${batch}`];
  }

  function memoryOf(T: number, B: number): number {
    const cells = [...(encoder ?? []), ...layers].flatMap((layer) =>
      directionsOf(layer, 0).map(({ cell }) => ({ cell, times: 1 })),
    );
    return needOf({ cells, output, T, B, dtype: architecture.dtype, rows: 0 }).bytes;
  }
}

/** The numbers of all parameters of a layer: `l0.Wx`, and `l0r.Wx` of its other direction. */
function weightsOf({ values }: Parameters, prefix: string): number {
  const own = Object.entries(values).filter(([name]) => [prefix, `${prefix}r`].includes(name.split('.')[0]));
  return own.reduce((sum, [, { shape }]) => sum + sizeOf(shape), 0);
}

/** Rows with columns of equal width; the last column, of numbers, is aligned to the right. */
function table(rows: readonly string[][]): string[] {
  const widths = rows[0].map((_, k) => Math.max(...rows.map((row) => row[k].length)));
  return rows.map((row) =>
    row
      .map((cell, k) => (k === row.length - 1 ? cell.padStart(widths[k]) : cell.padEnd(widths[k])))
      .join('  '),
  );
}

/** Bytes in kB or MB. */
function size(bytes: number): string {
  const [value, unit] = bytes < 2 ** 20 ? [bytes / 2 ** 10, 'kB'] : [bytes / 2 ** 20, 'MB'];
  return `${value < 10 ? value.toFixed(1) : count(value)} ${unit}`;
}
