/**
 * The clockwork network (Koutník, Greff, Gomez & Schmidhuber 2014): a vanilla network whose units form modules, each
 * with its own period. At time t the modules whose period divides t are active; the others keep their state.
 *
 *   x [B, D]   h, hPrev, z [B, H]   Wx [D, H]   Wh [H, H]   b [H]      H is the total number of units
 *
 * The modules are sorted by increasing period. A module reads itself and all modules of longer periods, which follow it.
 * So slow modules feed fast ones but not vice versa, and Wh is zero where the row's module comes before the column's. Zero
 * blocks are never multiplied.
 */
import { must, mustBeOneOf, mustKnowKeys } from '../core/check';
import type { Compiled } from '../core/equations/block';
import { equations } from '../core/equations/equations';
import { constant, type Initializer } from '../core/random/init';
import type { Program } from '../core/programs/program';
import { columns, rows, type Tensors } from '../core/tensor';
import { activationNames, slopes, type Activation } from './parts/activation';
import {
  cellOptionNames,
  checkCellOptions,
  weightInit,
  type Cell,
  type CellOptions,
  type ClockedEquations,
  type StatementPair,
} from './cell';
import { when } from './define';
import {
  fires,
  modulesOf,
  placedModules,
  runsAt,
  unitCount,
  type ClockworkModule,
  type ClockworkModuleOptions,
  type UnitSpan,
} from './parts/modules';

/**
 * The equations of one module: z, h, Wx, b are its columns, `heard` [B, K] the columns of hPrev from its first unit on,
 * and Wh [K, M] its columns of Wh, with the rows from its first unit on. Equations without weights run on several adjacent
 * modules at once if all are active or all inactive.
 */
const equationsOf = (f: Activation, bias: boolean) => {
  const b = when(bias);
  return {
    // an active module
    hear: equations(
      'clockwork, forward',
      `x [B, D]   Wx [D, M]   heard [B, K]   Wh [K, M]   ${b`b [M]`}   writes z [B, M]`,
      `z = x @ Wx + heard @ Wh${b` + b`}`,
    ),
    fire: equations('clockwork, forward', 'z [B, M]   writes h [B, M]', `h = ${f}(z)`),
    fireBackward: equations(
      'clockwork, backward',
      'h, dhOut, dhNext [B, M]   writes dz [B, M]',
      `dh = dhOut + dhNext   # two paths reach h: the output at t, and the step t + 1
       dz = dh * (${slopes[f]('h')})`,
    ),
    // the old state of an active unit is read only through Wh: the products below add up its gradient
    clear: equations('clockwork, backward', 'writes dhPrev [B, M]', 'dhPrev = 0'),
    input: equations('clockwork, backward', 'dz [B, M]   Wx [D, M]   writes dx [B, D]', 'dx = dz @ Wx.T'),
    moreInput: equations('clockwork, backward', 'dz [B, M]   Wx [D, M]   adds dx [B, D]', 'dx += dz @ Wx.T'),
    noInput: equations('clockwork, backward', 'writes dx [B, D]', 'dx = 0'),
    learn: equations(
      'clockwork, backward',
      `x [B, D]   dz [B, M]   heard [B, K]   Wh [K, M]
       adds dheard [B, K]   dWx [D, M]   dWh [K, M]   ${b`db [M]`}`,
      `dheard += dz @ Wh.T
       dWx += x.T @ dz
       dWh += heard.T @ dz
       ${b`db += sum(dz)`}`,
    ),
    hearJacobian: equations(
      'clockwork, jacobian',
      'Wh [K, M]   JHeard [K, n]   writes Jz [M, n]',
      'Jz = Wh.T @ JHeard',
    ),
    fireJacobian: equations(
      'clockwork, jacobian',
      'h [M, 1]   Jz [M, n]   writes Jh [M, n]',
      `Jh = Jz * (${slopes[f]('h')})`,
    ),
    // an inactive module copies its state forward and its gradient back
    hold: equations('clockwork, forward', 'hPrev [B, M]   writes h [B, M]', 'h = hPrev'),
    holdBackward: equations(
      'clockwork, backward',
      'dhOut, dhNext [B, M]   writes dhPrev [B, M]',
      'dhPrev = dhOut + dhNext',
    ),
    holdJacobian: equations('clockwork, jacobian', 'JhPrev [M, n]   writes Jh [M, n]', 'Jh = JhPrev'),
  };
};

