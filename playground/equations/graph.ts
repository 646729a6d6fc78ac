/** The data flow of a cell, from its forward equations: functions, elementwise operations, and the paths between them. */
import type { CellEquations } from '../../cells/cell';
import { declare } from '../../core/equations/declare';
import type { Gates } from '../../core/equations/scope';
import { expressionText } from '../../core/equations/text';
import { namesIn } from '../../core/equations/steps';
import { parse, type Equation, type Expression } from '../../core/equations/parse';

/** A value of the data flow. */
export interface FlowNode {
  id: string;
  /** `input` and `output` are values at the border of the step; a `function` squashes, an `operation` is elementwise. */
  kind: 'input' | 'output' | 'function' | 'operation';
  /** `x`, `σ`, `×`. */
  label: string;
  /** The name that the equations give to the value. */
  name?: string;
}

/** A path from one value to the next. */
export interface FlowEdge {
  from: string;
  to: string;
  /** Whether the value is multiplied by a matrix or vector of weights on the way. */
  weighted: boolean;
  /** Whether it lies on a path of a state to the next step that meets neither weights nor a squashing function. */
  direct: boolean;
}

export interface FlowGraph {
  nodes: FlowNode[];
  edges: FlowEdge[];
  /** The name of the gates' buffer: `a`, if `ai` is what gate `i` squashes. */
  buffer: string;
}

/** The value of an expression: independent of the data, a weighted sum of nodes, or a node. */
type Value =
  | { kind: 'constant'; text: string; isWeight: boolean }
  | { kind: 'sum'; sources: readonly string[] }
  | { kind: 'node'; id: string };

const symbols: Readonly<Record<string, string>> = { sigmoid: 'σ', relu: 'ReLU' };
const operations: Readonly<Record<string, string>> = { add: '+', sub: '−', mul: '×', div: '÷' };
const reductions = { sumRows: '∑', sumColumns: '∑', logSumExp: 'log ∑ exp' } as const;

/**
 * The data flow of one step of a cell: from x and the states before to the states after it. Weighted sums are not nodes of
 * their own: their terms lead into the function that reads them.
 */
export function flowOf({
  name,
  shapes,
  forward,
}: Pick<CellEquations, 'name' | 'shapes' | 'forward'>): FlowGraph {
  const { sections, gates } = declare(shapes, ['states', 'parameters'], `${name}, shapes`);
  const equations = parse(forward, `${name}, forward`);
  const graph = new Graph(Object.keys(sections.parameters), equations, gates);
  const states = Object.keys(sections.states);
  for (const input of Object.keys(sections.inputs)) graph.input(input, input);
  for (const state of states) graph.input(`${state}Prev`, `${state}Prev`);
  for (const equation of equations) graph.assign(equation);
  for (const state of states) graph.output(state);
  return graph.flow(states);
}

class Graph {
  private nodes: FlowNode[] = [];
  private edges: Omit<FlowEdge, 'direct'>[] = [];
  private readonly values = new Map<string, Value>();
  /** How often each name is read. */
  private readonly reads = new Map<string, number>();

  constructor(
    private readonly parameters: readonly string[],
    equations: readonly Equation[],
    private readonly gates?: Gates,
  ) {
    for (const name of equations.flatMap(({ expression }) => namesIn(expression)))
      this.reads.set(name, (this.reads.get(name) ?? 0) + 1);
  }

  input(name: string, label: string): void {
    this.values.set(name, this.node('input', label));
  }

  output(state: string): void {
    const value = this.values.get(state);
    if (value) this.node('output', state, value);
  }

  assign({ name, accumulate, expression }: Equation): void {
    const added = this.value(expression);
    for (const column of this.columnsOf(name)) {
      const sum = accumulate ? this.combined('add', this.read(column), added) : added;
      const isShared = sum.kind === 'sum' && (this.reads.get(column) ?? 0) > 1;
      const value = isShared ? this.node('operation', '+', sum) : sum;
      this.values.set(column, value);
      const node = value.kind === 'node' && this.nodes.find(({ id }) => id === value.id);
      if (node && node.kind !== 'input') node.name ??= column;
    }
  }

  /** The names of the single gates whose columns a name stands for: `ar`, `az` of `arz`; else the name. */
  private columnsOf(name: string): string[] {
    const { buffer = '', names = [] } = this.gates ?? {};
    if (this.gates === undefined || !name.startsWith(buffer)) return [name];
    const gates = name === buffer ? names : [...name.slice(buffer.length)];
    return gates.every((gate) => names.includes(gate)) ? gates.map((gate) => buffer + gate) : [name];
  }

