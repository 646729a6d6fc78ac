/** The language of equations: parsing, execution, and error messages. */
import { cell, type CellEquations } from '../cells/define';
import { Block } from '../core/equations/block';
import { declare } from '../core/equations/declare';
import { EquationError } from '../core/equations/error';
import { equations } from '../core/equations/equations';
import { limits, parse } from '../core/equations/parse';
import { expressionText } from '../core/equations/text';
import { constant, glorot } from '../core/random/init';
import { plain } from '../core/programs/plain';
import { Program } from '../core/programs/program';
import { tensor, toFlat, zeros } from '../core/tensor';
import { gradcheck } from '../bptt/check/gradcheck';

/** The error message of `make`, without the lines that show the source. */
function errorOf(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    expect(error).toBeInstanceOf(EquationError);
    return (error as Error).message.split('\n')[0];
  }
  throw new Error('nothing was thrown');
}

const rightOf = (line: string): string => expressionText(parse(line, 'test')[0].expression);

describe('reading', () => {
  test.each([
    ['y = a + b * c', 'a + b * c'],
    ['y = (a + b) * c', '(a + b) * c'],
    ['y = a - (b - c)', 'a - (b - c)'],
    ['y = a - b - c', 'a - b - c'],
    ['y = a / (b * c) / d', 'a / (b * c) / d'],
    ['y = -a * b', '-a * b'],
    ['y = -(a * b)', '-(a * b)'],
    ['y = x.T @ (a * b)', 'x.T @ (a * b)'],
    ['y = select(a, 1.5e-3, -2)', 'select(a, 0.0015, -2)'],
    ['y = sum( a , axis=1 ) # the row', 'sum(a, axis=1)'],
    ['y = sum(a, axis=0)', 'sum(a)'],
    ['y = logsumexp(a, axis=1)', 'logsumexp(a, axis=1)'],
    ['  y=tanh(a)', 'tanh(a)'],
  ])('%s', (line, text) => {
    expect(rightOf(line)).toBe(text);
    expect(rightOf(`y = ${text}`)).toBe(text);
  });

  test('blank lines and comments hold no equation; a comment belongs to its line', () => {
    const read = parse('# first\n\n  a = x   # the input\n\n  b += a', 'test');
    expect(read.map(({ name, accumulate, comment }) => [name, accumulate, comment])).toEqual([
      ['a', false, 'the input'],
      ['b', true, ''],
    ]);
  });

  test.each([
    ['y = a $ b', 'test, line 1, column 7: unexpected character "$"'],
    [
      'y = a^2',
      'test, line 1, column 6: unexpected character "^": there is no power, write a product: h * h',
    ],
    ['y = a ** 2', 'test, line 1, column 8: there is no power, write a product: h * h'],
    [
      'y = a ⊙ b',
      'test, line 1, column 7: unexpected character "⊙": write * for elementwise products, @ for matrix products',
    ],
    ['y = a − b', 'test, line 1, column 7: unexpected character "−": write -'],
    ['δh = a', 'test, line 1, column 1: unexpected character "δ": write dh for the gradient of h'],
    ["y = a @ b'", `test, line 1, column 10: unexpected character "'": the transpose is .T`],
    ['y = a @ b.t', 'test, line 1, column 10: unexpected character ".": the transpose is .T'],
    ['y = （a', 'test, line 1, column 5: unexpected character "（": write it as an ASCII character'],
    ['y = dz (1 - a)', 'test, line 1, column 5: unknown function "dz"; to multiply, write dz * (…)'],
    ['x = 1\ny = thanh(a)', 'test, line 2, column 5: unknown function "thanh" (did you mean tanh?)'],
    ['y = tanh(a', 'test, line 1, column 9: this bracket is never closed'],
    ['y = a)', 'test, line 1, column 6: this bracket was never opened'],
    ['y = tanh(a, b)', 'test, line 1, column 5: tanh takes 1 argument, got 2'],
    ['y = select(a)', 'test, line 1, column 5: select takes 3 arguments, got 1'],
    ['y = logsumexp(a)', 'test, line 1, column 5: logsumexp needs axis=1: it runs along each row'],
    ['y = sum(a, axis=2)', 'test, line 1, column 17: axis must be 0 or 1, got "2"'],
    ['y = tanh(a, axis=1)', 'test, line 1, column 5: tanh has no axis'],
    ['y =', 'test, line 1, column 4: expected a value, got the end of the line'],
    ['y', 'test, line 1, column 2: expected = or +=, got the end of the line'],
    ['y a', 'test, line 1, column 3: expected = or +=, got "a"'],
    ['1 = a', 'test, line 1, column 1: an equation must begin with a name, got "1"'],
    ['y = a b', 'test, line 1, column 7: expected an operator, got "b"'],
    ['y = a * * b', 'test, line 1, column 9: expected a value, got "*"'],
    ['y = constructor(a)', 'test, line 1, column 5: the name constructor is reserved'],
    ['y = a + __proto__', 'test, line 1, column 9: the name __proto__ is reserved'],
    ['valueOf = a', 'test, line 1, column 1: the name valueOf is reserved'],
    [`y = ${'z'.repeat(65)}`, 'test, line 1, column 5: a name must have at most 64 characters, got 65'],
  ])('%j is refused', (text, message) => expect(errorOf(() => parse(text, 'test'))).toBe(message));

  test('the line is shown with a caret below its place, cut where it is long', () => {
    const shown = (text: string): string[] => {
      try {
        parse(text, 'test');
      } catch (error) {
        return (error as Error).message.split('\n').slice(1);
      }
      return [];
    };
    expect(shown('x = 1\n  y = a $ b')).toEqual(['      y = a $ b', '            ^']);
    const [line, caret] = shown(`y = ${'a + '.repeat(200)}$`);
    expect(line).toHaveLength(104 - 50);
    expect(line[caret.length - 1]).toBe('$');
  });

  test('text of any size and depth ends in an error, or works', () => {
    expect(errorOf(() => parse('x'.repeat(limits.characters + 1), 'test'))).toMatch(
      /at most 200000 characters, got 200001/,
    );
    expect(errorOf(() => parse(`y = ${'a + '.repeat(600)}a`, 'test'))).toMatch(
      /a line must have at most 2000 characters/,
    );
    expect(errorOf(() => parse(`y = ${'('.repeat(900)}a${')'.repeat(900)}`, 'test'))).toMatch(
      /nest at most 100 deep/,
    );
    expect(errorOf(() => parse(`y = ${'-'.repeat(900)}a`, 'test'))).toMatch(/nest at most 100 deep/);
    expect(rightOf(`y = ${'a + '.repeat(400)}a`)).toHaveLength(1601);
    expect(parse('a = b\n'.repeat(10_000), 'test')).toHaveLength(10_000);
  });
});

