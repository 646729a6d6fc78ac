"""The cells that PyTorch lacks, in plain tensor operations, and the models with a softmax."""

import torch
import torch.nn.functional as F

from stacks import GRU_LAYER, first_states, stack
from vector import Draw, cross_entropy, leaf, leaves_of, vector, weighted_sum

# ---------------------------------------------------------------- Elman and Jordan with a softmax output


def elman(name, T, B, I, H, O):
    draw = Draw(name)
    p = leaves_of(
        U=draw.uniform(H, I), W=draw.uniform(H, H), b=draw.uniform(H), V=draw.uniform(O, H), c=draw.uniform(O)
    )
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(B, H))
    h, hidden = init["h_0"], []
    for t in range(T):
        h = torch.tanh(x[t] @ p["U"].T + h @ p["W"].T + p["b"])
        hidden.append(h)
    hidden = torch.stack(hidden)
    logits = hidden @ p["V"].T + p["c"]
    loss, value = cross_entropy(logits, draw.integers(O, T, B))
    expected = {"hidden": hidden, "logits": logits, "probs": torch.softmax(logits, -1), "h_n": h}
    return vector(
        name,
        "ELMAN",
        dict(T=T, B=B, I=I, H=H, O=O),
        "h_t = tanh(U x_t + W h_(t-1) + b); logits o_t = V h_t + c; p_t = softmax(o_t); "
        "the loss is the cross-entropy of o_t against target_t, averaged over all T*B of them",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
    )


def jordan(name, feedback, T, B, I, H, O, scale=1.0):
    draw = Draw(name)
    p = leaves_of(
        U=draw.uniform(H, I),
        W=draw.uniform(H, O),
        b=draw.uniform(H),
        V=draw.uniform(O, H, bound=0.7 * scale),
        c=draw.uniform(O),
    )
    x, init = leaf(draw.normal(T, B, I)), leaves_of(o_0=draw.normal(B, O))
    if feedback == "p":
        init = leaves_of(o_0=torch.softmax(draw.normal(B, O), -1))
    back, hidden, logits = init["o_0"], [], []
    for t in range(T):
        h = torch.tanh(x[t] @ p["U"].T + back @ p["W"].T + p["b"])
        o = h @ p["V"].T + p["c"]
        back = torch.softmax(o, -1) if feedback == "p" else o
        hidden.append(h)
        logits.append(o)
    logits = torch.stack(logits)
    loss, value = cross_entropy(logits, draw.integers(O, T, B))
    expected = {"hidden": torch.stack(hidden), "logits": logits, "probs": torch.softmax(logits, -1)}
    fed = {"o": "the logits o_(t-1)", "p": "the probabilities p_(t-1)"}[feedback]
    return vector(
        name,
        "JORDAN",
        dict(T=T, B=B, I=I, H=H, O=O),
        "h_t = tanh(U x_t + W fb_(t-1) + b); logits o_t = V h_t + c; p_t = softmax(o_t); what is fed back,"
        f" fb_(t-1), is {fed}, and at the first step the given o_0 as it stands; the gradient goes through"
        " the feedback; the loss is the cross-entropy of o_t against target_t, averaged over all T*B of"
        " them",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
        hyper={"feedback": feedback},
    )


def output_vectors():
    yield elman("elman", T=6, B=2, I=3, H=5, O=4)
    yield elman("elman_b1", T=5, B=1, I=4, H=3, O=2)
    yield elman("elman_t1", T=1, B=3, I=2, H=5, O=3)
    yield elman("elman_h1", T=4, B=2, I=3, H=1, O=3)
    for feedback in ("o", "p"):
        yield jordan(f"jordan_{feedback}", feedback, T=6, B=2, I=3, H=5, O=4)
        yield jordan(f"jordan_{feedback}_wide_output", feedback, T=5, B=3, I=2, H=3, O=7)
        yield jordan(f"jordan_{feedback}_sharp", feedback, T=5, B=2, I=2, H=3, O=4, scale=5)
        yield jordan(f"jordan_{feedback}_b1", feedback, T=5, B=1, I=4, H=3, O=2)
        yield jordan(f"jordan_{feedback}_t1", feedback, T=1, B=3, I=4, H=2, O=3)


