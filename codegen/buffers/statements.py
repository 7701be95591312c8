"""The lines of a plain function, one after the other, as instructions."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace

from codegen.buffers.expressions import UnplannedError, Writer, assigned
from codegen.buffers.filled import as_its_tensor, lie_as_filled
from codegen.buffers.indexing import scattered
from codegen.buffers.stacks import scaled_copy
from codegen.buffers.values import REAL, TRUTH, WHOLE, Instruction, Loop, Operand, Value, contiguous
from derive.calculus.expressions.tensor import Kind, Tensor


def write(writer: Writer, body: Sequence[ast.stmt], tensors: Mapping[str, Tensor]) -> None:
    """Instructions for statements; what none computes stays as it was."""
    for statement in body:
        before = len(writer.draft.instructions), dict(writer.draft.values)
        depth = writer.depth
        try:
            _statement(writer, statement, tensors)
        except UnplannedError:
            del writer.draft.instructions[before[0] :]
            writer.draft.values = before[1]
            writer.depth = depth
            _plain(writer, statement, tensors)


def _statement(writer: Writer, statement: ast.stmt, tensors: Mapping[str, Tensor]) -> None:
    if isinstance(statement, ast.For):
        _loop(writer, statement, tensors)
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
        _named(writer, statement.targets[0].id, statement, tensors)
    elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Subscript):
        _placed(writer, statement.targets[0], statement.value)
    elif isinstance(statement, ast.AugAssign):
        _augmented(writer, statement)
    elif isinstance(statement, ast.Expr) and _out(statement) is not None:
        _called(writer, statement)
    elif isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("np.copyto("):
        _copied(writer, statement)
    elif isinstance(statement, ast.Expr) and ast.unparse(statement).startswith("np.add.at("):
        scattered(writer, statement)
    else:
        raise UnplannedError(ast.unparse(statement))


def _loop(writer: Writer, statement: ast.For, tensors: Mapping[str, Tensor]) -> None:
    assert isinstance(statement.target, ast.Name)
    writer.names[statement.target.id] = Operand(ast.Name(statement.target.id), kind=WHOLE)
    head = ast.For(statement.target, statement.iter, [ast.Pass()], [])
    writer.draft.instructions.append(Instruction(head, depth=writer.depth))
    first = len(writer.draft.instructions)
    writer.depth += 1
    write(writer, statement.body, tensors)
    writer.depth -= 1
    writer.draft.loops.append(Loop(first, len(writer.draft.instructions) - 1))


def _named(writer: Writer, name: str, statement: ast.Assign, tensors: Mapping[str, Tensor]) -> None:
    """name = value: the array that the last instruction computed takes the name; a view is a line."""
    writer.target = name
    if _is_empty(statement.value) and name in tensors:
        _declared(writer, name, tensors[name])
        return
    if writer.sized(statement.value) is not None:
        writer.names[name] = Operand(ast.Name(name), kind=WHOLE)
        writer.draft.instructions.append(Instruction(statement, depth=writer.depth))
        return
    found = writer.visit(statement.value)
    if found.fresh:
        _renamed(writer, found, name)
        return
    if found.rank and writer.constant(found) and not writer.small(found.axes):
        writer.draft.constants[name] = found.node
        writer.names[name] = replace(found, node=ast.Name(name))
        return
    reads = found.reads if _is_view(found.node) else frozenset[str]()
    writer.draft.instructions.append(
        Instruction(ast.Assign([ast.Name(name)], found.node), found.reads, depth=writer.depth)
    )
    writer.names[name] = replace(found, node=ast.Name(name), reads=reads, fresh=False)


def _is_empty(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "np.empty"


def _is_view(node: ast.expr) -> bool:
    """Whether an expression shows memory that it did not compute."""
    if isinstance(node, ast.Name):
        return True
    if isinstance(node, ast.Subscript | ast.Attribute):
        return _is_view(node.value)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and (node.func.attr in ("transpose", "reshape", "broadcast_to"))
    )


def _declared(writer: Writer, name: str, tensor: Tensor) -> None:
    kind = WHOLE if tensor.kind is Kind.INTEGER else REAL
    value = Value(name, tensor.shape, tuple(range(len(tensor.shape))), kind)
    writer.draft.values[name] = as_its_tensor(value, writer.draft.values)
    writer.names[name] = writer.draft.values[name].operand()


def _renamed(writer: Writer, found: Operand, name: str) -> None:
    """The array under its own name, in every instruction that computes it."""
    assert isinstance(found.node, ast.Name)
    old = found.node.id
    value = writer.draft.values.pop(old)
    writer.draft.values[name] = replace(value, name=name)
    rename = _Rename(old, name)
    swap = {old: name}
    writer.draft.instructions[:] = [
        replace(
            line,
            node=rename.visit(line.node),
            reads=frozenset(swap.get(item, item) for item in line.reads),
            writes=frozenset(swap.get(item, item) for item in line.writes),
            yields=frozenset(swap.get(item, item) for item in line.yields),
        )
        if old in line.reads | line.writes | line.yields
        else line
        for line in writer.draft.instructions
    ]
    writer.names[name] = writer.draft.values[name].operand()


class _Rename(ast.NodeTransformer):
    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(self.new) if node.id == self.old else node


def _placed(writer: Writer, target: ast.Subscript, value: ast.expr) -> None:
    """A[t] = value."""
    writer.target = ast.unparse(target.value).split("[")[0]
    lie_as_filled(writer, target, value)
    place = writer.visit(target)
    if not isinstance(place.node, ast.Subscript):
        raise UnplannedError(ast.unparse(target))
    if not place.axes:  # A[t] of a vector is no array, A[t, ...] is
        everything = ast.Tuple([place.node.slice, ast.Constant(...)])
        place = replace(place, node=ast.Subscript(place.node.value, everything))
    found = writer.visit(value, into=place)
    if ast.dump(found.node) != ast.dump(place.node):
        writer.emit(assigned("copyto", [place.node, found.node], None), [found, place], place)


def _augmented(writer: Writer, statement: ast.AugAssign) -> None:
    """A += value; at index arrays as it stands."""
    base: ast.expr = statement.target
    while isinstance(base, ast.Subscript):
        base = base.value
    writer.target = ast.unparse(base)
    place = writer.visit(base)
    value = writer.settled(writer.visit(statement.value))
    if scaled_copy(writer, statement, place, value):
        return
    node = ast.AugAssign(statement.target, statement.op, value.node)
    writer.emit(node, [value, place], place)


def _out(statement: ast.Expr) -> ast.expr | None:
    node = statement.value
    if not isinstance(node, ast.Call):
        return None
    return next((keyword.value for keyword in node.keywords if keyword.arg == "out"), None)


def _called(writer: Writer, statement: ast.Expr) -> None:
    """np.maximum(Z2, 0, out=Z2)."""
    node, out = statement.value, _out(statement)
    assert isinstance(node, ast.Call)
    assert out is not None
    writer.target = ast.unparse(out)
    place = writer.visit(out)
    parts = [writer.settled(writer.visit(argument)) for argument in node.args]
    writer.emit(
        ast.Expr(ast.Call(node.func, [part.node for part in parts], node.keywords)), [*parts, place], place
    )


def _copied(writer: Writer, statement: ast.Expr) -> None:
    """np.copyto(R, -np.inf, where=~causal)."""
    node = statement.value
    assert isinstance(node, ast.Call)
    place, value = map(writer.visit, node.args)
    writer.target = ast.unparse(node.args[0])
    mask = writer.settled(writer.visit(node.keywords[0].value))
    where = [ast.keyword("where", mask.node)]
    copied = ast.Call(node.func, [place.node, value.node], where)
    writer.emit(ast.Expr(copied), [value, mask, place], place)


def _plain(writer: Writer, statement: ast.stmt, tensors: Mapping[str, Tensor]) -> None:
    """A statement as it was: it reads what it names; what it defines has memory of its own."""
    reads = frozenset[str]()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and node.id in writer.names:
            reads |= writer.names[node.id].reads
    writes = frozenset[str]()
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    for target in targets:
        for node in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(node, ast.Name):
                _own(writer, node.id, statement, tensors)
            elif isinstance(node, ast.Subscript):
                writes |= writer.visit(node.value).reads
    if isinstance(statement, ast.Expr | ast.AugAssign):
        writes = reads
    writer.draft.instructions.append(Instruction(statement, reads, writes, depth=writer.depth))


def _own(writer: Writer, name: str, statement: ast.stmt, tensors: Mapping[str, Tensor]) -> None:
    """The name of a tensor or of a size; of anything else the axes are unknown, and lines with it stay."""
    if name in tensors:
        tensor = tensors[name]
        kind = {Kind.INTEGER: WHOLE, Kind.MASK: TRUTH}.get(tensor.kind, REAL)
        writer.names[name] = Operand(ast.Name(name), tensor.shape, contiguous(tensor.shape), kind)
    elif isinstance(statement, ast.Assign) and _is_of_sizes(writer, statement.value):
        writer.names[name] = Operand(ast.Name(name), kind=WHOLE)
    else:
        writer.names.pop(name, None)


def _is_of_sizes(writer: Writer, node: ast.expr) -> bool:
    """Whether whole numbers follow from X.shape, len(X) and sizes."""
    if isinstance(node, ast.Subscript):
        return _is_of_sizes(writer, node.value)
    if isinstance(node, ast.BinOp):
        return _is_of_sizes(writer, node.left) and _is_of_sizes(writer, node.right)
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id == "len"
    return writer.sized(node) is not None or (isinstance(node, ast.Attribute) and node.attr == "shape")