describe('names and shapes', () => {
  const given = { x: ['B', 'D'], W: ['D', 'H'], V: ['H', 'H'], b: ['H'], s: ['B', '1'] };
  const message = (text: string): string =>
    errorOf(() => new Block(text, 'test', { given, outputs: { y: ['B', 'H'] } }));

  test.each([
    ['y = x @ V', 'x [B, D] @ V [H, H]: inner sizes must agree'],
    ['y = x @ W.T', 'x [B, D] @ W.T [H, D]: inner sizes must agree'],
    ['y = x + b', 'x [B, D] and b [H] do not fit together'],
    ['y = x', 'y is [B, H], but x is [B, D]'],
    ['y = sum(x, axis=1)', 'y is [B, H], but sum(x, axis=1) is [B, 1]'],
    ['y = b.T', 'only a matrix has a transpose, got b [H]'],
    ['y = sum(b)', 'only a matrix can be summed, got b [H]'],
    ['z = V.T', 'a transpose can only stand in a product'],
    ['x = 1', 'x is given and cannot be written'],
    ['z = x\nz = x', 'z is written twice'],
    ['z = y', 'y is read before it is written'],
    ['z += x', 'z must be written before it is added to'],
    ['z = hPrew', 'unknown name "hPrew"'],
    ['zoo = x\nz = zo', 'unknown name "zo" (did you mean zoo?)'],
  ])('%j: %s', (text, reason) => expect(message(text).replace(/^.*?column \d+: /, '')).toBe(reason));

  test('a row, a column and a single number are stretched', () => {
    const block = new Block('y = (x @ W) * s + b + 1\nz = y', 'test', { given, outputs: { y: ['B', 'H'] } });
    expect(block.scope.written.get('z')).toEqual(['B', 'H']);
  });

  test('a line that nothing reads is said', () => {
    const shapes = 'x [B, D]   W [D, H]   writes y [B, H]';
    expect(errorOf(() => equations('test', shapes, 'z = x\ny = x @ W'))).toMatch(
      /z is written, but never read/,
    );
    expect(errorOf(() => equations('test', shapes, 'z = x @ W\nu = z * 2'))).toMatch(/y is never written/);
    expect(errorOf(() => equations('test', shapes, 'z = x @ W\ny = z * 2'))).toMatch(
      /z needs a tensor of its own/,
    );
  });

  test.each([
    ['x [D', 'expected ], got the end'],
    ['x D', 'expected [, got D'],
    ['[D]', 'expected a name, got ['],
    ['x [D] x [H]', 'x is declared twice'],
    ['x [0]', 'expected a size, got 0'],
    ['x, [D]', 'expected a name, got ['],
    ['gates a = i [H', 'expected ], got the end'],
    ['states states [H]', 'expected a name, got ['],
  ])('declarations: %j: %s', (text, reason) => {
    const declaring = errorOf(() => declare(text, ['states'], 'test, shapes'));
    expect(declaring.replace(/^.*?column \d+: /, '')).toBe(reason);
  });
});

