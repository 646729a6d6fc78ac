"""Hessian-vector products by PyTorch's double backward: cases as JSON on standard input, products on standard output."""

import json
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def tensor(stored):
    return torch.tensor(stored["data"]).reshape(stored["shape"])


def product(case):
    module = getattr(torch.nn, case["module"])(
        case["input"], case["hidden"], case["layers"], bidirectional=case["directions"] == 2
    )
    head = torch.nn.Linear(case["hidden"] * case["directions"], case["output"])
    model = torch.nn.ModuleDict({"rnn": module, "head": head})
    model.load_state_dict({name: tensor(stored) for name, stored in case["weights"].items()})
    output, _ = module(torch.tensor(case["x"]))
    logits = head(output)
    loss = F.cross_entropy(logits.reshape(-1, case["output"]), torch.tensor(case["targets"]).reshape(-1))
    names, leaves = zip(*model.named_parameters())
    gradients = torch.autograd.grad(loss, leaves, create_graph=True)
    along = sum((g * tensor(case["v"][name])).sum() for name, g in zip(names, gradients))
    products = torch.autograd.grad(along, leaves)
    return {name: p.reshape(-1).tolist() for name, p in zip(names, products)}


json.dump([product(case) for case in json.load(sys.stdin)], sys.stdout)
