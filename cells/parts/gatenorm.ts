/**
 * The LSTM with layer normalization: what comes from the input, what comes from the old output, and the memory before its
 * tanh each get mean 0 and variance 1 over their units, then a trained gain.
 *
 * Source: Ba, Kiros & Hinton 2016, "Layer normalization" (arXiv 1607.06450), equations 20 to 22, with one bias b for their two.
 */
import type { CellEquations, Optional } from '../define';

/** Keeps the deviation above 0; the value of PyTorch. */
const EPSILON = 1e-5;

/** The tag `b` omits its text without biases. */
export const normalizedEquations = (b: Optional): CellEquations => ({
  name: 'lstm',
  shapes: `
    x [D]   states h, c [H]   gates a = i f g o [H]
    parameters Wx [D, 4H]   Wh [H, 4H]   gx, gh [4H]   gc [H]   ${b`b [4H]   bc [H]`}`,
  forward: `
    u = x @ Wx
    eu = u - sum(u, axis=1) / (4 * H)
    su = sqrt(sum(eu * eu, axis=1) / (4 * H) + ${EPSILON})
    nu = eu / su
    v = hPrev @ Wh
    ev = v - sum(v, axis=1) / (4 * H)
    sv = sqrt(sum(ev * ev, axis=1) / (4 * H) + ${EPSILON})
    nv = ev / sv
    a = gx * nu + gh * nv${b` + b`}
    i = sigmoid(ai)
    f = sigmoid(af)
    g = tanh(ag)
    o = sigmoid(ao)
    c = f * cPrev + i * g
    ec = c - sum(c, axis=1) / H
    sc = sqrt(sum(ec * ec, axis=1) / H + ${EPSILON})
    nc = ec / sc
    tc = tanh(gc * nc${b` + bc`})
    h = o * tc`,
  backward: `
    dh = dhOut + dhNext              # two paths reach h: the output at t, and the step t + 1
    dao = dh * tc * o * (1 - o)
    dz = dh * o * (1 - tc * tc)      # at the argument of the tanh
    dnc = dz * gc
    # three paths reach c: directly from t + 1, through its own unit, and through mean and deviation of all
    dc = dcNext + (dnc - sum(dnc, axis=1) / H - nc * sum(dnc * nc, axis=1) / H) / sc
    dai = dc * g * i * (1 - i)
    daf = dc * cPrev * f * (1 - f)
    dag = dc * i * (1 - g * g)
    dcPrev = dc * f
    dnu = da * gx
    du = (dnu - sum(dnu, axis=1) / (4 * H) - nu * sum(dnu * nu, axis=1) / (4 * H)) / su
    dnv = da * gh
    dv = (dnv - sum(dnv, axis=1) / (4 * H) - nv * sum(dnv * nv, axis=1) / (4 * H)) / sv
    dx = du @ Wx.T
    dhPrev = dv @ Wh.T
    dWx += x.T @ du
    dWh += hPrev.T @ dv
    dgx += sum(da * nu)
    dgh += sum(da * nv)
    dgc += sum(dz * nc)
    ${b`db += sum(da)`}
    ${b`dbc += sum(dz)`}`,
  jacobian: `
    Jv = Wh.T @ JhPrev
    Ja = gh * (Jv - sum(Jv) / (4 * H) - nv * sum(nv * Jv) / (4 * H)) / sv
    Ji = Jai * i * (1 - i)
    Jf = Jaf * f * (1 - f)
    Jg = Jag * (1 - g * g)
    Jo = Jao * o * (1 - o)
    Jc = Jf * cPrev + f * JcPrev + Ji * g + i * Jg
    Jnc = (Jc - sum(Jc) / H - nc * sum(nc * Jc) / H) / sc
    Jh = Jo * tc + o * gc * Jnc * (1 - tc * tc)`,
});
