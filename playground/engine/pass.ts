/** The pass of a training step as the page shows it: an outline for its drawings, and what one unit computes at one step. */
import { worked, type TracedLine } from '../../bptt/trace/arithmetic';
import type { TracedLayer } from '../../bptt/trace/numbers';
import { unitValues } from '../../bptt/trace/values';
import { typeset, withoutColumns } from '../equations/typeset';
import type { TracedPass } from './session';

/** A layer without the numbers of its operations, which are many. */
export interface OutlinedLayer extends Omit<TracedLayer, 'steps' | 'operands' | 'tracks'> {
  /** Values over time, by name: [T][width]. */
  tracks: Record<string, Float64Array[]>;
}

export interface OutlinedPass extends Omit<TracedPass, 'layers'> {
  layers: OutlinedLayer[];
}

export interface UnitQuestion {
  layer: number;
  t: number;
  unit: number;
  backward: boolean;
}

/** What a unit computes at one step. */
export interface UnitAtStep {
  /** The executed lines, typeset as MathML and with their numbers. */
  lines: (TracedLine & { math: string })[];
  /** All its numbers, by their names in the equations. */
  numbers: Record<string, number>;
}

export const outlineOf = (pass: TracedPass): OutlinedPass => ({
  ...pass,
  layers: pass.layers.map(({ steps: _steps, operands: _operands, tracks, ...layer }) => ({
    ...layer,
    tracks: Object.fromEntries(
      Object.entries(tracks).map(([name, rows]) => [name, rows.map((row) => Float64Array.from(row))]),
    ),
  })),
});

export function unitAt({ layers }: TracedPass, { layer: l, t, unit, backward }: UnitQuestion): UnitAtStep {
  const layer = layers[l];
  const step = layer.steps[t];
  const lines = worked(step[backward ? 'backward' : 'forward'], unit, layer);
  return {
    lines: lines.map((line) => ({ ...line, math: typeset(withoutColumns(line.line))[0] })),
    numbers: unitValues(step, unit, layer),
  };
}
