/** Generates PyTorch modules for cells from their forward equations; autograd provides the backward pass. */
import { directionsOf, type DirectedCell, type Layer } from '../../bptt/network/layers/layer';
import { outputOf, type Cell, type CellEquations, type ClockedEquations } from '../../cells/cell';
import { declaredSizes } from '../../cells/declared';
import { must, mustBe } from '../../core/check';
import { declare } from '../../core/equations/declare';
import { parse, type Equation, type Expression } from '../../core/equations/parse';
import { runOf, type Gates } from '../../core/equations/scope';
import { factorOf, times, type Shape } from '../../core/equations/shapes';
import type { OperationName } from '../../core/programs/scalar';

/** The parts of `model.py` for a set of layers. */
export interface TorchCells {
  /** The classes of the cells. */
  classes: string;
  /** Lines of the model's constructor. */
  members: string;
  /** The model's method `rnn`, which replaces an `nn.RNN`. */
  method: string;
  /** Names of the states, `l0.h`, in the order in which `rnn` takes and returns them. */
  states: string[];
  /** Indices of the last layer's outputs among the states. */
  last: number[];
  /** Whether `rnn` also takes the time of the first step, for cells with a clock. */
  clocked: boolean;
}

/** Python keywords, and names that the generated code uses. */
const taken = new Set(
  `False None True and as assert async await break class continue def del elif else except finally for from global if
  import in is lambda nonlocal not or pass raise return try while with yield self torch nn F`.split(/\s+/),
);
/** Attributes of nn.Module, which are not available as parameter names. */
const attributes = new Set(
  `T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda double dump_patches eval
  extra_repr float forward get_buffer get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia
  named_buffers named_children named_modules named_parameters parameters register_buffer register_forward_hook
  register_module register_parameter requires_grad_ set_extra_state set_submodule share_memory state_dict to to_empty
  sizes train training type widths xpu zero_grad`.split(/\s+/),
);

const functions: Partial<Record<OperationName, string>> = {
  ...{ abs: 'torch.abs', exp: 'torch.exp', log: 'torch.log', log1p: 'torch.log1p', sqrt: 'torch.sqrt' },
  ...{ tanh: 'torch.tanh', sigmoid: 'torch.sigmoid', relu: 'torch.relu', stop: 'torch.detach' },
};
const signs: Partial<Record<OperationName, [sign: string, strength: number]>> = {
  ...{ add: ['+', 1], sub: ['-', 1], mul: ['*', 2], div: ['/', 2] },
};

/**
 * The PyTorch code for these layers.
 * @throws TypeError for a cell without equations, or a parameter whose name PyTorch cannot use.
 */
export function torchCells(layers: readonly Layer[]): TorchCells {
  const all = layers.map(directionsOf);
  const classes = new Map<string, { name: string; code: string }>();
  const classOf = (cell: Cell, equations: CellEquations | ClockedEquations): string => {
    const key = JSON.stringify({ ...equations, modules: [], offset: 0 }); // these two are arguments
    const made = classes.get(key);
    if (made) return made.name;
    const words = cell.name
      .split(/[^A-Za-z0-9]+/)
      .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
    const count = [...classes.values()].filter(({ code }) => code.includes(`"""${cell.name}, `)).length;
    const name = `${words.join('')}Cell${count > 0 ? count + 1 : ''}`;
    classes.set(key, { name, code: codeOf(name, cell, equations) });
    return name;
  };
  const members = all.flat().map(({ name, cell }) => {
    const equations = cell.equations ?? cell.clocked;
    mustBe(equations !== undefined, 'torch', 'the cell must be defined by equations', cell.name);
    const args = Object.entries(declaredSizes(cell, equations)).map(([letter, n]) => `${letter}=${n}`);
    if ('active' in equations) {
      const spans = equations.modules.map(({ from, to, period }) => `(${from}, ${to}, ${period})`);
      args.push(`spans=[${spans.join(', ')}]`, `offset=${equations.offset}`);
    }
    return `\n        self.${name} = ${classOf(cell, equations)}(${args.join(', ')})`;
  });
  const statesOf = ({ name, cell }: DirectedCell): string[] =>
    Object.keys(cell.states).map((s) => `${name}.${s}`);
  const states = all.flat().flatMap(statesOf);
  const clocked = all.flat().some(({ cell }) => cell.clocked);
  const named = (own: readonly DirectedCell[]): string =>
    own.map(({ name, reverse }) => `(self.${name}, ${reverse ? 'True' : 'False'})`).join(', ');
  return {
    classes: [...Array.from(classes.values(), ({ code }) => code), unrollOf(clocked)].join('\n\n'),
    members: members.join(''),
    method: methodOf(all.map((own) => `[${named(own)}]`).join(', '), clocked),
    ...{ states, clocked },
    last: all[all.length - 1].map(({ name, cell }) => states.indexOf(`${name}.${outputOf(cell).name}`)),
  };
}

