"""A line for one example: every operand with its leading axis at an index, or as it is where it has none.

np.add(F, p.bf[l], out=G[l])        np.add(F[i], p.bf[l], out=G[l, i])
E.max(axis=3, keepdims=True, out=M) E[i].max(axis=2, keepdims=True, out=M[i])
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from sympy import Expr

from codegen.buffers.operands import is_mark, items_of, order_of_transpose, rank_of_sum, sum_spelled
from codegen.buffers.values import Axes, Operand
from codegen.printers.to_numpy import INTO

ELEMENTWISE = frozenset(
    {"add", "subtract", "multiply", "divide", "exp", "log", "tanh", "sin", "cos", "sqrt", "square"}
    | {"negative", "abs", "maximum", "minimum", "greater", "greater_equal", "less", "less_equal", "equal"}
    | {"not_equal", "logical_and", "logical_or", "logical_not", "copyto", "expm1", "power"}
)
ROWS, HELD = "rows", "part"  # the slice of an example, and that of an array which holds no more
REDUCTIONS = frozenset({"sum", "max", "min", "mean"})


class _UnslicedError(Exception):
    """A line that is not computed example by example."""


@dataclass(frozen=True)
class Sliced:
    """A statement whose operands have the index; of an array that holds one example it is taken away."""

    statement: ast.stmt
    axes: tuple[Axes, ...]
    arrays: frozenset[str]
    index: str
    second: Expr | None = None
    alias: tuple[str, str] | None = None

    def node(self, own: Set[str]) -> ast.stmt:
        found: ast.stmt = _Without(own, self.index, self.second is not None).visit(self.statement)
        return found


class _Without(ast.NodeTransformer):
    """A[i, ...] as A[...] for the arrays that hold one example, or but a slice of it."""

    def __init__(self, own: Set[str], index: str, sliced: bool) -> None:
        self.own, self.index, self.sliced = own, index, sliced

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        bare = isinstance(node.value, ast.Name) and node.value.id in self.own
        items = items_of(node)
        if bare and ast.unparse(items[0]) == self.index:
            if len(items) == 1:
                return node.value
            return ast.Subscript(node.value, ast.Name(HELD) if self.sliced else _tuple(items[1:]))
        self.generic_visit(node)
        return node


@dataclass
class _Slicer:
    """Slices the operands of one line, whose result has `rank` axes, the examples first."""

    names: Mapping[str, Operand]
    batch: Expr
    index: str
    second: Expr | None = None
    rank: int = 0
    axes: list[Axes] = field(default_factory=list)
    arrays: set[str] = field(default_factory=set)

    def rank_of(self, node: ast.expr) -> int:
        """How many axes an operand has."""
        if isinstance(node, ast.Constant):
            return 0
        held = self.names.get(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None
        if held is not None:
            return held.rank
        if isinstance(node, ast.Subscript):
            items = items_of(node)
            new = sum(isinstance(item, ast.Constant) and item.value is None for item in items)
            fixed = sum(not is_mark(item) for item in items)
            if any(self.rank_of(item) for item in items if not is_mark(item)):
                raise _UnslicedError
            return self.rank_of(node.value) + new - fixed
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("np.inf", "np.pi", "np.e"):
            return 0
        if order_of_transpose(node) is not None:
            return len(order_of_transpose(node) or ())
        if isinstance(node, ast.UnaryOp):
            return self.rank_of(node.operand)
        if isinstance(node, ast.BinOp):
            return max(self.rank_of(node.left), self.rank_of(node.right))
        raise _UnslicedError

    def operand(self, node: ast.expr, rank: int | None = None) -> ast.expr:
        """The operand for one example."""
        rank = self.rank if rank is None else rank
        own = self.rank_of(node)
        if own == rank - 1 and self.second is not None:
            return self.of_all_examples(node)
        if own < rank:
            return node
        if own > rank or isinstance(node, ast.BinOp | ast.UnaryOp | ast.Constant):
            raise _UnslicedError
        return self.at_index(node)

    def of_all_examples(self, node: ast.expr) -> ast.expr:
        """An operand that has the second axis first."""
        held = self.names.get(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None
        if held is None or not held.rank or held.axes[0] not in (1, self.second):
            raise _UnslicedError
        return node if held.axes[0] == 1 else ast.Subscript(node, ast.Name(ROWS))

    def at_index(self, node: ast.expr) -> ast.expr:
        """The operand at the index of its leading axis."""
        order = order_of_transpose(node)
        if order is not None and isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            return self.transposed(node.func, order)
        if not isinstance(node, ast.Subscript):
            return self.element(node, [])
        items = items_of(node)
        if isinstance(items[0], ast.Slice):
            return self.marked(node.value, items)
        if any(map(is_mark, items)):
            raise _UnslicedError
        return self.element(node.value, items)

    def transposed(self, function: ast.Attribute, order: list[int]) -> ast.expr:
        """X.transpose(0, 2, 1)."""
        if order[0] != 0 or (self.second is not None and order[1] != 1):
            raise _UnslicedError
        rest: list[ast.expr] = [ast.Constant(k - 1) for k in order[1:]]
        return ast.Call(ast.Attribute(self.at_index(function.value), "transpose"), rest, [])

    def marked(self, array: ast.expr, items: list[ast.expr]) -> ast.expr:
        """X[:, :, None]."""
        whole = items[: 1 if self.second is None else 2]
        if any(ast.unparse(ast.Subscript(ast.Name("X"), item)) != "X[:]" for item in whole):
            raise _UnslicedError
        inner = self.at_index(array)
        return ast.Subscript(inner, _tuple(items[1:])) if items[1:] else inner

    def element(self, base: ast.expr, fixed: list[ast.expr]) -> ast.expr:
        """A[i] of an array, A[l, i] of one at a step."""
        held = self.names.get(ast.unparse(base)) if isinstance(base, ast.Name | ast.Attribute) else None
        if held is None or held.axes[len(fixed) : len(fixed) + 1] != (self.batch,):
            raise _UnslicedError
        if not _is_slowest(held, len(fixed)):
            raise _UnslicedError
        axes = held.axes[len(fixed) :]
        at: list[ast.expr] = [*fixed, ast.Name(self.index)]
        if self.second is not None:
            if len(axes) < 2 or axes[1] not in (1, self.second):
                raise _UnslicedError
            at += [] if axes[1] == 1 else [ast.Name(ROWS)]
        self.axes.append(axes)
        self.arrays |= {base.id} if isinstance(base, ast.Name) else set()
        return ast.Subscript(base, _tuple(at))


def _is_slowest(held: Operand, axis: int) -> bool:
    """Whether an axis is the slowest in memory of those from it on: one example is then no scattered part."""
    steps = [held.strides[axis] / stride for stride in held.strides[axis + 1 :] if stride != 0]
    return all(step.as_numer_denom()[1] == 1 for step in steps)


def _tuple(items: list[ast.expr]) -> ast.expr:
    return items[0] if len(items) == 1 else ast.Tuple(items)


def sliced_statement(
    node: ast.stmt,
    names: Mapping[str, Operand],
    batch: Expr,
    index: str,
    second: Expr | None = None,
) -> Sliced | None:
    """The line for one example; None where it is none of an elementwise function, or mixes examples.

    With a second axis, for a slice of that one.
    """
    slicer = _Slicer(names, batch, index, second)
    alias = _alias(node, names)
    if alias is not None:
        return Sliced(node, (), frozenset(), index, second, alias)
    try:
        statement = _statement(slicer, node)
    except _UnslicedError:
        return None
    return Sliced(statement, tuple(slicer.axes), frozenset(slicer.arrays), index, second)


def _alias(node: ast.stmt, names: Mapping[str, Operand]) -> tuple[str, str] | None:
    """C and A of C = A: another name for an array."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Name):
        return None
    target, held = node.targets[0], names.get(node.value.id)
    named = isinstance(target, ast.Name) and held is not None and held.rank > 0
    return (target.id, node.value.id) if isinstance(target, ast.Name) and named else None


