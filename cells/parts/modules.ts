/** Modules of a clockwork network: which are active at what time, and the number of operations that this saves. */
import { must, mustBe, mustCount } from '../../core/check';

/** A group of units, active at every time that `period` divides. */
export interface ClockworkModule {
  /** Number of units, at least 1. */
  units: number;
  /** Steps from one activation to the next, at least 1. */
  period: number;
}

/** Two ways to give the modules: one by one, or as equal parts of `hidden` units. */
export interface ClockworkModuleOptions {
  /** Fastest first. */
  modules?: readonly ClockworkModule[];
  /** H, divided evenly among the modules of `periods`; with `modules`, the sum of their units. */
  hidden?: number;
  /** Periods of the modules, in increasing order: `[1, 2, 4, 8]`. */
  periods?: readonly number[];
}

/** Units `from`…`to` (exclusive). */
export interface UnitSpan {
  from: number;
  to: number;
}
/** Adjacent modules that are all active or all inactive. */
export interface ModuleGroup extends UnitSpan {
  fires: boolean;
  modules: (ClockworkModule & UnitSpan)[];
}

/**
 * The modules given by the options.
 * @throws RangeError for counts or periods below 1, periods that do not increase, or units that cannot be divided evenly.
 */
export function modulesOf(options: ClockworkModuleOptions, where: string): ClockworkModule[] {
  mustBe(typeof options === 'object' && options !== null, where, 'options must be an object', options);
  const { modules, hidden, periods } = options;
  const one = Array.isArray(modules) !== Array.isArray(periods);
  mustBe(one, where, 'either modules or hidden and periods must be lists', modules ?? periods);
  if (periods) mustCount(hidden, where, 'hidden');
  const unitsEach = (hidden ?? 0) / (periods?.length ?? 1);
  const named = modules?.map((module: ClockworkModule | null | undefined, k) => {
    must(
      typeof module === 'object' && module !== null,
      where,
      `module ${k} must be an object of units and period`,
      module,
    );
    return { units: module.units, period: module.period };
  });
  const all = named ?? (periods ?? []).map((period) => ({ units: unitsEach, period }));
  must(all.length > 0, where, 'there must be at least one module', 'none');
  all.forEach(({ period }, k) => {
    mustCount(period, where, `period ${k}`);
    const growing = k === 0 || period > all[k - 1].period;
    must(growing, where, 'periods must increase from module to module', all.map((m) => m.period).join(', '));
  });
  const even = periods === undefined || Number.isInteger(unitsEach);
  must(even, where, `hidden must be a multiple of ${all.length}`, hidden, 'one equal part for each period');
  all.forEach(({ units }, k) => mustCount(units, where, `units of module ${k}`));
  const sum = unitCount(all);
  must(
    hidden === undefined || hidden === sum,
    where,
    `hidden must be ${sum}`,
    hidden,
    'the sum of all units',
  );
  return all;
}

export const unitCount = (modules: readonly ClockworkModule[]): number =>
  modules.reduce((sum, { units }) => sum + units, 0);

export const fires = ({ period }: ClockworkModule, time: number): boolean => time % period === 0;

/** The runs of active and inactive modules at a time. */
export function runsAt(modules: readonly ClockworkModule[], time: number): ModuleGroup[] {
  const runs: ModuleGroup[] = [];
  for (const module of placedModules(modules)) {
    const { from, to } = module;
    const last = runs.at(-1);
    if (last && last.fires === fires(module, time)) {
      last.to = to;
      last.modules.push(module);
    } else runs.push({ from, to, fires: fires(module, time), modules: [module] });
  }
  return runs;
}

/** The modules with their units, one module after the other. */
export function placedModules(modules: readonly ClockworkModule[]): (ClockworkModule & UnitSpan)[] {
  let to = 0;
  return modules.map((module) => ({ ...module, from: to, to: (to += module.units) }));
}

/** Recurrent weights and operations of a clockwork network, compared with a vanilla one of as many units. */
export interface ClockworkCounts {
  /** n, the units of all modules. */
  units: number;
  /** Recurrent weights that are not masked; with g modules of k units, k² g(g+1)/2 = n²/2 + nk/2. */
  weights: number;
  /** n², the recurrent weights of a vanilla network; `ratio` = weights / vanilla. */
  vanilla: number;
  ratio: number;
  /**
   * Multiplications of the recurrent product per step and row, on average over all time; with periods 1, 2, 4, … at most
   * 2nk. A vanilla network takes n².
   */
  operations: number;
  /** n² / operations. */
  speedup: number;
}

/**
 * Counts the recurrent weights and operations of a clockwork network.
 *
 * Source: Koutník et al. 2014, section 3.
 * @throws RangeError for the same reasons as `clockwork`.
 * @example clockworkCounts({ hidden: 8, periods: [1, 2] }).weights // 48
 */
export function clockworkCounts(options: ClockworkModuleOptions): ClockworkCounts {
  const modules = modulesOf(options, 'clockworkCounts');
  const units = unitCount(modules);
  let heard = units; // number of units that the module reads: its own and those of all slower modules
  let weights = 0;
  let operations = 0;
  for (const module of modules) {
    weights += heard * module.units;
    operations += (heard * module.units) / module.period;
    heard -= module.units;
  }
  const vanilla = units * units;
  return { units, weights, vanilla, ratio: weights / vanilla, operations, speedup: vanilla / operations };
}
