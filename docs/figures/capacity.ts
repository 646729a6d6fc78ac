/** Plots the recall of a Hopfield network over its load. */
import { Random } from '../../core/random/random';
import { capacity } from '../../hopfield/capacity';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

const loads = [0.05, 0.08, 0.1, 0.12, 0.13, 0.14, 0.15, 0.16, 0.18, 0.2, 0.25];

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      {
        name: 'N = 400',
        points: [...capacity({ units: 400, loads, trials: 3, random: new Random(1) })].map(
          ({ load, overlap }) => ({
            x: load,
            y: overlap,
          }),
        ),
      },
    ],
    { x: say('load α = P/N', language), y: say('overlap', language), range: [0, 1] },
  );
