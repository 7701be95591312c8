"""Equation -> array form: the cover of an index expression by operations on whole arrays.

W_bar[p,j] = sum_{i}(X[i,p]*Y_bar[i,j])        Xᵀ Y_bar
G[i,a,p] = sum_{j}(G[i+1,a,j]*sigma_i'(...)*W[i,p,j])    (G_{i+1} ∘ σ_i'(Z_i W_i)) W_iᵀ
E_bar[x[t],d] += A_bar[t,d]                    I_xᵀ A_bar
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sympy import Expr
from sympy.core.basic import Basic

from derive.calculus.arrays.base import Form, MatrixFormError, renamed
from derive.calculus.arrays.cover import Cover
from derive.calculus.arrays.labels import Order
from derive.calculus.expressions.alike import Renaming, placeholders, skeleton
from derive.calculus.expressions.nodes import IsZero, Opaque, Range, Reduction, Sum, VectorMap, Where
from derive.calculus.expressions.occurrence import nodes_of
from derive.calculus.expressions.substitution import fresh, freshened, substitute
from derive.calculus.expressions.tensor import Axis, Index, Ref, Size, Tensor, TensorName, refs
from derive.calculus.program.program import Equation, Program

Tensors = tuple[Tensor, ...]


@dataclass(frozen=True, eq=False)
class Alike:
    """A form under placeholders: one object for all values that are alike."""

    form: Form


Forms = dict[object, Alike]


def matrix_form(
    equation: Equation,
    program: Program,
    unfold: Iterable[str] = (),
    tensors: Mapping[str, Tensor] | None = None,
    forms: Forms | None = None,
) -> Form:
    """The array form of an equation's right side, its dimensions in the order of the target's loops.

    Definitions named in `unfold` are inlined first. Indices that are not loops are subscripts, and so
    are loops that choose sizes or functions: W_i (n_i, n_{i+1}). `tensors` are the program's, where
    they are at hand; `forms` those found before, under placeholders.
    """
    found, renaming = alike_form(equation, program, unfold, tensors, forms)
    return renamed(found.form, {placeholder: name for name, placeholder in renaming.items()})


def alike_form(
    equation: Equation,
    program: Program,
    unfold: Iterable[str] = (),
    tensors: Mapping[str, Tensor] | None = None,
    forms: Forms | None = None,
) -> tuple[Alike, Renaming]:
    """The form under placeholders, and each name's placeholder; none where the form has its names."""
    equation = gathered(equation, program)
    value = inlined(equation.value, program, frozenset(unfold))
    chosen = choosing_loops(equation, value)
    extents = {i: n for i, n in equation.ranges if i not in chosen}
    order = tuple(index for index in equation.target.indices if index in extents)
    declared = program.tensors if tensors is None else tensors
    read = tuple(declared[name] for name in sorted({ref.name for ref in refs(value)} & declared.keys()))
    if forms is None:
        return Alike(_covered(value, tuple(extents.items()), order, read)), {}
    return _alike(value, tuple(extents.items()), order, read, forms)


def _alike(
    value: Expr, ranges: tuple[Range, ...], order: Order, tensors: Tensors, forms: Forms
) -> tuple[Alike, Renaming]:
    """The cover, worked out once for all values that differ in the names of tensors and sizes only."""
    sizes = (size for tensor in tensors for size in tensor.shape)
    renaming = placeholders((value, *(extent for _, extent in ranges), *sizes))
    if not renaming:
        return Alike(_covered(value, ranges, order, tensors)), {}
    bare = tuple((index, extent.xreplace(renaming)) for index, extent in ranges)
    declared = tuple(_bare(tensor, renaming) for tensor in tensors)
    key = (skeleton(value, renaming), bare, order, declared)
    if key not in forms:
        try:
            forms[key] = Alike(_covered(value.xreplace(renaming), bare, order, declared))
        except MatrixFormError:  # once more, with the names that its message shall have
            return Alike(_covered(value, ranges, order, tensors)), {}
    return forms[key], renaming


