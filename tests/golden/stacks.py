"""PyTorch's own RNN, LSTM and GRU: whole, with rows of unequal length, truncated, with a head, clipped."""

import torch

from vector import Draw, cross_entropy, gradients, leaf, leaves_of, vector, weighted_sum

# ---------------------------------------------------------------- RNN, LSTM, GRU as PyTorch has them

RNN_LAYER = "h_t = {f}(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh)"
LSTM_LAYER = (
    "four row blocks in the order i, f, g, o: a = W_ih x_t + b_ih + W_hh h_(t-1) + b_hh, "
    "i = s(a_i), f = s(a_f), g = tanh(a_g), o = s(a_o) with s the logistic function; "
    "c_t = f*c_(t-1) + i*g; h_t = o*tanh(c_t)"
)
GRU_LAYER = (
    "three row blocks in the order r, z, n, the reset applied after the recurrent product: "
    "r = s(W_ir x_t + b_ir + W_hr h_(t-1) + b_hr); z = s(W_iz x_t + b_iz + W_hz h_(t-1) + b_hz); "
    "n = tanh(W_in x_t + b_in + r*(W_hn h_(t-1) + b_hn)); h_t = (1-z)*n + z*h_(t-1)"
)
LAYER = {
    "RNN_TANH": RNN_LAYER.format(f="tanh"),
    "RNN_RELU": RNN_LAYER.format(f="relu"),
    "LSTM": LSTM_LAYER,
    "GRU": GRU_LAYER,
}


def stack_equations(cell, sizes):
    text = LAYER[cell]
    if "P" in sizes:
        text = text.replace("h_t = o*tanh(c_t)", "h_t = W_hr (o*tanh(c_t)), of P units")
    if not sizes.get("bias", True):
        text += "; there are no biases"
    if sizes["L"] > 1:
        text += "; layer k > 0 reads the outputs of layer k-1"
    if sizes["D"] > 1:
        text += (
            "; the parameters with _reverse run from the last step to the first; the output at t is the"
            " forward state followed by the backward state; h_n holds, layer by layer, forward then backward"
        )
    return text


def stack(cell, draw, sizes, scale=1.0):
    """A PyTorch module with random parameters."""
    options = dict(
        num_layers=sizes["L"],
        bidirectional=sizes["D"] == 2,
        bias=sizes.get("bias", True),
        dtype=torch.float64,
    )
    if cell.startswith("RNN"):
        module = torch.nn.RNN(sizes["I"], sizes["H"], nonlinearity=cell[4:].lower(), **options)
    else:
        options.update({"proj_size": sizes["P"]} if "P" in sizes else {})
        module = {"LSTM": torch.nn.LSTM, "GRU": torch.nn.GRU}[cell](sizes["I"], sizes["H"], **options)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(draw.uniform(*parameter.shape, bound=0.7 * scale))
    return module


def first_states(cell, draw, sizes, scale=1.0):
    widths = {"h_0": sizes.get("P", sizes["H"]), **({"c_0": sizes["H"]} if cell == "LSTM" else {})}
    lead = (sizes["L"] * sizes["D"], sizes["B"])
    return {name: leaf(draw.normal(*lead, width, scale=0.8 * scale)) for name, width in widths.items()}


def run_stack(cell, module, x, init):
    if cell == "LSTM":
        output, (h, c) = module(x, (init["h_0"], init["c_0"]))
        return {"output": output, "h_n": h, "c_n": c}
    output, h = module(x, init["h_0"])
    return {"output": output, "h_n": h}


def plain(
    name,
    cell,
    T,
    B,
    I,
    H,
    L=1,
    D=1,
    P=None,
    bias=True,
    over=None,
    notes=None,
    scale=1.0,
    x_scale=1.0,
    adjust=None,
):
    draw = Draw(name)
    sizes = dict(T=T, B=B, I=I, H=H, L=L, D=D, bias=bias, **({"P": P} if P else {}))
    module = stack(cell, draw, sizes, scale)
    if adjust:
        with torch.no_grad():
            adjust(dict(module.named_parameters()))
    x = leaf(draw.normal(T, B, I, scale=x_scale))
    init = first_states(cell, draw, sizes, min(1.0, x_scale))
    expected = run_stack(cell, module, x, init)
    loss, value = weighted_sum(draw, expected, over)
    return vector(
        name,
        cell,
        sizes,
        stack_equations(cell, sizes),
        dict(module.named_parameters()),
        {"x": x},
        init,
        loss,
        value,
        expected,
        notes,
    )


