/**
 * The bridge: initializes each state of a decoder layer with the final state of the same name in the corresponding encoder
 * layer, or with the concatenated final states of its two directions.
 *
 *   start [B, H] = s [B, H], or [→s ; ←s]
 *
 * Source: Sutskever, Vinyals & Le 2014, "Sequence to sequence learning with neural networks".
 */
import { lazyEquations } from '../../../core/equations/equations';
import type { Program } from '../../../core/programs/program';
import { must } from '../../../core/check';
import { columns, type Tensors } from '../../../core/tensor';
import { encoderOf, layersOf, type Layers, type Stack } from './stack';
import type { Unroll } from '../../unroll';

const bridgeForward = lazyEquations('bridge, forward', 's [B, H]   writes start [B, H]', 'start = s');
/** No other path reaches a final state of the encoder. */
const bridgeBackward = lazyEquations('bridge, backward', 'dStart [B, H]   writes ds [B, H]', 'ds = dStart');

/**
 * Checks that every state of the decoder has a matching one in the encoder.
 * @throws RangeError naming the first state without one of its width.
 */
export function mustBridge(all: Layers, where: string): void {
  const [readers, writers] = [encoderOf(all), layersOf(all)];
  const got = `${readers.length} and ${writers.length}`;
  must(
    readers.length === writers.length,
    where,
    'encoder and layers must have the same number of layers',
    got,
    bridge,
  );
  writers.forEach(([{ name, cell }], l) => {
    for (const [s, width] of Object.entries(cell.states)) {
      const widths = readers[l].map((reader) => reader.cell.states[s] as number | undefined);
      const names = readers[l].map((reader) => `${reader.name}.${s}`).join(' and ');
      const got = widths.some((w) => w === undefined)
        ? `none in ${readers[l].map((reader) => reader.cell.name).join(' and ')}`
        : widths.reduce((sum, w) => (sum as number) + (w as number), 0);
      must(got === width, where, `${names} must be of the width ${width} of ${name}.${s}`, got, bridge);
    }
  });
}
const bridge = 'each state of the decoder starts from the one of that name in the encoder, layer by layer';

/** Records the forward operations of the bridge. */
export function recordBridge(from: Stack, to: Stack, program: Program): void {
  overBridge(from, to, (v) => bridgeForward.record(program, v));
}

/** Records the backward operations of the bridge. */
export function recordBridgeBackward(from: Stack, to: Stack, program: Program): void {
  overBridge(from, to, (v) => bridgeBackward.record(program, v));
}

function overBridge(from: Stack, to: Stack, record: (v: Tensors) => void): void {
  to.layers.forEach(({ unrolls: [reader] }, l) => {
    for (const s of Object.keys(reader.states)) {
      let column = 0;
      for (const v of from.layers[l].unrolls.map((unroll) => final(unroll, s))) {
        const [low, high] = [column, (column += v.s.shape[1])];
        const start = columns(reader.after(0, reader.states[s]), low, high);
        const dStart = columns(reader.after(0, reader.dStates[s]), low, high);
        record({ ...v, start, dStart });
      }
    }
  });
}

function final(unroll: Unroll, s: string): Tensors {
  const { T } = unroll.options;
  return { s: unroll.after(T, unroll.states[s]), ds: unroll.after(T, unroll.dStates[s]) };
}