/** Options of `clockwork`: its modules, or `hidden` units divided evenly among `periods`. */
export interface ClockworkOptions
  extends Omit<CellOptions, 'hidden' | 'layerNorm' | 'residual'>, ClockworkModuleOptions {
  /** Time of a sequence's first step: 0 (default), when all modules are active, or 1 for a clock that counts from 1. */
  offset?: number;
  /** f in h = f(z); default tanh. */
  activation?: Activation;
}

/**
 * A clockwork cell: modules of units that are active when their period divides the time of the step.
 *
 *   parameters Wx [D, H]   Wh [H, H]   b [H]      state h [B, H]
 *
 * Modules are given by `modules`, or by `periods` with `hidden` units in equal parts. An inactive module costs only the
 * copy of its state. The masked half of Wh is initialized to zero; it is never read and gets no gradient.
 * `clockworkCounts` returns the remaining number of weights and operations.
 *
 * The clock belongs to the sequence: every sequence starts at the same time, and a pass `from` the states of another
 * continues its clock. In the reverse direction of a bidirectional layer, time also counts from the start of the sequence.
 *
 * Source: Koutník, Greff, Gomez & Schmidhuber 2014, "A clockwork RNN".
 * @throws RangeError for sizes or periods below 1, periods that do not increase, units that cannot be divided evenly;
 *   TypeError for an unknown option or activation.
 * @example clockwork({ input: 4, hidden: 6, periods: [1, 2, 4] }).parameters.Wh.shape // [6, 6]
 */
export function clockwork(options: ClockworkOptions): Cell {
  const modules = modulesOf(options, 'clockwork');
  const names = ['modules', 'periods', 'offset', 'activation'];
  // its equations are those of modules: none can be put around them
  mustKnowKeys(options, [...cellOptionNames, ...names], 'clockwork');
  checkCellOptions({ ...options, hidden: unitCount(modules) }, 'clockwork', names);
  const { offset = 0, activation = 'tanh' } = options;
  const whole = Number.isSafeInteger(offset) && offset >= 0;
  must(whole, 'clockwork', 'offset must be a whole number >= 0', offset);
  mustBeOneOf(activation, activationNames, 'clockwork', 'activation');
  return modular(modules, options);
}

/** The equations of the whole cell as text. */
function textOf(
  e: ReturnType<typeof equationsOf>,
  { bias, ...rest }: Pick<ClockedEquations, 'modules' | 'offset'> & { bias: boolean },
): ClockedEquations {
  const all = (...parts: Compiled[]): string => parts.map(({ source }) => source).join('\n');
  return {
    name: 'clockwork',
    shapes: `x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]   ${when(bias)`b [H]`}`,
    active: {
      forward: all(e.hear, e.fire),
      backward: all(e.fireBackward, e.clear, e.moreInput, e.learn),
      jacobian: all(e.hearJacobian, e.fireJacobian),
    },
    inactive: { forward: all(e.hold), backward: all(e.holdBackward), jacobian: all(e.holdJacobian) },
    ...rest,
  };
}

const paired = (forward: Compiled, backward: Compiled, jacobian: Compiled): StatementPair => ({
  forward: forward.statements[0],
  backward: backward.statements[0],
  jacobian: jacobian.statements[0],
});

/**
 * The cell of these modules in this order: each reads itself and those that follow it. In `clockwork` these are the slower
 * ones; any other order is for experiments only.
 */
