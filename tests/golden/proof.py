"""Proves a golden vector without PyTorch: `python3 tests/golden/proof.py FILE...`

The values come from naive.py. The gradients come from the same statements by the complex step,
dL/dp = Im L(p + ih)/h, which has no cancellation and so is exact to rounding. One coordinate of every tensor
is differenced centrally as well, because the complex step is blind to a formula that is not analytic.
A truncated gradient is that of the loss with the state at the start of every later chunk held at its value.
"""

import json
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import numpy as np

from naive import array, arrays, loss_of, optimize, stack_values, values

STEP = 1e-40
RELATIVE, FLOOR = 1e-10, 1e-12
CENTRAL = 1e-6  # bound on a central difference, relative to the largest gradient of the tensor
COORDINATES = 40  # per tensor, spread evenly; smaller tensors are checked throughout


def disagree(expected, found, what):
    """Sentences about the elements that are further apart than the bound; at most one per tensor."""
    expected, found = np.asarray(expected), np.asarray(found)
    if expected.shape != found.shape:
        return [f"{what}: shape {list(expected.shape)} against {list(found.shape)}"]
    if not np.all(np.isfinite(expected)):
        return [f"{what}: not finite"]
    bound = FLOOR + RELATIVE * np.maximum(np.abs(expected), np.abs(found))
    far = np.abs(expected - found) / bound
    if far.size and not far.max() <= 1:
        k = np.unravel_index(np.argmax(far), far.shape)
        return [f"{what}{[int(i) for i in k]}: {expected[k]!r} against {found[k]!r}"]
    return []


def gradient_problems(v, grads, what, restart, kinked):
    out = []
    parts = {"params": arrays(v["params"]), "inputs": arrays(v["inputs"]), "init": arrays(v.get("init", {}))}
    wanted = [(part, name) for part in parts for name in parts[part] if parts[part][name].dtype == float]
    if [name for _, name in wanted] != list(grads):
        return [f"{what}: gradients of {list(grads)}, wanted {[name for _, name in wanted]}"]

    def loss_at(part, name, k, move):
        moved = {p: dict(tensors) for p, tensors in parts.items()}
        tensor = parts[part][name].astype(np.result_type(float, type(move)))
        tensor.flat[k] += move
        moved[part][name] = tensor
        found = values(v, moved["params"], moved["inputs"], moved["init"], restart)
        return loss_of(v, found, moved["inputs"])

    for part, name in wanted:
        expected = array(grads[name])
        if expected.shape != parts[part][name].shape:
            out.append(f"{what}.{name}: shape {list(expected.shape)}, wanted {list(parts[part][name].shape)}")
            continue
        picked = range(0, expected.size, max(1, -(-expected.size // COORDINATES)))
        found = [np.imag(loss_at(part, name, k, 1j * STEP)) / STEP for k in picked]
        out += disagree(expected.flat[list(picked)], found, f"{what}.{name}")
        if kinked:
            continue
        k = int(np.argmax(np.abs(expected)))
        h = 1e-5 * max(1, abs(parts[part][name].flat[k]))
        central = (loss_at(part, name, k, h) - loss_at(part, name, k, -h)) / (2 * h)
        if abs(central - expected.flat[k]) > CENTRAL * max(1e-3, np.abs(expected).max()):
            out.append(f"{what}.{name}: central difference {central!r} against {expected.flat[k]!r} at {k}")
    return out


def optimizer_problems(v):
    out = []
    X, Y, P = array(v["inputs"]["X"]), array(v["inputs"]["Y"]), arrays(v["params"])
    for k, (step, after) in enumerate(zip(v["steps"], optimize(v))):
        error = np.array([P["W"] @ x + P["b"] - y for x, y in zip(X, Y)])
        out += disagree(step["loss_before"], 0.5 * (error**2).sum() / len(X), f"steps[{k}].loss_before")
        out += disagree(array(step["grads"]["W"]), error.T @ X / len(X), f"steps[{k}].grads.W")
        out += disagree(array(step["grads"]["b"]), error.sum(0) / len(X), f"steps[{k}].grads.b")
        for name, tensor in after.items():
            out += disagree(array(step["params_after"][name]), tensor, f"steps[{k}].params_after.{name}")
        P = arrays(step["params_after"])
    return out


def clip_problems(v):
    clip, grads = v["clip"], arrays({name: v["grads"][name] for name in v["params"]})
    norm = np.sqrt(sum((g * g).sum() for g in grads.values()))
    coef = min(1, clip["max_norm"] / (norm + 1e-6))
    out = disagree(clip["total_norm"], norm, "clip.total_norm") + disagree(clip["coef"], coef, "clip.coef")
    if list(clip["grads_after"]) != list(grads):
        return out + ["clip.grads_after: not the parameters"]
    for name, g in grads.items():
        after = array(clip["grads_after"][name])
        out += disagree(after, coef * g, f"clip.grads_after.{name}")
        if coef == 1 and not np.array_equal(after, g):
            out.append(f"clip.grads_after.{name}: changed although the norm is below max_norm")
    return out


def problems(v):
    """What is wrong in a vector; an empty list if nothing is."""
    if v["kind"] == "OPTIMIZER":
        return optimizer_problems(v)
    P, X, S = arrays(v["params"]), arrays(v["inputs"]), arrays(v.get("init", {}))
    found, out = values(v, P, X, S), []
    for name, tensor in v["expected"].items():
        what = f"expected.{name}"
        if name == "loss":
            out += disagree(tensor, loss_of(v, found, X), what)
        else:
            out += disagree(array(tensor), found[name], what) if name in found else [f"{what}: unknown"]
    restart = None
    if v["kind"].endswith("_TBPTT"):
        cell, chunk = v["kind"][: -len("_TBPTT")], v["hyper"]["chunk"]
        _, carried = stack_values(cell, P, X, S, X["x"].shape[1])
        restart = {t: carried[t] for t in range(chunk, X["x"].shape[0], chunk)}
        out += gradient_problems(v, v["grads_full_bptt"], "grads_full_bptt", None, False)
    out += gradient_problems(v, v["grads"], "grads", restart, v["kind"] == "RNN_RELU")
    if "clip" in v:
        out += clip_problems(v)
    return out


if __name__ == "__main__":
    bad = 0
    for path in sys.argv[1:]:
        with open(path) as file:
            wrong = problems(json.load(file))
        bad += bool(wrong)
        print(path, "ok" if not wrong else "FAIL")
        for line in wrong:
            print("   ", line)
    sys.exit(1 if bad else 0)