def plain_vectors():
    variants = {
        "1l": dict(T=5, B=2, I=3, H=5),
        "tails": dict(T=2, B=3, I=5, H=7),
        "2l": dict(T=5, B=2, I=4, H=3, L=2),
        "3l": dict(T=4, B=3, I=2, H=3, L=3),
        "no_bias": dict(T=4, B=2, I=4, H=3, bias=False),
        "bidirectional": dict(T=4, B=2, I=4, H=3, D=2),
        "2l_bidirectional": dict(T=4, B=3, I=3, H=2, L=2, D=2),
        "3l_bidirectional_no_bias": dict(T=3, B=2, I=3, H=2, L=3, D=2, bias=False),
        "b1": dict(T=5, B=1, I=2, H=3),
        "t1": dict(T=1, B=3, I=4, H=2),
        "h1": dict(T=5, B=2, I=3, H=1),
        "h1_2l_bidirectional": dict(T=4, B=2, I=1, H=1, L=2, D=2),
        "all_sizes_1": dict(T=1, B=1, I=1, H=1),
        "long": dict(T=20, B=2, I=1, H=3),
        "loss_on_h_n": dict(
            T=4,
            B=2,
            I=3,
            H=2,
            D=2,
            over=["h_n"],
            notes="only the last states enter the loss, nothing of the outputs",
        ),
    }
    for cell in LAYER:
        for suffix, options in variants.items():
            yield plain(f"{cell.lower()}_{suffix}", cell, **options)
    for cell in ("RNN_TANH", "LSTM", "GRU"):
        yield plain(
            f"{cell.lower()}_small_numbers",
            cell,
            T=4,
            B=2,
            I=2,
            H=3,
            bias=False,
            x_scale=1e-6,
            notes="inputs and states near 1e-6: a tanh that loses relative accuracy near zero shows here",
        )
        yield plain(
            f"{cell.lower()}_saturated",
            cell,
            T=4,
            B=2,
            I=2,
            H=3,
            scale=4,
            x_scale=20,
            notes="large weights and inputs: most gates sit at their limits, everything stays finite",
        )

    yield plain("lstm_loss_on_output", "LSTM", T=4, B=3, I=2, H=3, over=["output"])
    yield plain("lstm_projection", "LSTM", T=5, B=2, I=4, H=7, P=3)
    yield plain("lstm_projection_p1", "LSTM", T=4, B=3, I=2, H=5, P=1)
    yield plain("lstm_projection_2l", "LSTM", T=4, B=2, I=3, H=5, P=2, L=2)
    yield plain(
        "lstm_projection_2l_bidirectional_no_bias", "LSTM", T=4, B=3, I=3, H=5, P=2, L=2, D=2, bias=False
    )

    def set_b_hn(parameters):
        H = parameters["bias_hh_l0"].shape[0] // 3
        parameters["bias_ih_l0"].zero_()
        parameters["bias_hh_l0"].zero_()
        parameters["bias_hh_l0"][2 * H :] = torch.linspace(-2.5, 2.0, H)

    def set_b_z(value):
        def adjust(parameters):
            H = parameters["bias_hh_l0"].shape[0] // 3
            parameters["bias_ih_l0"][H : 2 * H] += value

        return adjust

    yield plain(
        "gru_b_hn",
        "GRU",
        T=4,
        B=3,
        I=2,
        H=3,
        adjust=set_b_hn,
        notes="b_hn is the only bias that is not zero; it stays inside r*(...), so it cannot join b_in",
    )
    yield plain(
        "gru_z_keeps",
        "GRU",
        T=4,
        B=2,
        I=2,
        H=3,
        adjust=set_b_z(20.0),
        notes="b_iz near +20: z is near 1 and h is kept",
    )
    yield plain(
        "gru_z_renews",
        "GRU",
        T=4,
        B=2,
        I=2,
        H=3,
        adjust=set_b_z(-20.0),
        notes="b_iz near -20: z is near 0 and h = n",
    )

    def set_b_f(parameters):
        H = parameters["bias_hh_l0"].shape[0] // 4
        parameters["bias_ih_l0"][H : 2 * H] = 1.0
        parameters["bias_hh_l0"][H : 2 * H] = 0.0

    yield plain(
        "lstm_forget_bias_1",
        "LSTM",
        T=4,
        B=2,
        I=2,
        H=3,
        adjust=set_b_f,
        notes="the forget bias is 1 in b_ih and 0 in b_hh: the two only add",
    )