# ---------------------------------------------------------------- Clockwork


def clockwork(name, periods, t_first, T, B, I, O, units):
    draw = Draw(name)
    modules, H = len(periods), len(periods) * units
    period = torch.tensor(periods).repeat_interleave(units)
    mask = (period[None, :] >= period[:, None]).long()  # row i reads column j: the slow feeds the fast
    p = leaves_of(
        W_in=draw.uniform(H, I),
        W_h=draw.uniform(H, H) * mask,
        b=draw.uniform(H),
        W_out=draw.uniform(O, H),
        b_out=draw.uniform(O),
    )
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(B, H))
    active = torch.tensor([[int((s + t_first) % q == 0) for q in periods] for s in range(T)])
    h, hidden = init["h_0"], []
    for s in range(T):
        fresh = torch.tanh(x[s] @ p["W_in"].T + h @ (p["W_h"] * mask).T + p["b"])
        h = torch.where((s + t_first) % period == 0, fresh, h)
        hidden.append(h)
    hidden = torch.stack(hidden)
    expected = {"hidden": hidden, "output": hidden @ p["W_out"].T + p["b_out"], "h_n": h}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "CLOCKWORK",
        dict(T=T, B=B, I=I, H=H, O=O, modules=modules, units_per_module=units),
        f"Koutnik et al. 2014: {modules} modules of {units} units, the fastest first; step s (from 0) has the"
        f" time t = s + {t_first}; a module whose period divides t becomes tanh(W_in x_t + W_h h_(t-1) + b),"
        " the others keep their state; module i reads the previous state of module j, active or not, when"
        " period_j >= period_i, so W_h is block-upper-triangular, with stored zeros below whose gradient is"
        " zero; output_t = W_out h_t + b_out at every step",
        p,
        {"x": x, "active": active, "mask_h": mask},
        init,
        loss,
        value,
        expected,
        notes=(
            "inputs.active[s][i] is 1 where module i ticks at step s; inputs.mask_h is 1 where W_h may differ"
            " from zero"
        ),
        hyper={"periods": periods, "t_first": t_first},
    )


def clockwork_vectors():
    for t_first in (0, 1):
        end = f"_t{t_first}"
        yield clockwork("clockwork_1_2_4" + end, [1, 2, 4], t_first, T=9, B=2, I=4, O=5, units=2)
        yield clockwork("clockwork_1_2_3" + end, [1, 2, 3], t_first, T=7, B=3, I=4, O=5, units=2)
        yield clockwork("clockwork_2_3_5" + end, [2, 3, 5], t_first, T=11, B=2, I=3, O=2, units=2)
        yield clockwork("clockwork_1_2_4_8_16" + end, [1, 2, 4, 8, 16], t_first, T=17, B=2, I=3, O=2, units=1)
        yield clockwork("clockwork_one_module" + end, [1], t_first, T=3, B=2, I=2, O=1, units=3)
        yield clockwork("clockwork_b1" + end, [1, 3], t_first, T=7, B=1, I=2, O=3, units=3)


# ---------------------------------------------------------------- two cells that PyTorch lacks

LAYERED = "the states have a leading axis of 1 and the sequence of states is called hidden"


def gru_reset_before(name, T, B, I, H, layered=False):
    draw = Draw(name)
    p = {}
    for gate in "rzh":
        p.update(
            leaves_of(
                **{
                    f"W_{gate}": draw.uniform(H, I),
                    f"U_{gate}": draw.uniform(H, H),
                    f"b_{gate}": draw.uniform(H),
                }
            )
        )
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(*([1] if layered else []), B, H))
    h, outputs = init["h_0"].reshape(B, H), []
    for t in range(T):
        r = torch.sigmoid(x[t] @ p["W_r"].T + h @ p["U_r"].T + p["b_r"])
        z = torch.sigmoid(x[t] @ p["W_z"].T + h @ p["U_z"].T + p["b_z"])
        n = torch.tanh(x[t] @ p["W_h"].T + (r * h) @ p["U_h"].T + p["b_h"])
        h = (1 - z) * n + z * h
        outputs.append(h)
    expected = {"hidden" if layered else "output": torch.stack(outputs), "h_n": h[None] if layered else h}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "GRU_RESET_BEFORE",
        dict(T=T, B=B, I=I, H=H),
        "the reset gate acts on the state before the recurrent product: r = s(W_r x_t + U_r h_(t-1) + b_r); z"
        " = s(W_z x_t + U_z h_(t-1) + b_z); n = tanh(W_h x_t + U_h (r*h_(t-1)) + b_h); h_t = (1-z)*n +"
        " z*h_(t-1)",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
        notes=LAYERED if layered else None,
    )


