"""The root of a sum of squares that is written out, by the largest of them; before differentiation.

    Y[i] = sqrt(a[i]^2 + b[i]^2)
    becomes
    H[i] = max(|a[i]|, |b[i]|),  M[i] = where(H[i] is finite, H[i], 1), both frozen
    U[i] = where(M[i] > 0, a[i]/M[i], 0),  V[i] likewise,  R[i] = sqrt(U[i]^2 + V[i]^2)
    Y[i] = M[i] R[i]

No square overflows or vanishes, nor does one in the slope U/R. What is left does not depend on M, so that M
has no derivative. A sum over an index is not scaled: that would be two more passes over the data.

Blue, A portable Fortran program to find the Euclidean norm of a vector, ACM TOMS 1978.
"""

from __future__ import annotations

from collections.abc import Iterator

from sympy import Abs, Add, Expr, Pow, Rational, sqrt

from derive.calculus.expressions.nodes import Finite, Nonnegative, Positive, Range, Reduction, Where
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref, refs
from derive.calculus.program.program import Equation
from derive.calculus.stable.decays import everywhere
from derive.calculus.stable.shift import Shifts, declared
from derive.calculus.stable.written_sums import loops_of

HALF = Rational(1, 2)


def scaled_roots(equation: Equation, value: Expr, shifts: Shifts) -> Expr:
    """The value with every such root scaled."""
    while True:
        found = next(_sums(value, equation, shifts), None)
        if found is None:
            return value
        total, loops = found
        largest, root = _named(total, loops, equation.layer, shifts)
        roots = {node: node for node in nodes_of(value, Pow) if node.base == total}
        value = value.xreplace({node: (largest * root) ** (2 * node.exp) for node in roots})


def _sums(value: Expr, equation: Equation, shifts: Shifts) -> Iterator[tuple[Add, tuple[Range, ...]]]:
    """The sums of squares under a root, with the loops that they depend on."""
    tensors = {**shifts.program.tensors, **shifts.locals}
    for node in sorted(nodes_of(value, Pow), key=str):
        total = node.base
        rooted = node.exp.is_Rational and node.exp.q == 2
        if not (rooted and isinstance(total, Add)) or holds(total, Reduction):
            continue
        loops = loops_of(total, value, equation)
        if all(map(_is_square, total.args)) and everywhere(total, tensors, dict(loops)):
            yield total, loops


def _is_square(term: Expr) -> bool:
    number, rest = term.as_coeff_Mul()
    return bool(number.is_positive and isinstance(rest, Pow) and rest.exp == 2 and refs(rest))


def _named(total: Add, loops: tuple[Range, ...], layer: str, shifts: Shifts) -> tuple[Ref, Ref]:
    """The largest and the root of the scaled squares, as equations before this one."""
    places = tuple(index for index, _ in loops)
    pairs = [term.as_coeff_Mul() for term in total.args]
    parts = [square.base for _, square in pairs]
    h, m = (declared(letter, loops, shifts)[places] for letter in "HM")
    for target, value in ((h, _largest(parts)), (m, Where(Finite(h), h, 1))):
        shifts.pending.append(Equation(target, loops, value, frozen=True, given=False, layer=layer))
    scaled = []
    for part in parts:
        u = declared("U", loops, shifts)[places]
        shifts.pending.append(Equation(u, loops, Where(Positive(m), part / m, 0), given=False, layer=layer))
        scaled.append(u)
    r = declared("R", loops, shifts)[places]
    squares = Add(*(number * u**2 for (number, _), u in zip(pairs, scaled, strict=True)))
    shifts.pending.append(Equation(r, loops, sqrt(squares), given=False, layer=layer))
    return m, r


def _largest(parts: list[Expr]) -> Expr:
    highest: Expr = Abs(parts[0])
    for other in map(Abs, parts[1:]):
        highest = Where(Nonnegative(highest - other), highest, other)
    return highest
