"""How a phase spells things: elements by pointer and offset, sizes by their letters, vectors by load.

S[i,j] over lanes j        load(S + i * PAD(K) + j)
W2[p,j] of a parameter     FN(part)(W2 + p * K + j, K - j)     rows are not padded there
                           load(W2 + p * K + j)                where K is 64: they end with a vector
L_bar[]                    all(*L_bar)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from sympy import Expr

from codegen.c.sizes import CSizes
from codegen.extents import evaluated
from codegen.printers.to_c import SUM, ToC, Used
from codegen.tuned.spelling.vector_text import ToVector, Unvectorised
from codegen.tuned.storage import Stored, offset
from codegen.vector_math.kernel_sets import KERNEL_SETS
from derive.calculus.expressions.nodes import free_indices
from derive.calculus.expressions.tensor import Index, Ref

WIDEST = max(one.lanes(4) for one in KERNEL_SETS)
"""The most numbers of a vector: where a row has a multiple of them, no set has a vector that is not whole."""


@dataclass(frozen=True)
class Scene:
    """The tensors, the sizes; what single numbers use of libm, and which functions vectors call.

    `once`: the condition of the turn in which a recurrence packs what all its turns read. `rows_abreast`:
    beside rows there are no products, so that rows take every step together.
    """

    prefix: str
    sizes: CSizes
    stored: Mapping[str, Stored]
    used: Used
    called: Used
    locals: frozenset[str] = frozenset()
    singles: frozenset[str] = frozenset()
    extents: Mapping[Index, Expr] = field(default_factory=dict)
    once: str = ""
    rows_abreast: bool = False

    def with_locals(self, names: frozenset[str]) -> Scene:
        """The same place where some names are local variables."""
        return replace(self, locals=self.locals | names)

    def with_singles(self, names: frozenset[str]) -> Scene:
        """The same place where some names are local variables, each one number for all lanes."""
        return replace(self, singles=self.singles | names)

    def size(self, extent: Expr) -> str:
        """A size in C, the batch as it is stored: at its most."""
        return self.sizes.source_text(extent, SUM + 1)

    def extent(self, extent: Expr) -> str:
        """How far a loop goes: the batch as it is."""
        return self.scalar().integer(extent)

    def scalar(self, extents: Mapping[Index, Expr] | None = None) -> ToC:
        """Single numbers."""
        return ToC(
            self._element, self.sizes.in_source, self.prefix, self.used, {**self.extents, **(extents or {})}
        )

    def _element(self, ref: Ref, to_c: ToC) -> str:
        if ref.name in self.locals | self.singles:
            return value(ref.name)
        at = self.offset(ref, to_c.integer)
        name = pointer(ref.name)
        alone = name if self.stored[ref.name].number else f"*{name}"
        return f"{name}[{at}]" if at else alone if not ref.indices else f"{name}[0]"

    def offset(self, ref: Ref, write: Callable[[Expr], str]) -> str:
        """The offset of an element from the first."""
        return offset(self.stored[ref.name], ref.indices, self.size, write)

    def bytes(self, name: str) -> str:
        """The bytes of a tensor in the arena."""
        stored = self.stored[name]
        outer = [axis for axis in stored.order[:-1] if axis not in stored.single]
        counts = [*(self.size(stored.tensor.shape[axis]) for axis in outer), stored.row(self.size)]
        return " * ".join([*(f"(size_t)({c})" for c in counts), "sizeof(real)"])

    def address(self, ref: Ref) -> str:
        """A pointer to an element."""
        to_c = self.scalar()
        at = self.offset(ref, to_c.integer)
        return pointer(ref.name) + (f" + {at}" if at else "")

    def vectors(
        self, lane: Index, extents: Mapping[Index, Expr] | None = None, names: frozenset[str] = frozenset()
    ) -> ToVector:
        """Whole vectors along an index."""
        inside = replace(self, extents={**self.extents, **(extents or {})})
        single = inside.scalar()

        def vector(ref: Ref) -> str:
            if ref.name in self.locals:
                return value(ref.name)
            if ref.name in self.singles:
                return f"all({value(ref.name)})"
            if not any(lane in free_indices(index) for index in ref.indices):
                return f"all({single.element(ref, single)})"
            return inside._loaded(ref, lane)

        return ToVector(
            self._element,
            self.sizes.in_source,
            self.prefix,
            self.called,
            {**self.extents, **(extents or {})},
            lane=lane,
            scalar=single,
            vector=vector,
            locals=self.locals | names,
        )

    def strided(self, ref: Ref, lane: Index) -> bool:
        """Whether the elements of consecutive lanes do not follow each other."""
        if ref.name in self.locals:
            return False
        holders = [axis for axis, index in enumerate(ref.indices) if lane in free_indices(index)]
        if not holders:
            return False
        plain = len(holders) == 1 and (ref.indices[holders[0]] - lane).coeff(lane, 1) == 0
        plain = plain and lane not in free_indices(ref.indices[holders[0]] - lane)
        return not (plain and self.stored[ref.name].last == holders[0])

    def whole(self, extent: Expr) -> bool:
        """Whether an extent is, at every call and in every kernel set, a number of whole vectors."""
        fixed = self.sizes.batch not in map(str, extent.free_symbols)
        return fixed and evaluated(extent, self.sizes.values) % WIDEST == 0

    def _loaded(self, ref: Ref, lane: Index) -> str:
        if self.strided(ref, lane):
            raise Unvectorised(f"{ref} lies apart along {lane}")
        stored = self.stored[ref.name]
        if stored.padded and ref.indices[stored.order[-1]] == lane:
            return f"load({self.address(ref)})"
        assert stored.last is not None
        extent, index = stored.tensor.shape[stored.last], ref.indices[stored.last]
        if index == lane and self.whole(extent):
            return f"load({self.address(ref)})"
        left = extent - index
        return f"FN(part)({self.address(ref)}, {self.scalar().integer(left)})"


TAKEN = frozenset(
    {
        "s",
        "kernels",
        "panels",
        "finish",
        "x",
        "b",
        "p",
        "w",
        "c",
        "r",
        "v",
        "rows",
        "vectors",
        "first",
        "lane",
        "examples",
    }
    | {"sum", "term", "whole", "largest", "best", "at", "left", "all", "every", "load", "put", "vec", "ivec"}
    | {"real", "word", "uword"}
)
"""What phases call their own variables and macros."""


def pointer(name: str) -> str:
    """The local variable that points to a tensor."""
    return f"{name}_at" if name in TAKEN else name


def value(name: str) -> str:
    """The local variable that holds an element of a tensor, or a vector of them."""
    return f"{name}_"
