"""
Loads checkpoints as they are: with nothing but PyTorch and the description of the safetensors format.

For each NAME.safetensors in the folder named: makes the torch.nn module that its metadata names, fills it by the tensors'
names, runs it on x of NAME.json, and prints the largest difference from y, relative to the largest y.
"""

import json
import re
import struct
import sys
from pathlib import Path

import torch
from torch import nn

DTYPES = {"F32": torch.float32, "F64": torch.float64}


def read(file):
    data = file.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = torch.empty(entry["shape"], dtype=DTYPES[entry["dtype"]])
        if end > begin:  # PyTorch reads no empty buffers
            flat = torch.frombuffer(bytearray(data[begin:end]), dtype=tensors[name].dtype)
            tensors[name] = flat.reshape(entry["shape"])
    return tensors, metadata


def under(prefix, tensors):
    return {name[len(prefix) :]: t for name, t in tensors.items() if name.startswith(prefix)}


worst = {}
for file in sorted(Path(sys.argv[1]).glob("*.safetensors")):
    tensors, metadata = read(file)
    weights, head = under("rnn.", tensors), under("head.", tensors)
    dtype = weights["weight_ih_l0"].dtype
    kind = re.match(r"torch\.nn\.(\w+)", metadata["module"])[1]
    layers = sum(name.startswith("weight_ih_l") for name in weights)
    hidden, inputs = weights["weight_hh_l0"].shape[1], weights["weight_ih_l0"].shape[1]
    rnn = getattr(nn, kind)(inputs, hidden, num_layers=layers).to(dtype)
    rnn.load_state_dict(weights)
    linear = nn.Linear(hidden, head["weight"].shape[0]).to(dtype)
    linear.load_state_dict(head)
    given = json.loads(file.with_suffix(".json").read_text())
    x = nn.functional.one_hot(torch.tensor(given["x"]), inputs).to(dtype)
    y = torch.tensor(given["y"], dtype=torch.float64)
    got = linear(rnn(x)[0]).double()
    worst[file.stem] = (torch.max(torch.abs(got - y)) / torch.max(torch.abs(y))).item()
print(json.dumps(worst))