describe('running', () => {
  const x = tensor([1, 2, 3, 4, 5, 6], [2, 3], 'float64');
  const W = tensor([1, 0, 0, 1, 2, -1], [3, 2], 'float64');
  const b = tensor([10, 20], [2], 'float64');
  const run = (text: string, writes: string, shape: number[]): number[] => {
    const y = zeros(shape, 'float64');
    const program = new Program();
    equations('test', `x [N, D]   W [D, H]   b [H]   writes y [${writes}]`, text).record(program, {
      x,
      W,
      b,
      y,
      t: zeros([2, 2]),
    });
    program.bind(plain)();
    return toFlat(y);
  };

  // by hand: x @ W = [7 -1; 16 -1]
  test.each([
    ['y = x @ W', 'N, H', [2, 2], [7, -1, 16, -1]],
    ['y = x @ W + b', 'N, H', [2, 2], [17, 19, 26, 19]],
    ['y = b + x @ W', 'N, H', [2, 2], [17, 19, 26, 19]],
    ['y = x @ W + x @ W', 'N, H', [2, 2], [14, -2, 32, -2]],
    ['y = b * 2\ny += x @ W', 'N, H', [2, 2], [27, 39, 36, 39]],
    ['y = b * 2 + x @ W', 'N, H', [2, 2], [27, 39, 36, 39]],
    ['y = sum(x)', 'D', [3], [5, 7, 9]],
    ['y = sum(x, axis=1)', 'N, 1', [2, 1], [6, 15]],
    ['y = x.T @ x', 'D, D', [3, 3], [17, 22, 27, 22, 29, 36, 27, 36, 45]],
    ['two = x * 2\nthree = two + x\ny = three * 1', 'N, D', [2, 3], [3, 6, 9, 12, 15, 18]],
  ])('%j', (text, writes, shape, expected) => expect(run(text, writes, shape)).toEqual(expected));

  test('a value that something is added to after its last use is stored whole', () => {
    const declared = { given: { x: ['N', 'D'], W: ['D', 'H'] }, outputs: { y: ['N', 'H'] } };
    const block = new Block('q = x @ W\nr = q * 2\ny = r + 1\nr += x @ W', 'test', declared);
    const [y, q, r] = [0, 1, 2].map(() => zeros([2, 2]));
    const program = new Program();
    block.compile(['y']).record(program, { x, W, y, q, r });
    program.bind(plain)();
    expect([y, r].map(toFlat)).toEqual([
      [15, -1, 33, -1],
      [21, -3, 48, -3],
    ]);
  });

  test('elementwise lines become one loop, wherever products and sums between them allow it', () => {
    const program = new Program();
    const names = { x, y: zeros([2, 3]), z: zeros([2, 3]), s: zeros([3]) };
    const shapes = 'x [N, D]   writes y, z [N, D]   s [D]';
    equations('test', shapes, 'y = x * 2\ns = sum(y)\nz = x + y').record(program, names);
    expect(program.operations.map(({ kind }) => kind)).toEqual(['pointwise', 'reduction']);
    const waiting = new Program();
    equations('test', shapes, 'y = x * 2\ns = sum(y)\nz = x + s').record(waiting, names);
    expect(waiting.operations.map(({ kind }) => kind)).toEqual(['pointwise', 'reduction', 'pointwise']);
  });
});

const leaky: CellEquations = {
  name: 'leaky',
  shapes: 'x [D]   states h [H]   parameters Wx [D, H]   k [H]',
  forward: `
    a = x @ Wx
    h = k * hPrev + tanh(a)`,
  backward: `
    dh = dhOut + dhNext
    dhPrev = dh * k
    dk += sum(dh * hPrev)
    ta = tanh(a)
    da = dh * (1 - ta * ta)
    dx = da @ Wx.T
    dWx += x.T @ da`,
};
const make = (changes: Partial<CellEquations>) =>
  cell({ ...leaky, ...changes }, { sizes: { D: 3, H: 5 }, init: { Wx: glorot(), k: constant(0.5) } });

