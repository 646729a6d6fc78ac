"""An LSTM in NumPy, forward and backward, that answers `backstep referee -- python3 lstm_numpy.py`.

Gates stand in the order i f g o. Each line on standard input is a question, each on standard output its answer.
"""
import json
import sys

import numpy as np


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def lstm(x, h, c, Wx, Wh, b, lengths, dOutput, dh, dc):
    T, B, _ = x.shape
    h0, c0, steps, output = h, c, [], []
    for t in range(T):
        i, f, g, o = np.split(x[t] @ Wx + h @ Wh + b, 4, axis=1)
        i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)
        live = (t < lengths)[:, None]  # a row that has ended keeps its states
        cNew = f * c + i * g
        hNew = o * np.tanh(cNew)
        steps.append((h, c, i, f, g, o, np.tanh(cNew), live))
        h, c = np.where(live, hNew, h), np.where(live, cNew, c)
        output.append(h)
    dx, dWx, dWh, db = np.zeros_like(x), np.zeros_like(Wx), np.zeros_like(Wh), np.zeros_like(b)
    for t in reversed(range(T)):
        hPrev, cPrev, i, f, g, o, tc, live = steps[t]
        dhLive = np.where(live, dh + dOutput[t], 0)
        dcLive = np.where(live, dc, 0) + dhLive * o * (1 - tc * tc)
        da = np.concatenate(
            [
                dcLive * g * i * (1 - i),
                dcLive * cPrev * f * (1 - f),
                dcLive * i * (1 - g * g),
                dhLive * tc * o * (1 - o),
            ],
            axis=1,
        )
        dx[t] = da @ Wx.T
        dWx += x[t].T @ da
        dWh += hPrev.T @ da
        db += da.sum(axis=0)
        dh, dc = np.where(live, da @ Wh.T, dh), np.where(live, dcLive * f, dc)
    gradients = dict(dx=dx, dWx=dWx, dWh=dWh, db=db, dh0=dh, dc0=dc)
    return np.array(output), dict(h=h, c=c), gradients


for line in sys.stdin:
    q = json.loads(line)
    p, start, end = ({k: np.array(v) for k, v in q[key].items()} for key in ("parameters", "initial", "dFinal"))
    lengths, x, dOutput = (np.array(q[key]) for key in ("lengths", "x", "dOutput"))
    output, final, gradients = lstm(x, **start, **p, lengths=lengths, dOutput=dOutput, dh=end["h"], dc=end["c"])
    lists = lambda arrays: {k: v.tolist() for k, v in arrays.items()}
    print(json.dumps(dict(id=q["id"], output=output.tolist(), final=lists(final), gradients=lists(gradients))), flush=True)
