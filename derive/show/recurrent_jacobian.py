"""The Jacobian of a recurrence in text and LaTeX: those of one turn, then the recurrence that they make.

dY/dU   (T, m, d) by (d, d)
  of a turn   dH[t+1,a,j]/dH[t,a,q] = (1 - H[t+1,a,j]^2) U[q,j]   block diagonal, a block for each t, a: dense
              dH[t+1,a,j]/dU[q,j] = (1 - H[t+1,a,j]^2) H[t,a,q]   block diagonal, a block for each j: dense
  start       dH[0,a,j,i,i1] = 0
  for t < T   dH[t+1,a,j,i,i1] = ...
  then        dY[t,a,j,i,i1] = dH[t+1,a,j,i,i1]
"""

from __future__ import annotations

from collections.abc import Iterator

from derive.calculus.derivation.recurrent_jacobian import Link, RecurrentJacobian
from derive.calculus.derivation.structure import structure
from derive.calculus.expressions.tensor import Ref
from derive.calculus.program.program import Recurrence
from derive.show.expressions import equation_latex, equation_text, scalar
from derive.show.jacobian import entry, heading, quotient, words
from derive.show.notation import LATEX, TEXT, Notation

WIDTH = 12


def recurrent_lines(found: RecurrentJacobian, latex: bool) -> Iterator[str]:
    """What is shown of the Jacobian of a recurrence, line by line."""
    notation = LATEX if latex else TEXT
    yield heading(found.output, found.by, notation)
    written = equation_latex if latex else equation_text
    turned = {e.name for s in found.program.statements if isinstance(s, Recurrence) for e in s.equations}
    rows = [("of a turn", _link(link, notation)) for link in found.links if link.target.name in turned]
    rows += [("where", written(equation)) for equation in found.added]
    begun = False
    for statement in found.chain:
        if isinstance(statement, Recurrence):
            loop = f"{statement.index} < {scalar(statement.extent, notation)}"
            rows += [(f"for {loop}", written(equation)) for equation in statement.equations]
            begun = True
        else:
            rows.append(("then" if begun else "start", written(statement)))
    before = ""
    for title, text in rows:
        yield f"  {title if title != before else '':{WIDTH}}{text}"
        before = title


def _link(link: Link, notation: Notation) -> str:
    """dH[t+1,a,j]/dH[t,a,q] = ..., and its structure in words."""
    found = link.found
    above, below = (scalar(ref, notation) for ref in (link.target, Ref(link.source, *found.columns)))
    value = entry(found, notation) or "0"
    kind = words(found, structure(found)) if found.terms else "none"
    text = f"{quotient(above, below, notation)} = {value}"
    return text if notation.latex else f"{text}   {kind}"
