/** Groups of parameters that an optimizer updates with a learning rate or a weight decay of their own. */
import { must } from '../../core/check';
import { sizeOf, zeros, type Tensors } from '../../core/tensor';
import { namedBy, type Parameters } from '../network/parameters';
import type { ElementRange } from '../network/usedrows';
import { settle, type OptimizerOptions, type Rule } from './updates';

/** The parameters of a group and their update. */
export interface Group {
  readonly rule: Rule;
  /** The numbers [1] of the update that change with the step. */
  readonly scalars: Tensors;
  /** Its learning rate as a multiple of that of the optimizer. */
  readonly share: number;
  /** Its elements in ascending order; none for the parameters that are in no group. */
  readonly ranges: readonly ElementRange[];
}

/**
 * The parameters that are in no group, then the groups of the options.
 * @throws RangeError for a name of no trained parameter, and for a parameter in two groups.
 */
export function groupsOf(parameters: Parameters, options: OptimizerOptions): Group[] {
  const where = `optimizer ${options.name}`;
  const { groups = [], ...common } = options;
  const taken = new Set<string>();
  const group = (own: object, ranges: ElementRange[]): Group => {
    const given = Object.entries(own).filter(([, value]) => value !== undefined);
    const settled = settle({ ...common, ...Object.fromEntries(given) });
    const names = Object.keys(settled.rule.numbers(1, 0));
    return {
      rule: settled.rule,
      scalars: Object.fromEntries(names.map((name) => [name, zeros([1], parameters.dtype)])),
      share:
        ranges.length === 0 ? 1 : (settled.options.learningRate as number) / (common.learningRate as number),
      ranges: ranges.sort((a, b) => a.from - b.from),
    };
  };
  const made = groups.map(({ parameters: names, ...own }) => {
    const members = names.flatMap((name) => {
      const found = namedBy(parameters.trained, name);
      const why = 'they are trained';
      must(found.length > 0, where, `groups must name ${parameters.trained.join(', ')}`, name, why);
      return found;
    });
    for (const name of members) {
      must(!taken.has(name), where, 'a parameter must be in one group', `${name} in two`);
      taken.add(name);
    }
    return group(
      own,
      members.map((name) => {
        const { offset, shape } = parameters.values[name];
        return { from: offset, to: offset + sizeOf(shape) };
      }),
    );
  });
  return [group({}, []), ...made];
}

/** Divides a range of elements into those of each group, in ascending order. */
export function dividedBy(
  [others, ...groups]: readonly Group[],
  { from, to }: ElementRange,
): (ElementRange & { group: Group })[] {
  const parts: (ElementRange & { group: Group })[] = [];
  const all = groups.flatMap((group) => group.ranges.map((range) => ({ ...range, group })));
  let at = from;
  for (const range of all.sort((a, b) => a.from - b.from)) {
    const [low, high] = [Math.max(range.from, at), Math.min(range.to, to)];
    if (low >= high) continue;
    if (low > at) parts.push({ from: at, to: low, group: others });
    parts.push({ from: low, to: high, group: range.group });
    at = high;
  }
  if (at < to) parts.push({ from: at, to, group: others });
  return parts;
}
