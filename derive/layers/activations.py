"""Scalar functions, each the text that a person would type; applied to every element of an array.

Kinks follow the declared conventions: relu'(0) = 0.
"""

from __future__ import annotations

from functools import cache

from derive.calculus.formula import scalar_formula
from derive.calculus.graph import Graph
from derive.calculus.program import Program

ACTIVATIONS: dict[str, str] = {
    "identity": "x",
    "relu": "max(x, 0)",
    "sigmoid": "1/(1 + exp(-x))",
    "tanh": "tanh(x)",
    "cos": "cos(x)",
    "softplus": "log(1 + exp(x))",
}


@cache
def elementwise(name: str, formula: str) -> Program:
    """Y_ij = f(X_ij): X (m, n), Y (m, n), f a formula in x."""
    graph = Graph(name)
    output = graph.input("X", "m", "n").map(scalar_formula(formula)).named("Y")
    return graph.program(output)
