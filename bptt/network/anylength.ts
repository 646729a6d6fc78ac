/** The calls of a network's plans of all lengths, bound once. */
import { AnySize, type Sample } from '../../core/anysize';
import { Arena, engineMemory } from '../../core/memory';
import { replays, type Planned, type Shared } from './bound';
import { Plan } from './plan';
import type { PlanShape } from './stage';

/** Minimum number of steps that are recorded as loops. */
export const LOOP = 6;

export class AnyLength {
  private constructor(
    private readonly any: AnySize,
    /** Bytes of the arrays that follow those of a plan, for packed weights. */
    private readonly panels: readonly number[],
  ) {}

  /**
   * Binds the calls of all plans that differ from `shape` only in their length, given those of one length; undefined if
   * each length needs calls of its own.
   */
  static of(network: Planned, shape: PlanShape, known: Sample): AnyLength | undefined {
    const memory = engineMemory();
    const [T, next] = [LOOP, LOOP + 1, LOOP + 2].filter((size) => size !== known.size);
    // the calls of the first sample are kept, and so is its memory
    const first = memory.apart(() => sampleOf(network, { ...shape, T }));
    const second = memory.borrow(() => sampleOf(network, { ...shape, T: next }));
    const any = AnySize.from([first, second, known]);
    const isSame = second.panels.join() === first.panels.join();
    return any && isSame ? new AnyLength(any, first.panels) : undefined;
  }

  /** The calls for a plan of T steps that was laid out in the arena. */
  at(T: number, arena: Arena): Shared {
    const { any, panels } = this;
    for (const bytes of panels) engineMemory().allocate(bytes / 8, 'float64');
    const { arrays } = arena;
    return { replays: any.replays, objects: arrays.length, enter: () => any.set(T, arrays) };
  }
}

/** The calls for a shape, bound without memory for numbers. */
function sampleOf(
  { architecture, parameters, executor }: Planned,
  shape: PlanShape,
): Sample & { panels: number[] } {
  let count = 0;
  const { made, arrays, sizes } = Arena.sketch(engineMemory(), (arena) => {
    const plan = new Plan(architecture, shape, parameters);
    count = arena.arrays.length;
    return replays(plan, executor);
  });
  return { size: shape.T, arrays, replays: made.replays, panels: sizes.slice(count) };
}
