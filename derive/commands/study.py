"""`python -m derive study`: points that no line separates, three hypothesis classes, their regions."""

import os
import sys
from fractions import Fraction
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

import click

from derive.commands.train import THREADS
from derive.errors import CheckFailed

if TYPE_CHECKING:
    from derive.study.experiment import Problem, Result

EXAMPLES = """\
Examples:

\b
  python -m derive study
  python -m derive study --seed 1 --out runs/another
  python -m derive study --backend numpy

The folder --out receives regions.svg, generated/ with the three networks, and a folder for each run with its
log, curves and checkpoint. Ends with 1 where H1 does not fail, or H4 or H5 does not succeed.
"""
TITLES = ("data", "class", "network", "train error", "test error", "outcome")


@click.command("study", epilog=EXAMPLES)
@click.option("--out", default="runs/study", show_default=True, help="Folder of the results.")
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of points, parameters, shuffling."
)
@click.option("--epochs", type=click.IntRange(1), default=20, show_default=True)
@click.option(
    "--backend",
    type=click.Choice(["auto", "numpy", "c"]),
    default="auto",
    show_default=True,
    help="auto: C where there is a compiler, else NumPy.",
)
def study(out: str, seed: int, epochs: int, backend: str) -> None:
    """Train H1, H4 and H5 on points that no line separates, and draw their regions."""
    for variable in THREADS:  # before NumPy is imported
        os.environ.setdefault(variable, "1")
    from derive.study import experiment, picture

    started, folder = perf_counter(), Path(out)
    recipe = experiment.Recipe(seed=seed, epochs=epochs, backend=backend)
    problems = experiment.problems(recipe)
    build(folder / "generated")
    sets = [problem.data for problem in problems.values()]
    runs = experiment.run(recipe, sets, folder / "generated", folder)
    count = len(experiment.HYPOTHESES) * len(sets)
    with click.progressbar(runs, count, label="training", file=sys.stderr) as bar:
        results = list(bar)
    show(results, problems)
    picture.write(folder / "regions.svg", results, problems)
    click.echo(
        f"{len(results)} runs by {results[0].backend} in {perf_counter() - started:.0f} s; "
        f"the regions are in {folder / 'regions.svg'}"
    )
    if surprises := experiment.surprises(results, problems):
        raise CheckFailed(f"study: {'; '.join(surprises)}")


def build(out: Path, targets: tuple[str, ...] = ("numpy", "c")) -> None:
    """Derive and emit the three networks for x = (x1, x2, 1) and two classes."""
    from codegen.emit import emit
    from derive.networks import classifiers

    networks = (
        classifiers.softmax_regression(n=3, k=2),
        classifiers.random_features(n=3, d=200, k=2, bandwidth=Fraction(1, 4)),
        classifiers.two_layer("relu", n=3, d=100, k=2),
    )
    for network in networks:
        emit(network, targets, out)


def show(results: "list[Result]", problems: "dict[str, Problem]") -> None:
    """Print the errors: a table on a terminal, else lines."""
    rows = table(results, problems)
    if not sys.stdout.isatty():
        for line in aligned([TITLES, *rows]):
            click.echo(line)
        return
    from rich.console import Console
    from rich.table import Table

    grid = Table(*TITLES)
    for row in rows:
        grid.add_row(*row)
    Console().print(grid)


def table(results: "list[Result]", problems: "dict[str, Problem]") -> list[tuple[str, ...]]:
    """A row for the best line and for each class, problem by problem."""
    from derive.study.experiment import percent

    rows: list[tuple[str, ...]] = []
    for name, problem in problems.items():
        rows.append((name, "line", "the best there is", percent(problem.best_line), "", ""))
        rows += [_row(result) for result in results if result.problem == name]
    return rows


def _row(result: "Result") -> tuple[str, ...]:
    from derive.study.experiment import percent

    hypothesis = result.hypothesis
    errors = (percent(result.train_error), percent(result.test_error))
    return (result.problem, hypothesis.label, hypothesis.network, *errors, result.outcome)


def aligned(rows: list[tuple[str, ...]]) -> list[str]:
    """Every column as wide as its widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
