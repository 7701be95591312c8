"""`python -m derive build [NAME...]`: derive networks and emit their source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from codegen.targets import TARGETS
from derive.commands.processes import cores, prepare, side_by_side
from derive.commands.train import parse_sizes
from derive.errors import DeriveError

if TYPE_CHECKING:
    from codegen.plan.pipeline import Shown, Watch
    from derive.calculus.program.network import Network

NEEDED = (
    *("codegen.emit", "codegen.plan.derivatives", "derive.layers.registry"),
    *("derive.networks.classifiers", "derive.networks.lenet", "derive.networks.gpt"),
)
EXAMPLES = """\
Examples:

\b
  python -m derive build
  python -m derive build two_layer --target numpy,c --out generated
  python -m derive build two_layer --activation 'x/(1 + exp(-x))' --as two_layer_silu
  python -m derive build two_layer --target numpy,c,tuned
  python -m derive build two_layer --size d=500 --as wide
  python -m derive build conv2d attention --out layers
  python -m derive build conv2d --size H=28 --size W=28 --out layers
  python -m derive build two_layer --with hvp,gauss_newton,per_example
  python -m derive build layernorm --with hvp --out layers
  python -m derive build two_layer_tanh --forms fast --as two_layer_tanh_fast
  python -m derive build two_layer_softplus --budget 480K --as two_layer_small
  python -m derive build two_layer --dump-passes
  python -m derive build three_layer_bias --buffers planned

Without a name, every network of derive/networks is built. A layer's name builds the layer alone: its
forward, vjp and jvp. `python -m derive list` names them all.

\b
--with emits further derivatives beside vjp and jvp; docs/interface.md says how each is called:
  hvp           the Hessian's product with a direction; of a layer, the change of its vjp
  gauss_newton  J' H J v, J of the output, H the loss's Hessian there; of a layer, J' J v
  per_example   the gradient of each example's own loss

--budget bounds the bytes of the workspace of the plain C in float at M examples: residuals, temporaries and
the gradients of a step; with the target tuned the bytes of its arena too, or alone. What is not kept is
computed again in the pullback, the cheapest for its bytes first. --size m=64 sets M.
"""


def parse_targets(_: click.Context, __: click.Parameter, given: str | None) -> tuple[str, ...]:
    """`"numpy,c"` -> ("numpy", "c"); nothing where nothing is given."""
    if given is None:
        return ()
    chosen = tuple(part.strip() for part in given.split(",") if part.strip())
    unknown = [target for target in chosen if target not in TARGETS]
    if unknown or not chosen:
        raise click.BadParameter(f"{given!r} names no target; the targets are {', '.join(TARGETS)}")
    return tuple(target for target in TARGETS if target in chosen)


def parse_derivatives(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """`"jvp,hvp"` -> ("jvp", "hvp"); what does not exist is refused where it would be derived."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def parse_bytes(_: click.Context, __: click.Parameter, given: str | None) -> int | None:
    """`"512K"` -> 524288; K, M and G are powers of 1024."""
    if given is None:
        return None
    found = re.fullmatch(r"([0-9]+)([KMG]?)", given.strip().upper())
    if found is None or int(found[1]) == 0:
        raise click.BadParameter(f"{given!r} is no number of bytes; write 524288, 512K, 8M or 1G")
    return int(found[1]) * 1024 ** ("KMG".index(found[2]) + 1 if found[2] else 0)


