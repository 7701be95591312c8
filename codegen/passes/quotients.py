"""Quotients: a dividend whose divisor stands in the factor beside it is read as the quotient that has a name.

    P[i,j] = E[i,j]/T[i]                            P[i,j] = E[i,j]/T[i]
    E_bar[i,j] = (P_bar[i,j] - S[i])/T[i]           E_bar[i,j] = P_bar[i,j] - S[i]
    R_bar[i,j] = E[i,j] E_bar[i,j]                  R_bar[i,j] = P[i,j] E_bar[i,j]

One division less for each element, and E and T need not be kept for the pullback.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sympy import Expr, Mul, Pow
from sympy.core.basic import Basic

from codegen.passes.masks import Supports, supports
from derive.calculus.expressions.nodes import Where
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.program.program import Equation, Program, map_equations


@dataclass(frozen=True)
class Quotient:
    """Q[..] = A[..]/B[..]."""

    whole: Ref
    dividend: Ref
    divisor: Ref

    def at(self, dividend: Ref) -> tuple[Ref, Ref]:
        """The quotient and its divisor where the dividend is this element."""
        swap: dict[Basic, Basic] = dict(zip(self.dividend.indices, dividend.indices, strict=True))
        return self.whole.xreplace(swap), self.divisor.xreplace(swap)


def quotients(program: Program) -> Program:
    """The program that reads such quotients by their names."""
    known = supports(program)
    named = [found for one in program.equations() if (found := _quotient(one, known)) is not None]
    for quotient in named:
        for reader in tuple(program.equations()):
            if quotient.dividend.name in reader.reads and reader.name != quotient.whole.name:
                program = _read(program, quotient, reader)
    return program


def _quotient(equation: Equation, known: Supports) -> Quotient | None:
    value, indices = _unguarded(equation.value, known), equation.target.indices
    if not isinstance(value, Mul) or len(value.args) != 2 or equation.accumulates:
        return None
    above = [factor for factor in value.args if isinstance(factor, Ref)]
    below = [factor.base for factor in value.args if isinstance(factor, Pow) and factor.exp == -1]
    if len(above) != 1 or len(below) != 1 or not isinstance(below[0], Ref):
        return None
    whole = set(above[0].indices) == set(indices) and all(isinstance(index, Index) for index in indices)
    return Quotient(equation.target, above[0], below[0]) if whole else None


def _unguarded(value: Expr, known: Supports) -> Expr:
    """A guarded quotient without the guard, where its dividend is 0 outside of it."""
    if not (isinstance(value, Where) and value.other == 0):
        return value
    dividends = [f for f in Mul.make_args(value.chosen) if isinstance(f, Ref) and f.name in known]
    vanishes = any(known[one.name].at(one) == value.condition for one in dividends)
    return value.chosen if vanishes else value


def _read(program: Program, quotient: Quotient, reader: Equation) -> Program:
    """The program in which this equation reads the quotient, if a factor of its own has the divisor."""
    guarded = isinstance(reader.value, Where) and reader.value.other == 0
    factors = Mul.make_args(reader.value.chosen if guarded else reader.value)
    dividends = [f for f in factors if isinstance(f, Ref) and f.name == quotient.dividend.name]
    if len(dividends) != 1 or len(program.defining(quotient.whole.name)) != 1:
        return program
    whole, divisor = quotient.at(dividends[0])
    for factor in factors:
        divided = _divided(program, factor, divisor, reader) if isinstance(factor, Ref) else None
        if divided is not None:
            value = reader.value.xreplace({dividends[0]: whole})
            return _with(program, {reader: replace(reader, value=value), divided[0]: divided[1]})
    return program


def _with(program: Program, changed: Mapping[Equation, Equation]) -> Program:
    return map_equations(program, lambda equation: changed.get(equation, equation))


def _divided(
    program: Program, factor: Ref, divisor: Ref, reader: Equation
) -> tuple[Equation, Equation] | None:
    """The equation of a factor that nothing else reads, as it is and without the divisor."""
    defined = program.defining(factor.name)
    readers = [one for one in program.equations() if factor.name in one.reads]
    if len(defined) != 1 or readers != [reader] or factor.name in program.outputs:
        return None
    equation = defined[0]
    if factor.indices != tuple(_swapped(equation, reader, factor)):
        return None
    swap: dict[Basic, Basic] = dict(zip(factor.indices, equation.target.indices, strict=True))
    below: Expr = Pow(divisor.xreplace(swap), -1)
    factors = Mul.make_args(equation.value)
    if below not in factors or equation.accumulates:
        return None
    return equation, replace(equation, value=Mul(*(one for one in factors if one != below)))


def _swapped(equation: Equation, reader: Equation, factor: Ref) -> tuple[Expr, ...]:
    """The factor's indices, where each stands for one of the equation's own and no two for the same."""
    alike = len(set(factor.indices)) == len(factor.indices) == len(equation.target.indices)
    return factor.indices if alike and set(reader.target.indices) >= set(factor.indices) else ()
