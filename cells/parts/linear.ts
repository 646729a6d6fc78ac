/**
 * What the cells with a linear recurrence have in common: h = p * hPrev + q, where p and q are functions of the input
 * alone. So there is no recurrent matrix, and a known sequence can be computed by a scan.
 */
import { mustBeSwitch, mustCount, mustKnowKeys } from '../../core/check';
import { constant, gates } from '../../core/random/init';
import { surroundingNames, weightInit, type Cell, type CellOption, type CellOptions } from '../cell';
import { cell, type CellEquations } from '../define';

/** Options of a cell with a linear recurrence: there are no recurrent weights to initialize. */
export type LinearCellOptions = Omit<CellOptions, 'recurrentInit'>;

const optionNames = ['input', 'hidden', 'bias', 'inputInit', ...surroundingNames];

/** Checks the options that these cells have in common; `more` are the names of the cell's own. */
export function checkLinearOptions(options: LinearCellOptions, where: string, more: string[] = []): void {
  mustKnowKeys(options, [...optionNames, ...more], where);
  mustCount(options.input, where, 'input');
  mustCount(options.hidden, where, 'hidden');
  for (const name of ['bias' as const, ...surroundingNames]) mustBeSwitch(options, name, where);
}

/** Those of the options that change what is around a cell. */
export const surroundings = (options: LinearCellOptions): Record<string, boolean> =>
  Object.fromEntries(surroundingNames.flatMap((name) => (options[name] ? [[name, true]] : [])));

/** A cell with the parameters Wx [D, count · H] and b [count · H], each gate of Wx initialized by itself. */
export function linearCell(
  equations: CellEquations,
  count: number,
  options: LinearCellOptions,
  more: Readonly<Record<string, CellOption>> = {},
): Cell {
  const { input: D, hidden: H, bias = true, inputInit = 'glorot' } = options;
  return cell(equations, {
    sizes: { D, H },
    options: { input: D, hidden: H, bias, inputInit, ...surroundings(options), ...more },
    init: { Wx: gates(count, weightInit(inputInit, H, equations.name)), b: constant(0) },
  });
}
