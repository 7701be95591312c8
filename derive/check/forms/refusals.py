"""What other tools answer with 0, or not at all: it comes out right, or is refused with a reason.

A case is a definition. What comes out right is compared with differences of the definition in 50 digits,
first and, where `second`, second derivatives; what is refused names the term and says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.calculus.derivation.kernels import forward_of
from derive.calculus.derivation.vjp import vjp
from derive.calculus.program.program import Equation, Program
from derive.calculus.stable.stabilise import stabilise
from derive.check.forms.tangents import down_to_loss
from derive.check.oracles import (
    DIGITS,
    EXACT_BOUND,
    Check,
    Point,
    dot_product,
    exact_differences,
    exact_slope,
    inner,
    length,
    norm,
    relative,
)
from derive.errors import DeriveError


@dataclass(frozen=True)
class Case:
    """A term that is easy to get wrong: as on paper, and as equations.

    `refused` is the word that its refusal must name; None where it must come out right.
    """

    paper: str
    build: Callable[[], Program]
    wrt: tuple[str, ...]
    second: bool = False
    refused: str | None = None

    @property
    def program(self) -> Program:
        """The definition with its stable forms."""
        return stabilise(self.build())

    @property
    def derived(self) -> tuple[Equation, ...]:
        """The equations that are derived, for what comes out right."""
        program = self.program
        joint = vjp(program, self.wrt)
        kept = {tensor.name for tensor in forward_of(joint, program).locals}
        return tuple(equation for equation in joint.equations() if equation.name not in kept)

    @property
    def reason(self) -> str:
        """Why it is refused; the empty text where it is not."""
        try:
            vjp(self.build(), self.wrt)
        except DeriveError as error:
            return str(error)
        return ""


def checked(case: Case, seed: int = 0) -> Iterator[Check]:
    """Differences of the definition in 50 digits and the tangents derived separately; where `second`,
    differences of the pullback against its tangent, the product with the Hessian.
    """
    program = case.program
    pullback = vjp(program, case.wrt)
    point = Point.drawn(program, seed)
    yield exact_differences(point, pullback)
    yield dot_product(point, pullback, jvp(program, case.wrt))
    if case.second:
        here = Point.drawn(pullback, seed, point.sizes)
        moved = here.evaluated(jvp(pullback, case.wrt), DIGITS)
        found = sum(inner(moved[f"{name}_dot"], here.cotangents[name]) for name in pullback.outputs)
        scale = norm(*(moved[f"{name}_dot"] for name in pullback.outputs)) * length(*here.cotangents.values())
        error = relative(found - exact_slope(here, case.wrt), scale)
        yield Check("second differences", error, EXACT_BOUND, f"H u, u of {', '.join(case.wrt)}")


def _case(paper: str, text: str, *wrt: str, second: bool = False, refused: str | None = None) -> Case:
    return Case(paper, partial(define, text), wrt, second, refused)


REFUSALS: tuple[Case, ...] = (
    _case("tr(A o sin A)", "f(A[n,n]) -> L\n    L = sum_{i} A[i,i] sin(A[i,i])", "A", second=True),
    _case(
        "tr(D A D), D = diag z",
        "f(z[n], A[n,n]) -> L\n    L = sum_{i} z[i] A[i,i] z[i]",
        "z",
        "A",
        second=True,
    ),
    _case(
        "log tr(1^T exp z)",
        "f(z[n]) -> L\n    u = sum_{i} exp(z[i])\n    L = log(u)",
        "z",
        second=True,
    ),
    _case(
        "exp tr(z^T z)",
        "f(z[n]) -> L\n    u = sum_{i} z[i] z[i]\n    L = exp(u/9)",
        "z",
        second=True,
    ),
    _case(
        "(1^T exp z)[0,0]",
        "f(z[n]) -> L\n    U[i<1,j<1] = sum_{q} exp(z[q])\n    L = U[0,0]",
        "z",
        second=True,
    ),
    _case(
        "z^T A z and its Hessian A + A^T",
        "f(z[n], A[n,n]) -> L\n    L = sum_{i,j} z[i] A[i,j] z[j]",
        "z",
        second=True,
    ),
    Case(
        "z^T A z and its Hessian 2 A, A declared symmetric",
        partial(
            define,
            "f(z[n], B[n,n]) -> L\n    A[i,j] = B[i,j] + B[j,i]\n    fact A[i,j] = A[j,i]\n"
            "    L = sum_{i,j} z[i] A[i,j] z[j]",
        ),
        ("z",),
        second=True,
    ),
    _case("log det A", "f(A[n,n]) -> L\n    L = log(det(A))", "A", refused="det"),
    _case("tr(A^-1 B)", "f(A[n,n], B[n,n]) -> L\n    L = sum_{i,j} inv(A[i,j]) B[j,i]", "A", refused="inv"),
    _case(
        "x^T A x / x^T x",
        "f(x[n], A[n,n]) -> L\n    L = (sum_{i,j} x[i] A[i,j] x[j])/sum_{i} x[i]^2",
        "x",
        "A",
        second=True,
    ),
    Case("three layers by W1", partial(down_to_loss, "three_layer"), ("W1",)),
    _case(
        "loss + weight decay",
        "f(X[m,n], W[n,k], integer y[m]) -> L\n    H[i,j] = sum_{p} X[i,p] W[p,j]\n"
        "    S[i,j] = exp(H[i,j])/sum_{q} exp(H[i,q])\n"
        "    L = mean_{i} -log(S[i,y[i]]) + sum_{p,j} W[p,j]^2/200",
        "W",
        second=True,
    ),
)
