/** The loss of one network with each optimizer, at its own learning rate. */
import { optimizerNames, optimizerOf } from '../../bptt/train/updates';
import type { PageSettings } from '../../playground/engine/settings';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';
import { losses, trained } from './trained';

/** SGD needs a larger step: it does not divide by the size of the gradient. */
const rates: Readonly<Record<string, number>> = { sgd: 0.1 };

export const draw = (language: Language): Promise<string> =>
  lineChart(
    optimizerNames().map((optimizer) => ({
      name: optimizerOf(optimizer).title,
      points: losses(
        trained({ optimizer: optimizer as PageSettings['optimizer'], lr: rates[optimizer] ?? 0.01 }, 400),
      ),
    })),
    { x: say('training step', language), y: say('loss', language), log: 'y' },
  );
