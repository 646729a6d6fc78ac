/** The built-in cells: one file and one registration each. */
import { clockwork } from './clockwork';
import { dense } from './dense';
import { diagonal } from './diagonal';
import { elman } from './elman';
import { gru } from './gru';
import { jordan } from './jordan';
import { kinds, addBuiltIn, shared, type CellSizes } from './kind';
import { lmu } from './lmu';
import { lstm } from './lstm';
import { lstm1997 } from './lstm1997';
import { mingru } from './mingru';
import { minlstm } from './minlstm';
import { reservoir } from './reservoir';

/** Periods of the equal modules of a clockwork layer chosen by name. */
const PERIODS = [1, 2, 4, 8];

/** Options of a Jordan cell whose output is as wide as its layer by default. */
const feeding =
  (options: object) =>
  ({ hidden, output = hidden }: CellSizes) => ({ output, ...options });

addBuiltIn({
  ...{ name: 'elman', title: 'Elman', make: elman },
  choices: {
    elman: {},
    'elman-relu': { activation: 'relu', recurrentInit: 'identity' },
    'elman-sigmoid': { activation: 'sigmoid' },
  },
  variants: { tanh: {}, sigmoid: { activation: 'sigmoid' }, relu: { activation: 'relu' } },
});
addBuiltIn({
  ...{ name: 'lstm', title: 'LSTM', make: lstm },
  choices: {
    lstm: {},
    'lstm-peepholes': { peepholes: true },
    'lstm-norm': { gateNorm: true },
    'lstm-projection': ({ hidden }) => ({ projection: Math.ceil(hidden / 2) }),
  },
});
addBuiltIn({
  ...{ name: 'lstm1997', title: 'LSTM of 1997', make: lstm1997 },
  choices: { lstm1997: {}, 'lstm1997-truncated': { truncated: true } },
  variants: { '': {}, truncated: { truncated: true } },
});
addBuiltIn({
  ...{ name: 'gru', title: 'GRU', make: gru },
  choices: { gru: {}, 'gru-before': { reset: 'before' } },
  variants: { 'reset after': {}, 'reset before': { reset: 'before' } },
});
addBuiltIn({
  ...{ name: 'jordan', title: 'Jordan', make: jordan },
  choices: { jordan: feeding({}), 'jordan-softmax': feeding({ feedback: 'p' }) },
  variants: {
    'feedback o': feeding({}),
    'feedback p': feeding({ feedback: 'p' }),
    'feedback o, relu': feeding({ activation: 'relu' }),
    'feedback p, sigmoid': feeding({ feedback: 'p', activation: 'sigmoid' }),
  },
});
addBuiltIn({
  ...{ name: 'clockwork', title: 'Clockwork', make: clockwork },
  choices: { clockwork: { periods: PERIODS } },
  parts: {
    ...{ count: PERIODS.length, why: `its modules of periods ${PERIODS.join(', ')} are of one size` },
    otherwise: ({ hidden }) => ({
      periods: PERIODS.slice(
        0,
        [3, 2, 1].find((n) => hidden % n === 0),
      ),
    }),
  },
  variants: {
    '1 2 4': ({ hidden }) => ({ hidden: shared(hidden, 3), periods: [1, 2, 4] }),
    '2 3 offset 1, unequal, sigmoid': ({ hidden }) => {
      const units = Math.ceil(hidden / 2);
      const modules = [
        { units, period: 2 },
        { units: units + 1, period: 3 },
      ];
      return { hidden: 2 * units + 1, modules, offset: 1, activation: 'sigmoid' };
    },
    // the suite's sequences are longer than every period except the last
    '1 2 3 7, relu': ({ hidden }) => ({
      ...{ hidden: shared(hidden, 4), periods: [1, 2, 3, 7], activation: 'relu' },
    }),
  },
});
addBuiltIn({
  ...{ name: 'lmu', title: 'Legendre memory unit', make: lmu },
  variants: { '': { order: 3, theta: 5 } },
});
addBuiltIn({
  ...{ name: 'reservoir', title: 'Reservoir', make: reservoir },
  variants: { '': { leak: 0.5 } },
});
addBuiltIn({ name: 'mingru', title: 'minGRU', make: mingru });
addBuiltIn({ name: 'minlstm', title: 'minLSTM', make: minlstm });
addBuiltIn({
  ...{ name: 'diagonal', title: 'Diagonal linear unit', make: diagonal },
  choices: { diagonal: {}, 'diagonal-signed': { eigenvalues: 'signed' } },
  variants: { 'in (0, 1)': {}, 'in (−1, 1)': { eigenvalues: 'signed' } },
});

addBuiltIn({
  ...{ name: 'dense', title: 'Dense layer', make: dense },
  variants: { tanh: {}, none: { activation: 'none' } },
});

/** Cells that every thread knows; a cell registered by the user is known only to the thread that registered it. */
export const builtIn: readonly string[] = kinds.names;

export * from './kind';
