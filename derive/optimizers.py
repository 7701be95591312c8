"""Optimizers as equations on one flat parameter W with gradient g = W_bar + weight_decay W."""

from __future__ import annotations

from derive.calculus.define import define
from derive.calculus.network import Update

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
    state="v",
)
"""v' = mu v - lr g, W' = W + v'. Polyak, 1964; Sutskever et al., ICML 2013, equations 1 and 2."""

AVERAGED = Update(
    "averaged_step",
    define(
        """averaged(W[n], W_bar[n], state u[n], lr, mu, weight_decay) -> W_new, u_new
        u_new[i] = mu*u[i] + (1 - mu)*(W_bar[i] + weight_decay*W[i])
        W_new[i] = W[i] - lr*u_new[i]"""
    ),
    state="u",
)
"""u' = mu u + (1 - mu) g, W' = W - lr u'."""

OPTIMIZERS = (SGD, MOMENTUM, AVERAGED)
