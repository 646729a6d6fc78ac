"""Golden vectors, made by PyTorch's autograd in float64.

    python3 tests/golden/make.py           write tests/golden/*.json
    python3 tests/golden/make.py --check   make them again in memory, compare with the committed
                                           files, and prove those against naive.py; exit 1 on a difference

stacks.py and optimizers.py use PyTorch's own RNN, LSTM, GRU and optimizers; cells.py writes what PyTorch
lacks in plain tensor operations. naive.py states every equation once more without PyTorch.
"""

import json
import pathlib
import sys

sys.dont_write_bytecode = True  # no __pycache__ in the source tree

import torch

import attention
import cells
import optimizers
import stacks
from proof import problems
from vector import encode

FOLDER = pathlib.Path(__file__).resolve().parent
TOLERANCE = 1e-12  # another version of PyTorch may sum in another order


def all_vectors():
    for group in (stacks, cells, attention, optimizers):
        for made in group.vectors():
            yield encode(made)


def text_of(made):
    return json.dumps(made, separators=(",", ":"), allow_nan=False) + "\n"


def difference(a, b, where=""):
    """The first place where two values differ by more than the tolerance, or None."""
    number = (int, float)
    if isinstance(a, dict) and isinstance(b, dict):
        if list(a) != list(b):
            return f"{where or 'file'}: keys {list(a)} against {list(b)}"
        pairs = [(f"{where}.{key}".lstrip("."), a[key], b[key]) for key in a]
    elif isinstance(a, list) and isinstance(b, list):
        if len(a) != len(b):
            return f"{where}: {len(a)} entries against {len(b)}"
        pairs = [(f"{where}[{k}]", one, two) for k, (one, two) in enumerate(zip(a, b))]
    elif type(a) is float and isinstance(b, number) or type(b) is float and isinstance(a, number):
        return None if abs(a - b) <= TOLERANCE * max(1, abs(a), abs(b)) else f"{where}: {a!r} against {b!r}"
    else:
        return None if a == b and type(a) is type(b) else f"{where}: {a!r} against {b!r}"
    return next((found for found in (difference(one, two, at) for at, one, two in pairs) if found), None)


def check():
    failures, seen = [], set()
    for made in all_vectors():
        path = FOLDER / f"{made['name']}.json"
        seen.add(path.name)
        if not path.exists():
            failures.append(f"{path.name}: missing; run make.py without --check")
            continue
        committed = json.loads(path.read_text())
        found = difference(committed, json.loads(text_of(made)))
        if found:
            failures.append(f"{path.name}: committed and made again differ at {found}")
        failures.extend(f"{path.name}: {problem}" for problem in problems(committed))
    for name in sorted({path.name for path in FOLDER.glob("*.json")} - seen):
        failures.append(f"{name}: make.py makes no vector of this name")
    for failure in failures:
        print(failure)
    print(f"{len(seen)} vectors, {len(failures)} differences, torch {torch.__version__}")
    return 1 if failures else 0


def write():
    total, names = 0, set()
    for made in all_vectors():
        assert made["name"] not in names, f"two vectors are called {made['name']}"
        names.add(made["name"])
        text = text_of(made)
        (FOLDER / f"{made['name']}.json").write_text(text)
        total += len(text)
    print(f"wrote {len(names)} vectors, {total} bytes, torch {torch.__version__}")
    return 0


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit("usage: make.py [--check]")
    sys.exit(check() if sys.argv[1:] else write())