export function modular(
  modules: readonly ClockworkModule[],
  options: Omit<ClockworkOptions, keyof ClockworkModuleOptions>,
): Cell {
  const H = unitCount(modules);
  const { input: D, bias = true, offset = 0, activation = 'tanh' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  const e = equationsOf(activation, bias);

  return {
    name: 'clockwork',
    input: D,
    hidden: H,
    options: { input: D, hidden: H, modules, bias, offset, activation, inputInit, recurrentInit },
    parameters: {
      Wx: { shape: [D, H], init: weightInit(inputInit, H, 'clockwork') },
      Wh: { shape: [H, H], init: masked(modules, weightInit(recurrentInit, H, 'clockwork')) },
      ...(bias && { b: { shape: [H], init: constant(0) } }),
    },
    states: { h: H },
    buffers: { z: H, dz: H },
    clocked: textOf(e, { modules: placedModules(modules), offset, bias }),

    statements: [
      paired(e.fire, e.fireBackward, e.fireJacobian),
      paired(e.hold, e.holdBackward, e.holdJacobian),
    ],

    phase: (t) => modules.map((module) => (fires(module, t + offset) ? 1 : 0)).join(''),

    step(program: Program, v: Tensors, t: number) {
      for (const run of runsAt(modules, t + offset)) {
        if (run.fires) for (const module of run.modules) e.hear.record(program, part(v, module));
        (run.fires ? e.fire : e.hold).record(program, part(v, run));
      }
    },

    stepBackward(program: Program, v: Tensors, t: number) {
      const runs = runsAt(modules, t + offset);
      const firing = runs.filter((run) => run.fires);
      for (const run of runs) {
        const u = part(v, run);
        if (run.fires) {
          e.fireBackward.record(program, u);
          e.clear.record(program, u);
        } else e.holdBackward.record(program, u);
      }
      if (firing.length === 0) e.noInput.record(program, v);
      firing.forEach((run, k) => (k === 0 ? e.input : e.moreInput).record(program, part(v, run)));
      for (const module of firing.flatMap((run) => run.modules)) e.learn.record(program, part(v, module));
    },

    jacobian(program: Program, v: Tensors, t: number) {
      for (const run of runsAt(modules, t + offset)) {
        if (run.fires)
          for (const module of run.modules) e.hearJacobian.record(program, uprightPart(v, module));
        (run.fires ? e.fireJacobian : e.holdJacobian).record(program, uprightPart(v, run));
      }
    },
  };
}

/** Views of the tensors for a range of adjacent units, under the same names; `heard` and Wh start at the first of them. */
export function part(v: Tensors, { from, to }: UnitSpan): Tensors {
  const own: Tensors = { ...v };
  for (const name of ['h', 'hPrev', 'dhOut', 'dhNext', 'dhPrev', 'z', 'dz', 'Wx', 'b', 'dWx', 'db'])
    if (v[name]) own[name] = columns(v[name], from, to);
  const end = v.h.shape[1];
  own.heard = columns(v.hPrev, from, end);
  own.Wh = columns(rows(v.Wh, from, end), from, to);
  own.dheard = columns(v.dhPrev, from, end);
  own.dWh = columns(rows(v.dWh, from, end), from, to);
  return own;
}

/** The same for the Jacobian, where the values of a row are columns. */
export function uprightPart(v: Tensors, { from, to }: UnitSpan): Tensors {
  const own: Tensors = { ...v };
  for (const name of ['h', 'Jh', 'JhPrev', 'Jz']) own[name] = rows(v[name], from, to);
  const [end] = v.h.shape;
  own.JHeard = rows(v.JhPrev, from, end);
  own.Wh = columns(rows(v.Wh, from, end), from, to);
  return own;
}

/** Initializes the block of Wh that each module reads separately; the rest is zero. */
function masked(modules: readonly ClockworkModule[], each: Initializer): Initializer {
  return (t, random) => {
    constant(0)(t, random);
    const H = t.shape[0];
    for (const { from, to } of placedModules(modules)) each(columns(rows(t, from, H), from, to), random);
  };
}
