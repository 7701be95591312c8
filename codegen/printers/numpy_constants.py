"""Arrays that depend on sizes alone, named where a function needs them twice.

causal = np.tri(T, dtype=bool)    # (T, T)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from codegen.printers.numpy_kinds import Element, element_of
from derive.calculus.arrays.base import Form, Number, Positions
from derive.calculus.arrays.forms import Broadcast, Transpose
from derive.calculus.arrays.pointwise import Compare, Divided, Logic, Negative, Product, Total
from derive.calculus.expressions.tensor import Index, refs

COMPUTED = (Compare, Divided, Logic, Negative, Product, Total)


@dataclass
class Constants:
    """How often each was printed, and the names of those that have one."""

    names: Mapping[Form, str] = field(default_factory=dict)
    uses: Counter[Form] = field(default_factory=Counter)

    def name(self, form: Form) -> str | None:
        """The name of a constant; its use is counted."""
        self.uses[form] += 1
        return self.names.get(form)

    def named(self, taken: Iterable[str]) -> dict[Form, str]:
        """Names for those that were printed twice, none of them taken."""
        used = set(taken)
        found: dict[Form, str] = {}
        for form in (form for form, count in self.uses.items() if count > 1):
            stem = _stem(form)
            name, number = stem, 2
            while name in used:
                name, number = f"{stem}{number}", number + 1
            used.add(name)
            found[form] = name
        return found


def is_constant(form: Form) -> bool:
    """Whether a form is computed of positions alone, so that it can have a name."""
    return isinstance(form, COMPUTED) and bool(form.rank) and _is_closed(form)


def _is_closed(form: Form) -> bool:
    """Whether no tensor and no index of a loop is read."""
    if isinstance(form, Number):
        return not form.value.atoms(Index) and not refs(form.value)
    known = isinstance(form, (Positions, Broadcast, Transpose, *COMPUTED))
    return known and all(map(_is_closed, form.operands))


def _stem(form: Form) -> str:
    if element_of(form) is not Element.TRUTH:
        return "place"
    square = isinstance(form, Compare) and form.rank == 2 and form.axes[0] == form.axes[1]
    return "causal" if square else "inside"