const unrollOf = (
  clocked: boolean,
): string => `def unroll(cell, x, states, reverse${clocked ? ', time' : ''}):
    """All steps of x [T, B, D], from the last to the first in reverse; returns the outputs and the states at the end."""
    y = [None] * len(x)
    for t in reversed(range(len(x))) if reverse else range(len(x)):
        states = cell(x[t], *states${clocked ? ', *([time + t] if getattr(cell, "clocked", False) else [])' : ''})
        y[t] = states[0]
    return torch.stack(y), states`;

const methodOf = (layers: string, clocked: boolean): string => `
    def rnn(self, x, state${clocked ? ', time' : ''}):
        """Layer after layer, each of one cell or of one in each direction; a state is [1, B, width]."""
        before, after = iter(state or ()), []
        for k, layer in enumerate([${layers}]):
            x = self.dropout(x) if k > 0 else x
            outputs = []
            for cell, reverse in layer:
                states = [next(before)[0] if state else x.new_zeros(x.shape[1], width) for width in cell.widths]
                y, states = unroll(cell, x, states, reverse${clocked ? ', time' : ''})
                outputs.append(y)
                after += [s[None] for s in states]
            x = torch.cat(outputs, -1)
        return x, tuple(after)
`;

/** The class of a cell. */
function codeOf(name: string, cell: Cell, equations: CellEquations | ClockedEquations): string {
  const letters = Object.keys(declaredSizes(cell, equations));
  const { sections, gates } = declare(equations.shapes, ['states', 'parameters'], equations.name);
  const { states, parameters } = sections;
  for (const p of Object.keys(parameters))
    mustBe(
      !attributes.has(p) && !taken.has(p),
      'torch',
      `a parameter of ${equations.name} must have another name`,
      p,
    );
  const own = Object.entries(parameters).map(
    ([p, shape]) =>
      `        self.${p} = nn.Parameter(torch.zeros(${shape.map(sizeOf).join(', ')})${cell.parameters[p].fixed ? ', requires_grad=False' : ''})`,
  );
  const clocked = 'active' in equations;
  const fields = clocked ? ['spans', 'offset'] : [];
  const assignment = clocked
    ? 'self.spans, self.offset = spans, offset  # first unit, end and period of each module'
    : `self.sizes = (${letters.join(', ')},)`;
  return `class ${name}(nn.Module):
    """${equations.name}, one step: x [B, D] and the states before, to the states after."""

    def __init__(self, ${[...letters, ...fields].join(', ')}):
        super().__init__()
        ${assignment}
        self.widths = (${Object.values(states)
          .map(([width]) => sizeOf(width))
          .join(', ')},)
${own.join('\n')}

${clocked ? clockedStep(equations, Object.keys(parameters)) : stepOf(equations, { states, parameters, gates, letters })}`;
}

/** The names in the equations of a cell. */
interface Names {
  /** Arguments of the method. */
  given: readonly string[];
  states: Readonly<Record<string, Shape>>;
  parameters: Readonly<Record<string, Shape>>;
  gates: Gates | undefined;
  letters: readonly string[];
}

/** The method `forward` of a cell. */
function stepOf({ name, forward }: CellEquations, names: Omit<Names, 'given'>): string {
  const given = ['x', ...Object.keys(names.states).map((s) => `${s}Prev`)];
  const writer = new PythonWriter({ ...names, given });
  const results = Object.keys(names.states).map((s) => writer.variable(s));
  return `    def forward(self, ${given.map((s) => writer.variable(s)).join(', ')}):
        ${names.letters.join(', ')} = self.sizes
${linesOf(writer, forward, name)}
        return (${results.join(', ')},)
`;
}

