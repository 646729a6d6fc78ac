/** The equations that the tab for your own cell shows first. */
export const leaky = `# A leaky integrator: the state moves a tenth of the way to a new value.
cell leaky

shapes
  x [D]   states h [H]   parameters Wx [D, H]   Wh [H, H]   b [H]

forward
  n = tanh(x @ Wx + hPrev @ Wh + b)
  h = 0.9 * hPrev + 0.1 * n

backward
  dh = dhOut + dhNext               # two paths reach h: the output at t, and the step t + 1
  dz = 0.1 * dh * (1 - n * n)
  dhPrev = 0.9 * dh + dz @ Wh.T
  dx = dz @ Wx.T
  dWx += x.T @ dz
  dWh += hPrev.T @ dz
  db += sum(dz)

start
  Wh orthogonal
`;
