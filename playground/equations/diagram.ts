/** Draws the data flow of a cell as SVG, from its equations. */
import { short } from '../../core/format';
import { greatest } from '../../core/programs/reduce';
import { arrowhead } from './arrowhead';
import type { FlowEdge, FlowGraph, FlowNode } from './graph';
import type { Box, DiagramLayout } from './layout';
import { GAP, NUMBER } from './sizes';
import { listed, say } from '../languages/say';

const MARGIN = 4;
/** Seconds that a dot takes along a path, and radii of dots. */
const [TRAVEL, SMALL, LARGE] = [1.6, 1.6, 5];

/** The numbers of one unit at one step, to be shown in the diagram. */
export interface UnitNumbers {
  /** By their names in the equations: `hPrev`, `i`, `c`; `dhOut`, `dai`, `dcPrev`. */
  numbers: Readonly<Record<string, number>>;
  /** Whether the gradients are shown, which flow against the arrows of the forward pass. */
  backward: boolean;
  /** Whether dots move along the paths. */
  moving: boolean;
}

type Path = Pick<FlowEdge, 'weighted' | 'direct'> & {
  points: DiagramLayout['paths'][number];
  /** Size of what flows along it, as a fraction of the largest, if it is known. */
  relative?: number;
};

/**
 * A cell as a diagram: the functions in boxes, elementwise operations in circles. Dashed paths are multiplied by weights;
 * thick ones lead a state to the next step without weights or squashing, so that its gradient returns unchanged but for
 * the factors on the path. With a moment, it shows the values of one unit, or its gradients: at a gate, the gradient of
 * what the gate squashes.
 */
export function diagramOf(
  { name, flow, boxes, paths, width, height }: DiagramLayout,
  moment?: UnitNumbers,
): string {
  const numbers = new Map(flow.nodes.map((node) => [node.id, moment && numberOf(node, flow, moment)]));
  const largest = greatest([
    Number.MIN_VALUE,
    ...[...numbers.values()].map((number) => Math.abs(number ?? 0)),
  ]);
  const drawn = flow.edges.map(({ from, to, weighted, direct }, k) => {
    const carried = numbers.get(moment?.backward ? to : from);
    const relative = carried === undefined ? undefined : Math.abs(carried) / largest;
    return drawPath({ points: paths[k], weighted, direct, relative }, moment);
  });
  // the borders of the layout are not drawn
  const left = GAP - MARGIN;
  const [w, h] = [width - 2 * left, height + 2 * MARGIN].map(Math.ceil);
  const label = say('diagram.label', { name, flow: inWords(flow) });
  return [
    `<svg class="diagram" viewBox="${left} ${-MARGIN} ${w} ${h}" width="${w}" height="${h}" role="img" aria-label="${label}">`,
    arrowhead,
    ...drawn,
    ...flow.nodes.map((node, k) => drawNode(node, boxes[k], moment && numbers.get(node.id))),
    '</svg>',
  ].join('');
}

/** The value of a node; on the way back, the gradient that reaches it. */
function numberOf(
  { kind, label, name }: FlowNode,
  { buffer }: FlowGraph,
  { numbers, backward }: UnitNumbers,
): number | undefined {
  const own = kind === 'input' || kind === 'output' ? label : name;
  if (own === undefined) return undefined;
  if (!backward) return numbers[own];
  if (kind !== 'output') return numbers[`d${own}`] ?? numbers[`d${buffer}${own}`];
  // what reaches a new state from outside this step
  const parts = [`d${own}Out`, `d${own}Next`]
    .map((part) => numbers[part])
    .filter((part) => part !== undefined);
  return parts.length > 0 ? parts.reduce((sum, part) => sum + part) : undefined;
}

/** @param number what is shown below the label, if it is known. */
function drawNode({ kind, label, name }: FlowNode, { x, y, width, height }: Box, number?: number): string {
  const [left, top] = [x - width / 2, y - height / 2].map(round);
  const text =
    kind === 'function' && name
      ? `${nameInSvg(name)} = ${label}`
      : kind === 'function' || kind === 'operation'
        ? label
        : nameInSvg(label);
  const radius = kind === 'function' ? 5 : Math.min(height, width) / 2;
  const line = (at: number, shown: string, attributes = ''): string =>
    `<text x="${round(x)}" y="${round(at)}" dy="0.35em"${attributes}>${shown}</text>`;
  const lines =
    number === undefined
      ? line(y, text)
      : line(y - NUMBER / 2, text) + line(y + NUMBER / 2, short(number), ' class="number"');
  return (
    `<g class="${kind}"><rect x="${left}" y="${top}" width="${round(width)}" height="${height}" rx="${radius}"/>` +
    `${lines}</g>`
  );
}

/** `hPrev` as h with the index t−1. */
function nameInSvg(name: string): string {
  const [, base, moment] = /^(\w+?)(Prev)?$/.exec(name) ?? [name, name];
  return moment ? `${base}<tspan class="index" dy="0.3em">t−1</tspan>` : base;
}

/** A curve through the middles between its points, which bends at the points; in a moment, dots move along it. */
function drawPath({ points, weighted, direct, relative }: Path, moment?: UnitNumbers): string {
  const [first, ...rest] = points;
  const middle = (k: number): string =>
    `${round((rest[k].x + rest[k + 1].x) / 2)} ${round((rest[k].y + rest[k + 1].y) / 2)}`;
  const bends = rest.slice(0, -1).map((point, k) => {
    const end = k === rest.length - 2 ? `${round(rest[k + 1].x)} ${round(rest[k + 1].y)}` : middle(k);
    return `Q${round(point.x)} ${round(point.y)} ${end}`;
  });
  const line = bends.length > 0 ? bends.join('') : `L${round(rest[0].x)} ${round(rest[0].y)}`;
  const { backward = false, moving = false } = moment ?? {};
  const kinds = ['flow', weighted && 'weighted', direct && 'direct', backward && 'back'].filter(Boolean);
  const d = `M${round(first.x)} ${round(first.y)}${line}`;
  const path = `<path class="${kinds.join(' ')}" d="${d}" marker-${backward ? 'start' : 'end'}="url(#arrow)"/>`;
  if (!moving || relative === undefined) return path;
  const radius = round(SMALL + (LARGE - SMALL) * Math.sqrt(relative));
  const ends = backward ? '1;0' : '0;1';
  return (
    `${path}<circle class="dot" r="${radius}"><animateMotion path="${d}" dur="${TRAVEL}s" ` +
    `keyPoints="${ends}" keyTimes="0;1" calcMode="linear" repeatCount="indefinite"/></circle>`
  );
}

/** For readers who do not see it: what each value is computed from. */
function inWords({ nodes, edges }: FlowGraph): string {
  const wordOf = ({ label, name }: FlowNode): string => (name ? `${name} = ${label}` : label);
  return nodes
    .filter(({ kind }) => kind !== 'input')
    .map((node) => {
      const sources = edges
        .filter(({ to }) => to === node.id)
        .map(({ from }) => nodes.find(({ id }) => id === from));
      const words = sources.map((source) => (source ? wordOf(source) : ''));
      return say('diagram.from', { value: wordOf(node), sources: listed(words) });
    })
    .join('; ');
}

const round = (v: number): number => Math.round(v * 10) / 10;
