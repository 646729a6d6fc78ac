/**
 * The Python script that runs an exported network in PyTorch, checks it, and trains it, in one or several processes.
 */

/** The network-specific parts of the script; multi-line parts begin with their line break. */
export type TorchParts = Record<
  | 'classes'
  | 'model'
  | 'given'
  | 'again'
  | 'carried'
  | 'dtype'
  | 'roundings'
  | 'states'
  | 'unused'
  | 'rate'
  | 'loss'
  | 'optimizer'
  | 'steps'
  | 'clip'
  | 'rows'
  | 'vocabulary'
  | 'needs'
  | 'words'
  | 'places'
  | 'codes'
  | 'begun'
  | 'T'
  | 'B',
  string | number
>;

/** The text of `model.py`. */
export const torchTemplate = (p: TorchParts): string => `"""
A recurrent network from backstep. ${p.needs}

    python3 model.py                                     compares one batch with what backstep computed
    python3 model.py --train 100${String(p.vocabulary).startsWith('None') ? '              ' : ' --text FILE  '}        then trains on
    torchrun --nproc_per_node 2 model.py --train 100     the same on two processes, which share each batch

What is trained on is in \`batches\`: a text goes on where the training left off, with the states it left. The trained weights are left in trained.pt, by the names of the weights read here.
"""

import argparse
import copy
import itertools
import json
import math
import os
import struct
import unicodedata
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).resolve().parent
DTYPES = {"F64": torch.float64, "F32": torch.float32, "I64": torch.int64}
STATES = ${p.states}  # what the layers carry from step to step, in PyTorch's order
ROUNDINGS = ${p.roundings}  # that stand behind one number of the output
CLIP = ${p.clip}  # global norm of the gradients
STEPS = ${p.steps}  # updates that have been made
VOCABULARY = ${p.vocabulary}
T, B = ${p.T}, ${p.B}
ROWS = ${p.rows}  # the axis of the rows in targets and outputs; that of x is 1
RANK, WORLD = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))


def load(name):
    """The tensors of a safetensors file: the length of a JSON header, the header, the numbers."""
    raw = (HERE / name).read_bytes()
    start = 8 + struct.unpack("<Q", raw[:8])[0]
    tensors = {}
    for key, entry in json.loads(raw[8:start]).items():
        if key != "__metadata__":
            begin, end = entry["data_offsets"]
            numbers = torch.frombuffer(bytearray(raw[start + begin : start + end]), dtype=DTYPES[entry["dtype"]])
            tensors[key] = numbers.reshape(entry["shape"])
    return tensors
${p.classes}

class Model(nn.Module):
${p.model}

def given(batch):
    """What the model reads of a batch; the rows are on the second axis."""
    return ${p.given}


def loss_of(y, targets, count):
    """The loss of some rows; \`count\` is the number of targets of all rows, so that the parts add up."""
${p.loss}


def one_bias(model):
    """Freezes the second bias, which only adds to the first, but for the part of a GRU's that stands inside r * (...)."""
    for name, p in model.named_parameters():
        if "bias_hh" in name:
            if isinstance(model.get_submodule(name.rpartition(".")[0]), nn.GRU):
                inside = torch.arange(len(p)) >= len(p) * 2 // 3
                p.register_hook(lambda g, inside=inside: g * inside)
            else:
                p.requires_grad_(False)


def optimizer_of(model, memory):
    """The optimizer with its memory, where the training left off."""
    named = {name: p for name, p in model.named_parameters() if p.requires_grad}
    parameters = list(named.values())
    optimizer = ${p.optimizer}
    for key, value in memory.items():
        slot, name = key.split(".", 2)[1:]
        if STEPS > 0 and name in named:
            state = optimizer.state[named[name]]
            state[slot] = value.clone()
            state["step"] = torch.tensor(float(STEPS))
    return optimizer


def rate(step):
    """What the learning rate is multiplied by when so many steps have been made."""
${p.rate}


def mine(batch, axis):
    """The rows of this process."""
    low, high = RANK * B // WORLD, (RANK + 1) * B // WORLD
    return batch.narrow(axis, low, high - low)


${p.words}def batches(text):
    """x, targets, and the time of the first step, 0 where a sequence starts, for ever: the text in B streams, or the stored batch again and again.

    The last 5 or 10 % of a text are kept for validation, as they were in backstep.
    """
    if text is None:
        batch = load("batch.safetensors")
        while True:
            yield batch["x"], batch["targets"], 0
${p.places}    whole = Path(text).read_bytes().decode("utf-8-sig")
    classes = torch.tensor(${p.codes})
    if len(classes) <= B * T:
        raise SystemExit(f"the text must hold at least {B * T + 1} symbols, got {len(classes)}")
    kept = next((n for n in (int(len(classes) * part) for part in (0.05, 0.1)) if n > T), 0)
    classes = classes[: len(classes) - kept]
    length = (len(classes) - 1) // B
    x, targets = (classes[k : k + B * length].reshape(B, length).T for k in (0, 1))
    for k in itertools.count(${p.begun === 0 ? 'STEPS' : `STEPS - ${p.begun}`}):
        t = k % (length // T) * T
        yield x[t : t + T], targets[t : t + T], t


def total(value):
    """The sum over all processes."""
    value = value.detach().double().clone()
    if WORLD > 1:
        dist.all_reduce(value)
    return value.item()


def bound_of(model, read):
    """How far rounding alone can take two float64 results apart, relative to the larger of 1 and the result; and gradients.

    n roundings of at most u take a result n * u away at worst, and about sqrt(n) * u as a rule. A network may amplify
    them: by how much is measured, on a float32 copy beside the same weights in float64.
    """
    single = copy.deepcopy(model).float()
    double = copy.deepcopy(single).double()
    read = [x.float() if x.is_floating_point() else x for x in read]
    rough = single(*read)[0].double()
    fine = double(*(x.double() if x.is_floating_point() else x for x in read))[0]
    error = ((rough - fine).abs() / fine.abs().clamp(min=1)).max().item()
    growth = max(1, error / (math.sqrt(ROUNDINGS) * 2**-24))
    return growth * ROUNDINGS * 2**-53, growth * 1e-10


def gradient_error(model, batch):
    """The largest error of a gradient, relative to the largest number of its own and a ten-thousandth of that of all."""
    y, _ = model(*(mine(x, 1) for x in given(batch)))
    # without a loss, that of half the sum of squares
    value = loss_of(y, mine(batch["targets"], ROWS), batch["targets"].numel()) if "loss" in batch else y.pow(2).sum() / 2
    value.backward()
    expected = {name: batch[f"grad.{name}"] for name, p in model.named_parameters() if p.requires_grad}
    most = max(g.abs().max().item() for g in expected.values())
    worst = 0.0
    for name, p in model.named_parameters():
        if p.requires_grad:
            g = torch.zeros_like(p) if p.grad is None else p.grad
            if WORLD > 1:
                dist.all_reduce(g)
            size = max(expected[name].abs().max().item(), 1e-4 * most, 1e-300)
            worst = max(worst, (g - expected[name]).abs().max().item() / size)
    return worst


def check(model, batch):
    """Compares output, loss and gradients with backstep's, all in float64, whatever the weights are trained in."""
    model = copy.deepcopy(model).double().eval()
    one_bias(model)
    batch = {key: value.double() if value.is_floating_point() else value for key, value in batch.items()}
    with torch.no_grad():
        bound, steep = bound_of(model, given(batch))
        y, _ = model(*(mine(x, 1) for x in given(batch)))
    expected = mine(batch["output"], ROWS)
    size = expected.abs().clamp(min=1)
    error = ((y - expected).abs() / size).max()
    worst = max(total(error * (RANK == k)) for k in range(WORLD))
    words, ok = f"output within {worst:.1e} (bound {bound:.1e})", worst <= bound
    if "loss" in batch:
        part = loss_of(y.requires_grad_(), mine(batch["targets"], ROWS), batch["targets"].numel())
        (slope,) = torch.autograd.grad(part, y)
        loss, theirs = total(part), batch["loss"].item()
        # what the errors of the output make of the loss, and the roundings of its own sum
        own = bound * total((slope.abs() * size).sum()) + batch["output"].numel() * 2**-53 * max(1, abs(theirs))
        words += f"; loss {loss!r}, in backstep {theirs!r} (bound {own:.1e})"
        ok = ok and abs(loss - theirs) <= own
    worst = gradient_error(model, batch)
    words, ok = f"{words}; gradients within {worst:.1e} (bound {steep:.1e})", ok and worst <= steep
    if RANK == 0:
        print(f"{words}: {'ok' if ok else 'FAIL'}", flush=True)
    if not ok:
        raise SystemExit(1)


def train(model, optimizer, steps, text, state):
    model.train()
    whole = model
    if WORLD > 1:
        whole = nn.parallel.DistributedDataParallel(model, find_unused_parameters=${p.unused})
    trained = [p for p in model.parameters() if p.requires_grad]
    if RANK == 0 and rate(STEPS + steps - 1) == 0:
        print("the schedule ends before the last step: the learning rate is then 0; rate() may hold another", flush=True)
    for step, (x, targets, time) in zip(range(1, steps + 1), batches(text)):
        y, state = whole(*(mine(one, 1) for one in given({"x": x, "targets": targets}))${p.again})
        state = tuple(s.detach() for s in state) if isinstance(state, tuple) else state.detach()
        loss = loss_of(y, mine(targets, ROWS), targets.numel())
        for p in trained:
            p.grad = torch.zeros_like(p)  # also of what this step does not reach
        (loss * WORLD).backward()  # gradients are averaged over the processes
        if CLIP is not None:
            norm = math.sqrt(sum(p.grad.double().pow(2).sum().item() for p in trained))
            for p in trained:
                p.grad.mul_(min(1, CLIP / norm) if norm > 0 else 1)
        for group in optimizer.param_groups:
            group["lr"] = optimizer.defaults["lr"] * rate(STEPS + step - 1)
        optimizer.step()
        loss = total(loss)
        if RANK == 0:
            print(f"step {STEPS + step} loss {loss!r}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--train", type=int, default=0, metavar="STEPS")
    parser.add_argument("--text")
    options = parser.parse_args()
    if options.text and VOCABULARY is None:
        parser.error("--text is for character models, and this network is none")
    if not 1 <= WORLD <= B:
        parser.error(f"at most {B} processes can share the {B} rows of a batch")
    if WORLD > 1:
        dist.init_process_group("gloo")
    stored = load("weights.safetensors")
    model = Model().to(torch.${p.dtype})
    memory = {key: stored.pop(key) for key in list(stored) if key.startswith("optim.")}
    carried = tuple(mine(stored.pop(f"state.{s}"), 1).contiguous() for s in STATES if f"state.{s}" in stored)
    model.load_state_dict(stored)
    one_bias(model)
    check(model, load("batch.safetensors"))
    if options.train:
        state = (${p.carried}) if carried and options.text else None
        train(model, optimizer_of(model, memory), options.train, options.text, state)
        if RANK == 0:
            torch.save(model.state_dict(), HERE / "trained.pt")


if __name__ == "__main__":
    main()
`;

/** The Python function that splits a text into words as `wordsOf` does. */
export const WORDS_OF = `def words_of(text):
    """At most 40 letters and digits, or another character on its own; a space before either belongs to it."""
    words, letters = [], 0  # of the last word
    for c in text:
        letter = unicodedata.category(c)[0] in "LMN" or c in "'’"
        if letter and 0 < letters < 40:
            words[-1] += c
            letters += 1
            continue
        if words and words[-1] == " " and c not in " \\t\\n\\r":
            words[-1] += c
        else:
            words.append(c)
        letters = int(letter)
    return words


`;

/** The Python function that encodes a text in byte pairs. */
export const PAIRS_OF = `def pairs_of(text):
    """The classes of the byte pairs of a text."""
    from tokenizers import Tokenizer  # pip install tokenizers

    return Tokenizer.from_file(str(HERE / VOCABULARY)).encode(text, add_special_tokens=False).ids


`;
