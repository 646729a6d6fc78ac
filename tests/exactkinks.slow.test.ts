/** The exact oracle sees slopes beyond kinks that the numbers never cross. */
import { elman, gradcheck, type Cell } from '../index';
import { cell } from '../cells/define';

const sizes = { input: 4, hidden: 5 };

/** An Elman network from text with a replaced line for dz. */
const withSlope = (f: string, dz: string, extra = ''): Cell =>
  cell(
    {
      name: 'own',
      shapes: 'x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]',
      forward: `z = x @ Wx + hPrev @ Wh\n${extra}\nh = ${f}`,
      backward: `dh = dhOut + dhNext\ndz = ${dz}\ndx = dz @ Wx.T\ndhPrev = dz @ Wh.T\ndWx += x.T @ dz\ndWh += hPrev.T @ dz`,
    },
    { sizes: { D: 3, H: 4 }, init: elmanInit },
  );
const { Wx, Wh } = elman(sizes).parameters;
const elmanInit = { Wx: Wx.init, Wh: Wh.init };

describe('sees', () => {
  it('a slope that is wrong only beyond a kink that the numbers never cross', () => {
    // h = |z| for z > −30, below that −3 z, in its backward −2 z
    const f = 'select(z + 30, abs(z), -3 * z)';
    const right = withSlope(f, 'dh * select(z + 30, step(z) - step(-z), -3)');
    const wrong = withSlope(f, 'dh * select(z + 30, step(z) - step(-z), -2)');
    expect(gradcheck(wrong, { oracles: ['differences', 'forwardMode'] }).ok).toBe(true);
    expect(gradcheck(right).ok).toBe(true);
    expect(gradcheck(wrong).verdict).toBe('wrong');
    expect(gradcheck(wrong, { oracles: ['exact'] }).verdict).toBe('wrong');
  });
});
