"""
A model of PyTorch's as a test vector: its weights, an input, the outputs and all gradients, in float64.

    python3 examples/pytorch_vector.py
    npm run -s backstep -- verify vector.json

`save_vector` takes an nn.RNN, LSTM or GRU of any depth, from one end or both, and on request an nn.Linear with a
cross-entropy on top. Call it with your own model: verify computes everything anew and compares within 1e-10.
"""

import json
from copy import deepcopy

import torch
from torch import nn
from torch.nn import functional as F


def tensors(named):
    return {name: {"shape": list(t.shape), "data": t.detach().reshape(-1).tolist()} for name, t in named.items()}


def save_vector(path, rnn, x, head=None, targets=None):
    """x [T, B, I]. With a head, targets are class numbers: [T, B], or [B] for an answer at the last step only."""
    rnn, head, x = deepcopy(rnn).double(), deepcopy(head), x.double().requires_grad_()
    params = dict(rnn.named_parameters())
    output, states = rnn(x)
    expected = {"output": output}
    if head is None:
        weights = torch.randn_like(output)
        loss, told = (output * weights).sum(), {"type": "weighted_sum", "weights": tensors({"output": weights})}
    else:
        head = head.double()
        params.update((f"head.{name}", p) for name, p in head.named_parameters())
        last = states[0] if isinstance(rnn, nn.LSTM) else states
        both = (last[-2], last[-1]) if rnn.bidirectional else (last[-1],)
        logits = head(output if targets.dim() == 2 else torch.cat(both, -1))
        expected["logits"] = logits
        loss = F.cross_entropy(logits.flatten(0, -2), targets.flatten())
        numbers = {"shape": list(targets.shape), "data": targets.flatten().tolist(), "dtype": "int"}
        told = {"type": "cross_entropy", "reduction": "mean", "logits": "logits", "targets": numbers}
    expected["loss"] = loss.reshape(1)
    named = {**params, "x": x}
    gradients = torch.autograd.grad(loss, list(named.values()))
    kind = f"RNN_{rnn.nonlinearity.upper()}" if isinstance(rnn, nn.RNN) else type(rnn).__name__
    sizes = {"I": rnn.input_size, "H": rnn.hidden_size, "L": rnn.num_layers, "D": 1 + rnn.bidirectional}
    sizes.update({"P": rnn.proj_size} if rnn.proj_size else {})
    vector = {
        "name": path,
        "kind": kind,
        "sizes": {**sizes, "T": x.shape[0], "B": x.shape[1], "bias": rnn.bias},
        "params": tensors(params),
        "inputs": tensors({"x": x}),
        "loss": told,
        "expected": tensors(expected),
        "grads": tensors(dict(zip(named, gradients))),
    }
    with open(path, "w") as file:
        json.dump(vector, file)


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.LSTM(input_size=8, hidden_size=16, num_layers=2, bidirectional=True)
    save_vector("vector.json", model, torch.randn(10, 4, 8), nn.Linear(32, 5), torch.randint(5, (10, 4)))
