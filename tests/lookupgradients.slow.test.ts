/** Gradients of networks that read class numbers. */
import fc from 'fast-check';
import { mutate, mutationScore } from '../bptt/check/mutants';
import { network } from '../bptt/network/network';
import { drawStates, problemOfNetwork } from '../bptt/check/problem';
import { elman } from '../cells/elman';
import { Random } from '../core/random/random';
import { B, checkGradients, classes, D, lengths, light, softmax, targets } from './onehotnets';

// the same examples in every run: a failure must be there again when it is looked at
fc.configureGlobal({ seed: 20 });

describe('the gradient of class numbers', () => {
  test.each(light)('%s: all other gradients are checked, by every oracle', checkGradients);

  test('mistakes in the sums by class are noticed', () => {
    const net = network({ ...softmax, layers: [elman({ input: D, hidden: 2 })], seed: 5 });
    const initial = drawStates(net.architecture, B, new Random(6));
    const problem = problemOfNetwork(net, { x: classes, targets, lengths, initial });
    const dWx = mutate(problem).mutants.filter(({ what }) => what.includes('dl0.Wx'));
    expect(dWx.map(({ what }) => what)).toEqual(
      ['drop', 'flip the sign of', 'scale by 1.001'].map((how) => `${how} dl0.Wx += · @ · [${D}, 2]`),
    );
    expect(mutationScore(problem)).toMatchObject({ survivors: [] });
  });
});
