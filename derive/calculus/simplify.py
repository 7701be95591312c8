"""A derived program brought to the form that a person would write, modulo its definitions.

Each derived equation is folded by the definitions; where that is cheaper, first multiplied out and then
collected. A derived name is put into its only use where that lowers the count of operations, or
where it is a mere copy. Only SymPy's arithmetic and the rules of this folder are used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr, S, preorder_traversal
from sympy.core.basic import Basic

from derive.calculus.activity import reads
from derive.calculus.cost import operations
from derive.calculus.definitions import Rule
from derive.calculus.folding import Folder, bound_apart
from derive.calculus.nodes import Reduction
from derive.calculus.normal import normal
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.substitution import substitute
from derive.calculus.tensor import Index, refs
from derive.calculus.terms import Product, collected, distributed


def simplified(derived: Program, primal: Program) -> Program:
    """The derived program in closed form; the primal's equations are its definitions."""
    folder = folder_of(primal)
    known = {tensor.name for tensor in primal.locals}
    statements = [_folded(statement, folder, known) for statement in derived.statements]
    statements = _inlined(statements, folder, known, set(derived.outputs))
    kept = {e.name for s in statements for e in (s.equations if isinstance(s, Recurrence) else (s,))}
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
        for equation in statement.equations if isinstance(statement, Recurrence) else (statement,):
            folder.learn(replace(equation, ranges=outer + equation.ranges))
    for fact in program.facts:
        loops = frozenset(s for s in fact.left.free_symbols if isinstance(s, Index))
        folder.rules.append(Rule(Product(S.One, {fact.left: S.One}), fact.right, loops, fact.source))
    return folder


def named_forward(program: Program) -> Program:
    """The forward program with every expression that has a name already replaced by it."""
    folder, statements = Folder(), []
    for statement in program.statements:
        if isinstance(statement, Equation):
            statement = replace(statement, value=folder.fold(statement.value, solving=False))
            folder.learn(statement)
        statements.append(statement)
    return program.with_statements(tuple(statements))


def _folded(statement: Statement, folder: Folder, known: set[str]) -> Statement:
    if isinstance(statement, Recurrence):
        outer = {statement.index: statement.extent}
        equations = tuple(e if e.name in known else simplified_equation(e, folder, outer) for e in statement.equations)
        return replace(statement, equations=equations)
    return statement if statement.name in known else simplified_equation(statement, folder, {})


def simplified_equation(equation: Equation, folder: Folder, outer: Mapping[Index, Expr]) -> Equation:
    """One equation in its cheapest form."""
    extents = {**outer, **dict(equation.ranges)}
    return replace(equation, value=best(equation.value, folder, extents))


def best(value: Expr, folder: Folder, extents: Mapping[Index, Expr]) -> Expr:
    """The cheapest of: folded; folded, multiplied out, folded and collected; each with definitions
    solved for what stands inside them or not."""
    candidates: list[Expr] = []
    for solving in (False, True):
        folded = normal(folder.fold(value, solving), extents)
        spread = normal(distributed(folded), extents)
        gathered = normal(collected(folder.fold(spread, solving)), extents)
        found = [folded, normal(folder.fold(gathered, solving), extents)]
        candidates += found if not solving else [form for form in found if not folder.divides(form)]
    return min(candidates, key=lambda v: (operations(v), _length(v)))


def _length(value: Expr) -> int:
    return sum(1 for _ in preorder_traversal(value))


def _inlined(statements: list[Statement], folder: Folder, known: set[str], outputs: set[str]) -> list[Statement]:
    """Derived names put into their uses where that is cheaper, until nothing changes."""
    position = 0
    while position < len(statements):
        statement = statements[position]
        if isinstance(statement, Equation) and statement.name not in known | outputs:
            changed = _without_name(statements, statement, folder, known)
            if changed is not None:
                statements = changed
                position = max(position - 2, 0)
                continue
        position += 1
    return statements


def _without_name(
    statements: list[Statement], equation: Equation, folder: Folder, known: set[str]
) -> list[Statement] | None:
    """The statements with a derived name gone, None where its name is worth keeping."""
    users = [s for s in statements if s is not equation and _reads(s, equation.name)]
    if not users:
        return [s for s in statements if s is not equation]
    if equation.accumulates or any(not isinstance(user, Equation) for user in users):
        return None
    if len(users) > 1 and operations(equation.value) > 0:
        return None
    if equation.value.has(Reduction) and not all(_bare_reads(user, equation.name) for user in users):
        return None
    replaced = {id(user): _put_in(user, equation, folder) for user in users if isinstance(user, Equation)}
    before = operations(equation.value) + sum(operations(u.value) for u in users if isinstance(u, Equation))
    after = sum(operations(new.value) for new in replaced.values())
    if after < before or (after == before and _reads_alike(users, replaced, equation)):
        return [replaced.get(id(s), s) for s in statements if s is not equation]
    return None


def _bare_reads(user: Statement, name: str) -> bool:
    """Whether every read is at loop indices: at others a reduction would be computed more than once."""
    assert isinstance(user, Equation)
    return all(isinstance(i, Index) for ref in refs(user.value) if ref.name == name for i in ref.indices)


def _reads(statement: Statement, name: str) -> bool:
    if isinstance(statement, Recurrence):
        return any(name in reads(equation) for equation in statement.equations)
    return name in reads(statement)


def _put_in(user: Equation, equation: Equation, folder: Folder) -> Equation:
    taken = {str(symbol) for symbol in user.value.free_symbols} | {i.name for i in user.loops}
    taken |= {i.name for node in user.value.atoms(Reduction) for i in node.bound}
    value = bound_apart(equation.value, taken)
    uses = {
        ref: substitute(value, dict(zip(equation.loops, ref.indices, strict=True)))
        for ref in refs(user.value)
        if ref.name == equation.name
    }
    return simplified_equation(replace(user, value=user.value.xreplace(uses)), folder, {})


def _reads_alike(users: list[Statement], replaced: Mapping[int, Equation], equation: Equation) -> bool:
    """Whether putting a name in at equal cost makes nothing harder to read: a copy, or no sum in a sum."""
    if operations(equation.value) == 0:
        return True
    (user,) = users
    assert isinstance(user, Equation)
    return _depth(replaced[id(user)].value) <= max(_depth(user.value), _depth(equation.value))


def _depth(value: Basic) -> int:
    """How deep reductions are nested."""
    inner = max((_depth(argument) for argument in value.args), default=0)
    return inner + 1 if isinstance(value, Reduction) else inner
