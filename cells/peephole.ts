/**
 * The statements of an LSTM whose gates also see the cell state (Gers, Schraudolph & Schmidhuber 2002).
 *
 *   pi, pf, po [H], broadcast over the rows; i and f look at cPrev, o at the new c
 *
 * Forward
 *   i = sigmoid(ai + cPrev * pi)
 *   f = sigmoid(af + cPrev * pf)
 *   g = tanh(ag)
 *   c = f * cPrev + i * g
 *   o = sigmoid(ao + c * po)
 *   tc = tanh(c)
 *   h = o * tc
 *
 * Backward
 *   dh = dhOut + dhNext
 *   dao = dh * tc * o * (1 - o)
 *   dc = dcNext + dh * o * (1 - tc * tc) + dao * po
 *   dai = dc * g * i * (1 - i)
 *   daf = dc * cPrev * f * (1 - f)
 *   dag = dc * i * (1 - g * g)
 *   dcPrev = dc * f + dai * pi + daf * pf
 *   dpiRow = dai * cPrev
 *   dpfRow = daf * cPrev
 *   dpoRow = dao * c
 *   dpi += Σ dpiRow
 *   dpf += Σ dpfRow
 *   dpo += Σ dpoRow
 *
 * Jacobian
 *   Ji = (Jai + JcPrev * pi) * i * (1 - i)
 *   Jf = (Jaf + JcPrev * pf) * f * (1 - f)
 *   Jg = Jag * (1 - g * g)
 *   Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg
 *   Jo = (Jao + Jc * po) * o * (1 - o)
 *   Jh = Jo * tc + o * Jc * (1 - tc * tc)
 */
import type { Program } from '../core/program';
import { add, mul, named, sigmoid, sub, tanh } from '../core/scalar';
import { statement } from '../core/statement';
import type { Tensors } from '../core/tensor';

export const peepholeForward = statement(({ ai, af, ag, ao, cPrev, pi, pf, po }) => {
  const i = sigmoid(add(ai, mul(cPrev, pi)));
  const f = sigmoid(add(af, mul(cPrev, pf)));
  const g = tanh(ag);
  const c = add(mul(f, cPrev), mul(i, g));
  const o = sigmoid(add(ao, mul(c, po)));
  const tc = tanh(c);
  return { i, f, g, c, o, tc, h: mul(o, tc) };
});

export const peepholeBackward = statement(
  ({ i, f, g, o, c, tc, cPrev, pi, pf, po, dhOut, dhNext, dcNext }) => {
    // two paths reach h: the output at t, and the step at t+1
    const dh = named('dh', add(dhOut, dhNext));
    const dao = mul(mul(mul(dh, tc), o), sub(1, o));
    // three paths reach c: directly from t+1, through h, and through the peephole of o
    const dc = named('dc', add(add(dcNext, mul(mul(dh, o), sub(1, mul(tc, tc)))), mul(dao, po)));
    const dai = mul(mul(mul(dc, g), i), sub(1, i));
    const daf = mul(mul(mul(dc, cPrev), f), sub(1, f));
    const dag = mul(mul(dc, i), sub(1, mul(g, g)));
    // three paths leave cPrev: the memory itself, and the peepholes of i and f
    const dcPrev = add(add(mul(dc, f), mul(dai, pi)), mul(daf, pf));
    return {
      dao,
      dai,
      daf,
      dag,
      dcPrev,
      dpiRow: mul(dai, cPrev),
      dpfRow: mul(daf, cPrev),
      dpoRow: mul(dao, c),
    };
  },
);

export const peepholeJacobian = statement(
  ({ i, f, g, o, tc, cPrev, pi, pf, po, Jai, Jaf, Jag, Jao, JcPrev }) => {
    const Ji = named('Ji', mul(mul(add(Jai, mul(JcPrev, pi)), i), sub(1, i)));
    const Jf = named('Jf', mul(mul(add(Jaf, mul(JcPrev, pf)), f), sub(1, f)));
    const Jg = named('Jg', mul(Jag, sub(1, mul(g, g))));
    const Jc = add(add(add(mul(Jf, cPrev), mul(f, JcPrev)), mul(Ji, g)), mul(i, Jg));
    const Jo = named('Jo', mul(mul(add(Jao, mul(Jc, po)), o), sub(1, o)));
    return { Jc, Jh: add(mul(Jo, tc), mul(mul(o, Jc), sub(1, mul(tc, tc)))) };
  },
);

/** Records dpi, dpf, dpo [H] += the sums of their rows. */
export function peepholeGradients(program: Program, v: Tensors): void {
  program.sumRows(v.dpiRow, v.dpi, { accumulate: true });
  program.sumRows(v.dpfRow, v.dpf, { accumulate: true });
  program.sumRows(v.dpoRow, v.dpo, { accumulate: true });
}