def lstm_peephole(name, T, B, I, H, layered=False):
    draw = Draw(name)
    p = leaves_of(
        weight_ih=draw.uniform(4 * H, I),
        weight_hh=draw.uniform(4 * H, H),
        bias=draw.uniform(4 * H),
        p_i=draw.uniform(H),
        p_f=draw.uniform(H),
        p_o=draw.uniform(H),
    )
    lead = [1] if layered else []
    x, init = leaf(draw.normal(T, B, I)), leaves_of(
        h_0=draw.normal(*lead, B, H), c_0=draw.normal(*lead, B, H)
    )
    h, c, outputs = init["h_0"].reshape(B, H), init["c_0"].reshape(B, H), []
    for t in range(T):
        ai, af, ag, ao = (x[t] @ p["weight_ih"].T + h @ p["weight_hh"].T + p["bias"]).chunk(4, -1)
        i, f, g = torch.sigmoid(ai + p["p_i"] * c), torch.sigmoid(af + p["p_f"] * c), torch.tanh(ag)
        c = f * c + i * g
        h = torch.sigmoid(ao + p["p_o"] * c) * torch.tanh(c)
        outputs.append(h)
    expected = {
        "hidden" if layered else "output": torch.stack(outputs),
        "h_n": h[None] if layered else h,
        "c_n": c[None] if layered else c,
    }
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "LSTM_PEEPHOLE",
        dict(T=T, B=B, I=I, H=H),
        "four row blocks in the order i, f, g, o: a = weight_ih x_t + weight_hh h_(t-1) + bias; i = s(a_i +"
        " p_i*c_(t-1)); f = s(a_f + p_f*c_(t-1)); g = tanh(a_g); c_t = f*c_(t-1) + i*g; o = s(a_o + p_o*c_t),"
        " which sees the new cell; h_t = o*tanh(c_t)",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
        notes=LAYERED if layered else None,
    )


def cell_vectors():
    for name, make in (("gru_reset_before", gru_reset_before), ("lstm_peephole", lstm_peephole)):
        yield make(name, T=5, B=3, I=4, H=5)
        yield make(name + "_b1", T=4, B=1, I=3, H=2)
        yield make(name + "_t1", T=1, B=2, I=4, H=3)
        yield make(name + "_h1", T=4, B=2, I=3, H=1)
        yield make(name + "_layered", T=4, B=2, I=4, H=3, layered=True)


# ---------------------------------------------------------------- cells with a linear recurrence

LINEAR = {
    "MINGRU": (2, "a_z, a_n", "z = s(a_z); h_t = (1-z)*h_(t-1) + z*a_n"),
    "MINLSTM": (
        3,
        "a_i, a_f, a_n",
        "i = s(a_i); f = s(a_f); h_t = f/(f+i)*h_(t-1) + i/(f+i)*a_n",
    ),
    "DIAGONAL": (
        2,
        "a_s, a_q",
        "h_t = p*h_(t-1) + a_q with p = s(a_s) where hyper.eigenvalues is positive, p = 2*s(a_s)-1 where signed",
    ),
}