# ---------------------------------------------------------------- rows of unequal length

PACKED = (
    "; row b counts for t < lengths[b] only: its outputs after that are 0, its h_n (and c_n) is the state"
    " after its own last step, the backward direction starts from the given state at that step, and x beyond"
    " it (random numbers here) changes nothing and has a zero gradient"
)


def packed(name, cell, lengths, T, B, I, H, L=1, D=1, P=None, bias=None):
    draw = Draw(name)
    sizes = dict(T=T, B=B, I=I, H=H, L=L, D=D, **({"P": P} if P else {}))
    if bias is not None:
        sizes["bias"] = bias
    module = stack(cell, draw, sizes)
    x = leaf(draw.normal(T, B, I))
    init = first_states(cell, draw, sizes)
    rows = torch.nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    expected = run_stack(cell, module, rows, init)
    output, _ = torch.nn.utils.rnn.pad_packed_sequence(expected["output"], total_length=T)
    expected = {**expected, "output": output}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        f"{cell}_PACKED",
        sizes,
        stack_equations(cell, sizes) + PACKED,
        dict(module.named_parameters()),
        {"x": x},
        init,
        loss,
        value,
        expected,
        hyper={"lengths": lengths},
    )


def packed_vectors():
    for cell in ("LSTM", "GRU"):
        start = f"{cell.lower()}_packed_"
        yield packed(start + "sorted", cell, [5, 3, 1], T=5, B=3, I=4, H=3)
        yield packed(start + "unsorted", cell, [2, 6, 3, 5], T=6, B=4, I=2, H=3)
        yield packed(start + "ties_short_of_t", cell, [2, 4, 2, 4], T=6, B=4, I=2, H=3)
        yield packed(start + "bidirectional_sorted", cell, [5, 3, 2], T=5, B=3, I=3, H=2, D=2)
        yield packed(start + "bidirectional_unsorted", cell, [1, 5, 3], T=5, B=3, I=3, H=2, D=2)
        yield packed(start + "2l", cell, [2, 5, 4], T=5, B=3, I=4, H=2, L=2)
        yield packed(start + "2l_bidirectional_unsorted", cell, [2, 1, 3], T=3, B=3, I=3, H=2, L=2, D=2)
        yield packed(start + "no_bias", cell, [1, 4, 3], T=4, B=3, I=2, H=3, bias=False)
        yield packed(start + "b1", cell, [3], T=5, B=1, I=1, H=2, D=2)
    yield packed("lstm_packed_projection_bidirectional", "LSTM", [2, 5, 4], T=5, B=3, I=3, H=5, P=2, D=2)


# ---------------------------------------------------------------- truncated backpropagation through time


