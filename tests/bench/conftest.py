"""Reports and lines for the tests of the bench, made by hand: nothing here is timed."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.results import Limits, Line, Report

MakeLine = Callable[..., Line]


@pytest.fixture
def make_line() -> MakeLine:
    """A contestant of mlp2 with three rounds around `seconds`."""

    def make(name: str, seconds: float = 1e-3, **changed: Any) -> Line:
        ours = name.startswith(("emitted", "called"))
        medians = (seconds, 2 * seconds, 3 * seconds)
        given = {
            "case": "mlp2",
            "threads": 1,
            "name": name,
            "title": name.upper(),
            "ours": ours,
            "checks": (3.206514, 2.774256),
            "medians": medians,
            "least_s": seconds / 2,
            "most_s": 4 * seconds,
            "facts": {"first_step_s": 0.25, "rss_bytes": 40_000_000},
        }
        return Line(**{**given, **changed})

    return make


@pytest.fixture
def report(make_line: MakeLine) -> Report:
    """NumPy, JAX, a peer that is refused, and ours in C with its call from Python."""
    wrong = make_line("torch_eager", medians=(), refused="it computes something else <&>")
    facts = {"first_step_s": 1e-5, "rss_bytes": 2_000_000, "workspace_bytes": 840, "compile_s": 0.3}
    lines = (
        make_line("numpy", 2e-3),
        make_line("jax", 4e-3),
        wrong,
        make_line("emitted_c", 1e-3, facts={**facts, "library_bytes": 20_416}),
        make_line("called_c", 1.001e-3),
    )
    limits = (Limits("mlp2", 1, flops=(1e11, 2e11, 3e11)),)
    return Report({"date": "a day", "vendor": ""}, lines, limits, ("a note",))
