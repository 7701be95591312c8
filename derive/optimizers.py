"""Optimizers as equations on one flat parameter W; g = W_bar + weight_decay W, but for AdamW."""

from __future__ import annotations

from derive.calculus.definition.define import define
from derive.calculus.program.network import Update

SGD = Update(
    "sgd_step",
    define(
        """sgd(W[n], W_bar[n], lr, weight_decay) -> W_new
        W_new[i] = W[i] - lr*(W_bar[i] + weight_decay*W[i])"""
    ),
)
"""W' = W - lr g. Robbins, Monro, 1951."""

MOMENTUM = Update(
    "momentum_step",
    define(
        """momentum(W[n], W_bar[n], state v[n], lr, mu, weight_decay) -> W_new, v_new
        v_new[i] = mu*v[i] - lr*(W_bar[i] + weight_decay*W[i])
        W_new[i] = W[i] + v_new[i]"""
    ),
    states=("v",),
)
"""v' = mu v - lr g, W' = W + v'. Polyak, 1964; Sutskever et al., ICML 2013, equations 1 and 2."""

AVERAGED = Update(
    "averaged_step",
    define(
        """averaged(W[n], W_bar[n], state u[n], lr, mu, weight_decay) -> W_new, u_new
        u_new[i] = mu*u[i] + (1 - mu)*(W_bar[i] + weight_decay*W[i])
        W_new[i] = W[i] - lr*u_new[i]"""
    ),
    states=("u",),
)
"""u' = mu u + (1 - mu) g, W' = W - lr u'."""

ADAMW = Update(
    "adamw_step",
    define(
        """adamw(W[n], W_bar[n], state m[n], state s[n], \\
            lr, beta1, beta2, eps, t, weight_decay) -> W_new, m_new, s_new
        c1 = 1 - beta1^t
        c2 = 1 - beta2^t
        m_new[i] = beta1*m[i] + (1 - beta1)*W_bar[i]
        s_new[i] = beta2*s[i] + (1 - beta2)*W_bar[i]^2
        W_new[i] = (1 - lr*weight_decay)*W[i] - lr*m_new[i]/(c1*(sqrt(s_new[i]/c2) + eps))"""
    ),
    states=("m", "s"),
    number="t",
)
"""m and s average W_bar and its square, c1 and c2 are their weights after t steps; the decay stands apart.

Kingma, Ba, Adam, ICLR 2015, algorithm 1; Loshchilov, Hutter, Decoupled Weight Decay Regularization, ICLR
2019, algorithm 2.
"""

OPTIMIZERS = (SGD, MOMENTUM, AVERAGED, ADAMW)
