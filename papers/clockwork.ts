/**
 * Koutník, Greff, Gomez & Schmidhuber 2014, "A clockwork RNN" (ICML 2014, arXiv 1402.3511), section 4.1.
 *
 * Task: generate a sound of 320 samples, scaled to −1 … 1, without any input; the network must memorize it.
 *
 * Measured: the squared error over the variance of the sound (NMSE), after the last update.
 *
 * Published (their largest networks, about 1000 parameters): clockwork, 40 units in 9 modules of periods 1, 2, 4 … 256,
 * 0.007; LSTM of 15 units 0.04; tanh network of 31 units 0.46. All weights are initially normal with deviation 0.1, the
 * biases of forget gates 5.
 *
 * Differences: their sounds were snippets of music, ours are random (tasks/waveform.ts), one for each seed. They used
 * Nesterov momentum, we Adam, both at a learning rate chosen for each network: ours was found on the sounds 1 … 3. The
 * clockwork network gets 4000 updates, the others 16,000. A cell here has an input, which is zero and whose weights are
 * neither used nor counted.
 *
 * Control: the same modules with reversed connections, so that slow modules read fast ones. Memorizing requires slow
 * modules to drive fast ones; with the mask reversed the error must be far larger, otherwise the clock is not the cause.
 */
import { network, type Network } from '../bptt/network/network';
import type { Cell } from '../cells/cell';
import { clockwork as clockworkCell, modular } from '../cells/clockwork';
import { elman } from '../cells/elman';
import { lstm } from '../cells/lstm';
import type { ClockworkModule } from '../cells/parts/modules';
import { Random } from '../core/random/random';
import { sizeOf, toFlat } from '../core/tensor';
import { waveform } from '../tasks/waveform';
import type { Context, Figures, Paper, PaperRow, Size } from './paper';
import { trainByAdam } from './training';

interface Settings {
  T: number;
  updates: number;
  learningRate: number;
}

const input = 1;
const FORGET_BIAS = 5;
const DEVIATION = 0.1;
const modules = (units: number, periods: readonly number[]): ClockworkModule[] =>
  periods.map((period, k) => ({
    period,
    units: Math.floor((units + periods.length - 1 - k) / periods.length),
  }));

export const clockwork: Paper = {
  name: 'clockwork',
  title: 'Clockwork RNN: a sound of 320 samples, learned by heart',
  citation: 'Koutník, Greff, Gomez & Schmidhuber 2014, A clockwork RNN',
  figuresFrom: 'section 4.1 of the paper',
  about: [
    'zero input, linear output; generated sounds, one for each seed, instead of snippets of music',
    'initial weights as in the paper; Adam instead of Nesterov momentum, with a rate chosen for each network, as there',
    'reversed: a control, where slow modules read fast ones instead',
  ],
  measures: {
    nmse: { title: 'NMSE', digits: 4, scale: 'log' },
    parameters: { title: 'parameters', digits: 0 },
  },
  rows(size: Size): PaperRow[] {
    const full = size === 'full';
    const [units, lstmUnits, rnnUnits] = full ? [40, 15, 31] : [12, 4, 9];
    const own = modules(units, full ? [1, 2, 4, 8, 16, 32, 64, 128, 256] : [1, 2, 4, 8]);
    const row = (name: string, cell: () => Cell, updates: number, rate: number, nmse?: number): PaperRow => {
      const settings: Settings = full
        ? { T: 320, updates, learningRate: rate }
        : { T: 40, updates: 300, learningRate: 1e-2 };
      return {
        name,
        settings: { ...settings, units: cell().hidden },
        published: nmse === undefined ? {} : { nmse },
        seeds: full ? 5 : 1,
        run: (context) => train(cell(), settings, context),
      };
    };
    return [
      row(`clockwork-${units}`, () => clockworkCell({ input, modules: own }), 4000, 5e-3, 0.007),
      row(
        `LSTM-${lstmUnits}`,
        () => lstm({ input, hidden: lstmUnits, forgetBias: FORGET_BIAS }),
        16_000,
        2e-3,
        0.04,
      ),
      row(`tanh-${rnnUnits}`, () => elman({ input, hidden: rnnUnits }), 16_000, 6e-4, 0.46),
      row(`clockwork-${units} reversed`, () => modular([...own].reverse(), { input }), 4000, 5e-3),
    ];
  },
};

async function train(cell: Cell, settings: Settings, { seed, progress }: Context): Promise<Figures> {
  const { T } = settings;
  const y = waveform(new Random(seed), T);
  const net = network({ layers: [cell], output: 1, loss: 'squared', seed });
  startNormal(net, new Random(seed));
  const sequence = (numbers: ArrayLike<number>) => ({ shape: [T, 1, 1], numbers });
  const batch = { x: sequence(new Float64Array(T)), targets: sequence(y) };
  await trainByAdam(net, Array<typeof batch>(settings.updates).fill(batch), settings, progress);
  const mean = y.reduce((sum, sample) => sum + sample, 0) / T;
  const variance = y.reduce((sum, sample) => sum + (sample - mean) ** 2, 0) / T;
  return { nmse: net.forward(batch).loss / variance, parameters: used(net) };
}

/** Draws all weights except masked ones, and sets the biases of forget gates. */
function startNormal({ parameters }: Network, random: Random): void {
  for (const [name, t] of Object.entries(parameters.values)) {
    const stays = { 'l0.Wh': 0, 'l0.b': FORGET_BIAS }[name];
    parameters.set(
      name,
      toFlat(t).map((start) => (start === stays ? start : random.normal(0, DEVIATION))),
    );
  }
}

/** Number of parameters without those that have no effect: weights of the zero input, and masked weights. */
function used({ parameters }: Network): number {
  const { 'l0.Wx': Wx, 'l0.Wh': Wh } = parameters.values;
  return parameters.count - sizeOf(Wx.shape) - toFlat(Wh).filter((weight) => weight === 0).length;
}
