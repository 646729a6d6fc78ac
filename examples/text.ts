/**
 * Next-character prediction: a network reads a novel character by character, then generates text.
 *
 * Data: the beginning of Moby Dick, from stdlib. The last twentieth is kept for the test. Streams of text are read in
 * parallel. Each segment starts from the final state of the one before it; gradients flow back over one segment.
 */
import { fit, lstm, network, Random, softmax, type States, type StreamBatch } from '../index';
import { novel } from './data';
import { example } from './example';
import { chart } from './figure';

export const text = example({
  title: 'text: the next character, and a few lines of its own (many-to-many)',
  defaults: { steps: 1500, hidden: 96, characters: 400_000, batch: 32, stretch: 50, write: 300, seed: 1 },
  async run({ steps, hidden, characters, batch, stretch, write, seed }, say) {
    const random = new Random(seed);
    const whole = novel().slice(0, characters);
    const symbols = [...new Set(whole)].sort();
    const classes = Array.from(whole, (symbol) => symbols.indexOf(symbol));
    const cut = Math.floor(classes.length * 0.95);

    const net = network({
      layers: [lstm({ input: symbols.length, hidden })],
      output: symbols.length,
      loss: 'softmax',
      dtype: 'float32',
      seed,
    });
    /** Streams that begin at `starts`, from t on. */
    const batchOf = (starts: readonly number[], t: number, T: number) => {
      const at = (k: number) =>
        Array.from({ length: T }, (_, u) => starts.map((start) => classes[start + t + u + k]));
      return { x: at(0), targets: at(1) };
    };
    const room = Math.floor(cut / batch);
    function* batches(): Generator<StreamBatch, never> {
      for (;;)
        for (let t = 0; t + stretch < room; t += stretch)
          yield {
            ...batchOf(
              Array.from({ length: batch }, (_, b) => b * room),
              t,
              stretch,
            ),
            initial: t === 0 ? 'zero' : 'carry',
          };
    }
    const { history } = await fit(net, batches(), {
      optimizer: { name: 'adam', learningRate: 5e-3 },
      schedule: { name: 'cosine', steps },
      clip: { norm: 1 },
      steps,
    });

    const { loss } = net.forward(batchOf([cut], 0, classes.length - cut - 1));
    say(chart({ '· bits per character while learning': history.loss.map((point) => point.loss / Math.LN2) }));
    let symbol = symbols.indexOf('\n');
    let written = '';
    let from: States | undefined;
    for (let k = 0; k < write; k++) {
      const { output, states } = net.forward({ x: [[symbol]] }, { from, predict: true });
      from = states;
      // temperature 0.7
      symbol = random.choose(softmax(symbols.map((_, c) => output.get(0, 0, c) / 0.7)));
      written += symbols[symbol];
    }
    say(written.trim());
    const bits = loss / Math.LN2;
    say(
      `${bits.toFixed(3)} bits per character on text not seen; ${Math.log2(symbols.length).toFixed(3)} by chance`,
    );
    return bits;
  },
});
