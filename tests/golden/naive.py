"""A second statement of every equation, in numpy, one row and one step at a time.

Every function takes complex numbers too, so that proof.py can differentiate it by the complex step.
"""

import numpy as np

KINK = (
    1e-9  # a relu argument this close to 0 would depend on rounding; exactly 0 (nothing below fires) is fine
)


def array(tensor):
    return np.array(tensor["data"], dtype=int if tensor.get("dtype") == "int" else float).reshape(
        tensor["shape"]
    )


def arrays(tensors):
    return {name: array(tensor) for name, tensor in tensors.items() if isinstance(tensor, dict)}


def s(a):
    """The logistic function, without overflow on either side."""
    sign = np.where(a.real >= 0, 1, -1)
    e = np.exp(-sign * a)
    return np.where(sign > 0, 1, e) / (1 + e)


def relu(a):
    if np.any((a.real != 0) & (np.abs(a.real) < KINK)):
        raise ValueError(f"a relu argument lies within {KINK} of its kink")
    return np.where(a.real > 0, a, 0)


def softmax(a):
    e = np.exp(a - a.real.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(a):
    shifted = a - a.real.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


# ---------------------------------------------------------------- one step of one row


def rnn(f):
    def step(x, state, Wi, Wh, bi, bh):
        return (f(Wi @ x + bi + Wh @ state[0] + bh),)

    return step


def lstm(x, state, Wi, Wh, bi, bh, Wr=None):
    h, c = state
    ai, af, ag, ao = np.split(Wi @ x + bi + Wh @ h + bh, 4)
    c = s(af) * c + s(ai) * np.tanh(ag)
    h = s(ao) * np.tanh(c)
    return h if Wr is None else Wr @ h, c


def gru(x, state, Wi, Wh, bi, bh):
    (h,) = state
    xr, xz, xn = np.split(Wi @ x + bi, 3)
    hr, hz, hn = np.split(Wh @ h + bh, 3)
    z = s(xz + hz)
    return (mix(np.tanh(xn + s(xr + hr) * hn), z, h),)


def mix(n, z, h):
    return n + z * (h - n)


STEPS = {"RNN_TANH": rnn(np.tanh), "RNN_RELU": rnn(relu), "LSTM": lstm, "GRU": gru}


# ---------------------------------------------------------------- layers and directions


def run_stack(cell, P, x, first, lengths=None, restart=None):
    """Outputs, last states, and the states that every step began with.

    first: states [L*D, B, H]; restart[t]: the states to begin step t with, in place of those carried there.
    """
    T, B, _ = x.shape
    L = sum(name.startswith("weight_hh_l") and not name.endswith("_reverse") for name in P)
    D = 2 if "weight_hh_l0_reverse" in P else 1
    H = P["weight_hh_l0"].shape[1]
    lengths = lengths or [T] * B
    kind = np.result_type(x, *P.values(), *first)
    last = [np.zeros(part.shape, kind) for part in first]
    carried = {t: [np.zeros(part.shape, kind) for part in first] for t in range(T)}
    below = x
    for layer in range(L):
        above = np.zeros((T, B, D * H), kind)
        for direction in range(D):
            end = f"_l{layer}" + ("_reverse" if direction else "")
            weights = [
                P["weight_ih" + end],
                P["weight_hh" + end],
                P.get("bias_ih" + end, 0),
                P.get("bias_hh" + end, 0),
                *([P["weight_hr" + end]] if "weight_hr" + end in P else []),
            ]
            k = layer * D + direction
            for b in range(B):
                state = tuple(part[k, b] for part in first)
                order = range(lengths[b])
                for t in reversed(order) if direction else order:
                    if restart and t in restart:
                        state = tuple(part[k, b] for part in restart[t])
                    for part, value in zip(carried[t], state):
                        part[k, b] = value
                    state = STEPS[cell](below[t, b], state, *weights)
                    above[t, b, direction * H : (direction + 1) * H] = state[0]
                for part, value in zip(last, state):
                    part[k, b] = value
        below = above
    return below, last, carried


def stack_values(cell, P, X, S, B, lengths=None, restart=None):
    D = 2 if "weight_hh_l0_reverse" in P else 1
    L = sum(name.startswith("weight_hh_l") for name in P) // D
    zeros = np.zeros((L * D, B, P["weight_hh_l0"].shape[1]))
    first = [S.get(name, zeros) for name in (("h_0", "c_0") if cell == "LSTM" else ("h_0",))]
    output, last, carried = run_stack(cell, P, X["x"], first, lengths, restart)
    return {"output": output, **dict(zip(("h_n", "c_n"), last))}, carried


# ---------------------------------------------------------------- every kind: its values


def values(v, P, X, S, restart=None):
    kind, hyper = v["kind"], v.get("hyper", {})
    if kind == "LOSS":
        return {}
    if kind == "SOFTMAX_CE":
        a = X["logits_in"]
        return {"logits": a, "probs": softmax(a), "log_probs": log_softmax(a)}
    x = X["x"]
    if kind.endswith("_CLASSES"):
        table = P.get("embedding.weight", np.eye(v["sizes"]["V"]))
        read = np.array([[table[k] for k in row] for row in x])
        out, _ = stack_values(kind[: -len("_CLASSES")], P, {"x": read}, S, x.shape[1])
        logits = np.array([[P["head.weight"] @ h + P["head.bias"] for h in row] for row in out["output"]])
        return {**out, "logits": logits, "probs": softmax(logits)}
    T, B = x.shape[:2]
    if kind == "SEQ2SEQ_ATTENTION":
        return attention(P, X, S, B, hyper)
    if kind == "SEQ2SEQ_GRU":
        return seq2seq(P, X, S, B, v["sizes"].get("V"))
    if kind == "ELMAN":
        return elman(P, x, S["h_0"])
    if kind == "JORDAN":
        return jordan(P, x, S["o_0"], hyper["feedback"])
    if kind == "CLOCKWORK":
        return clockwork(P, x, S["h_0"], hyper["periods"], hyper["t_first"], v["sizes"]["units_per_module"])
    steps = {
        "GRU_RESET_BEFORE": gru_reset_before,
        "LSTM_PEEPHOLE": lstm_peephole,
        "MINGRU": mingru,
        "MINLSTM": minlstm,
        "LMU": lmu,
        "RESERVOIR": reservoir,
        "LSTM1997": lstm1997,
        "DIAGONAL": lambda P, x, state: diagonal(P, x, state, hyper["eigenvalues"]),
    }
    if kind in steps:
        step = steps[kind]
        lead = S["h_0"].shape[:-2]
        names = [name for name in ("h_0", "c_0", "m_0") if name in S]
        state = [S[name].reshape(B, -1) for name in names]
        rows = [[part[b] for part in state] for b in range(B)]
        outputs = []
        for t in range(T):
            rows = [step(P, x[t, b], rows[b]) for b in range(B)]
            outputs.append([row[0] for row in rows])
        last = [np.array([row[k] for row in rows]) for k in range(len(state))]
        last = [part.reshape(*lead, *part.shape) for part in last]
        ends = {f"{name[0]}_n": part for name, part in zip(names, last)}
        return {"output": np.array(outputs), "hidden": np.array(outputs), **ends}
    cell = {"CLIP_GLOBAL_NORM": "LSTM", "LSTM_MANY_TO_ONE": "LSTM"}.get(kind)
    cell = cell or kind.replace("_PACKED", "").replace("_TBPTT", "")
    out, _ = stack_values(cell, P, X, S, B, hyper.get("lengths"), restart)
    if kind == "LSTM_MANY_TO_ONE":
        logits = np.array([P["head.weight"] @ row + P["head.bias"] for row in out["output"][-1]])
        out.update(logits=logits, probs=softmax(logits))
    return out


def elman(P, x, h0):
    T, B, _ = x.shape
    hidden, logits, last = [[None] * B for _ in range(T)], [[None] * B for _ in range(T)], []
    for b in range(B):
        h = h0[b]
        for t in range(T):
            h = np.tanh(P["U"] @ x[t, b] + P["W"] @ h + P["b"])
            hidden[t][b], logits[t][b] = h, P["V"] @ h + P["c"]
        last.append(h)
    return {
        "hidden": np.array(hidden),
        "logits": np.array(logits),
        "probs": softmax(np.array(logits)),
        "h_n": np.array(last),
    }


def jordan(P, x, o0, feedback):
    T, B, _ = x.shape
    hidden, logits = [[None] * B for _ in range(T)], [[None] * B for _ in range(T)]
    for b in range(B):
        back = o0[b]
        for t in range(T):
            h = np.tanh(P["U"] @ x[t, b] + P["W"] @ back + P["b"])
            o = P["V"] @ h + P["c"]
            back = o if feedback == "o" else softmax(o)
            hidden[t][b], logits[t][b] = h, o
    return {"hidden": np.array(hidden), "logits": np.array(logits), "probs": softmax(np.array(logits))}


def clockwork(P, x, h0, periods, t_first, units):
    T, B, _ = x.shape
    hidden = np.zeros((T, B, h0.shape[1]), np.result_type(x, h0, *P.values()))
    for b in range(B):
        before = h0[b]
        for t in range(T):
            now = np.array(before, dtype=hidden.dtype)
            for i, period in enumerate(periods):
                if (t + t_first) % period:
                    continue
                for unit in range(i * units, (i + 1) * units):
                    a = P["W_in"][unit] @ x[t, b] + P["b"][unit]
                    for j, other in enumerate(periods):
                        if other >= period:
                            block = slice(j * units, (j + 1) * units)
                            a = a + P["W_h"][unit, block] @ before[block]
                    now[unit] = np.tanh(a)
            hidden[t, b] = before = now
    output = np.array([[P["W_out"] @ h + P["b_out"] for h in row] for row in hidden])
    return {"hidden": hidden, "output": output, "h_n": hidden[-1]}


def gru_reset_before(P, x, state):
    (h,) = state
    r = s(P["W_r"] @ x + P["U_r"] @ h + P["b_r"])
    z = s(P["W_z"] @ x + P["U_z"] @ h + P["b_z"])
    return (mix(np.tanh(P["W_h"] @ x + P["U_h"] @ (r * h) + P["b_h"]), z, h),)


def lstm_peephole(P, x, state):
    h, c = state
    H = h.shape[0]
    gate = [
        P["weight_ih"][k * H : (k + 1) * H] @ x
        + P["weight_hh"][k * H : (k + 1) * H] @ h
        + P["bias"][k * H : (k + 1) * H]
        for k in range(4)
    ]
    new = s(gate[1] + c * P["p_f"]) * c + s(gate[0] + c * P["p_i"]) * np.tanh(gate[2])
    return s(gate[3] + new * P["p_o"]) * np.tanh(new), new


def affine(P, x, count):
    return np.split(P["weight"] @ x + P["bias"], count)


def mingru(P, x, state):
    z, n = affine(P, x, 2)
    return (mix(state[0], s(z), n),)


def minlstm(P, x, state):
    i, f, n = affine(P, x, 3)
    kept = s(f) / (s(f) + s(i))
    return (mix(n, kept, state[0]),)


def lmu(P, x, state):
    h, m = state
    u = P["e_x"] @ x + P["e_h"] @ h + P["e_m"] @ m
    m = P["A"] @ m + P["B"] @ u
    return np.tanh(P["W_x"] @ x + P["W_h"] @ h + P["W_m"] @ m + P["b"]), m


def reservoir(P, x, state):
    (h,) = state
    return (h + P["leak"] * (np.tanh(P["W_x"] @ x + P["W_h"] @ h + P["b"]) - h),)


def lstm1997(P, x, state):
    h, c = state
    i, g, o = np.split(P["weight_ih"] @ x + P["weight_hh"] @ h + P["bias"], 3)
    c = c + s(i) * np.tanh(g)
    return s(o) * np.tanh(c), c


def diagonal(P, x, state, eigenvalues):
    p, q = affine(P, x, 2)
    return ((s(p) if eigenvalues == "positive" else np.tanh(p / 2)) * state[0] + q,)


def seq2seq(P, X, S, B, V=None):
    def part(start):
        return {name[len(start) :]: tensor for name, tensor in P.items() if name.startswith(start)}

    embedding = P["embedding"] if "embedding" in P else P["embedding.weight"]
    x, encoder = X["x"], part("enc.")
    if x.ndim == 2:  # class numbers
        table = encoder.pop("embedding.weight") if "embedding.weight" in encoder else np.eye(V)
        x = np.array([[table[word] for word in row] for row in x])
    encoded, _ = stack_values("GRU", encoder, {"x": x}, S, B)
    words = np.array([[embedding[word] for word in row] for row in X["dec_in"]])
    decoded, _ = stack_values("GRU", part("dec."), {"x": words}, {"h_0": encoded["h_n"]}, B)
    logits = np.array([[P["head.weight"] @ h + P["head.bias"] for h in row] for row in decoded["output"]])
    return {
        "enc_output": encoded["output"],
        "enc_h_n": encoded["h_n"],
        "dec_output": decoded["output"],
        "dec_h_n": decoded["h_n"],
        "logits": logits,
        "probs": softmax(logits),
    }


def attention(P, X, S, B, hyper):
    def part(start):
        return {name[len(start) :]: tensor for name, tensor in P.items() if name.startswith(start)}

    lengths = hyper.get("lengths") or [len(X["x"])] * B
    W = {name[: -len(".weight")]: tensor for name, tensor in part("attention.").items()}
    encoded, _ = stack_values("GRU", part("enc."), X, S, B, lengths)
    words = np.array([[P["embedding"][word] for word in row] for row in X["dec_in"]])
    decoded, _ = stack_values("GRU", part("dec."), {"x": words}, {"h_0": encoded["h_n"]}, B)
    T, kind = len(words), np.result_type(decoded["output"], *P.values())
    weights, logits = np.zeros((T, B, len(X["x"])), kind), np.zeros((T, B, len(P["head.bias"])), kind)
    for t in range(T):
        for b, length in enumerate(lengths):
            h, seen = decoded["output"][t, b], encoded["output"][:length, b]
            if hyper["score"] == "additive":
                scores = np.array([W["v"][0] @ np.tanh(W["Wq"] @ h + W["Wk"] @ e) for e in seen])
            else:
                q = W["Wa"] @ h if hyper["score"] == "general" else h
                scores = np.array([q @ e for e in seen])
            weights[t, b, :length] = softmax(scores)
            context = weights[t, b, :length] @ seen
            out = np.tanh(W["Wc"] @ np.concatenate([context, h]))
            logits[t, b] = P["head.weight"] @ out + P["head.bias"]
    return {
        "dec_output": decoded["output"],
        "attention": weights,
        "logits": logits,
        "probs": softmax(logits),
    }


def loss_of(v, found, X):
    loss = v["loss"]
    if loss["type"] == "weighted_sum":
        return sum((array(weight) * found[name]).sum() for name, weight in loss["weights"].items())
    if loss["type"] == "named":
        rows = zip(X[loss["outputs"]], array(loss["targets"]))
        return sum(ROW_LOSSES[loss["name"]](y, q) for y, q in rows) / len(X[loss["outputs"]])
    logits = found.get(loss["logits"], X.get(loss["logits"]))
    targets = array(loss["targets"]).reshape(-1)
    rows = log_softmax(logits.reshape(len(targets), -1))
    return -sum(row[target] for row, target in zip(rows, targets)) / len(targets)


def absolute(e):
    """|e| whose derivative the complex step can take."""
    return np.where(e.real > 0, e, -e)


def huber(e):
    return np.where(absolute(e).real < 1, e * e / 2, absolute(e) - 0.5).mean()


def pinball(e):
    levels = np.resize([0.1, 0.5, 0.9], len(e))
    return np.where(e.real > 0, (1 - levels) * e, -levels * e).mean()


def smoothed(y, target):
    q = np.full(len(y), 0.1 / len(y))
    q[target] += 0.9
    return -(q * log_softmax(y)).sum()


ROW_LOSSES = {
    "bernoulli": lambda y, q: (np.log(1 + np.exp(y)) - y * q).sum(),
    "squared": lambda y, q: ((y - q) ** 2).mean(),
    "absolute": lambda y, q: absolute(y - q).mean(),
    "huber": lambda y, q: huber(y - q),
    "quantile": lambda y, q: pinball(y - q),
    "smoothed": smoothed,
}


# ---------------------------------------------------------------- optimizers


def optimize(v):
    """The parameters after every step, from the gradients of the file."""
    which, hyper = v["name"][len("optim_") :].split("_")[0], dict(v["hyper"])
    hyper["amsgrad"] = hyper.get("amsgrad", False)
    which = "adam" if which == "amsgrad" else which
    P, memory = arrays(v["params"]), {}
    for t, step in enumerate(v["steps"], 1):
        for name, g in arrays(step["grads"]).items():
            P[name] = P[name] - UPDATES[which](P[name], g, t, memory.setdefault(name, {}), hyper)
        yield {name: p.copy() for name, p in P.items()}


def adam(p, g, t, m, o, decay=0.0, decoupled=False):
    lr, (b1, b2), decay = o.get("lr", 1e-3), o.get("betas", (0.9, 0.999)), o.get("weight_decay", decay)
    away = lr * decay * p if decoupled else 0
    g = g if decoupled else g + decay * p
    m["m"] = b1 * m.get("m", 0) + (1 - b1) * g
    m["v"] = b2 * m.get("v", 0) + (1 - b2) * g * g
    m["top"] = np.maximum(m.get("top", 0), m["v"]) if o["amsgrad"] else m["v"]
    return away + lr * (m["m"] / (1 - b1**t)) / (np.sqrt(m["top"] / (1 - b2**t)) + o.get("eps", 1e-8))


def adamw(p, g, t, m, o):
    return adam(p, g, t, m, o, 0.01, True)


def adagrad(p, g, t, m, o):
    g = g + o.get("weight_decay", 0) * p
    m["s"] = m.get("s", o.get("initial_accumulator_value", 0)) + g * g
    return (
        o.get("lr", 0.01) / (1 + (t - 1) * o.get("lr_decay", 0)) * g / (np.sqrt(m["s"]) + o.get("eps", 1e-10))
    )


def rmsprop(p, g, t, m, o):
    g, alpha = g + o.get("weight_decay", 0) * p, o.get("alpha", 0.99)
    m["s"] = alpha * m.get("s", 0) + (1 - alpha) * g * g
    m["a"] = alpha * m.get("a", 0) + (1 - alpha) * g if o.get("centered") else 0
    u = g / (np.sqrt(m["s"] - m["a"] ** 2) + o.get("eps", 1e-8))
    m["u"] = o.get("momentum", 0) * m.get("u", 0) + u
    return o.get("lr", 0.01) * m["u"]


def sgd(p, g, t, m, o):
    g, momentum = g + o.get("weight_decay", 0) * p, o.get("momentum", 0)
    m["u"] = g if t == 1 else momentum * m["u"] + (1 - o.get("dampening", 0)) * g
    return o["lr"] * (g + momentum * m["u"] if o.get("nesterov") else m["u"] if momentum else g)


UPDATES = {"adam": adam, "adamw": adamw, "adagrad": adagrad, "rmsprop": rmsprop, "sgd": sgd}
