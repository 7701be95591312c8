"""A random program as a network, so that the targets of networks can be tested on it.

    Y1, ... = program(parameters, data)
    Q[i,j] = x[i,j] s + r[i] tanh(x[i,j])      s, r: weighted means, of all, or of each example
    L = sum_{i,j} (Q[i,j] - z[i,j])^2/(2 u v)

A size that is only ever that of a first axis is the batch's, where there is one: its inputs are data, the
real ones times weights, and the others parameters. Sizes are drawn anew, around the widths of vectors;
of two letters that are one in upper case, as their constants in C are, one is called otherwise.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from sympy import Rational

from derive.calculus.definition.define import define
from derive.calculus.definition.graph import Array, Graph
from derive.calculus.expressions.tensor import Kind, Size, Tensor, refs
from derive.calculus.program.network import Law, Network, Parameter
from derive.calculus.program.program import Program
from derive.calculus.program.roles import require_network
from derive.calculus.program.soundness import needed
from derive.calculus.stable.stabilise import stabilise
from derive.check.sizes import whole
from derive.optimizers import OPTIMIZERS
from tests.random_programs.specification import Specification
from tests.random_programs.trial import Unsuitable

EDGES = (1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33)
MOST_ELEMENTS = 3_000
COLUMNS = 3
EXAMPLES = "m"
DRAWS = 20
ROOTS = "ijlab"
FREE = "fgpqr"


def as_network(specification: Specification, name: str, seed: int, buffers: str = "fresh") -> Network:
    """The network of a specification; Unsuitable where an input is no parameter and no data, or unused."""
    if any(kind in (Kind.MASK.value, Kind.STATE.value) for _, _, kind in specification.inputs):
        raise Unsuitable("a mask or a state")
    specification = _distinct(specification)
    batch = _batch(specification)
    sized = _resized(specification, np.random.default_rng([seed, 13]))
    sized, batch = _with_examples(sized, batch), EXAMPLES if batch else ""
    graph = Graph(name)
    weights: list[str] = []
    arrays = sized.applied({name: _input(sized, graph, name, batch, weights) for name, _, _ in sized.inputs})
    most = sized.sizes.get(EXAMPLES, 9)
    given = graph.input("x", EXAMPLES, "v"), graph.input("z", EXAMPLES, "v")
    output, loss = _closed(graph, [arrays[one] for one in sized.outputs], given)
    own = [(name, letters) for name, letters, _ in sized.inputs]
    used = _letters(graph)
    network = Network(
        name,
        "a random program",
        stabilise(graph.program(output, loss)),
        tuple(
            Parameter(name, Law.NORMAL, Rational(1, 4))
            for name in (*(name for name, letters in own if batch not in letters), *weights)
        ),
        (*(name for name, letters in own if batch in letters), "x"),
        ("z",),
        _name(output),
        _name(loss),
        {letter: n for letter, n in {**sized.sizes, "v": COLUMNS}.items() if letter in used - {EXAMPLES}},
        EXAMPLES,
        most,
        "regression",
        updates=tuple(one for one in OPTIMIZERS if one.step in ("sgd_step", "adamw_step")),
        buffers=buffers,
    )
    if {tensor.name for tensor in network.program.inputs} - needed(network.program, [network.loss]):
        raise Unsuitable("an input that cancels")
    return require_network(network)


def _input(specification: Specification, graph: Graph, name: str, batch: str, weights: list[str]) -> Array:
    """A parameter; of data D[u,...,j] of examples sum_p D[u,...,p] V[p,j], of numbers D[u] V."""
    array = specification.declared(graph, name)
    assert array.tensor is not None
    if array.tensor.kind is not Kind.REAL or not array.axes or array.axes[0].size != Size(batch):
        return array
    weights.append(f"V{len(weights) + 1}")
    if len(array.axes) == 1:
        return (array * graph.input(weights[-1])).named(f"{name}V")
    rows = array.axes[-1].size
    return (array @ graph.input(weights[-1], rows, rows)).named(f"{name}V")


def _batch(specification: Specification) -> str:
    """The first letter that may be the batch's; none where every real input can be a parameter."""
    for letter in specification.sizes:
        axes = [sizes for _, sizes, _ in specification.inputs if letter in "".join(sizes)]
        if (
            axes
            and all(sizes[0] == letter and letter not in "".join(sizes[1:]) for sizes in axes)
            and _serves(specification, letter)
        ):
            return letter
    if any(kind != Kind.REAL.value for _, _, kind in specification.inputs):
        raise Unsuitable("a mask or whole numbers without an axis of examples")
    return ""


