/** Importing the library must cost little: it compiles none of its own equations. */
import type * as Parsing from '../core/equations/parse';
import type * as Library from '../index';

const parsed = jest.fn();
jest.mock('../core/equations/parse', () => {
  const actual = jest.requireActual<typeof Parsing>('../core/equations/parse');
  return {
    ...actual,
    parse: (source: string, where: string) => {
      parsed(where);
      return actual.parse(source, where);
    },
  };
});

test('importing the library parses no equations; they are parsed at first use, once', () => {
  const { lossNames, network, lstm, optimizerNames } = jest.requireActual<typeof Library>('../index');
  expect(lossNames()).toContain('softmax');
  expect(optimizerNames()).toContain('adam');
  expect(parsed).not.toHaveBeenCalled();

  const step = (): void => {
    const net = network({ layers: [lstm({ input: 2, hidden: 3 })], output: 2, loss: 'softmax' });
    net.forward({ x: [[[1, 2]]], targets: [[1]] }).backward();
  };
  step();
  expect(parsed).toHaveBeenCalledWith('softmax, forward');
  const first = parsed.mock.calls.length;
  step();
  expect(parsed).toHaveBeenCalledTimes(first);
});
