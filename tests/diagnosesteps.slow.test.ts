/** Diagnosis of mistakes in how the steps are put together. */
import { lstm } from '../index';
import { Case } from '../referee/diagnose';
import { ask } from './questions';

const sizes = { input: 4, hidden: 7 };
const lengths = [5, 2, 4];

describe('how the steps are put together', () => {
  // each keeps the mistakes that it has tried
  const [whole, ragged] = [undefined, lengths].map(
    (own) => new Case(ask(lstm(sizes), { lengths: own, seed: 5 })),
  );
  it.each([
    ['`dcNext` cut between chunks of 2 steps', whole],
    ['`dhNext` and `dcNext` cut between all steps', whole],
    ['Jacobians are multiplied in forward order', whole],
    ['at the last step alone', whole],
    ['taken from the step after', whole],
    ['without the gradient that comes from above to the last `c`', whole],
    ['the padding not masked', ragged],
  ] as const)('%s', (words, judge) => {
    const found = judge.known.find((one) => one.words.includes(words));
    expect(judge.judge(found!.gradients()!, 'float64').message).toContain(words);
  });
});
