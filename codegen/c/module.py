"""A plan to the text of <name>.h and <name>.c."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from codegen.c.header import header_context
from codegen.c.network import CNetwork, c_network
from codegen.c.source import source_context
from codegen.plan.plan import Plan


@cache
def templates() -> Environment:
    """The templates of C: layout alone; a name that is missing is an error."""
    folder = Path(__file__).parent.with_name("templates") / "c"
    return Environment(  # noqa: S701 - C, not HTML
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def render_header(c: CNetwork, more: int = 0, arena: Mapping[int, int] | None = None) -> str:
    """<name>.h; `more` reals of the workspace are for a second implementation.

    `arena` is how many bytes that one uses, by the bytes of a real.
    """
    return templates().get_template("network.h.jinja").render(header_context(c), more=more, arena=arena or {})


def render_source(c: CNetwork) -> str:
    """<name>.c."""
    return templates().get_template("network.c.jinja").render(source_context(c))


def render_c(plan: Plan) -> tuple[str, str]:
    """The header and the source of a network."""
    c = c_network(plan)
    return render_header(c), render_source(c)
