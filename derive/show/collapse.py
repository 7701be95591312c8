"""H = X W Theta is H = X V with V = W Theta: a network that is one matrix, said where it is proved."""

from __future__ import annotations

from collections.abc import Iterator

from derive.calculus.arrays.base import MatrixFormError
from derive.calculus.arrays.matrix import matrix_form
from derive.calculus.expressions.tensor import refs
from derive.calculus.program.program import Program
from derive.calculus.simplification.equality import linear_map
from derive.errors import DeriveError
from derive.show.forms import form_latex, form_text


def collapse_lines(program: Program, output: str, data: str, latex: bool = False) -> Iterator[str]:
    """Two lines where the output is one matrix times the data and more than one makes it, else none."""
    try:
        found = linear_map(program, output, data)
    except DeriveError:
        return
    if found is None or len(refs(found.matrix.value)) < 2:
        return
    write = form_latex if latex else form_text
    try:
        matrix, product = (matrix_form(e, found.collapsed) for e in found.collapsed.equations())
    except MatrixFormError:
        return
    yield f"proved: {output} is one matrix of {data}"
    yield f"    {output} = {write(product)},  {found.matrix.name} = {write(matrix)}"
