"""Traps: formulas as on paper that overflow, cancel or divide nothing by nothing, and what is right."""

from __future__ import annotations

from collections.abc import Mapping

from derive.check.traps import (
    activations,
    attention,
    branches,
    entropies,
    exponentials,
    kinks,
    likelihoods,
    log_sum_exp,
    moments,
    norms,
    probabilities,
    roots,
    sigmoids,
    softmax,
)
from derive.check.traps.trap import Trap

FAMILIES: Mapping[str, tuple[Trap, ...]] = {
    "exponentials": exponentials.TRAPS,
    "sigmoids": sigmoids.TRAPS,
    "activations": activations.TRAPS,
    "log sum exp": log_sum_exp.TRAPS,
    "softmax": softmax.TRAPS,
    "entropies": entropies.TRAPS,
    "attention": attention.TRAPS,
    "probabilities": probabilities.TRAPS,
    "norms": norms.TRAPS,
    "roots": roots.TRAPS,
    "moments": moments.TRAPS,
    "branches": branches.TRAPS,
    "kinks": kinks.TRAPS,
    "likelihoods": likelihoods.TRAPS,
}

TRAPS: tuple[Trap, ...] = tuple(trap for traps in FAMILIES.values() for trap in traps)
