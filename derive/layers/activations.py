"""Scalar functions, each the text that a person would type; applied to every element of an array.

Kinks follow the declared conventions: relu'(0) = 0. SiLU and GELU: Hendrycks, Gimpel, Gaussian Error Linear
Units, 2016; Mish: Misra, 2019; ELU: Clevert, Unterthiner, Hochreiter, 2015.
"""

from __future__ import annotations

from functools import cache

from derive.calculus.definition.formula import scalar_formula
from derive.calculus.definition.graph import Graph
from derive.calculus.program.program import Program

ACTIVATIONS: dict[str, str] = {
    "identity": "x",
    "relu": "max(x, 0)",
    "sigmoid": "1/(1 + exp(-x))",
    "tanh": "tanh(x)",
    "cos": "cos(x)",
    "softplus": "log(1 + exp(x))",
    "silu": "x/(1 + exp(-x))",
    "gelu": "x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))/2",
    "gelu_erf": "x (1 + erf(x/sqrt(2)))/2",
    "mish": "x tanh(log(1 + exp(x)))",
    "elu": "where(x > 0, x, exp(x) - 1)",
}


@cache
def elementwise(name: str, formula: str) -> Program:
    """Y_ij = f(X_ij): X (m, n), Y (m, n), f a formula in x."""
    graph = Graph(name)
    output = graph.input("X", "m", "n").map(scalar_formula(formula)).named("Y")
    return graph.program(output)
