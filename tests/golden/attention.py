"""An encoder-decoder of GRUs that attends to what its encoder has put out (Luong 2015, Bahdanau 2015)."""

import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from stacks import GRU_LAYER, stack
from vector import Draw, cross_entropy, leaf, leaves_of, vector

SCORES = {
    "dot": "score_ts = h_t . e_s",
    "general": "score_ts = (W_a h_t) . e_s, attention.Wa.weight = W_a",
    "additive": "score_ts = v . tanh(W_q h_t + W_k e_s), attention.Wq, .Wk and .v.weight",
}


def attention(name, score, T_in, T_out, B, I, E, H, O, lengths=None):
    draw = Draw(name)
    encoder = stack("GRU", draw, dict(I=I, H=H, L=1, D=1))
    decoder = stack("GRU", draw, dict(I=E, H=H, L=1, D=1))
    p = {f"enc.{key}": tensor for key, tensor in encoder.named_parameters()}
    p["embedding"] = leaf(draw.normal(O, E, scale=0.8))
    p.update({f"dec.{key}": tensor for key, tensor in decoder.named_parameters()})
    shapes = {"dot": {}, "general": {"Wa": (H, H)}, "additive": {"Wq": (H, H), "Wk": (H, H), "v": (1, H)}}
    for key, shape in {"Wc": (H, 2 * H), **shapes[score]}.items():
        p[f"attention.{key}.weight"] = leaf(draw.uniform(*shape))
    p.update(leaves_of(**{"head.weight": draw.uniform(O, H), "head.bias": draw.uniform(O)}))
    x = leaf(draw.normal(T_in, B, I))
    dec_in, targets = draw.integers(O, T_out, B), draw.integers(O, T_out, B)

    lasting = lengths or [T_in] * B
    packed, context = encoder(pack_padded_sequence(x, lasting, enforce_sorted=False))
    e = pad_packed_sequence(packed, total_length=T_in)[0].transpose(0, 1)  # [B, S, H]
    h = decoder(F.embedding(dec_in, p["embedding"]), context)[0].transpose(0, 1)  # [B, T, H]
    if score == "additive":
        q, k = h @ p["attention.Wq.weight"].T, e @ p["attention.Wk.weight"].T
        scores = torch.tanh(q[:, :, None] + k[:, None]) @ p["attention.v.weight"][0]
    else:
        q = h if score == "dot" else h @ p["attention.Wa.weight"].T
        scores = q @ e.transpose(1, 2)
    ended = torch.arange(T_in)[None] >= torch.tensor(lasting)[:, None]
    weights = torch.softmax(scores.masked_fill(ended[:, None], -torch.inf), -1)
    seen = torch.cat([weights @ e, h], -1)
    out = torch.tanh(seen @ p["attention.Wc.weight"].T).transpose(0, 1)
    logits = out @ p["head.weight"].T + p["head.bias"]
    loss, value = cross_entropy(logits, targets)
    return vector(
        name,
        "SEQ2SEQ_ATTENTION",
        dict(T_in=T_in, T_out=T_out, B=B, I=I, E=E, H=H, O=O, L=1, bias=True),
        "encoder and decoder are GRUs, "
        + GRU_LAYER
        + "; the encoder reads x from zero and puts out e_s, its last state is the decoder's first; the decoder"
        " reads row dec_in_t of the embedding and puts out h_t; "
        + SCORES[score]
        + "; attention_t = softmax(score_t) over the steps s of a row's source; c_t = sum_s attention_ts e_s;"
        " logits_t = W_head tanh(W_c [c_t; h_t]) + b_head, attention.Wc.weight = W_c; the loss is the"
        " cross-entropy against targets, averaged over T_out*B",
        p,
        {"x": x, "dec_in": dec_in},
        {},
        loss,
        value,
        {
            "dec_output": h.transpose(0, 1),
            "attention": weights.transpose(0, 1),
            "logits": logits,
            "probs": torch.softmax(logits, -1),
        },
        hyper={"score": score, **({"lengths": lengths} if lengths else {})},
    )


def vectors():
    for score in SCORES:
        yield attention(f"seq2seq_attention_{score}", score, T_in=5, T_out=4, B=2, I=4, E=2, H=3, O=6)
        yield attention(
            f"seq2seq_attention_{score}_lengths",
            score,
            **dict(T_in=5, T_out=3, B=3, I=2, E=4, H=5, O=4, lengths=[3, 5, 1]),
        )