def linear_recurrence(name, kind, T, B, I, H, eigenvalues=None):
    draw = Draw(name)
    count, gates, equations = LINEAR[kind]
    p = leaves_of(weight=draw.uniform(count * H, I), bias=draw.uniform(count * H))
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(B, H))
    h, outputs = init["h_0"], []
    for t in range(T):
        *a, new = (x[t] @ p["weight"].T + p["bias"]).chunk(count, -1)
        a = [torch.sigmoid(one) for one in a]
        if kind == "MINGRU":
            h = (1 - a[0]) * h + a[0] * new
        elif kind == "MINLSTM":
            i, f = a
            h = f / (f + i) * h + i / (f + i) * new
        else:
            h = (2 * a[0] - 1 if eigenvalues == "signed" else a[0]) * h + new
        outputs.append(h)
    expected = {"output": torch.stack(outputs), "h_n": h}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        kind,
        dict(T=T, B=B, I=I, H=H),
        f"row blocks in the order {gates}: a = weight x_t + bias; {equations}",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
        hyper={"eigenvalues": eigenvalues} if eigenvalues else None,
    )


def linear_vectors():
    forms = [("mingru", None), ("minlstm", None), ("diagonal_positive", "positive"), ("diagonal_signed", "signed")]
    for name, eigenvalues in forms:
        kind = name.split("_")[0].upper()
        yield linear_recurrence(name, kind, T=6, B=3, I=4, H=5, eigenvalues=eigenvalues)
        yield linear_recurrence(name + "_b1", kind, T=5, B=1, I=3, H=2, eigenvalues=eigenvalues)
        yield linear_recurrence(name + "_t1", kind, T=1, B=2, I=4, H=3, eigenvalues=eigenvalues)


# ---------------------------------------------------------------- the Legendre memory unit


def legendre_memory(order, theta):
    """A and B of one step by zero-order hold: A^-1 (e^(A/theta) - 1) B for the input."""
    i, j = torch.arange(order)[:, None], torch.arange(order)[None, :]
    A = (2 * i + 1) * torch.where(i < j, -1, (-1) ** (i - j + 1)).double()
    B = (2 * i[:, 0] + 1) * (-1.0) ** i[:, 0]
    step = torch.matrix_exp(A / theta)
    return step, torch.linalg.solve(A, (step - torch.eye(order)) @ B)


def lmu(name, T, B, I, H, M, theta):
    draw = Draw(name)
    A, b_in = legendre_memory(M, theta)
    p = leaves_of(
        e_x=draw.uniform(1, I),
        e_h=draw.uniform(1, H),
        e_m=draw.uniform(1, M, bound=0.2),
        W_x=draw.uniform(H, I),
        W_h=draw.uniform(H, H),
        W_m=draw.uniform(H, M),
        b=draw.uniform(H),
        A=A,
        B=b_in[:, None],
    )
    x = leaf(draw.normal(T, B, I))
    init = leaves_of(h_0=draw.normal(B, H), m_0=draw.normal(B, M))
    h, m, outputs = init["h_0"], init["m_0"], []
    for t in range(T):
        u = x[t] @ p["e_x"].T + h @ p["e_h"].T + m @ p["e_m"].T
        m = m @ p["A"].T + u @ p["B"].T
        h = torch.tanh(x[t] @ p["W_x"].T + h @ p["W_h"].T + m @ p["W_m"].T + p["b"])
        outputs.append(h)
    expected = {"output": torch.stack(outputs), "h_n": h, "m_n": m}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "LMU",
        dict(T=T, B=B, I=I, H=H, M=M),
        "u_t = e_x x_t + e_h h_(t-1) + e_m m_(t-1); m_t = A m_(t-1) + B u_t; h_t = tanh(W_x x_t + W_h h_(t-1) +"
        " W_m m_t + b); A and B are those of a Legendre memory with a window of hyper.theta steps",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
        hyper={"theta": theta},
    )


def lmu_vectors():
    yield lmu("lmu", T=6, B=3, I=4, H=5, M=6, theta=9)
    yield lmu("lmu_b1", T=5, B=1, I=3, H=2, M=4, theta=4)
    yield lmu("lmu_t1", T=1, B=2, I=4, H=3, M=7, theta=30)


# ---------------------------------------------------------------- leaky units, and the LSTM of 1997


