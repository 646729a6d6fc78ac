/** Draws a piano roll: the notes of a piece, and the probability with which each was predicted. */
import { canvas } from '../../draw/canvas';
import type { Note } from './note';
import type { Piece } from './pieces';

/** Steps in the picture. */
const SHOWN = 64;
/** Probabilities below this are left white. */
const LEAST = 0.05;

/** Picture of the beginning of a piece: outlines are the notes, colors the probabilities given the steps before. */
export async function drawRoll(
  piece: Piece,
  probabilities: Float64Array,
  { lowest, pitches: K }: Note,
): Promise<string> {
  const { Plot, document, style } = await canvas();
  const shown = piece.slice(0, SHOWN);
  const cells = shown
    .flatMap((_, t) =>
      Array.from({ length: K }, (__, k) => ({ step: t + 1, note: lowest + k, p: probabilities[t * K + k] })),
    )
    .filter(({ p }) => p >= LEAST);
  const notes = shown.flatMap((step, t) => step.map((note) => ({ step: t + 1, note })));
  const all = [...cells, ...notes].map(({ note }) => note);
  const [low, high] = all.reduce(([a, b], note) => [Math.min(a, note), Math.max(b, note)], [127, 0]);
  const horizontal = { x1: (d: { step: number }) => d.step - 0.5, x2: (d: { step: number }) => d.step + 0.5 };
  const tall = { y1: (d: { note: number }) => d.note - 0.5, y2: (d: { note: number }) => d.note + 0.5 };
  const svg = Plot.plot({
    ...{ document, width: 820, height: Math.max(200, 9 * (high - low + 1) + 70), style, marginTop: 30 },
    x: { label: 'step', domain: [0.5, Math.max(1, shown.length) + 0.5], tickFormat: 'd' },
    y: {
      label: 'note (MIDI number; outlined: as written, blue: as predicted)',
      domain: [low - 0.5, high + 0.5],
      tickFormat: 'd',
    },
    color: { type: 'linear', scheme: 'blues', domain: [0, 1] },
    marks: [
      Plot.frame({ stroke: '#ddd' }),
      Plot.rect(cells, { ...horizontal, ...tall, fill: 'p' }),
      Plot.rect(notes, {
        ...horizontal,
        ...tall,
        fill: 'none',
        stroke: '#222',
        strokeWidth: 0.8,
        inset: 0.5,
      }),
    ],
  });
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  return `${svg.outerHTML}\n`;
}
