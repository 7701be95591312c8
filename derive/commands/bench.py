"""`python -m derive bench [NAME...]`: what was emitted against every peer installed, round by round."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from derive.errors import DeriveError

if TYPE_CHECKING:
    from bench.cases import Case
    from bench.results import Report

EXAMPLES = """\
Examples:

\b
  python -m derive bench mlp2 --rounds 1 --seconds 0.2 --threads 1 --peers numpy
  python -m derive bench --peers-python ../peers/bin/python --json race.json
  python -m derive bench contractions layers
  python -m derive bench --write docs/benchmarks.md
  python -m derive bench --from race.json --write docs/benchmarks.md

NAME is a case (mlp2, mlp3, tiny1, tiny16, lenet, gpt_s, gpt_m, nn_64_64_64, softmax_vjp, ...), a group
(networks, contractions, layers, odd) or a network; without one, the networks. Peers are those that the
interpreter of --peers-python can import: numpy, torch, jax. Losses of steps 1 and 10 are compared first, to
five digits; what differs does not race. It runs in a checkout, whose folder bench/ holds the peers' programs.
"""


def parse_list(_: click.Context, __: click.Parameter, given: str) -> tuple[str, ...]:
    """`"a,b"` -> ("a", "b")."""
    return tuple(part.strip() for part in given.split(",") if part.strip())


def parse_threads(_: click.Context, __: click.Parameter, given: str) -> tuple[int, ...]:
    """`"1,2"` -> (1, 2)."""
    parts = [part.strip() for part in given.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise click.BadParameter(f"{given!r} is no list of numbers of threads, as 1,2")
    return tuple(int(part) for part in parts)


@click.command("bench", epilog=EXAMPLES)
@click.argument("names", nargs=-1)
@click.option("--cases", default="", callback=parse_list, metavar="mlp2,...", help="As NAME, in a list.")
@click.option("--threads", default="1,2", show_default=True, callback=parse_threads)
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True)
@click.option(
    "--seconds", type=click.FloatRange(0, min_open=True), default=1.0, show_default=True, help="Of one turn."
)
@click.option("--peers", default="", callback=parse_list, metavar="numpy,...", help="Some of the peers only.")
@click.option("--targets", default="numpy,numpy_planned,c,tuned", show_default=True, callback=parse_list)
@click.option("--peers-python", default=sys.executable, help="An interpreter that has torch and jax.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all that was measured.")
@click.option("--write", type=click.Path(path_type=Path), help="Put tables and picture into this page.")
@click.option(
    "--from", "former", type=click.Path(path_type=Path), help="Show what --json wrote; run nothing."
)
def bench(
    names: tuple[str, ...],
    cases: tuple[str, ...],
    former: Path | None,
    json_file: Path | None,
    write: Path | None,
    **options: object,
) -> None:
    """Race what was emitted against the peers that are installed."""
    require_checkout()
    from bench.results import from_json, to_json

    if former is not None:
        report = from_json(former.read_text(encoding="utf-8"), str(former))
    else:
        report = raced(chosen((*names, *cases)), options)
    show(report)
    if json_file is not None:
        json_file.write_text(to_json(report), encoding="utf-8")
    if write is not None:
        from bench.page import write as write_page

        for path in write_page(write, report):
            click.echo(path)


def require_checkout() -> None:
    """DeriveError where the folder bench/ is not there."""
    from importlib.util import find_spec

    if find_spec("bench.cases" if find_spec("bench") else "bench") is None:
        raise DeriveError(
            "the peers' programs are in bench/ of a checkout; run `python -m derive bench` there"
        )


def chosen(names: tuple[str, ...]) -> list[Case]:
    """The cases by name. Raise DeriveError for a name that is none."""
    from bench.cases import CASES, GROUPS, NAMED
    from bench.cases import chosen as by_name

    try:
        return by_name(names)
    except KeyError as error:
        known = ", ".join((*GROUPS, *NAMED, *CASES))
        raise DeriveError(f"there is no case {error}; the groups, networks and cases are {known}") from None


def raced(cases: list[Case], options: dict[str, object]) -> Report:
    """The report of a run that starts now."""
    from bench.contest import Plan, run

    options["python"] = options.pop("peers_python")
    date = datetime.now(UTC).strftime("%Y-%m-%d")
    plan = Plan(cases=cases, date=date, **options)  # type: ignore[arg-type]
    return run(plan, lambda line: click.echo(line, err=True))


def show(report: Report) -> None:
    """A table a case."""
    from rich.console import Console
    from rich.table import Table

    from bench.table import HEAD, titled

    console = Console(width=None if sys.stdout.isatty() else 180)
    for title, rows, remarks in titled(report):
        grid = Table(*HEAD, title=title, title_justify="left")
        for row in rows:
            grid.add_row(*row)
        console.print(grid)
        for remark in remarks:
            console.print(remark, markup=False, highlight=False)
