"""Expressions of a plain function as instructions, each with a place for its result.

    A2_bar = (H_bar @ W3.T) * (Z3 > 0)

    np.matmul(H_bar, W3.T, out=A2_bar)
    np.greater(Z3, 0, out=A2_bar_mask)
    A2_bar *= A2_bar_mask

What has a few numbers an example stays an expression, and so does what depends on sizes alone: the workspace
computes that once. The operations and their order are those of the plain function.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sympy import Expr, Integer

from codegen.buffers import views
from codegen.buffers.values import (
    REAL,
    TRUTH,
    WHOLE,
    Axes,
    Draft,
    Instruction,
    Operand,
    Value,
    broadcast,
    contiguous,
    elements,
    order_of,
    same,
)
from codegen.printers.to_numpy import INTO
from derive.calculus.expressions.nodes import FloorDiv
from derive.calculus.expressions.tensor import Size


class UnplannedError(Exception):
    """An expression that no instruction with `out=` computes; the line stays as it is."""


@dataclass
class Writer:
    """Writes instructions into a draft. `names` are the operands in scope; `sizes` decide what is by cost."""

    draft: Draft
    names: dict[str, Operand]
    sizes: Mapping[Expr, int]
    batch: Expr
    target: str = ""
    depth: int = 0
    functions: set[str] = field(default_factory=set)
    copies: dict[tuple[object, ...], tuple[int, Operand]] = field(default_factory=dict)

    def visit(self, node: ast.expr, into: Operand | None = None) -> Operand:
        """The operand that an expression is, after the instructions that compute it."""
        from codegen.buffers.operations import OPERATIONS

        found = OPERATIONS.get(type(node))
        if found is None:
            raise UnplannedError(ast.unparse(node))
        return found(self, node, into)

    def tried(self, node: ast.expr) -> Operand:
        """The operand that an expression would be: its instructions are thrown away."""
        held = self.draft
        draft = Draft([*held.instructions], {**held.values}, [*held.loops], {**held.constants})
        scratch = replace(self, draft=draft, names={**self.names}, functions=set(), copies={**self.copies})
        return scratch.visit(node)

    def sized(self, node: ast.expr) -> Expr | None:
        """The size that an expression of sizes is."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return Integer(node.value)
        if isinstance(node, ast.Name):
            held = self.names.get(node.id)
            return Size(node.id) if held is not None and not held.rank and held.kind == WHOLE else None
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self.sized(node.operand)
            return None if inner is None else -inner
        if isinstance(node, ast.BinOp) and type(node.op) in _OF_SIZES:
            left, right = self.sized(node.left), self.sized(node.right)
            return None if left is None or right is None else _OF_SIZES[type(node.op)](left, right)
        return None

    def small(self, axes: Axes) -> bool:
        """A few numbers an example."""
        return all(n in (1, self.batch) for n in axes) and sum(n == self.batch for n in axes) <= 1

    def expression(self, node: ast.expr, axes: Axes, kind: str, parts: Sequence[Operand]) -> Operand:
        """What stays an expression: small, or of sizes alone."""
        reads = frozenset[str]().union(*(part.reads for part in parts))
        return Operand(node, axes, contiguous(axes), kind, reads)

    def array(self, axes: Axes, kind: str, like: Operand | None = None, suffix: str = "part") -> Operand:
        """A new array, its axes in memory in the order of another."""
        order = tuple(range(len(axes))) if like is None else order_of(like, self.sizes)
        return self.laid(axes, order, suffix, kind)

    def laid(self, axes: Axes, order: tuple[int, ...], suffix: str, kind: str = REAL) -> Operand:
        """A new array, its axes from the slowest to the fastest in memory."""
        value = Value(self.fresh_name(suffix), axes, order, kind)
        self.draft.values[value.name] = value
        return value.operand(fresh=True)

    def fresh_name(self, suffix: str) -> str:
        """A2_bar_mask: the array's role in the equation."""
        taken = {*self.draft.values, *self.names, *self.draft.constants}
        base = name = f"{self.target}_{suffix}"
        number = 1
        while name in taken:
            number += 1
            name = f"{base}{number}"
        return name

    def emit(
        self, node: ast.stmt, parts: Sequence[Operand], place: Operand, yields: Sequence[Operand] = ()
    ) -> None:
        """An instruction that reads the parts and writes the place."""
        self.draft.instructions.append(
            Instruction(
                node,
                frozenset[str]().union(*(part.reads for part in parts)),
                place.reads,
                frozenset[str]().union(*(part.reads for part in yields)),
                self.depth,
            )
        )

    def elementwise(
        self,
        function: str,
        parts: Sequence[Operand],
        kind: str,
        plain: ast.expr,
        into: Operand | None = None,
        suffix: str = "part",
    ) -> Operand:
        """np.function(*parts, out=place), in the memory of a part that nobody else reads if there is one."""
        axes = broadcast(*(part.axes for part in parts))
        if into is None and self.stays(axes, parts):
            return self.expression(plain, axes, kind, parts)
        parts = [self.settled(part) for part in parts]
        like = [part for part in parts if same(part.axes, axes)]
        place = into if into is not None and same(into.axes, axes) and into.kind == kind else None
        if place is None:
            own = [part for part in like if part.fresh and part.kind == kind]
            like.sort(key=lambda part: not self.examples_innermost(part))
            place = own[0] if own else self.array(axes, kind, like[0] if like else None, suffix)
        repeats = next((part.repeats for part in parts if part.repeats), ())
        if repeats:
            nodes = [self.in_blocks(part, repeats) for part in (*parts, place)]
            self.emit(assigned(function, nodes[:-1], nodes[-1], False), parts, place)
            return place
        yields = [part for part in like if self.alike(part, place) and self.alone(part, place, parts)]
        self.emit(assigned(function, [part.node for part in parts], place.node), parts, place, yields)
        return place

    def stays(self, axes: Axes, parts: Sequence[Operand]) -> bool:
        return self.small(axes) or all(self.constant(part) for part in parts)

    def examples_innermost(self, part: Operand) -> bool:
        """Whether the axis of the examples is the fastest of an operand in memory."""
        order = order_of(part, self.sizes)
        return bool(order) and part.axes[order[-1]] == self.batch

    def constant(self, part: Operand) -> bool:
        """Whether an operand depends on sizes alone."""
        for node in ast.walk(part.node):
            if isinstance(node, ast.Name) and node.id not in ("np", "bool", "float", *self.draft.constants):
                held = self.names.get(node.id)
                if held is None or held.rank or held.kind != WHOLE:
                    return False
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "p":
                return False
        return not part.reads

    def settled(self, part: Operand) -> Operand:
        """A constant array under a name of its own, computed with the workspace."""
        if not part.rank or isinstance(part.node, ast.Name) or not self.constant(part):
            return part
        known = {ast.unparse(node): name for name, node in self.draft.constants.items()}
        text = ast.unparse(part.node)
        if text not in known:
            known[text] = self.fresh_name("places" if part.kind == WHOLE else "mask")
            self.draft.constants[known[text]] = part.node
        named = replace(part, node=ast.Name(known[text]))
        self.names[known[text]] = named
        return named

    def alike(self, part: Operand, place: Operand) -> bool:
        """Whether a whole array lies in memory as another does."""
        if not isinstance(part.node, ast.Name) or not isinstance(place.node, ast.Name):
            return False
        return part.kind == place.kind and same(part.strides, place.strides) and len(part.reads) == 1

    def in_blocks(self, part: Operand, repeats: tuple[int, ...]) -> ast.expr:
        """An operand with each repeated axis (r n) as (n, r); what is repeated stands once, along (n, 1)."""
        if not part.rank:
            return part.node
        counts = repeats[len(repeats) - part.rank :]
        if part.once is not None:
            marks: list[ast.expr] = []
            for count in counts:
                marks += [ast.Slice(), *([ast.Constant(None)] if count > 1 else [])]
            return ast.Subscript(part.once, ast.Tuple(marks))
        shape: list[ast.expr] = []
        for size, count in zip(part.axes, counts, strict=True):
            shape.append(self.size_node(size / count if size != 1 else size))
            shape += [ast.Constant(count if size != 1 else 1)] if count > 1 else []
        return views.method(part.node, "reshape", *shape)

    def alone(self, part: Operand, place: Operand, parts: Sequence[Operand]) -> bool:
        """Whether no other part reads the same array in another shape: it would read what is overwritten."""
        return all(self.alike(other, place) for other in parts if other.reads & part.reads)

    def reshaped(self, operand: Operand, groups: Sequence[Sequence[int]]) -> Operand:
        """Each group of neighbouring axes as one; copied first where memory does not lie so."""
        if all(len(group) == 1 for group in groups):
            return operand
        found = views.merged(operand, groups)
        if found is None:
            operand = self.copied(operand, "rows")
            found = views.merged(operand, groups)
            assert found is not None
        axes, strides = found
        shape = [self.size_node(n) for n in axes]
        node = views.method(operand.node, "reshape", *shape)
        return replace(operand, node=node, axes=axes, strides=strides, fresh=False)

    def copied(self, operand: Operand, suffix: str) -> Operand:
        """A copy in C order."""
        place = self.array(operand.axes, operand.kind, None, suffix)
        self.emit(assigned("copyto", [place.node, operand.node], None), [operand], place)
        return place

    def size_node(self, size: Expr) -> ast.expr:
        """The expression of a size."""
        from codegen.printers.numpy_numbers import Scalars
        from codegen.printers.numpy_text import Code

        text = Scalars(lambda ref: Code(str(ref))).code(size).text
        return ast.parse(text, mode="eval").body

    def count(self, axes: Axes) -> float:
        return float(elements(axes).subs(self.sizes))


