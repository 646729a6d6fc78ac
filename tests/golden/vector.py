"""What every golden vector is made of: seeded draws, losses, gradients by autograd, the order of the keys."""

import zlib

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Draw:
    """Random tensors that depend on the name of the vector alone, so adding a vector changes no other."""

    def __init__(self, name):
        self.random = np.random.RandomState(zlib.crc32(name.encode()))

    def normal(self, *shape, scale=1.0):
        return torch.tensor(self.random.standard_normal(shape) * scale)

    def uniform(self, *shape, bound=0.7):
        return torch.tensor(self.random.uniform(-bound, bound, shape))

    def integers(self, high, *shape):
        return torch.tensor(self.random.randint(0, high, shape))


def encode(value):
    """Every tensor in a nest of mappings and lists to {shape, data, dtype?}."""
    if isinstance(value, torch.Tensor):
        out = {"shape": list(value.shape), "data": value.detach().reshape(-1).tolist()}
        if not value.is_floating_point():
            out["dtype"] = "int"
        return out
    if isinstance(value, dict):
        return {key: encode(item) for key, item in value.items()}
    if isinstance(value, list):
        return [encode(item) for item in value]
    return value


def gradients(loss, leaves):
    """dL/d(leaf) by name; a leaf that the loss does not reach has a zero gradient."""
    found = torch.autograd.grad(loss, list(leaves.values()), retain_graph=True, allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if grad is None else grad
        for (name, leaf), grad in zip(leaves.items(), found)
    }


def weighted_sum(draw, expected, over=None):
    """A loss that reaches every element of the named outputs with its own random weight."""
    weights = {name: draw.normal(*expected[name].shape) for name in over or expected}
    value = sum((expected[name] * weight).sum() for name, weight in weights.items())
    return {"type": "weighted_sum", "weights": weights}, value


def cross_entropy(logits, targets, key="logits"):
    value = F.cross_entropy(logits.reshape(-1, logits.shape[-1]), targets.reshape(-1), reduction="mean")
    return {"type": "cross_entropy", "reduction": "mean", "logits": key, "targets": targets}, value


def vector(name, kind, sizes, equations, params, inputs, init, loss, value, expected, notes=None, hyper=None):
    """One vector in the order of its file. Every floating-point input and every init gets a gradient."""
    leaves = {**params, **{k: v for k, v in inputs.items() if v.is_floating_point()}, **init}
    out = {"name": name, "kind": kind, "sizes": sizes, "equations": equations}
    if notes:
        out["notes"] = notes
    if hyper:
        out["hyper"] = hyper
    return {
        **out,
        "params": params,
        "inputs": inputs,
        "init": init,
        "loss": loss,
        "expected": {**expected, "loss": value.item()},
        "grads": gradients(value, leaves),
    }


def leaf(tensor):
    return tensor.clone().requires_grad_(True)


def leaves_of(**tensors):
    return {name: leaf(tensor) for name, tensor in tensors.items()}
