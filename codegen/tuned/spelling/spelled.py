"""Small windows spelled out: an element that several sums or maxima read is loaded once for them all.

P[i] = max_{u<2} Z[2 i + u];  n[i] = sum_{u<2} [Z[2 i + u] == P[i]]

    const vec Z_0 = load(Z + 2 * i * D + j), Z_1 = load(Z + (2 * i + 1) * D + j);
    P_max = FN(larger)(Z_0, P_max);
    P_max = FN(larger)(Z_1, P_max);
    ..
    n_sum += FN(select)(Z_0 == P_, all(1), all(0));
    n_sum += FN(select)(Z_1 == P_, all(1), all(0));

A compiler cannot know that what is stored between the loops leaves Z as it is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import product

from sympy import Integer, Symbol
from sympy.core.basic import Basic

from codegen.accumulation import Accumulation, Term
from codegen.c.nest import Line, Node
from codegen.tuned.small_windows import MOST, is_small_term
from codegen.tuned.spelling.vector_text import ToVector
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, IntegerRef, Ref, ordered_refs
from derive.calculus.program.compose import free_name


@dataclass(frozen=True)
class Spelled:
    """The elements that are loaded once."""

    near: Mapping[Ref, Symbol] = field(default_factory=dict)

    @property
    def names(self) -> frozenset[str]:
        """What they are called."""
        return frozenset(symbol.name for symbol in self.near.values())

    def lines(self, text: ToVector) -> list[Node]:
        """They are loaded."""
        return [Line(f"const vec {one.name} = {text.vec(ref)};") for ref, one in self.near.items()]

    def terms(self, term: Term) -> list[Term]:
        """The term for each element of its window, or as it is where nothing is loaded for it."""
        if not self.near or not is_small_term(term):
            return [term]
        return [_with(one, self.near) for one in _each(term)]


def spelled(forms: Iterable[Accumulation], own: Set[str], lane: Index, taken: Set[str]) -> Spelled:
    """What several terms of small windows read alike."""
    counts: Counter[Ref] = Counter()
    for form in forms:
        for one in (one for term in form.terms if is_small_term(term) for one in _each(term)):
            counts.update(ref for ref in _read(one) if _loaded(ref, own, lane))
    near: dict[Ref, Symbol] = {}
    for ref in (ref for ref, count in counts.items() if count > 1):
        number = sum(other.name == ref.name for other in near)
        near[ref] = Symbol(free_name(f"{ref.name}_{number}", set(taken)), real=True)
    return Spelled(near) if len(near) <= MOST else Spelled()


def _loaded(ref: Ref, own: Set[str], lane: Index) -> bool:
    return not isinstance(ref, IntegerRef) and ref.name not in own and lane in free_indices(ref)


def _each(term: Term) -> Iterator[Term]:
    """The term with numbers for its indices."""
    for numbers in product(*(range(int(extent)) for _, extent in term.ranges)):
        fixed: dict[Basic, Basic] = {
            index: Integer(n) for (index, _), n in zip(term.ranges, numbers, strict=True)
        }
        yield replace(_with(term, fixed), ranges=())


def _with(term: Term, replaced: Mapping[Basic, Basic] | Mapping[Ref, Symbol]) -> Term:
    found: dict[Basic, Basic] = dict(replaced)
    return replace(term, body=term.body.xreplace(found), condition=term.condition.xreplace(found))


def _read(term: Term) -> tuple[Ref, ...]:
    return tuple(dict.fromkeys((*ordered_refs(term.body), *ordered_refs(term.condition))))
