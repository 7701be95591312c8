"""`python -m derive build [NAME...]`: derive networks and emit their source."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.commands.train import parse_sizes
from derive.errors import DeriveError

if TYPE_CHECKING:
    from derive.calculus.network import Network

EXAMPLES = """\
Examples:

\b
  python -m derive build
  python -m derive build two_layer --target numpy,c --out generated
  python -m derive build two_layer --activation 'x/(1 + exp(-x))' --as two_layer_silu
  python -m derive build two_layer --size d=500 --as wide
  python -m derive build conv2d attention --out layers
  python -m derive build conv2d --size H=28 --size W=28 --out layers
  python -m derive build layernorm --with hvp --out layers

Without a name, every network of derive/networks is built. A layer's name builds the layer alone: its
forward, vjp and jvp, and with `--with hvp` the derivative of its vjp along a direction, its cotangent fixed.
`python -m derive list` names them all.
"""
TARGETS = ("numpy", "c")


def parse_targets(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """`"numpy,c"` -> ("numpy", "c")."""
    chosen = tuple(part.strip() for part in given.split(",") if part.strip())
    unknown = [target for target in chosen if target not in TARGETS]
    if unknown or not chosen:
        raise click.BadParameter(f"{given!r} names no target; the targets are {', '.join(TARGETS)}")
    return tuple(target for target in TARGETS if target in chosen)


def parse_derivatives(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """`"jvp,hvp"` -> ("jvp", "hvp"); what does not exist is refused where it would be derived."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


@click.command("build", epilog=EXAMPLES)
@click.argument("names", nargs=-1)
@click.option(
    "--target", "targets", default="numpy,c", show_default=True, callback=parse_targets, help="What to emit."
)
@click.option(
    "--out", default="generated", show_default=True, help="Folder that receives a folder a network."
)
@click.option("--activation", help="A formula in x, for a network with an activation to choose.")
@click.option("--as", "renamed", help="The name of what is emitted; one network at a time.")
@click.option("--with", "with_", default="", callback=parse_derivatives, help="Further derivatives: hvp.")
@click.option("--size", "sizes", multiple=True, callback=parse_sizes, metavar="d=500", help="Another size.")
def build(
    names: tuple[str, ...],
    targets: tuple[str, ...],
    out: str,
    activation: str | None,
    renamed: str | None,
    sizes: dict[str, int],
    with_: tuple[str, ...],
) -> None:
    """Derive networks (all of them by default) and emit their source."""
    from codegen.emit import emit, emit_layer
    from derive.layers.registry import LAYERS, layer
    from derive.networks.registry import NETWORKS, variant

    changed = sizes or any(option is not None for option in (activation, renamed))
    if changed and len(names) != 1:
        raise DeriveError(
            f"--activation, --as and --size change one network, but {len(names)} are named; name one"
        )
    for name in names or NETWORKS:
        if name in LAYERS and name not in NETWORKS:
            _require_no_network_option(name, activation, renamed)
            written = emit_layer(layer(name), targets, Path(out), sizes, with_)
        elif name in NETWORKS:
            if with_:
                raise DeriveError(f"--with {','.join(with_)} is for layers, but {name!r} is a network")
            written = emit(variant(name, renamed, activation, sizes), targets, Path(out))
        else:
            raise DeriveError(
                f"there is no network or layer {name!r}; the networks are {', '.join(NETWORKS)}; "
                f"the layers are {', '.join(LAYERS)}"
            )
        click.echo(f"{written[0].parent.name}: {written[0].parent}")


def _require_no_network_option(name: str, activation: str | None, renamed: str | None) -> None:
    """A layer has its own name and its own formula."""
    for option, value in (("--activation", activation), ("--as", renamed)):
        if value is not None:
            raise DeriveError(
                f"{option} changes a network, but {name!r} is a layer; leave {option} {value!r} out, "
                "or write the layer by define"
            )


def rebuilt(name: str, words: tuple[str, ...]) -> Network:
    """The network that `build WORDS` emits: what a description says of how it was built."""
    from derive.networks.registry import variant

    options = build.make_context("build", list(words or (name,))).params
    (known,) = options["names"]
    return variant(known, options["renamed"], options["activation"], options["sizes"])
