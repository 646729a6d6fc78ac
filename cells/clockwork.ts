/**
 * The clockwork network (Koutník, Greff, Gomez & Schmidhuber 2014): a vanilla network whose units stand in modules, each
 * with a period of its own. At time t the modules whose period divides t fire; the others keep their state.
 *
 *   x [B, D]   h, hPrev, z [B, H]   Wx [D, H]   Wh [H, H]   b [H]      H is the units of all modules
 *
 * The modules stand in the order of growing periods. A module hears those of at least its own period: itself and all
 * that stand behind it. So the slow ones feed the fast ones, never the other way, and Wh is zero where a row stands
 * before its column's module. The equations are those of one module: z, h, Wx, b are its columns, `heard` the columns of
 * hPrev from its first unit on, and Wh the rows from there on of its columns. What is zero is never multiplied.
 *
 * Forward, a module that fires
 *   z = x Wx + b
 *   z += heard Wh
 *   h = tanh(z)                          (or sigmoid(z), or relu(z))
 * Forward, a module that holds
 *   h = hPrev
 *
 * Backward, a module that fires
 *   dh = dhOut + dhNext
 *   dz = dh * (1 - h * h)                (or dh * (h * (1 - h)), or dh * step(h))
 *   dhPrev = 0
 *   dx = dz Wxᵀ
 *   dHeard += dz Whᵀ
 *   dWx += xᵀ dz
 *   dWh += heardᵀ dz
 *   db += Σ dz
 * Backward, a module that holds
 *   dhPrev = dhOut + dhNext
 *
 * Jacobian, a module that fires
 *   Jz = Whᵀ JHeard
 *   Jh = Jz * (1 - h * h)                (or Jz * (h * (1 - h)), or Jz * step(h))
 * Jacobian, a module that holds
 *   Jh = JhPrev
 */
import { must, mustBeOneOf } from '../core/check';
import { constant, type Initializer } from '../core/init';
import type { Program } from '../core/program';
import { add } from '../core/scalar';
import { statement } from '../core/statement';
import { columns, rows, transpose, type Tensors } from '../core/tensor';
import { checkCellOptions, weightInit, type Cell, type CellOptions } from './cell';
import { activationNames, elmanStatements, type Activation } from './elman';
import { fires, modulesOf, runsAt, unitsOf, type Module, type ModuleOptions, type Span } from './modules';

/** A unit that does not fire passes its state on, and the gradient back. */
const holdForward = statement(({ hPrev }) => ({ h: hPrev }));
const holdBackward = statement(({ dhOut, dhNext }) => ({ dhPrev: add(dhOut, dhNext) }));
const holdJacobian = statement(({ JhPrev }) => ({ Jh: JhPrev }));
/** The old state of a unit that fires is only heard: its gradient is what the products that follow add up. */
const clearBackward = statement(() => ({ dhPrev: 0 }));
const clearInput = statement(() => ({ dx: 0 }));

export const clockworkStatements = {
  hold: { forward: holdForward, backward: holdBackward, jacobian: holdJacobian },
  clearBackward,
  clearInput,
};

/** What `clockwork` is built from: its modules, or `hidden` units shared out over `periods`. */
export interface ClockworkOptions extends Omit<CellOptions, 'hidden'>, ModuleOptions {
  /** Time of a sequence's first step: 0 (default), at which all modules fire, or 1 for the clock that counts from 1. */
  offset?: number;
  /** f in h = f(z); default tanh. */
  activation?: Activation;
}

/**
 * A clockwork cell: modules of units that fire when their period divides the time of the step.
 *
 *   parameters Wx [D, H]   Wh [H, H]   b [H]      state h [B, H]
 *
 * Modules are given by `modules`, or by `hidden` units in equal parts and their `periods`. A module that does not fire
 * costs nothing but the copy of its state. The masked half of Wh is zero at the start, and is neither read nor does it
 * get a gradient. `clockworkCounts` says how many weights and operations that leaves.
 *
 * The clock belongs to the sequence: the same input twice gives the same output, and chunks with `initial: 'carry'` go on
 * where the clock stood. In the second direction of a bidirectional layer it counts the same steps, from their start.
 *
 * Source: Koutník, Greff, Gomez & Schmidhuber 2014, "A clockwork RNN".
 * @throws RangeError for sizes or periods below 1, periods that do not grow, units that cannot be shared out evenly;
 *   TypeError for an unknown option or activation.
 * @example clockwork({ input: 4, hidden: 6, periods: [1, 2, 4] }).parameters.Wh.shape // [6, 6]
 */