@click.command("build", epilog=EXAMPLES)
@click.argument("names", nargs=-1)
@click.option(
    "--target",
    "targets",
    callback=parse_targets,
    metavar="numpy,c,tuned",
    help="What to emit.  [default: numpy,c; of two_layer and three_layer tuned too]",
)
@click.option(
    "--out", default="generated", show_default=True, help="Folder that receives a folder a network."
)
@click.option("--activation", help="A formula in x, for a network with an activation to choose.")
@click.option("--as", "renamed", help="The name of what is emitted; one network at a time.")
@click.option(
    "--with", "with_", default="", callback=parse_derivatives, metavar="hvp,...", help="Further derivatives."
)
@click.option(
    "--forms",
    type=click.Choice(["stable", "fast"]),
    default="stable",
    show_default=True,
    help="Slopes that keep their digits where a function saturates, or slopes as they are written.",
)
@click.option(
    "--buffers",
    type=click.Choice(["fresh", "planned"]),
    default="fresh",
    show_default=True,
    help="Steps in NumPy that make their arrays, or compute in a workspace made beforehand.",
)
@click.option("--size", "sizes", multiple=True, callback=parse_sizes, metavar="d=500", help="Another size.")
@click.option(
    "--budget", callback=parse_bytes, metavar="BYTES", help="Most bytes of the workspace: 512K, 8M."
)
@click.option("--dump-passes", is_flag=True, help="Print each program after each pass that changed it.")
def build(  # noqa: PLR0913, PLR0917 - one for each option of the command
    names: tuple[str, ...],
    targets: tuple[str, ...],
    out: str,
    activation: str | None,
    renamed: str | None,
    sizes: dict[str, int],
    with_: tuple[str, ...],
    forms: str,
    budget: int | None,
    dump_passes: bool,
    buffers: str,
) -> None:
    """Derive networks (all of them by default) and emit their source."""
    changed = sizes or any(option is not None for option in (activation, renamed))
    if changed and len(names) != 1:
        raise DeriveError(
            f"--activation, --as and --size change one network, but {len(names)} are named; name one"
        )
    order = Order(targets, out, activation, renamed, sizes, with_, forms, budget, dump_passes, buffers)
    if len(names) == 1 or cores() == 1:
        for name in names or _all_networks():
            order.build(name)
        return
    context = prepare(NEEDED)
    for text in side_by_side(context, order.build, names or _all_networks()):
        click.echo(text, nl=False)


@dataclass(frozen=True)
class Order:
    """What `build` was asked for, beside the names; without targets, a network's own."""

    targets: tuple[str, ...]
    out: str
    activation: str | None
    renamed: str | None
    sizes: dict[str, int]
    with_: tuple[str, ...]
    forms: str
    budget: int | None
    dump_passes: bool
    buffers: str

    def build(self, name: str) -> None:
        """Derive one network, or one layer, and emit its source."""
        from codegen.emit import emit, emit_layer
        from codegen.plan.derivatives import ordered
        from codegen.plan.pipeline import silent
        from derive.layers.registry import LAYERS, layer
        from derive.networks.registry import NETWORKS, targets, variant

        more, wanted = ordered(self.with_), self.targets or targets(name)
        watch = _printer() if self.dump_passes else silent
        out = Path(self.out)
        if name in LAYERS and name not in NETWORKS:
            _require_no_network_option(name, self.activation, self.renamed, self.forms, self.buffers)
            written = emit_layer(layer(name), wanted, out, self.sizes, more, self.budget, watch)
        elif name in NETWORKS:
            options = (self.renamed, self.activation, self.sizes, more, self.forms, self.budget, self.buffers)
            written = emit(variant(name, *options), wanted, out, watch, click.echo)
        else:
            raise DeriveError(
                f"there is no network or layer {name!r}; the networks are {', '.join(NETWORKS)}; "
                f"the layers are {', '.join(LAYERS)}"
            )
        click.echo(f"{written[0].parent.name}: {written[0].parent}")


def _all_networks() -> tuple[str, ...]:
    """The names of the networks."""
    from derive.networks.registry import NETWORKS

    return NETWORKS


def _printer() -> Watch:
    """Prints a program after a pass, under a heading, where its text is another than before."""
    before: dict[str, str] = {}

    def printed(after: str, program: Shown) -> None:
        text, count = str(program), len(program.statements)
        if before.get(program.name) != text:
            click.echo(f"# {program.name} after {after}: {count} statement{'' if count == 1 else 's'}\n")
            click.echo(f"{text}\n")
        before[program.name] = text

    return printed


def _require_no_network_option(
    name: str, activation: str | None, renamed: str | None, forms: str, buffers: str
) -> None:
    """A layer has its own name and its own formula, stable forms, and no steps."""
    fast = None if forms == "stable" else forms
    planned = None if buffers == "fresh" else buffers
    options = (("--activation", activation), ("--as", renamed), ("--forms", fast), ("--buffers", planned))
    for option, value in options:
        if value is not None:
            raise DeriveError(
                f"{option} changes a network, but {name!r} is a layer; leave {option} {value!r} out, "
                "or write the layer by define"
            )


def rebuilt(name: str, words: tuple[str, ...]) -> Network:
    """The network that `build WORDS` emits: what a description says of how it was built."""
    from codegen.plan.derivatives import ordered
    from derive.networks.registry import variant

    options = build.make_context("build", list(words or (name,))).params
    (known,) = options["names"]
    more = ordered(options["with_"])
    renamed, activation, sizes = (options[key] for key in ("renamed", "activation", "sizes"))
    rest = (options[key] for key in ("forms", "budget", "buffers"))
    return variant(known, renamed, activation, sizes, more, *rest)