def _serves(specification: Specification, letter: str) -> bool:
    """Whether what is not of examples can be parameters, and every tensor of examples has them first."""
    if any(kind != Kind.REAL.value and letter not in sizes for _, sizes, kind in specification.inputs):
        return False
    if not any(kind == Kind.REAL.value for _, _, kind in specification.inputs):
        return False
    tensors = specification.program().tensors.values()
    moved = Size(letter)
    return all(
        tensor.axes[0].size == moved and not any(size.has(moved) for size in tensor.shape[1:])
        for tensor in tensors
        if any(size.has(moved) for size in tensor.shape)
    )


def _with_examples(specification: Specification, batch: str) -> Specification:
    """The specification with the batch's letter called m, and m as that."""
    return _relettered(specification, {batch: EXAMPLES, EXAMPLES: batch or "u"})


def _distinct(specification: Specification) -> Specification:
    """The specification without a letter that is another one in upper case."""
    lower = [letter for letter in specification.sizes if letter.lower() != letter]
    twice = [letter for letter in lower if letter.lower() in specification.sizes]
    free = [letter for letter in FREE if letter not in {one.lower() for one in specification.sizes}]
    return _relettered(specification, dict(zip(twice, free, strict=False)))


def _relettered(specification: Specification, other: dict[str, str]) -> Specification:
    def renamed(size: str) -> str:
        return "*".join(other.get(part, part) for part in size.split("*"))

    inputs = tuple((name, tuple(map(renamed, axes)), kind) for name, axes, kind in specification.inputs)
    sizes = {renamed(letter): n for letter, n in specification.sizes.items()}
    return replace(specification, sizes=sizes, inputs=inputs)


def _resized(specification: Specification, rng: np.random.Generator) -> Specification:
    """The specification at sizes around the widths of vectors, all tensors small."""
    program = specification.program()
    for attempt in range(DRAWS):
        edges = EDGES[: len(EDGES) - attempt // 2]
        sizes = {letter: int(rng.choice(edges)) for letter in specification.sizes}
        if all(_fits(tensor, sizes) for tensor in program.tensors.values()):
            return replace(specification, sizes=sizes)
    return specification


def _fits(tensor: Tensor, sizes: dict[str, int]) -> bool:
    lengths = [whole(size, sizes) for size in tensor.shape if not refs(size)]
    return all(n is not None and n >= 1 for n in lengths) and int(np.prod(lengths)) <= MOST_ELEMENTS  # type: ignore[arg-type]


def _closed(graph: Graph, outputs: list[Array], given: tuple[Array, Array]) -> tuple[Array, Array]:
    """Q and L of the outputs, each first a number, or a number an example."""
    means = [graph.apply(_mean(output), output, s=f"s{n}") for n, output in enumerate(outputs)]
    each = [mean for mean in means if mean.axes]
    once = [mean for mean in means if not mean.axes]
    listed = [*(f"s{n}" for n in range(len(once))), *(f"r{n}[m]" for n in range(len(each)))]
    scale = " + ".join(["1", *(f"s{n}" for n in range(len(once)))])
    shift = " + ".join(["0", *(f"r{n}[i]" for n in range(len(each)))])
    closing = define(
        f"closing(x[m,n], z[m,n], {', '.join(listed)}) -> Q, L\n"
        f" Q[i,j] = x[i,j] ({scale}) + ({shift}) tanh(x[i,j])\n"
        " L = sum_{i,j} (Q[i,j] - z[i,j])^2/(2*m*n)"
    )
    output, loss = graph.apply_all(closing, *given, *once, *each, Q="Q", L="L")
    return output, loss


def _name(array: Array) -> str:
    """What an array is called: another name than was asked for, where a piece has that."""
    assert array.tensor is not None
    return array.tensor.name


def _mean(output: Array) -> Program:
    """The mean of an output's elements, each times a weight of its own, over all axes but the examples'."""
    rank = len(output.axes)
    batched = rank > 0 and output.axes[0].size == Size(EXAMPLES)
    axes, letters = ",".join("mabcd"[not batched :][:rank]), list(ROOTS[:rank])
    read = f"Y[{','.join(letters)}]" if rank else "Y"
    summed = letters[batched:]
    weighted = (
        f"{read} cos(1 + {' + '.join(f'{k}*{i}' for k, i in enumerate(summed, 1))})" if summed else read
    )
    mean = f"mean_{{{','.join(summed)}}} {weighted}" if summed else weighted
    return define(f"part(Y{f'[{axes}]' if axes else ''}) -> s\n s{'[i]' if batched else ''} = {mean}")


def _letters(graph: Graph) -> set[str]:
    tensors = (*graph.inputs, *graph.locals)
    return {symbol.name for tensor in tensors for n in tensor.shape for symbol in n.atoms(Size)}