def truncated(name, cell, chunk, T, B, I, H, L=1, bias=True):
    draw = Draw(name)
    sizes = dict(T=T, B=B, I=I, H=H, L=L, D=1, bias=bias)
    module = stack(cell, draw, sizes)
    x = leaf(draw.normal(T, B, I))
    init = first_states(cell, draw, sizes)
    params = dict(module.named_parameters())

    def in_chunks():
        state, outputs = init, []
        for start in range(0, T, chunk):
            part = run_stack(cell, module, x[start : start + chunk], state)
            outputs.append(part["output"])
            # the values go on, the gradient does not
            state = {key[0] + "_0": part[key].detach() for key in part if key != "output"}
        return {**part, "output": torch.cat(outputs)}

    expected = run_stack(cell, module, x, init)
    loss, value = weighted_sum(draw, expected)
    cut = in_chunks()
    cut_value = sum((cut[key] * weight).sum() for key, weight in loss["weights"].items())
    leaves = {**params, "x": x, **init}
    out = vector(
        name,
        f"{cell}_TBPTT",
        sizes,
        stack_equations(cell, sizes)
        + "; the T steps run in chunks of hyper.chunk (the last may be shorter); the state is carried from"
        " chunk to chunk and the gradient is cut there; the loss counts every step and the last state",
        params,
        {"x": x},
        init,
        loss,
        value,
        expected,
        hyper={"chunk": chunk},
        notes=(
            "grads is the truncated gradient, grads_full_bptt that of one chunk over all T steps; the values"
            " are the same; the truncated gradient of the first state comes from the first chunk alone"
        ),
    )
    return {**out, "grads": gradients(cut_value, leaves), "grads_full_bptt": out["grads"]}


def truncated_vectors():
    for cell in ("LSTM", "RNN_TANH"):
        start = f"{cell.lower()}_tbptt_"
        yield truncated(start + "chunk3", cell, 3, T=6, B=2, I=4, H=3)
        yield truncated(start + "chunk3_of_7", cell, 3, T=7, B=3, I=1, H=2)
        yield truncated(start + "chunk1", cell, 1, T=4, B=2, I=2, H=3)
        yield truncated(start + "chunk_is_t", cell, 5, T=5, B=2, I=2, H=3)
        yield truncated(start + "chunk_beyond_t", cell, 9, T=4, B=2, I=2, H=3)
        yield truncated(start + "2l_chunk2_of_5", cell, 2, T=5, B=2, I=3, H=2, L=2)
        yield truncated(start + "no_bias", cell, 2, T=4, B=2, I=2, H=3, bias=False)


# ---------------------------------------------------------------- an LSTM with a head at the last step


def many_to_one(name, T, B, I, H, O, L=1, D=1, with_init=True):
    draw = Draw(name)
    sizes = dict(T=T, B=B, I=I, H=H, O=O, L=L, D=D, bias=True)
    module = stack("LSTM", draw, sizes)
    head = leaves_of(**{"head.weight": draw.uniform(O, D * H), "head.bias": draw.uniform(O)})
    x = leaf(draw.normal(T, B, I))
    zeros = torch.zeros(L * D, B, H)
    init = first_states("LSTM", draw, sizes) if with_init else {}
    expected = run_stack("LSTM", module, x, init or {"h_0": zeros, "c_0": zeros})
    logits = expected["output"][-1] @ head["head.weight"].T + head["head.bias"]
    targets = draw.integers(O, B)
    expected = {**expected, "logits": logits, "probs": torch.softmax(logits, -1)}
    loss, value = cross_entropy(logits, targets)
    return vector(
        name,
        "LSTM_MANY_TO_ONE",
        sizes,
        stack_equations("LSTM", sizes)
        + "; logits = W_head output_(T) + b_head at the last step only; probs = softmax(logits); "
        "the loss is the mean over the B rows of the cross-entropy of logits against targets",
        {**dict(module.named_parameters()), **head},
        {"x": x},
        init,
        loss,
        value,
        expected,
        notes=None if with_init else "init is empty: the first state is zero",
    )


def many_to_one_vectors():
    yield many_to_one("lstm_many_to_one", T=5, B=3, I=4, H=3, O=6)
    yield many_to_one("lstm_many_to_one_2l", T=4, B=2, I=3, H=2, O=5, L=2)
    yield many_to_one("lstm_many_to_one_zero_init", T=4, B=5, I=2, H=3, O=4, with_init=False)
    yield many_to_one("lstm_many_to_one_t1_b1", T=1, B=1, I=2, H=3, O=4)


# ---------------------------------------------------------------- class numbers, one-hot or embedded


