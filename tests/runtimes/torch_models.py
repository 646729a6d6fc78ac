"""
What the tests need of PyTorch, in one process.

In the folder named: writes models of PyTorch's own as a stranger would save them, NAME.npz with what they compute in
NAME.io.npz; then runs every */model.py there, 3 steps of training where it has a loss, or 20 on text.txt
where there is one, and prints what each prints.
"""

import contextlib
import io
import json
import runpy
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

FOLDER = Path(sys.argv[1])
T, B, D, H, O = 5, 3, 4, 6, 2


class Stranger(nn.Module):
    """Names that nobody could know beforehand."""

    def __init__(self, recurrent, width, bias=True):
        super().__init__()
        self.encoder = recurrent
        self.fc = nn.Linear(width, O, bias=bias) if width else nn.Identity()

    def forward(self, x):
        return self.fc(self.encoder(x)[0])


def models():
    yield "lstm", Stranger(nn.LSTM(D, H), H)
    yield "gru", Stranger(nn.GRU(D, H, num_layers=2, bidirectional=True), 2 * H)
    yield "relu", Stranger(nn.RNN(D, H, nonlinearity="relu", bias=False), H, bias=False)
    yield "projected", Stranger(nn.LSTM(D, H, num_layers=2, bidirectional=True, proj_size=2), 4)
    yield "bare", nn.LSTM(D, H, bidirectional=True)
    yield "parallel", nn.ModuleDict({"module": Stranger(nn.GRU(D, H), H)})


torch.manual_seed(3)
for name, model in models():
    model = model.double()
    x = torch.randn(T, B, D, dtype=torch.float64)
    inner = model["module"] if name == "parallel" else model
    y = inner(x)[0] if name == "bare" else inner(x)
    np.savez(FOLDER / f"{name}.npz", **{k: v.numpy() for k, v in model.state_dict().items()})
    np.savez(FOLDER / f"{name}.io.npz", x=x.numpy(), y=y.detach().numpy())

# what examples/ tells everybody to do
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "examples"))
from pytorch_vector import save_vector  # noqa: E402

x = torch.randn(T, B, D)
save_vector(str(FOLDER / "gru.json"), nn.GRU(D, H, num_layers=2, bidirectional=True), x)
save_vector(str(FOLDER / "relu.json"), nn.RNN(D, H, nonlinearity="relu", bias=False), x)
save_vector(str(FOLDER / "lstm.json"), nn.LSTM(D, H), x, nn.Linear(H, O), torch.randint(O, (T, B)))
save_vector(str(FOLDER / "projected.json"), nn.LSTM(D, H, proj_size=2), x, nn.Linear(2, O), torch.randint(O, (T, B)))
save_vector(str(FOLDER / "last.json"), nn.GRU(D, H, bidirectional=True), x, nn.Linear(2 * H, O), torch.randint(O, (B,)))

printed = {}
for script in sorted(FOLDER.glob("*/model.py")):
    trains = "raise SystemExit(\"this network" not in script.read_text()
    text = script.parent / "text.txt"
    steps = "20" if text.exists() else "3"
    sys.argv = [str(script)] + (["--train", steps] if trains else []) + (["--text", str(text)] if text.exists() else [])
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            runpy.run_path(str(script), run_name="__main__")
        except SystemExit as end:
            print("exit", end.code)
    printed[script.parent.name] = out.getvalue()
print(json.dumps(printed))
