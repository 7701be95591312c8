"""A random program as plain data, which a corpus can hold: sizes, inputs, and pieces applied in turn.

Specification({"m": 3, "n": 1}, (("X", ("m", "n"), "real"),), (("softmax", ("X",), "Y1"),), ("Y1",))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from derive.calculus.definition.graph import Array, Graph
from derive.calculus.expressions.tensor import Kind, Size
from derive.calculus.program.program import Program
from tests.random_programs.pieces import program_of

Input = tuple[str, tuple[str, ...], str]
Step = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True)
class Specification:
    """Sizes in numbers; inputs as (name, sizes, kind); steps as (text, operands, name); outputs.

    `second` says whether second derivatives are tested too; they are what costs time.
    """

    sizes: Mapping[str, int]
    inputs: tuple[Input, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    dtype: str = "float64"
    second: bool = True

    def pruned(self) -> Specification:
        """The same without what no output needs."""
        needed, steps = set(self.outputs), []
        for step in reversed(self.steps):
            if step[2] in needed:
                needed |= set(step[1])
                steps.append(step)
        inputs = tuple(given for given in self.inputs if given[0] in needed)
        return replace(self, inputs=inputs, steps=tuple(reversed(steps)))

    def program(self, name: str = "random") -> Program:
        """The program: each piece applied as a layer to the tensors at hand."""
        graph = Graph(name)
        arrays = self.applied({letter: self.declared(graph, letter) for letter, _, _ in self.inputs})
        return graph.program(*(arrays[output] for output in self.outputs))

    def declared(self, graph: Graph, name: str) -> Array:
        """An input as an array of a graph."""
        sizes, kind = next((sizes, kind) for letter, sizes, kind in self.inputs if letter == name)
        return graph.input(name, *map(_size, sizes), kind=Kind(kind))

    def applied(self, given: Mapping[str, Array]) -> dict[str, Array]:
        """The given inputs, and the results of all steps."""
        arrays = dict(given)
        for text, operands, result in self.steps:
            piece = program_of(text)
            outputs = {piece.outputs[0]: result}
            graph = arrays[operands[0]].graph
            arrays[result] = graph.apply(piece, *(arrays[operand] for operand in operands), **outputs)
        return arrays


def _size(written: str) -> object:
    """A letter; a number; a product of these, as c*2*2."""
    if written.isalpha():
        return written
    product: object = 1
    for factor in written.split("*"):
        product = product * (Size(factor) if factor.isalpha() else int(factor))  # type: ignore[operator]
    return product