/** The method `forward` of a cell with a clock, and those of an active and an inactive module. */
function clockedStep({ name, active, inactive }: ClockedEquations, parameters: readonly string[]): string {
  const method = (way: string, text: string, given: readonly string[]): string => {
    const writer = new PythonWriter({ given, states: {}, parameters: {}, gates: undefined, letters: [] });
    return `    @staticmethod
    def ${way}(${given.join(', ')}):
${linesOf(writer, text, name)}
        return h
`;
  };
  const weights: Readonly<Record<string, string>> = {
    Wx: 'self.Wx[:, start:end]',
    Wh: 'self.Wh[start:, start:end]',
    b: 'self.b[start:end]',
  };
  const own = parameters.map((p) => weights[p]);
  return `    clocked = True

    def forward(self, x, hPrev, time):
        parts = []
        for start, end, period in self.spans:
            if (time + self.offset) % period == 0:
                parts.append(self.active(x, hPrev[:, start:], ${own.join(', ')}))
            else:
                parts.append(self.inactive(hPrev[:, start:end]))
        return (torch.cat(parts, -1),)

${method('active', active.forward, ['x', 'heard', ...parameters])}
${method('inactive', inactive.forward, ['hPrev'])}`;
}

const linesOf = (writer: PythonWriter, text: string, name: string): string =>
  parse(text, `${name}, forward`)
    .map((one) => `        ${writer.line(one)}`)
    .join('\n');

/** Writes the size `4H` as `4 * H`. */
function sizeOf(size: string): string {
  const [factor, letter] = factorOf(size);
  if (letter === '') return String(factor);
  return factor === 1 ? letter : `${factor} * ${letter}`;
}

/** Translates equations to Python. The gates of a shared buffer become separate variables: `ai`, `af` … */
class PythonWriter {
  /** Variables, as opposed to parameters and sizes. */
  private readonly local: Set<string>;
  private readonly states: readonly string[];
  private readonly parameters: Readonly<Record<string, Shape>>;
  private readonly gates: Gates | undefined;
  private readonly letters: readonly string[];

  constructor({ given, states, parameters, gates, letters }: Names) {
    this.local = new Set(given);
    this.states = Object.keys(states);
    [this.parameters, this.gates, this.letters] = [parameters, gates, letters];
  }

  /** A valid variable name: adds `_` to Python keywords, size letters and names that the generated code uses. */
  variable(name: string): string {
    const isSize = this.letters.includes(name);
    return taken.has(name) || isSize ? `${name}_` : name;
  }

  line({ name, accumulate, expression }: Equation): string {
    const right = this.text(expression, 0);
    const part = this.partOf(name);
    if (part?.of === this.gates?.buffer && part) {
      const blocks = this.blocks(part);
      const before = blocks.length > 1 ? `torch.cat((${blocks.join(', ')}), -1)` : blocks[0];
      const whole = accumulate ? `${before} + ${this.text(expression, 1)}` : right;
      return blocks.length > 1
        ? `${blocks.join(', ')} = torch.split(${whole}, ${sizeOf((this.gates as Gates).size)}, -1)`
        : `${blocks[0]} = ${whole}`;
    }
    const known = this.local.has(name);
    this.local.add(name);
    const variable = this.variable(name);
    if (accumulate && known) return `${variable} = ${variable} + ${this.text(expression, 1)}`;
    // an expression that depends on no row has only one row, and is broadcast to all
    const alike = this.states.includes(name) && !this.readsRows(expression);
    return `${variable} = ${alike ? `torch.zeros_like(${this.variable(`${name}Prev`)}) + ${this.text(expression, 1)}` : right}`;
  }