def _bare(tensor: Tensor, renaming: Renaming) -> Tensor:
    """The tensor under its placeholder; ragged axes keep their names, which others are read by."""
    name = str(renaming.get(TensorName(tensor.name), tensor.name))
    plain = all(isinstance(axis.size, Size) for axis in tensor.axes)
    sizes = [axis.size.xreplace(renaming) for axis in tensor.axes]
    named = zip(tensor.axes, sizes, strict=True)
    return Tensor(name, tuple(Axis(str(n) if plain else axis.name, n) for axis, n in named), tensor.kind)


def _covered(value: Expr, ranges: tuple[Range, ...], order: Order, tensors: Tensors) -> Form:
    extents = dict(ranges)
    part = Cover(extents, {tensor.name: tensor for tensor in tensors})(value)
    unknown = part.labels - set(order)
    if unknown:
        listed = ", ".join(sorted(map(str, unknown)))
        raise MatrixFormError(f"{value} varies with {listed}, not an index of its equation")
    return part.aligned(order, extents)


@lru_cache(maxsize=4096)
def choosing_loops(equation: Equation, value: Expr | None = None) -> frozenset[Index]:
    """The loops that a size or an undetermined function depends on: they stay subscripts."""
    value = equation.value if value is None else value
    if not equation.ranges:
        return frozenset()
    deciding = [extent for _, extent in equation.ranges]
    for node in nodes_of(value, Reduction, Opaque):
        if isinstance(node, Opaque):
            deciding += node.selectors
            continue
        deciding += [extent for _, extent in node.ranges]
        deciding += node.outputs[:-1] if isinstance(node, VectorMap) else ()
    used: set[Basic] = set().union(*(expression.free_symbols for expression in deciding))
    return frozenset(index for index in equation.loops if index in used)


def value_form(value: Expr, ranges: tuple[Range, ...], program: Program, unfold: Iterable[str] = ()) -> Form:
    """The array form of an expression over ranges, dimensions in their order."""
    extents = dict(ranges)
    value = inlined(value, program, frozenset(unfold))
    return Cover(extents, program.tensors)(value).aligned(tuple(extents), extents)


def gathered(equation: Equation, program: Program) -> Equation:
    """A scatter as the sum that it is: Y[v,d] = sum_t [v = x[t]] A[t,d]."""
    if not equation.accumulates:
        return equation
    target = equation.target
    sizes = program.tensor(equation.name).shape
    taken = {index.name for index in equation.loops}
    value, kept, indices = equation.value, [], []
    for slot, size in zip(target.indices, sizes, strict=True):
        if slot in equation.loops and slot not in indices:
            kept.append((slot, dict(equation.ranges)[slot]))
            indices.append(slot)
            continue
        index = fresh("v", taken)
        taken.add(index.name)
        kept.append((index, size))
        indices.append(index)
        value = Where(IsZero(index - slot), 1, 0) * value
    summed = tuple(pair for pair in equation.ranges if pair[0] not in indices)
    return Equation(Ref(equation.name, *indices), tuple(kept), Sum(value, *summed), equation.frozen)


def inlined(value: Expr, program: Program, names: frozenset[str]) -> Expr:
    """The expression with references to the named definitions replaced by their right sides."""
    if not names:
        return value
    while True:
        found = sorted((ref for ref in refs(value) if ref.name in names), key=str)
        if not found:
            return value
        value = _replaced(value, {ref: _definition(ref, program, value) for ref in found})


def _definition(ref: Ref, program: Program, inside: Expr) -> Expr:
    for equation in program.defining(ref.name):
        binding = _bound_loops(equation, ref)
        if binding is not None:
            taken = {symbol.name for symbol in nodes_of(inside, Index)}
            return substitute(freshened(equation.value, taken), binding)
    raise MatrixFormError(f"{ref} cannot be unfolded: {program.name} has no equation for it")


def _bound_loops(equation: Equation, ref: Ref) -> dict[Expr, Expr] | None:
    """The loop values at which an equation defines this element, if it does."""
    binding: dict[Expr, Expr] = {}
    for slot, index in zip(equation.target.indices, ref.indices, strict=True):
        if isinstance(slot, Index):
            binding[slot] = index
        elif slot != index:
            return None
    return None if equation.accumulates else binding


def _replaced(value: Expr, definitions: Mapping[Expr, Expr]) -> Expr:
    return value.xreplace(dict(definitions))
