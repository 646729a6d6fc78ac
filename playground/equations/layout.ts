/** Arranges the data flow of a cell for a drawing: where its values stand, and how the paths between them run. */
import * as exported from '@dagrejs/dagre';
import type { CellEquations } from '../../cells/cell';
import { flowOf, type FlowGraph, type FlowNode } from './graph';
import { GAP, NUMBER } from './sizes';

// the ES module, unlike its types, has a default export alone
type Graph = InstanceType<typeof exported.graphlib.Graph>;
const { graphlib, layout } = (exported as { default?: typeof exported }).default ?? exported;

const [HEIGHT, CIRCLE] = [30, 26];
/** Width of a letter of the labels in pixels, and of a digit of the numbers. */
const [LETTER, DIGIT] = [8, 6.2];
/** Letters of the longest number, −1.23e−12. */
const LONGEST = 9;

export interface Box {
  /** The middle. */
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A data flow and the places of its parts, as plain data. */
export interface DiagramLayout {
  name: string;
  flow: FlowGraph;
  /** One for each node of the flow. */
  boxes: Box[];
  /** The points of each edge of the flow. */
  paths: { x: number; y: number }[][];
  width: number;
  height: number;
}

/**
 * The layout of a cell's data flow, from the left to the right; takes tens of milliseconds.
 * @param numbered whether there is room for numbers.
 */
export function layoutOf(
  equations: Pick<CellEquations, 'name' | 'shapes' | 'forward'>,
  numbered = false,
): DiagramLayout {
  const flow = flowOf(equations);
  const graph: Graph = new graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: 'LR', nodesep: 16, ranksep: GAP, edgesep: 10 });
  for (const node of flow.nodes) graph.setNode(node.id, { ...sizeOf(node, numbered) });
  // a direct path is kept straight
  flow.edges.forEach((edge, k) => graph.setEdge(edge.from, edge.to, { weight: edge.direct ? 8 : 1 }, `${k}`));
  // inputs stand at the left, outputs at the right
  for (const { id, kind } of flow.nodes) {
    if (kind === 'input') graph.setEdge('start', id, { weight: 100 });
    if (kind === 'output') graph.setEdge(id, 'end', { weight: 100 });
  }
  for (const border of ['start', 'end']) graph.setNode(border, { width: 0, height: 0 });
  layout(graph);
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return {
    name: equations.name,
    flow,
    boxes: flow.nodes.map(({ id }) => graph.node(id) as Box),
    paths: flow.edges.map(
      ({ from, to }, k) => (graph.edge({ v: from, w: to, name: `${k}` }) as { points: Box[] }).points,
    ),
    width,
    height,
  };
}

function sizeOf({ kind, label, name }: FlowNode, numbered: boolean): { width: number; height: number } {
  const isNumbered = numbered && (kind !== 'operation' || name !== undefined);
  const [least, more] = isNumbered ? [8 + DIGIT * LONGEST, NUMBER] : [0, 0];
  if (kind === 'operation')
    return { width: Math.max(CIRCLE, least, 10 + LETTER * label.length), height: CIRCLE + more };
  const letters = kind === 'function' ? label.length + (name ? name.length + 3 : 0) : label.length;
  return { width: Math.max(HEIGHT, least, 16 + LETTER * letters), height: HEIGHT + more };
}
