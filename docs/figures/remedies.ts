/** What keeps the gradient: the same measurement for a vanilla cell, a clockwork network, a GRU and an LSTM. */
import { clockwork } from '../../cells/clockwork';
import { elman } from '../../cells/elman';
import { gru } from '../../cells/gru';
import { lstm } from '../../cells/lstm';
import { say, type Language } from '../build/languages';
import { D, dependence, H } from './dependence';
import { lineChart } from './lines';

export const draw = (language: Language): Promise<string> =>
  lineChart(
    [
      dependence(`${say('vanilla', language)}, ρ = 0.8`, elman({ input: D, hidden: H }), 0.8),
      dependence(say('vanilla, orthogonal', language), elman({ input: D, hidden: H })),
      dependence('GRU', gru({ input: D, hidden: H })),
      dependence(`LSTM, ${say('bias', language)} 3`, lstm({ input: D, hidden: H, forgetBias: 3 })),
      dependence(say('clockwork', language), clockwork({ input: D, hidden: H, periods: [1, 4, 16, 64] })),
    ],
    { x: say('steps back, d', language), y: '‖∂s_T/∂s_(T−d)‖', log: 'y', range: [1e-6, 100] },
  );
