"""`python -m derive show NAME`: the derivation of a network or a layer, step by step."""

import click

EXAMPLES = """\
Examples:

\b
  python -m derive show two_layer
  python -m derive show two_layer --wrt W1
  python -m derive show layernorm --wrt X --latex

A network is shown down to its loss, by every trained parameter; a layer as the pullback of its output.
"""


@click.command("show", epilog=EXAMPLES)
@click.argument("name")
@click.option("--wrt", multiple=True, help="A tensor to differentiate by; may be given more than once.")
@click.option("--latex", is_flag=True, help="LaTeX instead of text.")
def show(name: str, wrt: tuple[str, ...], latex: bool) -> None:
    """Show the definitions of NAME, and how its gradients are derived."""
    from derive.calculus.matrix_base import MatrixFormError
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
    click.echo(show_program(program, wrt, output, latex, trained))
    if name in NETWORKS and len(found.data) == 1:
        for line in collapse_lines(program, found.output, found.data[0], latex):
            click.echo(line)
