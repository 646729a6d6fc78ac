/** The mutation score of gradients: how many wrong backward passes some cases would detect, at a given precision. */
import { Case } from '../referee/diagnose';
import type { Precision } from '../referee/errorbound';
import type { Named } from '../referee/subject';
import type { NamedLayer } from './cases';
import { questionOf } from './layer';
import { formOf } from './operator';
import type { Score } from './score';

/** The effect of a mistake: none, too small to be detected, or detected. */
type State = 'same' | 'survives' | 'killed';
interface Group {
  cases: number;
  state: Map<string, State>;
}

/**
 * The scores of the gradients of layers, one for each kind. A mistake that changes no gradient beyond float64 rounding is
 * not counted: it is an equivalent form of the same equations.
 */
export function gradientScores(layers: readonly NamedLayer[], precision: Precision): Score[] {
  const groups = new Map<string, Group>();
  for (const { layer } of layers) {
    const form = formOf(layer.operator);
    const group: Group = groups.get(form) ?? { cases: 0, state: new Map<string, State>() };
    groups.set(form, group);
    group.cases++;
    for (const direction of layer.directions) {
      const one = new Case(questionOf(layer, direction));
      const [limits, finest] = [one.tolerances(precision), one.tolerances('float64')];
      const widest = Object.fromEntries(
        Object.entries(limits).map(([name, all]) => [name, Math.max(...all)]),
      );
      for (const { words, gradients } of one.candidates()) {
        const before = group.state.get(words) ?? 'same';
        if (before === 'killed') continue;
        const wrong = gradients();
        if (!wrong) continue;
        const beyond = (allowed: (name: string, k: number) => number): boolean =>
          differs(wrong, one.ours, allowed);
        const now = beyond((name) => widest[name])
          ? 'killed'
          : beyond((name, k) => finest[name][k])
            ? 'survives'
            : before;
        group.state.set(words, now);
      }
    }
  }
  return Array.from(groups, ([form, { cases, state }]): Score => {
    const count = (what: string): number => [...state.values()].filter((one) => one === what).length;
    const survivors = [...state].filter(([, one]) => one === 'survives').map(([words]) => words);
    const killed = count('killed');
    return { form, cases, killed, total: killed + survivors.length, equivalent: count('same'), survivors };
  });
}

const differs = (wrong: Named, ours: Named, allowed: (name: string, k: number) => number): boolean =>
  Object.entries(ours).some(([name, right]) =>
    right.some((v, k) => !(Math.abs(wrong[name][k] - v) <= allowed(name, k))),
  );