export function clockwork(options: ClockworkOptions): Cell {
  const modules = modulesOf(options, 'clockwork');
  const names = ['modules', 'periods', 'offset', 'activation'];
  checkCellOptions({ ...options, hidden: unitsOf(modules) }, 'clockwork', names);
  const { offset = 0, activation = 'tanh' } = options;
  const whole = Number.isSafeInteger(offset) && offset >= 0;
  must(whole, 'clockwork', 'offset must be a whole number >= 0', offset);
  mustBeOneOf(activation, activationNames, 'clockwork', 'activation');
  return modular(modules, options);
}

/**
 * The cell of these modules in this order: each hears itself and those behind it. In `clockwork` these are the slower
 * ones; any other order is for experiments only.
 */
export function modular(
  modules: readonly Module[],
  options: Omit<ClockworkOptions, keyof ModuleOptions>,
): Cell {
  const H = unitsOf(modules);
  const { input: D, bias = true, offset = 0, activation = 'tanh' } = options;
  const { inputInit = 'glorot', recurrentInit = 'orthogonal' } = options;
  const { forward, backward, jacobian } = elmanStatements[activation];

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

    statements: [elmanStatements[activation], clockworkStatements.hold],

    phase: (t) => modules.map((module) => (fires(module, t + offset) ? 1 : 0)).join(''),

    step(program: Program, v: Tensors, t: number) {
      for (const run of runsAt(modules, t + offset)) {
        if (!run.fires) {
          program.pointwise(holdForward, part(v, run));
          continue;
        }
        for (const module of run.modules) {
          const u = part(v, module);
          program.matmul(v.x, u.Wx, u.z, { bias: u.b });
          program.matmul(u.heard, u.Wh, u.z, { accumulate: true });
        }
        program.pointwise(forward, part(v, run));
      }
    },

    stepBackward(program: Program, v: Tensors, t: number) {
      const runs = runsAt(modules, t + offset);
      const firing = runs.filter((run) => run.fires);
      for (const run of runs) {
        const u = part(v, run);
        if (run.fires) {
          program.pointwise(backward, u);
          program.pointwise(clearBackward, u);
        } else program.pointwise(holdBackward, u);
      }
      if (firing.length === 0) program.pointwise(clearInput, v);
      firing.forEach((run, k) => {
        const u = part(v, run);
        program.matmul(u.dz, transpose(u.Wx), v.dx, { accumulate: k > 0 });
      });
      for (const module of firing.flatMap((run) => run.modules)) {
        const u = part(v, module);
        program.matmul(u.dz, transpose(u.Wh), u.dHeard, { accumulate: true });
        program.matmul(transpose(v.x), u.dz, u.dWx, { accumulate: true });
        program.matmul(transpose(u.heard), u.dz, u.dWh, { accumulate: true });
        if (bias) program.sumRows(u.dz, u.db, { accumulate: true });
      }
    },

    jacobian(program: Program, v: Tensors, t: number) {
      for (const run of runsAt(modules, t + offset)) {
        if (!run.fires) {
          program.pointwise(holdJacobian, uprightPart(v, run));
          continue;
        }
        for (const module of run.modules) {
          const u = uprightPart(v, module);
          program.matmul(transpose(u.Wh), u.JHeard, u.Jz);
        }
        program.pointwise(jacobian, uprightPart(v, run));
      }
    },
  };
}

/** The tensors of some neighbouring units under the names they have for all; `heard` and Wh are those of the first. */
export function part(v: Tensors, { from, to }: Span): Tensors {
  const own: Tensors = { ...v };
  for (const name of ['h', 'hPrev', 'dhOut', 'dhNext', 'dhPrev', 'z', 'dz', 'Wx', 'b', 'dWx', 'db'])
    if (v[name]) own[name] = columns(v[name], from, to);
  const end = v.h.shape[1];
  own.heard = columns(v.hPrev, from, end);
  own.Wh = columns(rows(v.Wh, from, end), from, to);
  own.dHeard = columns(v.dhPrev, from, end);
  own.dWh = columns(rows(v.dWh, from, end), from, to);
  return own;
}

/** The same where the values of one row stand upright, as in the Jacobian. */
export function uprightPart(v: Tensors, { from, to }: Span): Tensors {
  const own: Tensors = { ...v };
  for (const name of ['h', 'Jh', 'JhPrev', 'Jz']) own[name] = rows(v[name], from, to);
  const [end] = v.h.shape;
  own.JHeard = rows(v.JhPrev, from, end);
  own.Wh = columns(rows(v.Wh, from, end), from, to);
  return own;
}

/** What each module hears is drawn on its own; the rest is zero. */
function masked(modules: readonly Module[], each: Initializer): Initializer {
  return (t, random) => {
    constant(0)(t, random);
    const H = t.shape[0];
    let from = 0;
    for (const { units } of modules) {
      each(columns(rows(t, from, H), from, from + units), random);
      from += units;
    }
  };
}
