/** Diagnosis of planted mistakes in deep and bidirectional networks. */
import { bidirectional, elman, lstm } from '../index';
import { networkCase } from '../bptt/check/suite/networkcase';
import { mutate } from '../bptt/check/mutants';
import { NetworkCase } from '../referee/network';
import { structuralMistakes } from '../referee/structure';
import type { Named } from '../referee/subject';

const caseOf = (options: Parameters<typeof networkCase>[3], ragged = true): NetworkCase =>
  new NetworkCase(networkCase('network', 'of this test', { ragged }, options).problem(1));

const plant = (one: NetworkCase, words: string): Named => {
  const mistakes = structuralMistakes(one.problem);
  const found = mistakes.find((mistake) => mistake.words === words);
  expect([words, mistakes.map((mistake) => mistake.words)]).toEqual([words, expect.arrayContaining([words])]);
  return one.gradientsBy(found!.backward());
};

describe('layers of two directions', () => {
  const one = caseOf(() => ({
    layers: [bidirectional(lstm({ input: 4, hidden: 2 })), bidirectional(elman({ input: 4, hidden: 2 }))],
    ...{ output: 6, loss: 'softmax' },
  }));

  test.each([
    'without what l0r sends to the gradient of the input of its layer',
    'without what l1 sends to the gradient of the input of its layer',
    'without the gradients of its own parameters, which are never added in l0r',
    'with the gradient of the output overwritten: the other direction has put that of the input there in l1r',
    "with the layer's own output in place of its input in l0r",
    'with the padding not masked: steps behind the end of a row take part in l1r',
    'with `dcNext` cut between chunks of 2 steps in l0r',
    'with the steps taken from the first to the last: the Jacobians are multiplied in forward order in l1',
    'with a sum over all steps and rows where a mean belongs in the loss (softmax)',
    'with a mean over the steps of each row, then over the rows, in the loss (softmax)',
  ])('%s', (words) => {
    // where one layer has a wrong gradient, all below it have
    const { verdict, explanations } = one.judge(plant(one, words), 'float64');
    expect(verdict).toBe('explained');
    const explanation = explanations.map((explanation) => explanation.words).join('\n');
    if (!/never added|all steps and rows/.test(words)) expect(explanation).toContain(words);
    else expect(explanation).toMatch(/l0r\.[^;]* are 0 everywhere|times ours/);
  });
});

test('every seventh planted mistake of a deep network is named from its numbers alone', () => {
  const one = caseOf(() => ({
    layers: [lstm({ input: 4, hidden: 3 }), elman({ input: 3, hidden: 2 })],
    ...{ output: 6, loss: 'squared', reduction: 'sum', trainInitial: true },
  }));
  const mutants = mutate(one.problem).mutants.filter((_, k) => k % 7 === 0);
  const wrong = mutants.map(({ what, backward }) => ({ what, gradients: one.gradientsBy(backward) }));
  expect(wrong.length).toBeGreaterThan(20);
  for (const { what, gradients } of wrong) {
    const { verdict, explanations } = one.judge(gradients, 'float64');
    if (verdict !== 'right') expect(explanations.map(({ mutant }) => mutant)).toContain(what);
  }
});
