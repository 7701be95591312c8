"""`python -m derive list`: what there is to build, show and train on."""

import click

EXAMPLES = """\
Examples:

\b
  python -m derive list
  python -m derive list networks
"""


@click.command("list", epilog=EXAMPLES)
@click.argument("kind", type=click.Choice(["all", "networks", "layers", "activations"]), default="all")
def listing(kind: str) -> None:
    """List networks, layers and activations, each with its formula."""
    if kind in ("all", "networks"):
        _networks()
    if kind in ("all", "layers"):
        _layers()
    if kind in ("all", "activations"):
        _activations()


def _networks() -> None:
    from derive.networks.registry import NETWORKS, network

    click.echo("networks")
    for name in NETWORKS:
        sizes = " ".join(f"{letter}={size}" for letter, size in network(name).sizes.items())
        click.echo(f"  {name:<20} {network(name).title:<56} {sizes}")


def _layers() -> None:
    from derive.layers.registry import LAYERS, layer

    click.echo("layers")
    for name in LAYERS:
        program = layer(name)
        click.echo(f"  {name:<20} {', '.join(map(str, program.inputs))} -> {', '.join(program.outputs)}")


def _activations() -> None:
    from derive.layers.activations import ACTIVATIONS

    click.echo("activations")
    for name, formula in ACTIVATIONS.items():
        click.echo(f"  {name:<20} {formula}")
