"""Loop nests of equations that are alike but for names are worked out once.

    A1[j] = sum_{q<n} X[q] W1[q,j]        A7[j] = sum_{q<d6} Z7[q] W7[q,j]

A nest is written under placeholders, `W~01` for the name in a comment, `@W~01` and `$W~01` for where the
tensor lies in the row of an example and elsewhere, `@d~02` for a size; then they are spelled.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain

from sympy import Expr

from codegen.c.nest import Comment, Guard, Line, Loop, Node
from codegen.c.nests import Nest, equation_nest
from codegen.c.places import Place, Places
from derive.calculus.expressions.alike import Renaming, placeholders, skeleton
from derive.calculus.expressions.nodes import FloorDiv, Range
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Size, TensorName
from derive.errors import DeriveError

PLACEHOLDER = re.compile(r"[@$]?[A-Za-z]~\d\d")

Nests = dict[object, list[Node]]


@dataclass(frozen=True)
class _Bare:
    """A nest and its places under placeholders."""

    nest: Nest
    places: Places
    renaming: Renaming

    @cached_property
    def tensors(self) -> dict[str, str]:
        """Each tensor's name and its placeholder."""
        return {str(n): str(p) for n, p in self.renaming.items() if isinstance(n, TensorName)}

    @cached_property
    def rows(self) -> dict[str, Place]:
        return self._bare(self.places.rows, "@")

    @cached_property
    def everywhere(self) -> dict[str, Place]:
        return self._bare(self.places.everywhere, "$")

    @cached_property
    def shapes(self) -> dict[str, tuple[Expr, ...] | None]:
        """The sizes of each tensor."""
        return {p: self._sizes(self.nest.to_c.shapes(name)) for name, p in self.tensors.items()}

    def _bare(self, places: Mapping[str, Place], mark: str) -> dict[str, Place]:
        return {
            placeholder: replace(places[name], text=mark + placeholder, shape=self._sizes(places[name].shape))
            for name, placeholder in self.tensors.items()
            if name in places
        }

    def _sizes(self, shape: tuple[Expr, ...] | None) -> tuple[Expr, ...] | None:
        return None if shape is None else tuple(size.xreplace(self.renaming) for size in shape)

    @property
    def key(self) -> object:
        """What is equal for nests that are alike."""
        equation, to_c = self.nest.equation, self.nest.to_c
        loops = (*equation.ranges, None, *self.nest.ranges, None, *to_c.extents.items())
        return (
            skeleton(equation.target, self.renaming),
            skeleton(equation.value, self.renaming),
            tuple(pair and (pair[0], skeleton(pair[1], self.renaming)) for pair in loops),
            self.nest.local,
            tuple(self.rows.items()),
            tuple(self.everywhere.items()),
            tuple(self.shapes.items()),
        )

    def written(self) -> list[Node]:
        """The nodes under placeholders."""
        to_c = replace(
            self.nest.to_c,
            element=Places(self.everywhere, self.rows).element,
            sizes=lambda extent: f"@{extent}" if isinstance(extent, Size) else None,
            extents=dict(self._ranges(self.nest.to_c.extents.items())),
            shapes=self.shapes.get,
        )
        own = self.nest.equation
        equation = replace(
            own,
            target=own.target.xreplace(self.renaming),
            value=own.value.xreplace(self.renaming),
            ranges=self._ranges(own.ranges),
        )
        return equation_nest(Nest(equation, self._ranges(self.nest.ranges), to_c, self.nest.local))

    def _ranges(self, ranges: Iterable[Range]) -> tuple[Range, ...]:
        return tuple((index, extent.xreplace(self.renaming)) for index, extent in ranges)

    def spellings(self) -> dict[str, str]:
        """What each placeholder stands for."""
        found = {str(placeholder): str(name) for name, placeholder in self.renaming.items()}
        for name, placeholder in self.renaming.items():
            if isinstance(name, Size):
                found[f"@{placeholder}"] = self.nest.to_c.sizes(name) or str(name)
        for mark, places in (("@", self.places.rows), ("$", self.places.everywhere)):
            found |= {mark + p: places[name].text for name, p in self.tensors.items() if name in places}
        return found


def alike_nest(nest: Nest, places: Places, nests: Nests) -> list[Node]:
    """The comment and the loops of an equation whose tensors lie at these places."""
    equation = nest.equation
    named = (equation.target, equation.value, *(extent for _, extent in equation.ranges))
    names = [ref.name for ref in (equation.target, *equation.references)]
    stored = (places.everywhere[name].shape or () for name in names)
    shapes = chain(*stored, *(nest.to_c.shapes(name) or () for name in names))
    parts = (*named, *shapes, *nest.to_c.extents.values())
    renaming = placeholders(parts)
    if not renaming or any(holds(part, FloorDiv) for part in parts):  # a quotient of sizes has a name
        return equation_nest(nest)
    bare = _Bare(nest, places, renaming)
    key = bare.key
    if key not in nests:
        try:
            nests[key] = bare.written()
        except DeriveError:  # once more, with the names that its message shall have
            return equation_nest(nest)
    spellings = bare.spellings()
    return [_spelled(node, spellings) for node in nests[key]]


def _spelled(node: Node, spellings: Mapping[str, str]) -> Node:
    match node:
        case Line(text):
            return Line(_text(text, spellings))
        case Comment(lines):
            return Comment(tuple(_text(line, spellings) for line in lines))
        case Guard(condition, body):
            return Guard(_text(condition, spellings), tuple(_spelled(one, spellings) for one in body))
        case Loop(_, stop, body, start):
            inner = tuple(_spelled(one, spellings) for one in body)
            return replace(node, stop=_text(stop, spellings), body=inner, start=_text(start, spellings))
    return node


def _text(text: str, spellings: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: spellings[found[0]], text) if "~" in text else text
