"""A phase: one function of the kernel part, and what of it the planner needs later."""

from __future__ import annotations

from dataclasses import dataclass

from sympy import Expr, Integer

ONE = Integer(1)
NONE = Integer(0)


@dataclass(frozen=True)
class Phase:
    """A function: its name, what it computes, its lines; `finish` are those of its tiles' finish.

    A gradient's tiles are given to the finish of whoever calls; `shape` is (rows, columns) of a
    contraction, `panels` the reals that its packed factor takes, `operands` what bounds the size of its
    sums. Scalar products have as many columns for each of `across`, and all steps in `apart`. `passing`:
    tiles pack B as they pass by, `packs_rows` whether A is packed too, `turned` whether all panels stay
    near meanwhile. `guarded`: guards leave out some of it, `halved` the later columns of early rows. What
    is `small` is inlined. `lasting`: what the first turn of a recurrence packs serves them all. `rest`:
    where the lanes of a few columns beside whole vectors may run. A `view` has no function at all. `far`:
    the lines of A that the next rows need are asked for. `times`: how often the loops and turns around
    compute it. `crossed`: so many terms follow each other where rows are packed as columns. `below`: A is
    large, and what the rows below need of it is asked for. `portioned`: it is computed for one portion of
    the examples after the other.
    """

    name: str
    equations: tuple[str, ...]
    lines: tuple[str, ...]
    finish: tuple[str, ...] = ()
    gradient: str = ""
    shape: tuple[Expr, Expr] | None = None
    panels: tuple[Expr, ...] = ()
    operands: tuple[str, str] | None = None
    terms: Expr = ONE
    sums: int = 0
    apart: tuple[str, ...] = ()
    dots: bool = False
    across: Expr = ONE
    turn: str = ""
    passing: bool = False
    packs_rows: bool = False
    turned: bool = False
    guarded: bool = False
    halved: bool = False
    small: bool = False
    lasting: bool = False
    rest: str = ""
    view: bool = False
    far: bool = False
    below: bool = False
    times: Expr = ONE
    portioned: bool = False
    crossed: Expr = NONE

    @property
    def once(self) -> bool:
        """Whether one function serves every kernel set, which gives it its tiles and its finish."""
        return self.shape is not None
