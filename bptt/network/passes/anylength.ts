/** The calls of a network's plans of all lengths, bound once. */
import { AnySize, type BoundSample } from '../../../core/programs/anysize';
import { Arena, engineMemory } from '../../../core/memory';
import { replays, type Planned, type Shared } from './bound';
import { Plan } from './plan';
import type { PlanShape } from '../layers/stage';

/** Minimum number of steps that are recorded as loops. */
export const LOOP = 6;

export class AnyLength {
  private constructor(
    private readonly any: AnySize,
    /** Bytes of the arrays that follow those of a plan, for packed weights. */
    private readonly panels: readonly number[],
  ) {}

  /**
   * Binds the calls of all plans that differ from `shape` only in their lengths, given those of some lengths; undefined
   * if all lengths need calls of its own.
   */
  static of(network: Planned, shape: PlanShape, known: BoundSample): AnyLength | undefined {
    const memory = engineMemory();
    // the known lengths must not be those of a corner
    const origin = known.sizes.map((size) => (size < LOOP + 2 ? LOOP + 2 : LOOP));
    const [first, ...others] = AnySize.corners(origin).map((sizes, corner) => {
      const sample = (): ReturnType<typeof sampleOf> => sampleOf(network, withSizes(shape, sizes));
      // the calls of the first sample are kept, and so is its memory
      return corner === 0 ? memory.apart(sample) : memory.borrow(sample);
    });
    const any = AnySize.from([first, ...others], known);
    const isSame = others.every(({ panels }) => panels.join() === first.panels.join());
    return any && isSame ? new AnyLength(any, first.panels) : undefined;
  }

  /** The calls for a plan that was laid out in the arena. */
  at(shape: PlanShape, arena: Arena): Shared {
    const { any, panels } = this;
    for (const bytes of panels) engineMemory().allocate(bytes / 8, 'float64');
    const { arrays } = arena;
    return { replays: any.replays, objects: arrays.length, enter: () => any.set(planSizes(shape), arrays) };
  }
}

/** The lengths of a shape: T, and S if there is a source. */
export const planSizes = ({ T, source }: PlanShape): number[] => (source ? [T, source.T] : [T]);

const withSizes = (shape: PlanShape, [T, S]: readonly number[]): PlanShape => ({
  ...shape,
  T,
  ...(shape.source && { source: { ...shape.source, T: S } }),
});

/** The calls for a shape, bound without memory for numbers. */
function sampleOf(
  { architecture, parameters, executor }: Planned,
  shape: PlanShape,
): BoundSample & { panels: number[] } {
  let count = 0;
  const { made, arrays, sizes } = Arena.sketch(engineMemory(), (arena) => {
    const plan = new Plan(architecture, shape, parameters);
    count = arena.arrays.length;
    return replays(plan, executor);
  });
  return { sizes: planSizes(shape), arrays, replays: made.replays, panels: sizes.slice(count) };
}
