/** Equations over tensors of declared shapes, for everything except cells: output layers, losses, updates, attention. */
import { lazy } from '../once';
import { Program, type Executor } from '../programs/program';
import type { Tensors } from '../tensor';
import { Block, type Compiled } from './block';
import { declare } from './declare';

/**
 * Compiles equations, ready to be recorded.
 *
 * @param where prefix of error messages.
 * @param shapes the inputs, then after `writes` the tensors that are written, and after `adds` those that are only added
 *   to: `x [N, D]   W [D, H]   b [H]   writes h [N, H]`. Other names that the equations write are not stored.
 * @throws EquationError for a syntax error, an unknown name or a shape mismatch.
 * @example
 * const layer = equations('layer', 'h [N, H]   Wy [H, O]   by [O]   writes y [N, O]', 'y = h @ Wy + by');
 * const program = new Program();
 * layer.record(program, { h: zeros([4, 3]), Wy: zeros([3, 2]), by: zeros([2]), y: zeros([4, 2]) });
 */
export function equations(where: string, shapes: string, text: string): Compiled {
  const { inputs, writes, adds } = declare(shapes, ['writes', 'adds'], `${where}, shapes`).sections;
  const block = new Block(text, where, { given: inputs, outputs: writes, accumulators: adds });
  const wanted = [...Object.keys(writes), ...Object.keys(adds)];
  block.mustWrite(wanted);
  block.mustUse(new Set(wanted));
  const compiled = block.compile(wanted);
  for (const name of Object.keys(compiled.stored))
    if (!wanted.includes(name))
      throw block.errorIn(name, `${name} needs a tensor of its own: declare it behind "writes"`);
  return compiled;
}

/** The same, compiled at first use: for this library's own equations, so that importing it compiles none of them. */
export function lazyEquations(...text: Parameters<typeof equations>): Compiled {
  const compiled = lazy(() => equations(...text));
  return {
    source: text[2],
    get stored() {
      return compiled().stored;
    },
    get statements() {
      return compiled().statements;
    },
    get elementwise() {
      return compiled().elementwise;
    },
    record: (program, tensors) => compiled().record(program, tensors),
  };
}

/** Binds equations to named tensors; returns a function that runs them on the executor. */
export function bound(text: Compiled, executor: Executor, tensors: Tensors): () => void {
  const program = new Program();
  text.record(program, tensors);
  return program.bind(executor);
}
