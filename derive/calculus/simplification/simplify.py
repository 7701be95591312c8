"""A derived program brought to the form that a person would write, modulo its definitions.

Each derived equation is folded by the definitions; where that is cheaper, first multiplied out and then
collected. Then derived names are put into their uses (`inlining`). Only SymPy's arithmetic and the rules of
this folder are used.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import S

from derive.calculus.definition.declared import symmetries
from derive.calculus.expressions.nodes import Range
from derive.calculus.expressions.tensor import Index, Ref
from derive.calculus.expressions.terms import Product
from derive.calculus.program.program import Equation, Program, Recurrence, Statement, equations_of
from derive.calculus.simplification.budget import Budget
from derive.calculus.simplification.cheapest import simplified_equation
from derive.calculus.simplification.definitions import Rule
from derive.calculus.simplification.folding import Folder
from derive.calculus.simplification.inlining import in_step, inlined


def simplified(derived: Program, primal: Program) -> Program:
    """The derived program in closed form; the primal's equations are its definitions."""
    folder = folder_of(primal)
    folder.budget = Budget.of(derived)
    known = {tensor.name for tensor in primal.locals}
    statements = [_folded(statement, folder, known) for statement in derived.statements]
    statements = inlined(statements, folder, known | set(derived.outputs))
    statements = [in_step(s, statements, folder, known | set(derived.outputs)) for s in statements]
    kept = {e.name for s in statements for e in equations_of(s)}
    return replace(
        derived,
        statements=tuple(statements),
        locals=tuple(t for t in derived.locals if t.name in kept or t.name in known),
    )


def folder_of(program: Program) -> Folder:
    """The rules that a program's definitions and declared facts give."""
    folder = Folder()
    for statement in program.statements:
        outer = ((statement.index, statement.extent),) if isinstance(statement, Recurrence) else ()
        for equation in equations_of(statement):
            folder.learn(replace(equation, ranges=outer + equation.ranges))
    folder.symmetric |= symmetries(program.facts)
    for fact in program.facts:
        if isinstance(fact.left, Ref) and fact.left.name in folder.symmetric:
            continue
        loops = frozenset(s for s in fact.left.free_symbols if isinstance(s, Index))
        folder.add(Rule(Product(S.One, {fact.left: S.One}), fact.right, loops, fact.source))
    return folder


def named_forward(program: Program) -> Program:
    """The forward program with every expression that has a name already replaced by it."""
    folder = Folder()

    def named(equation: Equation, outer: tuple[Range, ...]) -> Equation:
        found = replace(equation, value=folder.fold(equation.value, solving=False))
        folder.learn(replace(found, ranges=outer + found.ranges))
        return found

    statements: list[Statement] = []
    for statement in program.statements:
        if isinstance(statement, Recurrence):
            outer = ((statement.index, statement.extent),)
            own = tuple(named(equation, outer) for equation in statement.equations)
            statements.append(replace(statement, equations=own))
        else:
            statements.append(named(statement, ()))
    return program.with_statements(tuple(statements))


def _folded(statement: Statement, folder: Folder, known: set[str]) -> Statement:
    if isinstance(statement, Recurrence):
        outer = {statement.index: statement.extent}
        equations = tuple(
            e if e.name in known else simplified_equation(e, folder, outer) for e in statement.equations
        )
        return replace(statement, equations=equations)
    return statement if statement.name in known else simplified_equation(statement, folder, {})
