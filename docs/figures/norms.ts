/** The norm of the gradient while a GRU learns a sine wave, before and after clipping. */
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';
import { trained } from './trained';

const LIMIT = 0.1;

export function draw(language: Language): Promise<string> {
  const points = trained({ clip: LIMIT, lr: 0.01 }, 200);
  const curve = (of: (norm: number) => number): { x: number; y: number }[] =>
    points.map(({ step, norm }) => ({ x: step, y: of(norm) }));
  return lineChart(
    [
      { name: say('‖g‖, backward', language), points: curve((norm) => norm) },
      { name: say('‖g‖, clipped', language), points: curve((norm) => Math.min(norm, LIMIT)) },
    ],
    { x: say('training step', language), y: '‖g‖', log: 'y' },
  );
}
