"""`python -m derive show NAME`: the derivation of a network or a layer, step by step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from derive.calculus.program.program import Program

EXAMPLES = """\
Examples:

\b
  python -m derive show two_layer
  python -m derive show two_layer --wrt W1
  python -m derive show layernorm --wrt X --latex
  python -m derive show softmax --jacobian

A network is shown down to its loss, by every trained parameter; a layer as the pullback of its output.
--jacobian shows the Jacobian of the output instead: an entry, its structure, and the matrix where it has a
name, each compared with the dense one at random sizes before it is printed.
"""


@click.command("show", epilog=EXAMPLES)
@click.argument("name")
@click.option("--wrt", multiple=True, help="A tensor to differentiate by; may be given more than once.")
@click.option("--latex", is_flag=True, help="LaTeX instead of text.")
@click.option("--jacobian", "structured", is_flag=True, help="The Jacobian of the output, by its structure.")
def show(name: str, wrt: tuple[str, ...], latex: bool, structured: bool) -> None:
    """Show the definitions of NAME, and how its gradients are derived."""
    from derive.calculus.arrays.base import MatrixFormError
    from derive.layers.registry import LAYERS, layer
    from derive.networks.registry import NETWORKS, network
    from derive.show.collapse import collapse_lines
    from derive.show.derivation import show_program

    if name in NETWORKS or name not in LAYERS:
        found = network(name)
        program, title, trained = found.program, found.title, found.trained
        output: str | None = found.loss
    else:
        program, title, trained, output = layer(name), "", (), None
    unknown = [each for each in wrt if each not in {tensor.name for tensor in program.inputs}]
    if unknown:
        inputs = ", ".join(tensor.name for tensor in program.inputs)
        raise MatrixFormError(f"{name} has no input {', '.join(unknown)}; its inputs are {inputs}")
    click.echo(f"{name}: {title}" if title else name)
    click.echo()
    if structured:
        names = wrt or trained or tuple(t.name for t in program.inputs if t.kind.value == "real")
        for line in _jacobians(program, found.output if name in NETWORKS else None, names, latex):
            click.echo(line)
        return
    click.echo(show_program(program, wrt, output, latex, trained))
    if name in NETWORKS and len(found.data) == 1:
        for line in collapse_lines(program, found.output, found.data[0], latex):
            click.echo(line)


def _jacobians(program: Program, output: str | None, wrt: tuple[str, ...], latex: bool) -> Iterator[str]:
    """The Jacobians that agree with the dense ones; DeriveError where one does not."""
    from dataclasses import replace

    from derive.calculus.derivation.jacobian import jacobian, recurs
    from derive.calculus.derivation.recurrent_jacobian import recurrent_jacobian
    from derive.calculus.derivation.structure import structure
    from derive.check.jacobians import complaints
    from derive.check.recurrent_jacobians import recurrent_complaints
    from derive.errors import DeriveError
    from derive.show.jacobian import jacobian_lines
    from derive.show.recurrent_jacobian import recurrent_lines

    plain = replace(program, facts=())  # numbers that are drawn keep no declared law
    for by in wrt:
        of = output or plain.outputs[0]
        if recurs(plain):
            whole = recurrent_jacobian(plain, of, by)
            wrong, lines = recurrent_complaints(plain, whole), recurrent_lines(whole, latex)
        else:
            found = jacobian(plain, of, by)
            kind = structure(found)
            wrong, lines = complaints(plain, found, kind), jacobian_lines(found, kind, latex)
        if wrong:
            raise DeriveError(
                f"{program.name}: the Jacobian of {of} by {by} is not as derived: "
                f"{', '.join(wrong)}; this is a fault of derive, please report it"
            )
        yield from lines
        yield ""
