"""The derivatives that are emitted on request, `build --with hvp`, by the name of their function.

forward, vjp and jvp are there always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from derive.calculus.hvp import hvp
from derive.calculus.program import Program
from derive.errors import DeriveError

ALWAYS = ("forward", "vjp", "jvp")
ON_REQUEST: dict[str, Callable[[Program], Program]] = {"hvp": hvp}


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """Names of derivatives in one order, those left out that are there anyway; DeriveError for any other."""
    asked = set(names)
    unknown = sorted(asked - set(ALWAYS) - set(ON_REQUEST))
    if unknown:
        raise DeriveError(
            f"there is no derivative {', '.join(unknown)} to build with; there are "
            f"{', '.join((*ALWAYS[1:], *ON_REQUEST))}"
        )
    return tuple(name for name in ON_REQUEST if name in asked)


def derivation(name: str) -> Callable[[Program], Program]:
    """The derivation of a Program that a derivative's name stands for."""
    return ON_REQUEST[name]
