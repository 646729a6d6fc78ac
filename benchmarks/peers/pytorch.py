"""PyTorch behind the same lines of JSON as host.ts: python3 pytorch.py THREADS CASE.json"""

import json
import os
import sys
import time

THREADS = sys.argv[1]
# read when the library is loaded
os.environ["OMP_NUM_THREADS"] = THREADS


def answer(value):
    sys.stdout.write("@@" + json.dumps(value) + "\n")
    sys.stdout.flush()


try:
    import torch
except ImportError:
    answer({"error": "not installed", "missing": True})
    sys.exit()

GROUP_SECONDS = 0.0002
STREAMED = 4


def read_case(file):
    with open(file) as header:
        case = json.load(header)
    with open(file[:-4] + "bin", "rb") as numbers:
        joined = torch.frombuffer(bytearray(numbers.read()), dtype=torch.float32)
    tensors = {
        t["name"]: joined[t["at"] : t["at"] + t["length"]].reshape(t["shape"]).clone()
        for t in case["tensors"]
    }
    return case["workload"], tensors


class Engine:
    def __init__(self, workload, tensors):
        kinds = {
            "lstm": (torch.nn.LSTM, torch.nn.LSTMCell),
            "gru": (torch.nn.GRU, torch.nn.GRUCell),
            "elman": (torch.nn.RNN, torch.nn.RNNCell),
        }
        layer, cell = kinds[workload["cell"]]
        self.lstm = workload["cell"] == "lstm"
        self.hidden = workload["H"]
        self.layer = layer(workload["D"], workload["H"])
        self.cell = cell(workload["D"], workload["H"])
        # two biases that are added up; only a GRU needs the second one, for the part that r scales
        second = torch.zeros_like(tensors["b"])
        if "bhn" in tensors:
            second[2 * self.hidden :] = tensors["bhn"]
        weights = [tensors["Wx"].T, tensors["Wh"].T, tensors["b"], second]
        with torch.no_grad():
            for module in (self.layer, self.cell):
                for parameter, value in zip(module.parameters(), weights):
                    parameter.copy_(value)
        self.parameters = list(self.layer.parameters())
        self.head = None
        if "O" in workload:
            self.head = torch.nn.Linear(self.hidden, workload["O"])
            with torch.no_grad():
                self.head.weight.copy_(tensors["Wy"].T)
                self.head.bias.copy_(tensors["by"])
            self.parameters += list(self.head.parameters())
            self.targets = tensors["targets"].long()
        else:
            self.targets = tensors["targets"]
        self.x = tensors["x"]
        # the first so many steps, as one batch after the other
        self.lengths = workload.get("lengths", [workload["T"]])
        self.predicts = workload.get("predicts", False)
        self.single = [self.x[t, :1].contiguous() for t in range(min(workload["T"], STREAMED))]
        self.at = 0
        self.reset()

    def reset(self):
        zero = torch.zeros(1, self.hidden)
        self.state = (zero, zero) if self.lstm else zero

    def loss(self, length):
        output, _ = self.layer(self.x[:length])
        if self.head is not None:
            logits = self.head(output).flatten(0, 1)
            return torch.nn.functional.cross_entropy(logits, self.targets[:length].flatten())
        return torch.nn.functional.mse_loss(output, self.targets[:length])

    def predict(self, length):
        output, _ = self.layer(self.x[:length])
        return self.head(output[-1])

    def forward(self):
        with torch.inference_mode():
            one = self.predict if self.predicts else self.loss
            return sum(one(length).double().sum().item() for length in self.lengths)

    def train(self):
        total = 0.0
        for length in self.lengths:
            for parameter in self.parameters:
                parameter.grad = None
            loss = self.loss(length)
            loss.backward()
            total += loss.item()
        return total

    def step(self):
        with torch.inference_mode():
            self.state = self.cell(self.single[self.at], self.state)
        self.at = (self.at + 1) % len(self.single)

    def check(self):
        if self.predicts:
            return {"streamed": self.forward()}
        loss = self.train()
        squares = 0.0
        for k, parameter in enumerate(self.parameters):
            gradient = parameter.grad
            # the second bias has a gradient of its own only where it is not simply added to the first
            if k == 3:
                gradient = gradient[2 * self.hidden :] if isinstance(self.layer, torch.nn.GRU) else gradient[:0]
            squares += gradient.double().square().sum().item()
        self.reset()
        self.at = 0
        for _ in self.single:
            self.step()
        h = self.state[0] if self.lstm else self.state
        return {"loss": loss, "gradientNorm": squares**0.5, "streamed": h.double().sum().item()}


CLOCKS = {"wall": time.perf_counter, "cpu": time.process_time}


def sample(run, milliseconds, clock):
    times = []
    group = 1
    begin = now = clock()
    while not times or (now - begin) * 1000 < milliseconds:
        for _ in range(group):
            run()
        after = clock()
        took, now = after - now, after
        times.append(took / group * 1000)
        if took < GROUP_SECONDS:
            group = int(group * GROUP_SECONDS / max(took, 1e-6)) + 1
    return times


def proc(name):
    """Lines that Linux tells about this process; none elsewhere."""
    file = f"/proc/self/{name}"
    if not os.path.exists(file):
        return []
    with open(file) as lines:
        return list(lines)


def peak_megabytes():
    line = next((line for line in proc("status") if line.startswith("VmHWM:")), None)
    return int(line.split()[1]) / 1024 if line else None


def blas():
    """The library that computes its products, as far as this system tells."""
    paths = [line.split()[-1] for line in proc("maps") if "blas" in line]
    for kind in ("openmp", "pthread", "serial"):
        if any(f"openblas-{kind}" in path for path in paths):
            return f"OpenBLAS {kind}"
    if any("openblas" in path for path in paths):
        return "OpenBLAS"
    return "reference BLAS" if paths else "its own BLAS"


def main():
    torch.set_num_threads(int(THREADS))
    engine = Engine(*read_case(sys.argv[2]))
    plural = "s" if THREADS != "1" else ""
    about = f"PyTorch {torch.__version__}, {THREADS} thread{plural}, {blas()}"
    answer({"about": about, "does": ["forward", "train", "step"]})
    for line in sys.stdin:
        command = json.loads(line)
        if command["do"] == "check":
            answer(engine.check())
        elif command["do"] == "memory":
            answer({"megabytes": peak_megabytes()})
        else:
            clock = CLOCKS[command.get("clock", "wall")]
            answer({"times": sample(getattr(engine, command["what"]), command["milliseconds"], clock)})


main()
