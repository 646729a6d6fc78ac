"""PyTorch's optimizers on a small least-squares problem."""

import torch

from vector import Draw, leaves_of

ADAM = (
    "m = b1*m + (1-b1)*g; v = b2*v + (1-b2)*g^2; p -= lr/(1-b1^t) * m/(sqrt(v)/sqrt(1-b2^t) + eps), t counted"
    " from 1; with amsgrad the largest v so far stands in place of v"
)
OPTIMIZERS = {
    "adam": ("weight decay first adds weight_decay*p to g; " + ADAM, torch.optim.Adam),
    "adamw": (
        "weight decay is decoupled, p *= 1 - lr*weight_decay before the step; " + ADAM,
        torch.optim.AdamW,
    ),
    "adagrad": (
        (
            "g += weight_decay*p; s += g^2, started at initial_accumulator_value; p -= lr/(1 +"
            " (t-1)*lr_decay) * g/(sqrt(s) + eps), t counted from 1"
        ),
        torch.optim.Adagrad,
    ),
    "rmsprop": (
        (
            "g += weight_decay*p; s = alpha*s + (1-alpha)*g^2; if centered, a = alpha*a + (1-alpha)*g and d ="
            " sqrt(s - a^2) + eps, else d = sqrt(s) + eps; with momentum u = momentum*u + g/d and p -= lr*u,"
            " else p -= lr*g/d"
        ),
        torch.optim.RMSprop,
    ),
    "sgd": (
        (
            "g += weight_decay*p; with momentum u = g at the first step, then u = momentum*u +"
            " (1-dampening)*g; the step is g + momentum*u with nesterov, u with plain momentum, g without; p"
            " -= lr*step"
        ),
        torch.optim.SGD,
    ),
}


def optimizer(name, which, steps=5, **hyper):
    draw = Draw(name)
    N, I, O = 8, 3, 2
    X, Y = draw.normal(N, I), draw.normal(N, O)
    p = leaves_of(W=draw.uniform(O, I), b=draw.uniform(O))
    first = {key: tensor.detach().clone() for key, tensor in p.items()}
    equations, make = OPTIMIZERS[which]
    optim, taken = make(list(p.values()), **hyper), []
    for _ in range(steps):
        optim.zero_grad()
        loss = 0.5 * ((X @ p["W"].T + p["b"] - Y) ** 2).sum() / N
        loss.backward()
        grads = {key: tensor.grad.clone() for key, tensor in p.items()}
        optim.step()
        after = {key: tensor.detach().clone() for key, tensor in p.items()}
        taken.append({"loss_before": loss.item(), "grads": grads, "params_after": after})
    return {
        "name": name,
        "kind": "OPTIMIZER",
        "equations": equations + "; an option that hyper leaves out has PyTorch's default",
        "hyper": hyper,
        "problem": (
            f"loss = 0.5*sum((X W^T + b - Y)^2)/{N} over the whole batch, {steps} steps; each step gives the"
            " gradients that the optimizer sees, so it can be tested without the model"
        ),
        "inputs": {"X": X, "Y": Y},
        "params": first,
        "steps": taken,
    }


def vectors():
    yield optimizer("optim_adam", "adam", lr=0.05, betas=[0.9, 0.999], eps=1e-8)
    yield optimizer("optim_adam_betas", "adam", steps=8, lr=0.1, betas=[0.8, 0.95], eps=1e-3)
    yield optimizer(
        "optim_adam_weight_decay", "adam", lr=0.05, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.3
    )
    yield optimizer("optim_adamw", "adamw", lr=0.05, betas=[0.9, 0.999], eps=1e-8, weight_decay=0.3)
    yield optimizer("optim_adamw_defaults", "adamw", lr=0.5)
    yield optimizer(
        "optim_adamw_amsgrad", "adamw", steps=12, lr=0.3, betas=[0.5, 0.7], weight_decay=0.1, amsgrad=True
    )
    yield optimizer("optim_amsgrad", "adam", steps=12, lr=0.3, betas=[0.5, 0.7], eps=1e-8, amsgrad=True)
    yield optimizer(
        "optim_adam_amsgrad", "adam", steps=12, lr=0.3, betas=[0.6, 0.8], weight_decay=0.1, amsgrad=True
    )
    yield optimizer("optim_adagrad", "adagrad", lr=0.1)
    yield optimizer("optim_adagrad_lr_decay", "adagrad", lr=0.2, lr_decay=0.3, eps=1e-10)
    yield optimizer(
        "optim_adagrad_start",
        "adagrad",
        lr=0.2,
        lr_decay=0.1,
        weight_decay=0.2,
        initial_accumulator_value=0.5,
    )
    yield optimizer("optim_rmsprop", "rmsprop", lr=0.02, alpha=0.9, eps=1e-8)
    yield optimizer("optim_rmsprop_defaults", "rmsprop")
    yield optimizer("optim_rmsprop_centered", "rmsprop", lr=0.02, alpha=0.9, centered=True)
    yield optimizer("optim_rmsprop_momentum", "rmsprop", lr=0.02, alpha=0.9, momentum=0.8)
    yield optimizer(
        "optim_rmsprop_centered_momentum",
        "rmsprop",
        lr=0.02,
        alpha=0.8,
        momentum=0.5,
        centered=True,
        weight_decay=0.2,
    )
    yield optimizer("optim_sgd", "sgd", lr=0.1)
    yield optimizer("optim_sgd_weight_decay", "sgd", lr=0.1, weight_decay=0.3)
    yield optimizer("optim_sgd_momentum", "sgd", lr=0.1, momentum=0.9)
    yield optimizer("optim_sgd_dampening", "sgd", lr=0.1, momentum=0.9, dampening=0.4)
    yield optimizer("optim_sgd_nesterov", "sgd", lr=0.1, momentum=0.9, nesterov=True)
    yield optimizer(
        "optim_sgd_nesterov_weight_decay", "sgd", lr=0.1, momentum=0.8, nesterov=True, weight_decay=0.2
    )
    yield optimizer(
        "optim_sgd_momentum_dampening_weight_decay",
        "sgd",
        lr=0.1,
        momentum=0.7,
        dampening=0.3,
        weight_decay=0.2,
    )