def reservoir(name, T, B, I, H, leak):
    draw = Draw(name)
    p = leaves_of(
        W_x=draw.uniform(H, I),
        W_h=draw.uniform(H, H),
        b=draw.uniform(H),
        leak=torch.tensor([leak], dtype=torch.float64),
    )
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(B, H))
    h, outputs = init["h_0"], []
    for t in range(T):
        h = (1 - p["leak"]) * h + p["leak"] * torch.tanh(x[t] @ p["W_x"].T + h @ p["W_h"].T + p["b"])
        outputs.append(h)
    expected = {"output": torch.stack(outputs), "h_n": h}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "RESERVOIR",
        dict(T=T, B=B, I=I, H=H),
        "h_t = (1 - leak)*h_(t-1) + leak*tanh(W_x x_t + W_h h_(t-1) + b)",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
    )


def lstm1997(name, T, B, I, H):
    draw = Draw(name)
    p = leaves_of(weight_ih=draw.uniform(3 * H, I), weight_hh=draw.uniform(3 * H, H), bias=draw.uniform(3 * H))
    x, init = leaf(draw.normal(T, B, I)), leaves_of(h_0=draw.normal(B, H), c_0=draw.normal(B, H))
    h, c, outputs = init["h_0"], init["c_0"], []
    for t in range(T):
        ai, ag, ao = (x[t] @ p["weight_ih"].T + h @ p["weight_hh"].T + p["bias"]).chunk(3, -1)
        c = c + torch.sigmoid(ai) * torch.tanh(ag)
        h = torch.sigmoid(ao) * torch.tanh(c)
        outputs.append(h)
    expected = {"output": torch.stack(outputs), "h_n": h, "c_n": c}
    loss, value = weighted_sum(draw, expected)
    return vector(
        name,
        "LSTM1997",
        dict(T=T, B=B, I=I, H=H),
        "three row blocks in the order i, g, o: a = weight_ih x_t + weight_hh h_(t-1) + bias; c_t = c_(t-1) +"
        " s(a_i)*tanh(a_g); h_t = s(a_o)*tanh(c_t)",
        p,
        {"x": x},
        init,
        loss,
        value,
        expected,
    )


def leaky_vectors():
    yield reservoir("reservoir", T=6, B=3, I=4, H=5, leak=0.3)
    yield reservoir("reservoir_b1", T=5, B=1, I=3, H=2, leak=0.7)
    yield reservoir("reservoir_t1", T=1, B=2, I=4, H=3, leak=1.0)
    yield lstm1997("lstm1997", T=6, B=3, I=4, H=5)
    yield lstm1997("lstm1997_b1", T=5, B=1, I=3, H=2)
    yield lstm1997("lstm1997_t1", T=1, B=2, I=4, H=3)


# ---------------------------------------------------------------- encoder and decoder


