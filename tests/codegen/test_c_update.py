"""Optimizers as loops: written in place where nobody needs the old value any more."""

from codegen.c.update import update_text
from codegen.printers.to_c import Used
from derive.calculus.definition.define import define
from derive.calculus.program.network import Update
from tests.codegen.networks import UPDATES


def lines(update: Update) -> list[str]:
    return [line.strip() for line in update_text(update, "net", Used()).lines]


def test_the_three_steps() -> None:
    sgd, momentum, averaged = (lines(update) for update in UPDATES)
    assert sgd == ["W[i] -= lr * (weight_decay * W[i] + W_bar[i]);"]
    assert momentum == ["v[i] = mu * v[i] - lr * (weight_decay * W[i] + W_bar[i]);", "W[i] += v[i];"]
    assert averaged == [
        "u[i] = (1 - mu) * (weight_decay * W[i] + W_bar[i]) + mu * u[i];",
        "W[i] -= lr * u[i];",
    ]


def test_an_old_value_that_is_read_later_is_kept() -> None:
    nesterov = define("""
nesterov(W[n], W_bar[n], v[n], lr, mu) -> W_new, v_new
    v_new[i] = mu v[i] - lr W_bar[i]
    W_new[i] = W[i] + (1 + mu) v_new[i] - mu v[i]
""")
    assert lines(Update("nesterov_step", nesterov, ("v",))) == [
        "const real v_new = mu * v[i] - lr * W_bar[i];",
        "W[i] += v_new * (mu + 1) - mu * v[i];",
        "v[i] = v_new;",
    ]
