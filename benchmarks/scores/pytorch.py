"""
The model and the recipe of a task in PyTorch: python3 pytorch.py CASE.json prints its score on the test part.

CASE.json is what `scores.ts` writes: the sizes of the network, the settings of the run, and the examples as the task reads them.
Weights start as PyTorch draws them, and the batches of an epoch are shuffled by PyTorch.
"""

import copy
import json
import math
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

torch.set_num_threads(1)
POOL = 32  # batches that are sorted by length together
VALIDATE_EVERY = 100  # steps at most


class Stack(nn.Module):
    """A GRU over class numbers, one-hot or embedded, or over vectors."""

    def __init__(self, width, embedding, hidden, both):
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(width, embedding) if embedding else None
        self.rnn = nn.GRU(embedding or width, hidden, bidirectional=both)

    def forward(self, x, lengths, state=None):
        if x.dtype == torch.int64:
            x = self.embedding(x) if self.embedding else F.one_hot(x, self.width).float()
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        y, state = self.rnn(packed, state)
        return pad_packed_sequence(y, total_length=len(x))[0], state


class Model(nn.Module):
    def __init__(self, case):
        super().__init__()
        self.topology, decoder, hidden = case["topology"], case.get("decoder"), case["hidden"]
        directions = 2 if case.get("both") else 1
        units = hidden // directions if decoder else hidden
        self.reads = Stack(case["input"], case.get("embedding"), units, directions == 2)
        self.writes = decoder and Stack(decoder["input"], decoder["embedding"], hidden, False)
        self.start = decoder and decoder["start"]
        self.attends = bool(decoder and decoder.get("attention"))
        if self.attends:  # the score "general" of Luong et al. 2015
            assert decoder["attention"] == "general"
            self.Wa = nn.Linear(units * directions, hidden, bias=False)
            self.Wc = nn.Linear(units * directions + hidden, hidden, bias=False)
        self.head = nn.Linear(hidden if decoder else hidden * directions, case["output"])

    def forward(self, batch):
        e, state = self.reads(batch["x"], batch["lengths"])
        if self.topology == "many-to-one":
            return self.head(torch.cat(list(state), -1))
        if self.topology == "many-to-many":
            return self.head(e)
        before = torch.cat([torch.full_like(batch["targets"][:1], self.start), batch["targets"][:-1]])
        h, _ = self.writes(before, batch["targetLengths"], torch.cat(list(state), -1)[None])
        if self.attends:
            scores = torch.einsum("tbh,sbh->bts", h, self.Wa(e))
            ended = torch.arange(len(e))[None] >= batch["lengths"][:, None]
            weights = scores.masked_fill(ended[:, None], -torch.inf).softmax(-1)
            h = torch.tanh(self.Wc(torch.cat([torch.einsum("bts,sbm->tbm", weights, e), h], -1)))
        return self.head(h)


def padded(rows, like):
    """Rows as one tensor [T, B, ...], and their lengths."""
    rows = [torch.tensor(row, dtype=like) for row in rows]
    return nn.utils.rnn.pad_sequence(rows), torch.tensor([len(row) for row in rows])


def batch_of(examples, case):
    symbols = not isinstance(examples[0]["x"][0], list)
    x, lengths = padded([e["x"] for e in examples], torch.int64 if symbols else torch.float32)
    whole = torch.float32 if case["loss"] in ("squared", "bernoulli") else torch.int64
    if case["topology"] == "many-to-one":
        targets = torch.tensor([e["targets"] for e in examples], dtype=whole)
        return {"x": x, "lengths": lengths, "targets": targets if whole == torch.float32 else targets[:, 0]}
    targets, ends = padded([e["targets"] for e in examples], whole)
    return {"x": x, "lengths": lengths, "targets": targets, "targetLengths": ends}


def losses(model, batch, case):
    """The sum of the loss over all steps, the number of steps, and the sums of what is measured."""
    y, targets = model(batch), batch["targets"]
    if case["topology"] != "many-to-one":
        there = torch.arange(len(targets))[:, None] < batch["targetLengths"]
        y, targets = y[there], targets[there]
    if case["loss"] == "softmax":
        loss = F.cross_entropy(y, targets, reduction="sum")
        return loss, len(y), {"bits": loss.item() / math.log(2), "accuracy": (y.argmax(-1) == targets).sum().item()}
    if case["loss"] == "bernoulli":
        loss = F.binary_cross_entropy_with_logits(y, targets, reduction="sum")
        return loss, len(y), {"bits": loss.item() / math.log(2)}
    assert case["loss"] == "squared"
    errors = ((y - targets) * torch.tensor(case["units"])).abs().mean(-1)
    return F.mse_loss(y, targets, reduction="sum") / y.shape[-1], len(y), {"mae": errors.sum().item()}


def evaluated(model, examples, case):
    """The mean loss, and what is measured."""
    model.eval()
    sums, count = {}, 0
    with torch.no_grad():
        examples = sorted(examples, key=lambda e: len(e["x"]))
        for k in range(0, len(examples), 64):
            loss, n, measured = losses(model, batch_of(examples[k : k + 64], case), case)
            count += n
            for name, value in {"loss": loss.item(), **measured}.items():
                sums[name] = sums.get(name, 0) + value
    return {name: value / count for name, value in sums.items()}


def epochs(examples, size):
    """Batches for ever: every example once an epoch, those of similar length together."""
    while True:
        order = torch.randperm(len(examples)).tolist()
        pools = [order[k : k + POOL * size] for k in range(0, len(order), POOL * size)]
        rows = [row for pool in pools for row in sorted(pool, key=lambda row: len(examples[row]["x"]))]
        batches = [rows[k : k + size] for k in range(0, len(rows), size)]
        for k in torch.randperm(len(batches)).tolist():
            yield [examples[row] for row in batches[k]]


def main():
    with open(sys.argv[1]) as file:
        case = json.load(file)
    torch.manual_seed(case["seed"])
    model, parts = Model(case), case["parts"]
    optimizer = torch.optim.Adam(model.parameters(), lr=case["lr"])
    every = min(VALIDATE_EVERY, math.ceil(len(parts["training"]) / case["batch"]))
    best, since, kept = math.inf, 0, copy.deepcopy(model.state_dict())
    for step, examples in zip(range(1, case["steps"] + 1), epochs(parts["training"], case["batch"])):
        model.train()
        loss, count, _ = losses(model, batch_of(examples, case), case)
        optimizer.zero_grad()
        (loss / count).backward()
        nn.utils.clip_grad_norm_(model.parameters(), case["clip"])
        optimizer.step()
        if step % every == 0:
            value = evaluated(model, parts["validation"], case)["loss"]
            since += 1
            if value < best:
                best, since, kept = value, 0, copy.deepcopy(model.state_dict())
            if since >= case["patience"]:
                break
    model.load_state_dict(kept)
    print(json.dumps({**evaluated(model, parts["test"], case), "validation": best}))


if __name__ == "__main__":
    main()