def _statement(slicer: _Slicer, node: ast.stmt) -> ast.stmt:
    if isinstance(node, ast.AugAssign):
        slicer.rank = slicer.rank_of(node.target)
        target = slicer.operand(node.target)
        if slicer.rank < 1 or not isinstance(target, ast.Name | ast.Subscript):
            raise _UnslicedError
        return ast.AugAssign(target, node.op, slicer.operand(node.value))
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        raise _UnslicedError
    call = node.value
    text = ast.unparse(call.func)
    if text == "np.matmul":
        return ast.Expr(_matmul(slicer, call))
    if text == "np.einsum":
        return ast.Expr(_row_sum(slicer, call))
    if text in {"kept_where", *INTO} or (text.startswith("np.") and text[3:] in ELEMENTWISE):
        return ast.Expr(_elementwise(slicer, call))
    if isinstance(call.func, ast.Attribute) and call.func.attr in REDUCTIONS:
        return ast.Expr(_reduction(slicer, call, call.func))
    raise _UnslicedError


def _elementwise(slicer: _Slicer, call: ast.Call) -> ast.Call:
    options = {keyword.arg: keyword.value for keyword in call.keywords}
    text = ast.unparse(call.func)
    place = call.args[0] if text == "np.copyto" else options.get("out", call.args[-1])
    slicer.rank = slicer.rank_of(place)
    if slicer.rank < 1 or set(options) - {"out", "where"}:
        raise _UnslicedError
    keywords = [ast.keyword(keyword.arg, slicer.operand(keyword.value)) for keyword in call.keywords]
    return ast.Call(call.func, [slicer.operand(argument) for argument in call.args], keywords)


