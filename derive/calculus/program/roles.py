"""What a network must be beyond a sound program: roles, uses, sizes.

each input is a parameter, data or a label, and the loss depends on it
each size has a value, each axis at least one element
the output is a tensor of examples, the loss one number
no tensor has the name that a derivative of another will have
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sympy import Expr, Integer

from derive.calculus.expressions.nodes import FloorDiv, Remainder
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Size, refs
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.calculus.program.soundness import complaints as unsound
from derive.calculus.program.soundness import needed
from derive.errors import DeriveError

LARGEST = 2**31 - 1
MARKS = {"_bar": "cotangent", "_dot": "tangent"}


class NetworkRefused(DeriveError):
    """A network that cannot be trained as it is written."""


def require_network(network: Network) -> Network:
    """The network itself; NetworkRefused, naming parameter, axis or size, where it is not one."""
    require_sizes(network.name, network.sizes)
    require_unmarked(network.program)
    for complaint in (
        *unsound(network.program),
        *_roles(network),
        *_ends(network),
        *_sizes(network),
        *_unused(network),
    ):
        raise NetworkRefused(f"{network.name}: {complaint}")
    require_elements(network.program, {**network.sizes, network.batch: 1})
    return network


def require_sizes(name: str, sizes: Mapping[str, Any]) -> None:
    """Every size a positive integer that an int of C holds."""
    for letter, size in sizes.items():
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= LARGEST:
            raise NetworkRefused(
                f"{name}: size {letter} is {size!r}; it must be an integer from 1 to {LARGEST}"
            )


def require_unmarked(program: Program) -> None:
    """NetworkRefused where W_bar stands beside W."""
    names = set(program.tensors)
    for name in sorted(names):
        for mark, meaning in MARKS.items():
            if name.endswith(mark) and name.removesuffix(mark) in names:
                raise NetworkRefused(
                    f"{program.name}: {name} is what the {meaning} of {name.removesuffix(mark)} is called; "
                    "rename one of them"
                )


def require_elements(program: Program, sizes: Mapping[str, int]) -> None:
    """NetworkRefused where sizes leave a tensor without an element, as a window larger than its picture."""
    known = {Size(letter): Integer(length) for letter, length in sizes.items()}
    for tensor in program.tensors.values():
        for axis in tensor.axes:
            length = None if refs(axis.size) else _value(axis.size, known)
            if length is not None and length < 1:
                letters = sorted(symbol.name for symbol in nodes_of(axis.size, Size))
                given = ", ".join(f"{letter}={sizes[letter]}" for letter in letters)
                raise NetworkRefused(
                    f"{program.name}: axis {axis.size} of {tensor.name} has {length} elements with {given}; "
                    "choose sizes that leave at least one"
                )


def _value(size: Expr, known: Mapping[Size, Integer]) -> int | None:
    """A size in numbers, None where a letter has no value."""
    value = _computed(size.xreplace(known))
    return int(value) if value.is_Integer else None


def _computed(size: Expr) -> Expr:
    """A size whose quotients and remainders of numbers are worked out."""
    if not holds(size, FloorDiv, Remainder):
        return size
    return size.func(*(_computed(argument) for argument in size.args))


def _roles(network: Network) -> Iterator[str]:
    inputs = [tensor.name for tensor in network.program.inputs]
    roles = [*(parameter.name for parameter in network.parameters), *network.data, *network.labels]
    for name in inputs:
        if roles.count(name) != 1:
            yield f"the input {name} has {roles.count(name)} roles; make it a parameter, data or a label"
    for name in roles:
        if name not in inputs:
            yield f"{name} is a parameter, data or a label but no input; its inputs are {', '.join(inputs)}"
    if not network.trained:
        yield "no parameter is trained; declare at least one with trained=True"


def _ends(network: Network) -> Iterator[str]:
    """An output or a loss that is called as another tensor is, which a name alone does not show."""
    output, loss = network.tensor(network.output), network.tensor(network.loss)
    if not output.axes or output.axes[0].size != Size(network.batch):
        yield (
            f"the output {output} has no axis of the examples, {network.batch}, before all others; "
            "name the tensor that the network predicts by"
        )
    if loss.axes:
        yield f"the loss {loss} is no number; name the one that is minimised"


def _sizes(network: Network) -> Iterator[str]:
    used = {
        symbol.name
        for tensor in network.program.tensors.values()
        for axis in tensor.axes
        for symbol in nodes_of(axis.size, Size)
    }
    for letter in sorted(used - {network.batch} - set(network.sizes)):
        yield f"the size {letter} has no value; give it one, as {letter}=8"
    for letter in sorted(set(network.sizes) - used | {network.batch} & set(network.sizes)):
        what = "is the batch's" if letter == network.batch else "is of no axis"
        yield f"the size {letter} {what}; take it out of {', '.join(network.sizes)}"


def _unused(network: Network) -> Iterator[str]:
    used = needed(network.program, [network.loss])
    kinds = {parameter.name: "parameter" for parameter in network.parameters}
    for tensor in network.program.inputs:
        if tensor.name not in used:
            yield (
                f"the loss does not depend on the {kinds.get(tensor.name, 'input')} {tensor}; "
                "use it in a layer or take it out"
            )
    if network.output not in used:
        yield f"the loss does not depend on the output {network.output}; compute the loss of it"