def seq2seq(
    name, T_in, T_out, B, I, E, H, O, L=1, with_init=True, embedding="embedding", V=None, table=False, weigh=None
):
    """With V, x is class numbers below it: rows of a table of the encoder's, or one-hot rows (I = V)."""
    draw = Draw(name)
    encoder = stack("GRU", draw, dict(I=I, H=H, L=L, D=1))
    decoder = stack("GRU", draw, dict(I=E, H=H, L=L, D=1))
    p = {f"enc.{key}": tensor for key, tensor in encoder.named_parameters()}
    if table:
        p["enc.embedding.weight"] = leaf(draw.normal(V, I, scale=0.8))
    p[embedding] = leaf(draw.normal(O, E, scale=0.8))
    p.update({f"dec.{key}": tensor for key, tensor in decoder.named_parameters()})
    p.update(leaves_of(**{"head.weight": draw.uniform(O, H), "head.bias": draw.uniform(O)}))
    x = draw.integers(V, T_in, B) if V else leaf(draw.normal(T_in, B, I))
    read = x
    if V:
        read = F.embedding(x, p["enc.embedding.weight"]) if table else F.one_hot(x, V).to(torch.float64)
    init = first_states("GRU", draw, dict(L=L, D=1, B=B, H=H)) if with_init else {}
    # token 0 only starts a row; the last token occurs as a target but is never read
    targets = 1 + draw.integers(O - 1, T_out, B)
    targets[:-1][targets[:-1] == O - 1] = 1
    targets[-1, 0] = O - 1
    dec_in = torch.cat([torch.zeros(1, B, dtype=torch.long), targets[:-1]])
    enc_output, context = encoder(read, init.get("h_0", torch.zeros(L, B, H)))
    dec_output, last = decoder(F.embedding(dec_in, p[embedding]), context)
    logits = dec_output @ p["head.weight"].T + p["head.bias"]
    expected = {
        "enc_output": enc_output,
        "enc_h_n": context,
        "dec_output": dec_output,
        "dec_h_n": last,
        "logits": logits,
        "probs": torch.softmax(logits, -1),
    }
    loss, value = weighted_sum(draw, expected, weigh) if weigh else cross_entropy(logits, targets)
    rows = "row x_t of enc.embedding.weight" if table else "the one-hot row of x_t" if V else "x"
    return vector(
        name,
        "SEQ2SEQ_GRU",
        dict(T_in=T_in, T_out=T_out, B=B, I=I, E=E, H=H, O=O, L=L, bias=True, **({"V": V} if V else {})),
        "encoder and decoder are GRUs, "
        + GRU_LAYER
        + f"; the encoder reads {rows} from h_0, its last states are the decoder's first; the decoder reads row"
        " dec_in_t of the embedding at step t (teacher forcing: dec_in is the target one step late, started"
        " by 0); logits_t = W_head h_t + b_head from its top layer; the loss is the "
        + ("weighted sum" if weigh else "cross-entropy against targets, averaged over T_out*B"),
        p,
        {"x": x, "dec_in": dec_in},
        init,
        loss,
        value,
        expected,
        notes=(
            f"the embedding [{O}, {E}] is the parameter {embedding}; the rows of tokens that dec_in lacks"
            " have a zero gradient"
        )
        + ("" if with_init else "; init is empty: the encoder starts from zero"),
    )


def seq2seq_vectors():
    yield seq2seq("seq2seq_gru", T_in=5, T_out=4, B=2, I=4, E=2, H=3, O=6)
    yield seq2seq(
        "seq2seq_gru_zero_init",
        T_in=3,
        T_out=5,
        B=3,
        I=2,
        E=4,
        H=3,
        O=5,
        with_init=False,
        embedding="embedding.weight",
    )
    yield seq2seq("seq2seq_gru_2l", T_in=4, T_out=3, B=2, I=4, E=5, H=2, O=3, L=2)
    small = dict(T_in=4, T_out=3, B=2, E=2, H=3, O=5)
    ends = ["enc_output", "enc_h_n", "dec_output", "dec_h_n", "logits", "probs"]
    yield seq2seq("seq2seq_gru_weighted_2l", **small, I=4, L=2, weigh=ends)
    for end in ends:
        yield seq2seq(f"seq2seq_gru_loss_on_{end}", **small, I=4, weigh=[end])
    yield seq2seq("seq2seq_gru_enc_embedding", **small, I=4, V=6, table=True)
    yield seq2seq("seq2seq_gru_one_hot_weighted", **small, I=6, V=6, weigh=ends)
    yield seq2seq("seq2seq_gru_b1", T_in=2, T_out=3, B=1, I=2, E=3, H=1, O=4, with_init=False)


# ---------------------------------------------------------------- softmax and cross-entropy alone


def softmax_ce(name, logits, targets, sizes, key="logits_in", notes=None):
    logits = leaf(logits)
    loss, value = cross_entropy(logits, targets, key)
    expected = {"logits": logits.detach()} if key == "logits" else {}
    expected.update(probs=torch.softmax(logits, -1), log_probs=torch.log_softmax(logits, -1))
    return vector(
        name,
        "SOFTMAX_CE",
        sizes,
        "logits = logits_in; m = max over classes; log p_i = (l_i - m) - log(sum_j exp(l_j - m)); p_i ="
        " exp(log p_i); the loss is -log p_target averaged over all rows, its gradient (p -"
        " onehot(target))/rows",
        {},
        {"logits_in": logits},
        {},
        loss,
        value,
        expected,
        notes,
    )


