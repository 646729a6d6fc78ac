/**
 * The mutation score of a suite: how many wrong forward passes it would detect.
 *
 * A mistake counts for a kind of layer if it is possible in one of the suite's cases of that kind: a suite without
 * sequence lengths is not scored on them. Equivalent mutants, proved so over finite fields, are left out.
 */
import { Random } from '../core/random/random';
import { Subject, type Named } from '../referee/subject';
import { sameFunction } from './exactly';
import type { Flat, RecurrentLayer } from './layer';
import { rightPass, wrongPasses, type WrongPass } from './mistakes';
import { cellOfOperator, formOf, type Operator } from './operator';
import { passes, type SuiteCase } from './suite';

/** A suite's score for layers of one kind. */
export interface Score {
  form: string;
  /** Number of cases of that kind that the right forward pass passes. */
  cases: number;
  killed: number;
  total: number;
  /** Number of mutants proved to compute the same function. */
  equivalent: number;
  /** The mistakes that the suite would not detect. */
  survivors: string[];
}

/** The scores of a suite, one for each kind of layer in it. Cases that the right forward pass fails are ignored. */
export function suiteScores(cases: readonly SuiteCase[]): Score[] {
  const groups = new Map<string, SuiteCase[]>();
  for (const one of cases) {
    // absent biases and peepholes count as zeros
    const form = formOf({ ...one.layer.operator, peepholes: false });
    groups.set(form, [...(groups.get(form) ?? []), one]);
  }
  return Array.from(groups, ([form, members]) => scoreOf(form, members));
}

function scoreOf(form: string, members: SuiteCase[]): Score {
  const has = (part: 'bias' | 'peepholes'): boolean => members.some(({ layer }) => layer.operator[part]);
  const operator = { ...members[0].layer.operator, bias: has('bias'), peepholes: has('peepholes') };
  const lifted = members
    .map((one) => ({ ...one, layer: lift(one.layer, operator) }))
    .filter((one) => passes(one, rightPass(one.layer, inNumbers) ?? []));
  const score: Score = { form, cases: lifted.length, killed: 0, total: 0, equivalent: 0, survivors: [] };
  const equivalent = equivalence(operator);
  for (const wrong of wrongPasses(cellOfOperator(operator, { input: 2, hidden: 3 }))) {
    let possible = false;
    const killed = lifted.some((one) => {
      const values = wrong.values(one.layer, inNumbers);
      possible ||= values !== undefined;
      return values !== undefined && !passes(one, values);
    });
    if (!possible) continue;
    if (!killed && equivalent(wrong)) {
      score.equivalent++;
      continue;
    }
    score.total++;
    if (killed) score.killed++;
    else score.survivors.push(wrong.words);
  }
  return score;
}

const inNumbers = (question: ConstructorParameters<typeof Subject>[0]): Named => new Subject(question).run();

/** The same layer with zeros for absent biases and peepholes. */
function lift(layer: RecurrentLayer, operator: Operator): RecurrentLayer {
  const { parameters } = cellOfOperator(operator, { input: layer.D, hidden: layer.H });
  const whole = (given: Flat): Flat =>
    Object.fromEntries(
      Object.entries(parameters).map(([p, { shape }]) => [
        p,
        given[p] ?? Array<number>(shape.reduce((product, n) => product * n, 1)).fill(0),
      ]),
    );
  const directions = layer.directions.map((one) => ({ ...one, parameters: whole(one.parameters) }));
  return { ...layer, operator, directions };
}

/** Decides whether a mutant is equivalent, on a layer with both directions, lengths, states and biases. */
function equivalence(operator: Operator): (wrong: WrongPass) => boolean {
  const layer = wholeLayer(operator);
  return ({ values }) => {
    if (values(layer, inNumbers) === undefined) return false;
    return sameFunction(
      (run) => rightPass(layer, run),
      (run) => values(layer, run),
    );
  };
}

/** Random integers: these are exact in every field. */
const LARGEST = 2 ** 20;

function wholeLayer(operator: Operator): RecurrentLayer {
  const random = new Random(1);
  const draw = (count: number): number[] => Array.from({ length: count }, () => 1 + random.below(LARGEST));
  const [T, B, D, H] = [3, 2, 4, 3];
  const cell = cellOfOperator(operator, { input: D, hidden: H });
  const direction = (reverse: boolean): RecurrentLayer['directions'][number] => ({
    reverse,
    parameters: Object.fromEntries(
      Object.entries(cell.parameters).map(([p, { shape }]) => [p, draw(shape.reduce((n, d) => n * d, 1))]),
    ),
    initial: Object.fromEntries(Object.keys(cell.states).map((s) => [s, draw(B * H)])),
  });
  const directions = [direction(false), direction(true)];
  return { operator, T, B, D, H, x: draw(T * B * D), lengths: [3, 2], directions };
}
