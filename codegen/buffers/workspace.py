"""The functions that lay the arrays of a step into one block of memory.

rooms = [
    [(m, d), (n, d)],    # Z2, W1_bar
    [(m, k)],            # H
]
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence

from sympy import Expr

from codegen.buffers.function import Planned, shape_text
from codegen.buffers.values import TRUTH, WHOLE, Value
from codegen.printers.numpy_text import wrapped
from codegen.printers.to_numpy import NumpyPrinter
from codegen.statements.function import size_lines
from derive.calculus.expressions.tensor import Size, Tensor

DTYPES = {TRUTH: "bool", WHOLE: "np.int64"}

WORKSPACE = '''\
class Workspace:
    """The memory of a step, kept from call to call, and the arrays that were laid into it last."""

    def __init__(self):
        self.memory = np.empty(0, np.uint8)
        self.sizes, self.arrays = None, ()

    def lay(self, sizes, rooms, constants):
        """Lay the arrays (shape, dtype, order of axes) of each room over each other, rooms side by side.

        A room begins at a multiple of 64 bytes. Memory that is large enough stays.
        """
        starts, end = [], 0
        for room in rooms:
            starts.append(end)
            largest = max(np.dtype(dtype).itemsize * np.prod(shape, dtype=int) for shape, dtype, _ in room)
            end += -(-int(largest) // 64) * 64
        if self.memory.size < end + 64:
            self.memory = np.empty(end + 64, np.uint8)
        first = -self.memory.ctypes.data % 64
        self.arrays = [
            np.ndarray([shape[k] for k in order], dtype, self.memory, first + start)
            .transpose(np.argsort(order))
            for room, start in zip(rooms, starts, strict=True)
            for shape, dtype, order in room
        ]
        self.arrays += constants
        self.sizes = sizes'''


def arrays_function(found: Planned, arguments: Sequence[Tensor], names: Mapping[str, str], batch: str) -> str:
    """def arrays(w, p, X, y): the arrays of `gradients`, laid out anew where a size is another."""
    printer = NumpyPrinter(names)
    letters: dict[str, None] = {}
    for value in found.arrays:
        for extent in value.axes:
            letters |= dict.fromkeys(sorted(_letters(extent)))
    for text in found.constants.values():
        used = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
        letters |= dict.fromkeys(
            letter for tensor in arguments for letter in _shape_letters(tensor) if letter in used
        )
    lines, _ = size_lines(set(letters), arguments, printer)
    owned = [tensor for tensor in arguments if names.get(tensor.name, "").startswith("p.")]
    real = next((tensor for tensor in owned if tensor.axes), owned[0])
    spelled = ", ".join(letters)
    body = [
        *lines,
        f"dtype = {names[real.name]}.dtype",
        f"sizes = ({spelled}, dtype)",
        "if w.sizes != sizes:",
        "    rooms = [",
        *(f"        {line}" for room in found.rooms for line in _room([life.value for life in room.lives])),
        "    ]",
        *(f"    {name} = {text}" for name, text in found.constants.items()),
        *wrapped(f"w.lay(sizes, rooms, [{', '.join(found.constants)}])", 4),
        "return w.arrays",
    ]
    summary = "The arrays of `gradients` for batches and parameters of these sizes."
    head = f'def arrays(w, p, {batch}):\n    """{summary}"""'
    return "\n".join([head, *(f"    {line}" for line in body)])


def _letters(extent: Expr) -> set[str]:
    return {symbol.name for symbol in extent.free_symbols if isinstance(symbol, Size)}


def _shape_letters(tensor: Tensor) -> list[str]:
    return [letter for extent in tensor.shape for letter in sorted(_letters(extent))]


def _room(values: Sequence[Value]) -> list[str]:
    """[((m, d), dtype, (0, 1))],  # Z2."""
    if len(values) == 1:
        return [f"[{_laid(values[0])}],  # {values[0].name}"]
    return ["[", *(f"    {_laid(value)},  # {value.name}" for value in values), "],"]


def _laid(value: Value) -> str:
    dtype = DTYPES.get(value.kind, "dtype")
    order = f"({value.order[0]},)" if len(value.order) == 1 else str(tuple(value.order))
    return f"({shape_text(value.axes)}, {dtype}, {order})"