def unread(into: Operand | None, *others: ast.expr) -> Operand | None:
    """The place, for a part of what it receives, where no other part reads the array that it belongs to."""
    if into is None:
        return None
    read = {node.id for other in others for node in ast.walk(other) if isinstance(node, ast.Name)}
    return None if into.reads & read else into


def assigned(
    function: str, arguments: Sequence[ast.expr], out: ast.expr | None, named: bool = True
) -> ast.stmt:
    """np.add(A, B, out=C); A += B where C is A."""
    own = out is not None and ast.dump(arguments[0]) == ast.dump(out)
    if named and own and function in IN_PLACE and isinstance(out, ast.Name | ast.Subscript):
        return ast.AugAssign(out, IN_PLACE[function](), arguments[1])
    keywords = [ast.keyword("out", out)] if out is not None else []
    return ast.Expr(ast.Call(numpy(function), list(arguments), keywords))


def numpy(function: str) -> ast.expr:
    """np.function, or one of the module's own."""
    return ast.Name(function) if function in INTO else ast.Attribute(ast.Name("np"), function)


IN_PLACE: Mapping[str, Callable[[], ast.operator]] = {
    "add": ast.Add,
    "subtract": ast.Sub,
    "multiply": ast.Mult,
    "divide": ast.Div,
}
_OF_SIZES: Mapping[type[ast.operator], Callable[[Expr, Expr], Expr]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: FloorDiv,
    ast.Pow: lambda a, b: a**b,
}
KINDS = (REAL, TRUTH, WHOLE)
