/** All named numbers of one unit at one step of a trace: states, gates, gradients. */
import type { Traced, TracedLayer, TracedStep } from './numbers';

/**
 * The numbers of a unit by the names in the equations, forward and back: `hPrev`, `i`, `c`, `dhOut`, `dai`, `dcPrev`. Names
 * that have no number for this unit are left out.
 */
export function unitValues(step: TracedStep, unit: number, { hidden }: TracedLayer): Record<string, number> {
  const values: Record<string, number> = {};
  const keep = (name: string, value: number | undefined): void => {
    if (value !== undefined) values[name] = value;
  };
  for (const [name, row] of Object.entries(step.before)) keep(name, row[unit]);
  for (const operation of [...step.forward, ...step.backward]) {
    const k = unit - (operation.units?.[0] ?? 0);
    if (operation.kind === 'pointwise')
      for (const [name, row] of Object.entries(operation.values)) keep(name, row[k]);
    if (operation.kind === 'sum') keep(nameOf(operation), operation.out);
    if (operation.kind === 'product' && !isOfInput(operation))
      (operation.gates ?? [nameOf(operation)]).forEach((name, g) =>
        keep(name, operation.out[g * hidden + k]),
      );
  }
  return values;
}

/** The name on the left of the line of an operation. */
const nameOf = ({ lines: [line] }: Traced): string => line.split(' ')[0];

/** Whether its columns are the numbers of the input, not units. */
const isOfInput = (operation: Traced): boolean => nameOf(operation) === 'dx';