  /** An expression, in parentheses if its precedence is below `least`. */
  private text(e: Expression, least: number): string {
    switch (e.kind) {
      case 'number':
        return e.value < 0 && least > 2 ? `(${e.value})` : String(e.value);
      case 'name':
        return this.named(e.name);
      case 'transpose':
        return `${this.text(e.of, 9)}.T`;
      case 'product':
        return inBrackets(`${this.text(e.args[0], 2)} @ ${this.text(e.args[1], 3)}`, 2, least);
      case 'reduction': {
        const from = this.text(e.args[0], 0);
        if (e.what === 'logSumExp') return `torch.logsumexp(${from}, 1, keepdim=True)`;
        return `torch.sum(${from}, ${e.what === 'sumColumns' ? '1, keepdim=True' : '0'})`;
      }
      case 'apply':
        return this.applied(e, least);
    }
  }

  private applied({ op, args }: Extract<Expression, { kind: 'apply' }>, least: number): string {
    const sign = signs[op];
    if (sign) {
      const [text, own] = sign;
      return inBrackets(`${this.text(args[0], own)} ${text} ${this.text(args[1], own + 1)}`, own, least);
    }
    if (op === 'neg') return inBrackets(`-${this.text(args[0], 3)}`, 3, least);
    const [a, b, c] = args.map((arg) => this.tensor(arg));
    if (op in functions) return `${functions[op]}(${a})`;
    // if both are equal, the engine gives the derivative to the first; torch.maximum would halve it
    if (op === 'min') return `torch.where(${a} <= ${b}, ${a}, ${b})`;
    if (op === 'max') return `torch.where(${a} >= ${b}, ${a}, ${b})`;
    if (op === 'step') return `(${a} > 0).to(x.dtype)`;
    must(op === 'select', 'torch', 'an operation must be known', op);
    return `torch.where(${a} > 0, ${b}, ${c})`;
  }

  /** A function argument: PyTorch accepts no plain number there. */
  private tensor(e: Expression): string {
    const text = this.text(e, 3);
    return this.isNumber(e) ? `x.new_tensor(${this.text(e, 0)})` : text;
  }

  private isNumber(e: Expression): boolean {
    if (e.kind === 'name') return this.letters.includes(e.name) && !this.local.has(e.name);
    return (
      e.kind === 'number' ||
      (e.kind === 'apply' && e.op in signs && e.args.every((arg) => this.isNumber(arg)))
    );
  }

  private readsRows(e: Expression): boolean {
    if (e.kind === 'number') return false;
    if (e.kind === 'name') return !(e.name in this.parameters) && !this.isNumber(e);
    return (e.kind === 'transpose' ? [e.of] : e.args).some((arg) => this.readsRows(arg));
  }

  private named(name: string): string {
    if (this.local.has(name)) return this.variable(name);
    if (name in this.parameters) return `self.${name}`;
    const part = this.partOf(name);
    if (!part) return name; // a size
    if (part.of === this.gates?.buffer) {
      const blocks = this.blocks(part);
      return blocks.length > 1 ? `torch.cat((${blocks.join(', ')}), -1)` : blocks[0];
    }
    const size = (this.gates as Gates).size;
    const [from, to] = [part.from, part.to].map((k) => (k === 0 ? '0' : sizeOf(times(size, k))));
    return `self.${part.of}[..., ${from}:${to}]`;
  }

  private blocks({ from, to }: { from: number; to: number }): string[] {
    const { buffer, names } = this.gates as Gates;
    return names.slice(from, to).map((gate) => this.variable(`${buffer}${gate}`));
  }

  /**
   * Adjacent gates of a buffer or a parameter, or the whole buffer; undefined for a single gate, which is a variable.
   */
  private partOf(name: string): { of: string; from: number; to: number } | undefined {
    const { gates, parameters } = this;
    if (!gates || gates.names.includes(name)) return undefined;
    if (name === gates.buffer) return { of: name, from: 0, to: gates.names.length };
    const total = times(gates.size, gates.names.length);
    const wholes = [gates.buffer, ...Object.keys(parameters).filter((p) => parameters[p].includes(total))];
    for (const of of wholes) {
      const run = name.startsWith(of) ? runOf(name.slice(of.length), gates.names) : undefined;
      if (run) return { of, ...run };
    }
    return undefined;
  }
}

const inBrackets = (text: string, own: number, least: number): string => (own < least ? `(${text})` : text);
