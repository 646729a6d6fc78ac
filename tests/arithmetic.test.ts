/** The page's line-by-line numbers of a step: each line is recomputed from the displayed values. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { network, type NetworkOptions } from '../bptt/network/network';
import { bidirectional, type Layer } from '../bptt/network/layers/layer';
import { drawStates, fillRandom } from '../bptt/check/problem';
import { suite } from '../bptt/check/suite/suite';
import { caseSizes } from '../bptt/check/suite/networkcase';
import { isCell, type Cell } from '../cells/cell';
import { elman } from '../cells/elman';
import { embedding } from '../cells/embedding';
import { gru } from '../cells/gru';
import { jordan } from '../cells/jordan';
import { lstm } from '../cells/lstm';
import { cellFromText } from '../cells/text';
import { Random } from '../core/random/random';
import { traceOf, type Trace } from '../bptt/trace/numbers';
import { worked } from '../bptt/trace/arithmetic';
import { unitValues } from '../bptt/trace/values';
import { short } from '../core/format';
import { runnerOf } from '../bptt/network/network';

const { D, H, O } = caseSizes;
const T = 5;

/** A network with random weights on a random sequence from random states, forward and back. */
function traced(layers: NetworkOptions['layers'], classes: boolean, input = D): Trace {
  const random = new Random(3);
  const net = network({ layers, output: O, loss: 'softmax' });
  for (const t of Object.values(net.parameters.values)) fillRandom(t, random);
  const numbers = Float64Array.from({ length: T * D }, () => random.normal());
  const x = classes
    ? { shape: [T, 1], numbers: Array.from({ length: T }, () => random.below(input)) }
    : { shape: [T, 1, D], numbers };
  const targets = { shape: [T, 1], numbers: Array.from({ length: T }, () => random.below(O)) };
  return traceOf(runnerOf(net).lay({ x, targets, initial: drawStates(net.architecture, 1, random) }));
}

const functions: Record<string, (...numbers: number[]) => number> = {
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  tanh: Math.tanh,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  relu: (v) => Math.max(0, v),
  step: (v) => (v > 0 ? 1 : 0),
  stop: (v) => v,
};

/** Evaluates a displayed line, as a reader with a calculator would. */
function compute(shown: string): number {
  const text = shown.replace(/\(\d+ more: ([^)]*)\)/g, '($1)').replaceAll('−', '-');
  const tokens = text.match(/\d[\d.]*(?:e-?\d+)?|[a-z]+|\S/g) ?? [];
  let at = 0;
  const take = (token: string): boolean => tokens[at] === token && ++at > 0;
  const sum = (): number => {
    let value = product();
    for (;;)
      if (take('+')) value += product();
      else if (take('-')) value -= product();
      else return value;
  };
  const product = (): number => {
    let value = one();
    for (;;)
      if (take('·')) value *= one();
      else if (take('/')) value /= one();
      else return value;
  };
  const one = (): number => {
    if (take('-')) return -one();
    const token = tokens[at++];
    if (token === '(') {
      const value = sum();
      if (!take(')')) throw new Error(`no ) in ${shown}`);
      return value;
    }
    if (Object.hasOwn(functions, token)) return functions[token](one());
    if (!/^\d/.test(token)) throw new Error(`${token} in ${shown}`);
    return Number(token);
  };
  const value = sum();
  if (at !== tokens.length) throw new Error(`something follows in ${shown}`);
  return value;
}

/** Computes every line of every unit at every step, both ways; gives those that had no numbers, and why. */
function check({ layers }: Trace): [line: string, note: string][] {
  const unsaid = new Map<string, string>();
  const wrong: string[] = [];
  for (const layer of layers) {
    for (const step of layer.steps) {
      for (let unit = 0; unit < layer.units; unit++) {
        const values = unitValues(step, unit, layer);
        const last = new Map<string, number>();
        for (const { line, sums, note } of worked([...step.forward, ...step.backward], unit, layer)) {
          // only the gradients of weights are not of this step and row alone
          if (note === shared && /^d(W|[AB]m|b|e|p|g[xhc]|leak)\S* \+= /.test(line)) continue;
          if (note) unsaid.set(line, note);
          else if (sums.length === 0) wrong.push(`${line}: nothing`);
          for (const { gate = line.split(' ')[0], value } of sums) last.set(gate, value);
          for (const { numbers, result } of sums) {
            const computed = short(compute(numbers));
            if (computed !== result) wrong.push(`${line}: ${numbers} = ${result}, not ${computed}`);
          }
        }
        for (const [name, value] of last)
          if (name !== 'dx' && values[name] !== value) wrong.push(`${name}: ${value}, not ${values[name]}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  return [...unsaid];
}

const shared = 'added up over the rows of the batch and the steps';

describe('every line comes to what it says', () => {
  const cells = suite()
    .flatMap(({ name, cells: layers }) => layers.filter(isCell).map((cell): [string, Cell] => [name, cell]))
    .filter(([, { input }]) => input === D);
  const kinds = new Set(cells.map(([, { name }]) => name));
  test('of every kind of cell', () => {
    expect([...kinds].sort()).toEqual([
      ...[
        'clockwork',
        'dense',
        'diagonal',
        'elman',
        'gru',
        'jordan',
        'lmu',
        'lstm',
        'lstm1997',
        'mingru',
        'minlstm',
        'reservoir',
      ],
    ]);
  });

  test.each(cells)('%s', (_, cell) => {
    // fewer than there are units: the inputs, and for instance the outputs of a Jordan cell or of a projection
    const narrow = Object.entries({ ...cell.states, ...cell.buffers }).filter(([, width]) => width < H);
    const few = ['dx', ...narrow.flatMap(([name]) => [name, `d${name}`, `d${name}Prev`])];
    for (const trace of [traced([cell], false), traced([cell], true)]) {
      expect(check(trace).filter(([line]) => !few.includes(line.split(' ')[0]))).toEqual([]);
    }
    check(traced([embedding({ input: 9, width: D }), cell], true, 9));
  });

  const stacks: [string, Layer[]][] = [
    [
      'both ways',
      [bidirectional(gru({ input: D, hidden: H })), bidirectional(lstm({ input: 2 * H, hidden: 4 }))],
    ],
    ['one number in', [jordan({ input: D, hidden: H, output: 1 }), lstm({ input: 1, hidden: H })]],
    ['more outputs than units', [jordan({ input: D, hidden: 3, output: 8 })]],
    ['deep', [elman({ input: D, hidden: H }), gru({ input: H, hidden: H, reset: 'before' })]],
  ];
  test.each(['mgu', 'coupled-lstm', 'layernorm'])('of a cell from a file: %s', (name) => {
    const text = readFileSync(join(__dirname, '../examples/cells', `${name}.txt`), 'utf8');
    check(traced([cellFromText({ input: D, hidden: H, equations: text })], false));
  });

  test.each(stacks)('%s', (_, layers) => {
    check(traced(layers, true));
  });

  test.each([false, true])(
    'the states before a step are those after the step before, from the end: %s',
    (end) => {
      const cell = lstm({ input: D, hidden: H });
      const layer = traced([end ? bidirectional(cell) : cell], true).layers[end ? 1 : 0];
      for (let t = 0; t + 1 < T; t++) {
        const [to, from] = end ? [t, t + 1] : [t + 1, t];
        const { hPrev, cPrev } = unitValues(layer.steps[to], 2, layer);
        expect([hPrev, cPrev]).toEqual([layer.tracks.h[from][2], layer.tracks.c[from][2]]);
      }
    },
  );
});