describe('a cell from text', () => {
  test('is checked like any other', () => {
    const { ok, rows } = gradcheck(make({}));
    expect(ok).toBe(true);
    expect(rows.length).toBeGreaterThan(0);
    expect(make({}).buffers).toEqual({ a: 5, da: 5, dkRow: 5 });
  });

  test('a wrong line is found', () => {
    const wrong = leaky.backward.replace('1 - ta * ta', '1 - ta');
    expect(gradcheck(make({ backward: wrong })).ok).toBe(false);
  });

  test('a Jacobian is checked too', () => {
    const jacobian = 'Jh = k * JhPrev';
    expect(gradcheck(make({ jacobian })).ok).toBe(true);
    expect(gradcheck(make({ jacobian: 'Jh = JhPrev' })).ok).toBe(false);
  });

  test('products and sums may stand anywhere', () => {
    const forward = `h = k * hPrev + tanh(x @ Wx) * sum(x, axis=1)`;
    const backward = `
      dh = dhOut + dhNext
      dhPrev = dh * k
      dk += sum(dh * hPrev)
      ta = tanh(x @ Wx)
      total = sum(x, axis=1)
      da = dh * total * (1 - ta * ta)
      dx = da @ Wx.T + sum(dh * ta, axis=1)
      dWx += x.T @ da`;
    expect(gradcheck(make({ forward, backward })).ok).toBe(true);
  });

  test.each<[Partial<CellEquations>, string]>([
    [{ shapes: 'x [D]   parameters Wx [D, H]   k [H]' }, 'there must be a state: states h [H]'],
    [{ shapes: 'states h [H]' }, 'the input x must be declared, and no other: x [D]'],
    [
      { shapes: `${leaky.shapes}   q [H]`, backward: `${leaky.backward}\ndq += sum(dh)` },
      'q is declared, but never read',
    ],
    [{ forward: 'a = x @ Wx' }, 'h is never written'],
    [{ backward: leaky.backward.replace('dx =', 'dxx =') }, 'dx is never written'],
    [
      { backward: leaky.backward.replace('dWx +=', 'dWx =') },
      'dWx is a sum over all steps: add to it with +=',
    ],
    [{ backward: leaky.backward.replace('dk += sum(dh * hPrev)', '') }, 'dk is never written'],
    [
      { backward: leaky.backward.replace('dk += sum(dh * hPrev)', 'dk += dh * hPrev') },
      'dk is [H], but dh * hPrev is [B, H]',
    ],
    [{ backward: leaky.backward.replace('dhNext', 'dhNxt') }, 'unknown name "dhNxt" (did you mean dhNext?)'],
    [{ forward: '' }, 'h is never written'],
    [{ backward: '' }, 'dx is never written'],
    [{ jacobian: 'Jq = JhPrev\nJh = k * JhPrev' }, 'Jq is written, but never read'],
    [{ forward: `${leaky.forward}\n q = a` }, 'q is written, but never read'],
  ])('%j: %s', (changes, reason) =>
    expect(errorOf(() => make(changes)).replace(/^.*?column \d+: /, '')).toBe(reason),
  );

  test('a gate takes the place of what it was computed from, which is said to whoever wants it back', () => {
    const gated: CellEquations = {
      name: 'gated',
      shapes: 'x [D]   states h [H]   gates a = f g [H]   parameters Wx [D, 2H]',
      forward: `
        a = x @ Wx
        f = sigmoid(af)
        g = tanh(ag)
        h = f * hPrev + g`,
      backward: `
        dh = dhOut + dhNext
        daf = dh * hPrev * f * (1 - f)
        dag = dh * (1 - g * g)
        dhPrev = dh * f
        dx = da @ Wx.T
        dWx += x.T @ da`,
    };
    const making = { sizes: { D: 3, H: 5 }, init: { Wx: glorot() } };
    expect(cell(gated, making).buffers).toEqual({ a: 10, da: 10 });
    expect(gradcheck(cell(gated, making)).ok).toBe(true);
    // a user-defined name may hold all gates as well, and so may an operand of a sum
    const twice = gated.backward.replace('dx = da', 'dv = 1 * da\n        dx = dv').replace('@ da', '@ dv');
    expect(gradcheck(cell({ ...gated, backward: twice }, making)).ok).toBe(true);
    const late = { ...gated, forward: `${gated.forward} + af` };
    expect(errorOf(() => cell(late, making))).toMatch(/af has been overwritten by f/);
    const half = { ...gated, backward: gated.backward.replace(/dag = .*/, '') };
    expect(errorOf(() => cell(half, making))).toMatch(/da is read before it is written/);
  });

  test('each letter of the shapes must have a size', () => {
    const sizes = { D: 3, H: 5 };
    const wide = { ...leaky, shapes: leaky.shapes.replaceAll('H', 'K') };
    expect(() => cell(wide, { sizes, init: {} })).toThrow(
      'leaky: every letter of the shapes must have a size, got K',
    );
  });
});