  /** Nodes and edges; values that no state depends on are left out. */
  flow(states: readonly string[]): FlowGraph {
    const back = new Set<string>(this.nodes.filter(({ kind }) => kind === 'output').map(({ id }) => id));
    for (const id of back) for (const { from, to } of this.edges) if (to === id) back.add(from);
    const nodes = this.nodes.filter(({ id }) => back.has(id));
    const edges = this.edges.filter(({ to }) => back.has(to));
    const direct = new Set(states.flatMap((state) => this.directEdges(state, nodes, edges)));
    return {
      ...{ nodes, buffer: this.gates?.buffer ?? '' },
      edges: edges.map((edge) => ({ ...edge, direct: direct.has(edge) })),
    };
  }

  /** Edges from a state to itself one step later over operations alone. */
  private directEdges<E extends Omit<FlowEdge, 'direct'>>(state: string, nodes: FlowNode[], edges: E[]): E[] {
    const squashes = new Set(nodes.filter(({ kind }) => kind === 'function').map(({ id }) => id));
    const free = edges.filter(
      ({ from, to, weighted }) => !weighted && !squashes.has(from) && !squashes.has(to),
    );
    const reached = (start: string | undefined, side: 'from' | 'to'): Set<string> => {
      const found = new Set(start === undefined ? [] : [start]);
      const other = side === 'from' ? 'to' : 'from';
      for (const id of found) for (const edge of free) if (edge[side] === id) found.add(edge[other]);
      return found;
    };
    const idOf = (kind: FlowNode['kind'], label: string): string | undefined =>
      nodes.find((node) => node.kind === kind && node.label === label)?.id;
    const forth = reached(idOf('input', `${state}Prev`), 'from');
    const back = reached(idOf('output', state), 'to');
    return free.filter(({ from, to }) => forth.has(from) && back.has(to));
  }

  private node(kind: FlowNode['kind'], label: string, ...sources: Value[]): Value {
    const id = `n${this.nodes.length}`;
    this.nodes.push({ id, kind, label });
    for (const source of sources) {
      if (source.kind === 'node') this.edges.push({ from: source.id, to: id, weighted: false });
      if (source.kind === 'sum')
        for (const from of source.sources) this.edges.push({ from, to: id, weighted: true });
    }
    return { kind: 'node', id };
  }

  private read(name: string): Value {
    const values = this.columnsOf(name).map((column) => this.values.get(column));
    const [first = { kind: 'constant', text: name, isWeight: this.parameters.includes(name) }] = values;
    return first;
  }

  private value(e: Expression): Value {
    switch (e.kind) {
      case 'number':
        return { kind: 'constant', text: String(e.value), isWeight: false };
      case 'name':
        return this.read(e.name);
      case 'transpose':
        return this.value(e.of);
      case 'reduction':
        return this.node('function', reductions[e.what], this.value(e.args[0]));
      case 'product': {
        const [one, other] = e.args.map((arg) => this.value(arg));
        if (one.kind === 'constant') return this.weighted(other);
        return other.kind === 'constant' ? this.weighted(one) : this.node('operation', '@', one, other);
      }
      case 'apply': {
        const args = e.args.map((arg) => this.value(arg));
        if (args.every(({ kind }) => kind === 'constant'))
          return {
            kind: 'constant',
            text: expressionText(e),
            isWeight: args.some((arg) => arg.kind === 'constant' && arg.isWeight),
          };
        if (e.op in operations) return this.combined(e.op, args[0], args[1]);
        return e.op === 'neg'
          ? this.combined('sub', { kind: 'constant', text: '', isWeight: false }, args[0])
          : this.node('function', symbols[e.op] ?? e.op, ...args);
      }
    }
  }

  /** A value multiplied by weights. */
  private weighted(value: Value): Value {
    const of = value.kind === 'sum' ? this.node('operation', '+', value) : value;
    return of.kind === 'node' ? { kind: 'sum', sources: [of.id] } : of;
  }

  /** A value from two by an elementwise operation. */
  private combined(op: string, one: Value, other: Value): Value {
    const sign = operations[op];
    const isSum = op === 'add' || op === 'sub';
    if (one.kind === 'sum' && other.kind === 'sum' && isSum)
      return { kind: 'sum', sources: [...one.sources, ...other.sources] };
    const [constant, value, isFirst] =
      one.kind === 'constant' ? [one, other, true] : other.kind === 'constant' ? [other, one, false] : [];
    if (constant === undefined || value === undefined || value.kind === 'constant')
      return this.node('operation', sign, one, other);
    if (value.kind === 'sum') return value; // a bias or a factor of a weighted sum
    if (constant.isWeight) return isSum ? value : this.weighted(value);
    const label = isFirst ? `${constant.text} ${sign}`.trim() : `${sign} ${constant.text}`;
    return this.node('operation', label, value);
  }
}
