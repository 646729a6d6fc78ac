/** The data flow of cells and its drawing. */
import { flowOf } from '../playground/equations/graph';
import { diagramOf } from '../playground/equations/diagram';
import { layoutOf } from '../playground/equations/layout';
import { leaky } from '../playground/engine/leaky';
import { choiceNames, choiceOf } from '../cells/kinds';
import type { CellEquations } from '../cells/cell';
import { cellFromText } from '../cells/text';

const equationsOf = (name: string): CellEquations =>
  choiceOf(name)!.make({ input: 3, hidden: 4, output: 3 }).equations!;
const drawn = choiceNames().filter((name) => choiceOf(name)!.make({ input: 3, hidden: 4 }).equations);

/** `hPrev ~> f = σ`: each edge in words; `~>` passes through weights, `=>` lies on a direct path. */
function edgesOf(equations: CellEquations): string[] {
  const { nodes, edges } = flowOf(equations);
  const words = new Map(nodes.map(({ id, label, name }) => [id, name ? `${name} = ${label}` : label]));
  return edges.map(({ from, to, weighted, direct }) =>
    [words.get(from), weighted ? '~>' : direct ? '=>' : '->', words.get(to)].join(' '),
  );
}

describe('the data flow', () => {
  test('LSTM: four weighted sums, and c is kept on a path of its own', () => {
    const edges = edgesOf(equationsOf('lstm'));
    for (const gate of ['i = σ', 'f = σ', 'g = tanh', 'o = σ'])
      for (const from of ['x', 'hPrev']) expect(edges).toContain(`${from} ~> ${gate}`);
    expect(edges.filter((edge) => edge.includes('=>'))).toEqual(['cPrev => ×', '× => c = +', 'c = + => c']);
    expect(edges).toContain('tc = tanh -> h = ×');
    expect(edges.filter((edge) => edge.includes('cPrev'))).toHaveLength(1);
  });

  test('peepholes: the cell state reaches the gates through weights, the new one the output gate', () => {
    const edges = edgesOf(equationsOf('lstm-peepholes'));
    expect(edges).toEqual(expect.arrayContaining(['cPrev ~> i = σ', 'cPrev ~> f = σ', 'c = + ~> o = σ']));
    expect(edges).not.toContain('cPrev ~> o = σ');
  });

  test('Elman: no path without weights or squashing', () => {
    expect(edgesOf(equationsOf('elman'))).toEqual(['x ~> h = tanh', 'hPrev ~> h = tanh', 'h = tanh -> h']);
  });

  test('GRU: columns of some gates are added to those gates alone', () => {
    const edges = edgesOf(equationsOf('gru'));
    expect(edges).toEqual(expect.arrayContaining(['hPrev ~> r = σ', 'hPrev ~> z = σ', 'z = σ -> 1 −']));
    expect(edges).not.toContain('hPrev ~> n = tanh');
    expect(edges.filter((edge) => edge.includes('=>'))[0]).toBe('hPrev => ×');
  });

  test('a factor stands in its operation, and keeps the path direct', () => {
    const { equations } = cellFromText({ input: 3, hidden: 4, equations: leaky });
    expect(edgesOf(equations!)).toEqual(expect.arrayContaining(['hPrev => 0.9 ×', 'n = tanh -> 0.1 ×']));
  });

  test('a value that no state depends on is left out', () => {
    const equations = { name: 'one', shapes: 'x [D] states h [H] parameters W [D, H]', backward: '' };
    const forward = 'u = tanh(x @ W)\nh = sigmoid(x @ W)';
    expect(edgesOf({ ...equations, forward })).toEqual(['x ~> h = σ', 'h = σ -> h']);
  });
});

describe.each(drawn)('the drawing of %s', (name) => {
  const { nodes, edges } = flowOf(equationsOf(name));
  const svg = diagramOf(layoutOf(equationsOf(name)));

  test('every value is on the way from an input to a new state', () => {
    for (const { id, kind } of nodes) {
      if (kind !== 'input') expect(edges.some(({ to }) => to === id)).toBe(true);
      if (kind !== 'output') expect(edges.some(({ from }) => from === id)).toBe(true);
    }
  });

  test('each value and each path is drawn once, inside the picture, and no two values overlap', () => {
    const [, left, top, width, height] = /viewBox="(\S+) (\S+) (\S+) (\S+)"/.exec(svg)!.map(Number);
    const boxes = [...svg.matchAll(/<rect x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/g)].map((match) =>
      match.slice(1).map(Number),
    );
    expect(boxes).toHaveLength(nodes.length);
    expect(svg.match(/class="flow/g)).toHaveLength(edges.length);
    boxes.forEach(([x, y, w, h], k) => {
      expect(x >= left && y >= top && x + w <= left + width && y + h <= top + height).toBe(true);
      for (const [x2, y2, w2, h2] of boxes.slice(0, k))
        expect(x + w <= x2 || x2 + w2 <= x || y + h <= y2 || y2 + h2 <= y).toBe(true);
    });
  });

  test('inputs stand at the left, new states at the right', () => {
    const centre = (kind: string): number[] =>
      [...svg.matchAll(new RegExp(`<g class="${kind}">.*?<text x="(\\S+)"`, 'g'))].map(([, x]) => Number(x));
    expect(new Set(centre('input')).size).toBe(1);
    expect(new Set(centre('output')).size).toBe(1);
    expect(centre('input')[0]).toBeLessThan(centre('output')[0]);
  });
});
