/** Plots ‖Wᵗ‖ of five typical matrices. */
import { exampleMatrices, spectrum } from '../../bptt/flow/spectrum';
import { lineChart } from './lines';

export const draw = (): Promise<string> =>
  lineChart(
    Object.entries(exampleMatrices).map(([name, { W }]) => ({
      name,
      points: spectrum(W, { steps: 40 }).powers.map((norm, t) => ({ x: t, y: norm })),
    })),
    { x: 'power t', y: '‖Wᵗ‖', log: true, range: [0.01, 1000] },
  );
