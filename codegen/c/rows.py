"""The rows of one example, bound to pointers at the top of the loop over the examples.

const real *X = b->X[i];
real *A1 = w->A1[i];
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from codegen.c.frame import Frame
from codegen.c.nest import Line, Node
from codegen.c.places import Place
from codegen.names import local_name
from derive.calculus.expressions.tensor import Index, Kind, Tensor
from derive.calculus.program.program import Equation


def bound_rows(frame: Frame, equations: Sequence[Equation], row: Index) -> dict[str, Place]:
    """The places of the tensors whose row the sweep uses, and of the numbers it computes."""
    rows: dict[str, Place] = {}
    computed = {equation.name for equation in equations if equation.target.indices[:1] == (row,)}
    for equation in equations:
        for name in _in_example(equation, row):
            array = len(frame.tensors[name].axes) > 1
            if (array and frame.places[name].shape is None) or (not array and name in computed):
                rows.setdefault(name, Place(local_name(name, frame.taken), row=row))
    return rows


def _in_example(equation: Equation, row: Index) -> list[str]:
    """The tensors of which an equation uses its own example's row, the target first."""
    own = sorted({ref.name for ref in equation.references if ref.indices[:1] == (row,)})
    return [equation.name, *own] if equation.target.indices[:1] == (row,) else own


def declarations(
    frame: Frame, equations: Sequence[Equation], rows: Mapping[str, Place], row: Index
) -> list[Node]:
    """One declaration for all rows of a type, in the order of their first use."""
    written = {equation.name for equation in equations}
    grouped: dict[str, list[str]] = {}
    for name, place in rows.items():
        tensor = frame.tensors[name]
        if len(tensor.axes) < 2:
            continue
        base = _base(frame, tensor, name in written)
        grouped.setdefault(base, []).append(_declarator(frame, tensor, place, row))
    bases = sorted(grouped, key=lambda base: not base.startswith("const"))
    return [Line(f"{base} {', '.join(grouped[base])};") for base in bases]


def _base(frame: Frame, tensor: Tensor, written: bool) -> str:
    """const where nothing is written; C has no conversion to const inside of an array of arrays."""
    element = "real" if tensor.kind in (Kind.REAL, Kind.STATE) else "int32_t"
    supplied = frame.places[tensor.name].text.startswith("b->")
    return f"const {element}" if supplied or (not written and len(tensor.axes) == 2) else element


def _declarator(frame: Frame, tensor: Tensor, place: Place, row: Index) -> str:
    whole = frame.places[tensor.name]
    to_c = frame.to_c()
    inner = "".join(f"[{to_c.integer(axis.size)}]" for axis in tensor.axes[2:])
    name = f"(*{place.text}){inner}" if inner else f"*{place.text}"
    return f"{name} = {whole.text if whole.row is not None else whole.of_example(str(row.name))}"