def softmax_vectors():
    draw = Draw("softmax_ce")
    yield softmax_ce(
        "softmax_ce", draw.normal(4, 3, 5, scale=2), draw.integers(5, 4, 3), dict(T=4, B=3, O=5), "logits"
    )
    extreme = torch.tensor(
        [
            [1000.0, -1000.0, 0.0, 999.0],
            [1000.0, -1000.0, 0.0, 999.0],
            [-1000.0, -1000.0, -1000.0, -1000.0],
            [1000.0, 1000.0, 1000.0, 1000.0],
            [-1000.0, -1000.5, -999.0, -1003.0],
            [1e-300, -1e-300, 0.0, 1e-17],
            [709.9, -745.2, 710.1, 0.0],
            [36.0, 0.0, -36.0, -37.5],
        ]
    )
    yield softmax_ce(
        "softmax_ce_extreme",
        extreme,
        torch.tensor([0, 1, 3, 2, 2, 0, 1, 3]),
        dict(B=8, O=4),
        notes=(
            "logits of +-1000 with the target on the largest, on the smallest and among equals: everything is"
            " finite"
        ),
    )
    far = draw.normal(3, 2, 5) * 1000
    yield softmax_ce("softmax_ce_thousands", far, draw.integers(5, 3, 2), dict(T=3, B=2, O=5), "logits")
    yield softmax_ce(
        "softmax_ce_one_class",
        draw.normal(3, 1),
        torch.tensor([0, 0, 0]),
        dict(B=3, O=1),
        notes="p is 1, the loss 0",
    )


# ---------------------------------------------------------------- losses of outputs alone


def pinball(y, targets):
    levels = y.new_tensor([0.1, 0.5, 0.9]).repeat(y.shape[-1] // 3)
    return torch.maximum(levels * (targets - y), (levels - 1) * (targets - y)).mean()


def bits(y, targets):
    return F.binary_cross_entropy_with_logits(y, targets, reduction="sum") / len(y)


def smoothed(y, targets):
    return F.cross_entropy(y, targets, label_smoothing=0.1)


LOSSES = {
    "bernoulli": (bits, "the sum over the O outputs of max(y, 0) - y q + log(1 + exp(-|y|))"),
    "squared": (F.mse_loss, "the mean over the O outputs of (y - q)^2"),
    "absolute": (F.l1_loss, "the mean over the O outputs of |y - q|"),
    "huber": (F.huber_loss, "the mean over the O outputs of e^2/2 up to |e| = 1, |e| - 1/2 beyond, e = y - q"),
    "quantile": (
        pinball,
        "the mean over the O outputs of max(a (q - y), (a - 1) (q - y)), a = 0.1, 0.5, 0.9, 0.1 ...",
    ),
    "smoothed": (smoothed, "-sum_k q_k log softmax(y)_k, q = 0.9 onehot(target) + 0.1/O"),
}


def loss_vector(name):
    draw = Draw(f"loss_{name}")
    N, O = 7, 6
    y = leaf(draw.normal(N, O, scale=2))
    targets = (
        draw.integers(O, N)
        if name == "smoothed"
        else draw.uniform(N, O, bound=0.5) + 0.5 if name == "bernoulli" else draw.normal(N, O)
    )
    of, equation = LOSSES[name]
    loss = {"type": "named", "name": name, "outputs": "y", "targets": targets}
    equations = f"the loss is the mean over the N rows of {equation}"
    return vector(f"loss_{name}", "LOSS", dict(N=N, O=O), equations, {}, {"y": y}, {}, loss, of(y, targets), {})


def vectors():
    yield from output_vectors()
    yield from clockwork_vectors()
    yield from cell_vectors()
    yield from linear_vectors()
    yield from lmu_vectors()
    yield from leaky_vectors()
    yield from seq2seq_vectors()
    yield from softmax_vectors()
    yield from map(loss_vector, LOSSES)
