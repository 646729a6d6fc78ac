/** How much the final state depends on earlier ones: vanilla cells of several spectral radii, LSTMs of several forget biases. */
import { elman } from '../../cells/elman';
import { lstm } from '../../cells/lstm';
import { say, type Language } from '../build/languages';
import { D, dependence, H } from './dependence';
import { lineChart } from './lines';

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      ...[0.8, 1, 1.3].map((radius) =>
        dependence(`${say('vanilla', language)}, ρ = ${radius}`, elman({ input: D, hidden: H }), radius),
      ),
      ...[0, 1, 3].map((forgetBias) =>
        dependence(`LSTM, ${say('bias', language)} ${forgetBias}`, lstm({ input: D, hidden: H, forgetBias })),
      ),
    ],
    { x: say('steps back, d', language), y: '‖∂s_T/∂s_(T−d)‖', log: 'y', range: [1e-6, 1000] },
  );
