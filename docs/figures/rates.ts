/** The loss of one network at several learning rates. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';
import { losses, trained } from './trained';

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [0.0003, 0.003, 0.03, 0.3, 3].map((lr) => ({
      name: `${say('rate', language)} ${lr}`,
      points: losses(trained({ lr }, 400)),
    })),
    { x: say('training step', language), y: say('loss', language), log: 'y' },
  );
