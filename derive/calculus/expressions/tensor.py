"""Named tensors: X[i, p] with named axes of symbolic size."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

from sympy import Expr, Symbol, sympify
from sympy.core.basic import Basic


class Kind(Enum):
    """What a tensor holds; only real tensors have cotangents."""

    REAL = "real"
    INTEGER = "integer"
    MASK = "mask"
    STATE = "state"


class _Name(Symbol):
    """A symbol that prints as its name: one object a name, told apart by identity and hashed once."""

    __slots__ = ()

    def __new__(cls: Any, name: str, **assumptions: bool) -> Any:
        return _symbol(cls, name, **assumptions)

    def __str__(self) -> str:
        return str(self.name)


@cache
def _symbol(kind: Any, name: str, **assumptions: bool) -> Any:
    return Symbol.__xnew__(kind, name, **assumptions)


class Index(_Name):
    """An index variable, 0 <= i < extent; the extent belongs to the range that binds it."""

    __slots__ = ()

    def __new__(cls, name: str) -> Index:
        return super().__new__(cls, name, integer=True, nonnegative=True)


class Size(_Name):
    """A symbolic size n >= 1."""

    __slots__ = ()

    def __new__(cls, name: str) -> Size:
        return super().__new__(cls, name, integer=True, positive=True)


class TensorName(_Name):
    """The name of a tensor, as the head of a reference to one of its elements."""

    __slots__ = ()

    def __new__(cls, name: str) -> TensorName:
        return super().__new__(cls, name)


@dataclass(frozen=True)
class Axis:
    """A named axis: its letter, and its size as an expression in sizes."""

    name: str
    size: Expr

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Tensor:
    """A named tensor: X (m, n)."""

    name: str
    axes: tuple[Axis, ...]
    kind: Kind = Kind.REAL

    def __getitem__(self, indices: Any) -> Ref:
        """X[i, p]: a reference to one element."""
        listed = indices if isinstance(indices, tuple) else (indices,)
        return Ref(self.name, *listed, integer=self.kind is not Kind.REAL and self.kind is not Kind.STATE)

    @property
    def shape(self) -> tuple[Expr, ...]:
        return tuple(axis.size for axis in self.axes)

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(axis.name for axis in self.axes)})"


class Ref(Expr):
    """X[i, p]: one element of a real tensor, at index expressions."""

    is_commutative = True
    is_real = True
    is_extended_real = True
    is_finite = True
    is_hermitian = True
    is_complex = True

    def __new__(cls, name: str | TensorName, *indices: Any, integer: bool = False) -> Ref:
        if integer and cls is Ref:
            return IntegerRef(name, *indices)
        head = name if isinstance(name, TensorName) else TensorName(name)
        return Basic.__new__(cls, head, *(sympify(index, strict=True) for index in indices))

    @property
    def name(self) -> str:
        return str(self.args[0].name)

    @property
    def indices(self) -> tuple[Expr, ...]:
        return tuple(self.args[1:])

    def _sympystr(self, printer: Any) -> str:
        return f"{self.name}[{','.join(printer.doprint(index) for index in self.indices)}]"


class IntegerRef(Ref):
    """x[t]: one element of an integer or mask tensor, usable as an index."""

    is_integer = True
    is_rational = True


@cache
def refs(expression: Basic) -> frozenset[Ref]:
    """Every tensor reference inside an expression."""
    inside = frozenset[Ref]().union(*map(refs, expression.args))
    return inside | {expression} if isinstance(expression, Ref) else inside


@cache
def ordered_refs(expression: Basic) -> tuple[Ref, ...]:
    """Every tensor reference inside an expression, in one order on every machine."""
    return tuple(sorted(refs(expression), key=str))


@cache
def names_read(expression: Basic) -> frozenset[str]:
    """The tensors that an expression reads."""
    return frozenset(ref.name for ref in refs(expression))
