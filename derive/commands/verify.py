"""`python -m derive verify NAME`: what was emitted against what is derived, a line a check."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from derive.commands.build import parse_derivatives, rebuilt
from derive.errors import CheckFailed, DeriveError

if TYPE_CHECKING:
    from derive.calculus.program.network import Network

EXAMPLES = """\
Examples:

\b
  python -m derive verify two_layer
  python -m derive verify mine --path elsewhere --backend numpy
  python -m derive verify two_layer --with hvp,gauss_newton,per_example

--with checks these derivatives as well, of the network emitted anew with them in a folder of its own.
Each line names the check, the largest error and its bound. Exit 1 where one fails.
"""


@click.command("verify", epilog=EXAMPLES)
@click.argument("name")
@click.option("--path", default="generated", show_default=True, help="Folder of the emitted networks.")
@click.option(
    "--backend", type=click.Choice(["all", "numpy", "c", "tuned"]), default="all", show_default=True
)
@click.option(
    "--with", "with_", default="", callback=parse_derivatives, metavar="hvp,...", help="Further derivatives."
)
def verify(name: str, path: str, backend: str, with_: tuple[str, ...]) -> None:
    """Check the emitted network NAME against independent oracles, a line each."""
    from codegen.emit import emit
    from codegen.plan.derivatives import ordered
    from derive.check.requested import requested
    from derive.check.verify import verify as checks
    from derive.runtime import load
    from derive.runtime.description import read_description

    description = read_description(Path(path) / name, name)
    backends = _backends(description.targets, backend)
    if backend == "all" and "c" in backends and not _compiler_found():
        click.echo("notice: no C compiler here; only NumPy is checked")
        backends = tuple(target for target in backends if target != "c")

    network = rebuilt(name, description.build)
    failed = 0
    with TemporaryDirectory() as folder:
        if with_:
            network = replace(network, derivatives=ordered(with_))
            emit(network, backends, folder)
            path = folder

        def loaded(chosen: str, dtype: str, sizes: Mapping[str, int]) -> Any:
            if chosen == "tuned" and sizes:
                _emit_tuned(network, sizes, folder)
                return load(name, backend=chosen, path=folder, dtype=dtype)
            return load(name, backend=chosen, path=path, dtype=dtype, sizes=sizes)

        plain = tuple(chosen for chosen in backends if chosen != "tuned")
        for check in chain(checks(network, loaded, backends), requested(network, loaded, plain)):
            click.echo(str(check))
            failed += not check.passed
    if failed:
        raise CheckFailed(f"{failed} checks of {name} failed; rebuild it: python -m derive build {name}")


def _emit_tuned(network: Network, sizes: Mapping[str, int], folder: str) -> None:
    """The network again at other sizes, which its tuned source does not take at compile time."""
    from codegen.emit import emit

    emit(replace(network, sizes={**network.sizes, **sizes}), ("tuned",), folder)


def _compiler_found() -> bool:
    from derive.runtime.compiler import find_compiler
    from derive.runtime.errors import CompilerError

    try:
        find_compiler()
    except CompilerError:
        return False
    return True


def _backends(emitted: tuple[str, ...], asked: str) -> tuple[str, ...]:
    if asked != "all" and asked not in emitted:
        raise DeriveError(
            f"{asked} was not emitted; emitted were {', '.join(emitted)}; build with --target {asked}"
        )
    return emitted if asked == "all" else (asked,)