def classes(name, cell, T, B, V, H, O, I=None, L=1, D=1):
    """x holds class numbers in 0..V-1; with I they are looked up in a table [V, I], else they are one-hot."""
    draw = Draw(name)
    sizes = dict(T=T, B=B, V=V, I=I or V, H=H, O=O, L=L, D=D, bias=True)
    module = stack(cell, draw, sizes)
    head = leaves_of(**{"head.weight": draw.uniform(O, D * H), "head.bias": draw.uniform(O)})
    x = draw.integers(V, T, B)
    table = {}
    if I:
        embedding = torch.nn.Embedding(V, I)
        with torch.no_grad():
            embedding.weight.copy_(draw.normal(V, I))
        table = {"embedding.weight": embedding.weight}
    read = embedding(x) if I else torch.nn.functional.one_hot(x, V).to(torch.float64)
    init = first_states(cell, draw, sizes)
    expected = run_stack(cell, module, read, init)
    logits = expected["output"] @ head["head.weight"].T + head["head.bias"]
    targets = draw.integers(O, T, B)
    expected = {**expected, "logits": logits, "probs": torch.softmax(logits, -1)}
    loss, value = cross_entropy(logits, targets)
    reads = "row x_t of embedding.weight" if I else "the one-hot row of x_t"
    return vector(
        name,
        f"{cell}_CLASSES",
        sizes,
        f"the layers read {reads} at every step; {stack_equations(cell, sizes)}; "
        "logits = W_head output_t + b_head; probs = softmax(logits); "
        "the loss is the mean over all T*B rows of the cross-entropy of logits against targets",
        {**table, **dict(module.named_parameters()), **head},
        {"x": x},
        init,
        loss,
        value,
        expected,
        notes="classes that stand in no row of x have a gradient of zero",
    )


def classes_vectors():
    yield classes("lstm_embedding", "LSTM", T=5, B=3, V=6, I=4, H=3, O=7)
    yield classes("gru_embedding_2l_bidirectional", "GRU", T=4, B=2, V=9, I=5, H=3, O=4, L=2, D=2)
    yield classes("gru_one_hot", "GRU", T=5, B=3, V=6, H=4, O=7)
    yield classes("lstm_one_hot_bidirectional", "LSTM", T=4, B=2, V=5, H=3, O=6, D=2)


# ---------------------------------------------------------------- clipping by the global norm


def clipped(name, ratio, **options):
    """`ratio` is max_norm over the norm that the gradient turns out to have."""
    out = plain(name, "LSTM", **options)
    params = {key: leaf(tensor.detach()) for key, tensor in out["params"].items()}
    for key, parameter in params.items():
        parameter.grad = out["grads"][key].clone()
    total = torch.linalg.vector_norm(torch.cat([p.grad.reshape(-1) for p in params.values()])).item()
    max_norm = total if ratio == 1 else float(f"{ratio * total:.3g}")
    torch.nn.utils.clip_grad_norm_(list(params.values()), max_norm)
    out["kind"] = "CLIP_GLOBAL_NORM"
    out["equations"] += (
        "; total_norm = sqrt(sum of squares of the gradients of all parameters together, without x and the"
        " first states); coef = min(1, max_norm/(total_norm + 1e-6)); every parameter gradient is multiplied"
        " by coef"
    )
    clip = {
        "max_norm": max_norm,
        "total_norm": total,
        "coef": min(1.0, max_norm / (total + 1e-6)),
        "grads_after": {key: parameter.grad for key, parameter in params.items()},
    }
    return {**out, "clip": clip}


def clip_vectors():
    yield clipped("clip_global_norm_clipped", 0.21, T=4, B=2, I=4, H=3)
    yield clipped(
        "clip_global_norm_below",
        2.3,
        T=4,
        B=2,
        I=4,
        H=3,
        notes="the norm is below max_norm: grads_after is grads to the bit",
    )
    yield clipped(
        "clip_global_norm_equal",
        1,
        T=3,
        B=2,
        I=2,
        H=3,
        notes=(
            "max_norm is total_norm itself: the 1e-6 in the denominator still shortens the gradient a little"
        ),
    )
    yield clipped("clip_global_norm_2l", 0.05, T=3, B=2, I=3, H=2, L=2)


def vectors():
    yield from plain_vectors()
    yield from packed_vectors()
    yield from truncated_vectors()
    yield from many_to_one_vectors()
    yield from classes_vectors()
    yield from clip_vectors()
