"""PyTorch's nn.LSTM, nn.GRU and nn.RNN, with autograd: answers `backstep referee --cell gru -- python3 pytorch.py`.

`DTYPE=float32` in the environment computes in single precision.
"""
import json
import os
import sys

import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

dtype = os.environ.get("DTYPE", "float64")
layers = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}


def tensor(numbers):
    return torch.tensor(numbers, dtype=getattr(torch, dtype))


def answer(q):
    T, B, D, H = (q["sizes"][axis] for axis in "TBDH")
    p, gru = {name: tensor(v) for name, v in q["parameters"].items()}, q["cell"] == "gru"
    net = layers[q["cell"]](D, H).to(tensor([]).dtype)
    with torch.no_grad():  # PyTorch's matrices are [out, in]; the second bias only adds, but for that of the gate n
        net.weight_ih_l0.copy_(p["Wx"].T)
        net.weight_hh_l0.copy_(p["Wh"].T)
        net.bias_ih_l0.copy_(p["b"])
        net.bias_hh_l0.zero_()
        if gru:
            net.bias_hh_l0[2 * H :] = p["bhn"]
    x = tensor(q["x"]).requires_grad_()
    start = {s: tensor(v)[None].requires_grad_() for s, v in q["initial"].items()}
    states = (start["h"], start["c"]) if "c" in start else start["h"]
    packed = pack_padded_sequence(x, q["lengths"], enforce_sorted=False)
    output, end = net(packed, states)
    output, _ = pad_packed_sequence(output, total_length=T)
    final = dict(zip("hc", end)) if "c" in start else {"h": end}
    loss = (output * tensor(q["dOutput"])).sum()
    for s, state in final.items():
        loss = loss + (state[0] * tensor(q["dFinal"][s])).sum()
    loss.backward()
    gradients = dict(dx=x.grad, dWx=net.weight_ih_l0.grad.T, dWh=net.weight_hh_l0.grad.T, db=net.bias_ih_l0.grad)
    gradients.update({f"d{s}0": state.grad[0] for s, state in start.items()})
    if gru:
        gradients["dbhn"] = net.bias_hh_l0.grad[2 * H :]
    return dict(
        id=q["id"],
        dtype=dtype,
        output=output.tolist(),
        final={s: state[0].tolist() for s, state in final.items()},
        gradients={name: gradient.tolist() for name, gradient in gradients.items()},
    )


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
