/** Plots ‖Wᵗ‖ of five typical matrices. */
import { exampleMatrices, spectrum } from '../../bptt/flow/spectrum';
import { say, type Language } from '../build/languages';
import { lineChart } from './lines';

export const draw = (language: Language): Promise<string> =>
  lineChart(
    Object.entries(exampleMatrices).map(([name, { W }]) => ({
      name: say(name as Parameters<typeof say>[0], language),
      points: spectrum(W, { steps: 40 }).powers.map((norm, t) => ({ x: t, y: norm })),
    })),
    { x: say('power t', language), y: '‖Wᵗ‖', log: 'y', range: [0.01, 1000] },
  );
