/** Elementwise statements of some cells, for tests of the code that runs them. */
import { gru } from '../cells/gru';
import { lstm } from '../cells/lstm';
import type { Cell, StatementPair } from '../cells/cell';

const sizes = { input: 2, hidden: 3 };

/** The only pair of a cell that has one. */
function pairOf({ statements = [] }: Cell): StatementPair {
  expect(statements).toHaveLength(1);
  return statements[0];
}

export const { forward: lstmForward, backward: lstmBackward } = pairOf(lstm(sizes));
export const { forward: peepholeForward, backward: peepholeBackward } = pairOf(
  lstm({ ...sizes, peepholes: true }),
);
export const { forward: gruForward, backward: gruBackward } = pairOf(gru(sizes));
