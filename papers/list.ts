/** The papers that can be reproduced, in display order. */
import { chorales } from './chorales';
import { clockwork } from './clockwork';
import { echoState } from './echostate';
import { forgetGate } from './forgetgate';
import { hopfield } from './hopfield';
import { influence } from './influence';
import { lmuPaper } from './lmu';
import { lstm } from './lstm';
import { modernHopfield } from './modernhopfield';
import type { Paper } from './paper';
import { stateTracking } from './statetracking';

export const papers: readonly Paper[] = [
  chorales,
  clockwork,
  lstm,
  forgetGate,
  hopfield,
  modernHopfield,
  stateTracking,
  influence,
  lmuPaper,
  echoState,
];