def _matmul(slicer: _Slicer, call: ast.Call) -> ast.Call:
    """Products of matrices, several an example."""
    slicer.rank = slicer.rank_of(call.keywords[0].value)
    least = 3 if slicer.second is None else 4
    if slicer.rank < least or any(slicer.rank_of(part) != slicer.rank for part in call.args):
        raise _UnslicedError
    out = ast.keyword("out", slicer.operand(call.keywords[0].value))
    return ast.Call(call.func, [slicer.operand(part) for part in call.args], [out])


def _row_sum(slicer: _Slicer, call: ast.Call) -> ast.Call:
    """np.einsum("ijk,ijk->ij", X, Y, out=place): one letter less for one example."""
    slicer.rank = rank_of_sum(call)
    if slicer.rank < (3 if slicer.second is not None else 2):
        raise _UnslicedError
    parts = [slicer.operand(part) for part in call.args[1:]]
    out = ast.keyword("out", slicer.operand(call.keywords[0].value, slicer.rank - 1))
    return ast.Call(call.func, [ast.Constant(sum_spelled(slicer.rank - 1, len(parts))), *parts], [out])


def _reduction(slicer: _Slicer, call: ast.Call, function: ast.Attribute) -> ast.Call:
    """X.sum(axis=2, out=place) over other axes than the examples."""
    options = {keyword.arg or "": keyword.value for keyword in call.keywords}
    if not {"axis", "out"} <= set(options) or set(options) - {"axis", "out", "keepdims"}:
        raise _UnslicedError
    axis = ast.literal_eval(options["axis"])
    if not isinstance(axis, int) or axis < (1 if slicer.second is None else 2):
        raise _UnslicedError
    slicer.rank = slicer.rank_of(function.value)
    inner = slicer.operand(function.value)
    kept = slicer.rank - (0 if "keepdims" in options else 1)
    options |= {"axis": ast.Constant(axis - 1), "out": slicer.operand(options["out"], kept)}
    return ast.Call(
        ast.Attribute(inner, function.attr), [], [ast.keyword(key, value) for key, value in options.items()]
    )
