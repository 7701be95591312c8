"""A derived program brought to the form that a person would write, modulo its definitions.

Each derived equation is folded by the definitions; where that is cheaper, first multiplied out and then
collected. A derived name is put into its only use where that lowers the count of operations, or
where it is a mere copy. Only SymPy's arithmetic and the rules of this folder are used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from sympy import Add, Expr, Mul, S
from sympy.core.basic import Basic

from derive.calculus.activity import reads
from derive.calculus.budget import Budget
from derive.calculus.cheapest import simplified_equation
from derive.calculus.cost import operations
from derive.calculus.declared import symmetries
from derive.calculus.definitions import Rule
from derive.calculus.folding import Folder, bound_apart
from derive.calculus.nodes import Range, Reduction, Sum, Where, free_indices, reduces
from derive.calculus.normal import normal
from derive.calculus.occurrence import holds, nodes_of
from derive.calculus.program import Equation, Program, Recurrence, Statement
from derive.calculus.substitution import substitute
from derive.calculus.tensor import Index, Ref, names_read, refs
from derive.calculus.terms import Product


def simplified(derived: Program, primal: Program) -> Program:
    """The derived program in closed form; the primal's equations are its definitions."""
    folder = folder_of(primal)
    folder.budget = Budget.of(derived)
    known = {tensor.name for tensor in primal.locals}
    statements = [_folded(statement, folder, known) for statement in derived.statements]
    statements = _inlined(statements, folder, known, set(derived.outputs))
    statements = [_without_hidden(s, statements, folder, known) for s in statements]
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


def _without_hidden(
    statement: Statement, statements: list[Statement], folder: Folder, known: set[str]
) -> Statement:
    """A recurrence whose derived names that nobody gave are put into the one equation that reads them."""
    if not isinstance(statement, Recurrence):
        return statement
    equations = list(statement.equations)
    outside = {name for other in statements if other is not statement for name in _read(other)}
    for name in [e.name for e in equations if not e.given and e.name not in known | outside]:
        hidden = next(e for e in equations if e.name == name)
        users = [e for e in equations if hidden.name in reads(e)]
        if len(users) == 1 and {r for r in refs(users[0].value) if r.name == hidden.name} == {hidden.target}:
            whole = replace(users[0], value=users[0].value.xreplace({hidden.target: hidden.value}))
            new = simplified_equation(whole, folder, {statement.index: statement.extent})
            if operations(new.value) <= operations(hidden.value) + operations(users[0].value):
                equations = [new if e is users[0] else e for e in equations if e is not hidden]
    return replace(statement, equations=tuple(equations))


def _read(statement: Statement) -> set[str]:
    equations = statement.equations if isinstance(statement, Recurrence) else (statement,)
    return {name for equation in equations for name in reads(equation)}


class _Chain:
    """Statements in order, with who reads whom."""

    def __init__(self, statements: list[Statement]) -> None:
        self.statements: dict[int, Statement] = dict(enumerate(statements))
        self.readers: dict[str, set[int]] = {}
        self.refused: set[tuple[Equation, ...]] = set()
        for position, statement in self.statements.items():
            self._enter(position, statement)

    def _enter(self, position: int, statement: Statement) -> None:
        for name in _read(statement):
            self.readers.setdefault(name, set()).add(position)

    def remove(self, position: int) -> None:
        for name in _read(self.statements.pop(position)):
            self.readers[name].discard(position)

    def put(self, position: int, statement: Statement) -> None:
        self.remove(position)
        self.statements[position] = statement
        self._enter(position, statement)

    def users(self, name: str, own: int) -> list[int]:
        return sorted(self.readers.get(name, set()) - {own})


def _inlined(
    statements: list[Statement], folder: Folder, known: set[str], outputs: set[str]
) -> list[Statement]:
    """Derived names put into their uses where that is cheaper, until nothing changes.

    First the names that nobody gave, so that they lie open to the definitions. Contractions last: one that is
    put into exp's derivative would keep that from being put further.
    """
    chain = _Chain(statements)
    stages: tuple[Callable[[Equation], bool], ...] = (
        lambda equation: not equation.given and not contractions(equation.value),
        lambda equation: not contractions(equation.value),
        lambda _: True,
    )
    for in_turn in stages:
        changed = True
        while changed:
            changed = False
            for position in list(chain.statements):
                statement = chain.statements[position]
                if not isinstance(statement, Equation) or statement.name in known | outputs:
                    continue
                if in_turn(statement):
                    changed |= _without_name(chain, position, statement, folder)
    return [chain.statements[position] for position in sorted(chain.statements)]


def contractions(value: Expr) -> list[Sum]:
    """The sums of products none of whose factors has every index that is left, as in a matrix product."""
    return [node for node in nodes_of(value, Sum) if _contracts(node)] if reduces(value) else []


def _contracts(node: Sum) -> bool:
    factors = list(map(free_indices, refs(node.body)))
    left = {i for factor in factors for i in factor} - set(node.bound)
    return not any(left <= factor for factor in factors)


def _without_name(chain: _Chain, position: int, equation: Equation, folder: Folder) -> bool:
    """Put a derived name into its uses and drop it, unless it is worth keeping."""
    places = chain.users(equation.name, position)
    users = [user for user in (chain.statements[place] for place in places) if isinstance(user, Equation)]
    if not places:
        chain.remove(position)
        return True
    if equation.accumulates or len(users) < len(places):
        return False
    if len(users) > 1 and operations(equation.value) > 0 and not _constant_somewhere(equation):
        return False
    if reduces(equation.value) and not all(_bare_reads(user, equation.name) for user in users):
        return False
    if operations(equation.value) and not any(_may_shorten(user, equation, folder) for user in users):
        return False
    if (equation, *users) in chain.refused:
        return False
    replaced = [_put_in(user, equation, folder) for user in users]
    before = operations(equation.value) + sum(operations(user.value) for user in users)
    after = sum(operations(new.value) for new in replaced)
    if after > before or (after == before and not _reads_alike(users, replaced, equation)):
        chain.refused.add((equation, *users))
        return False
    chain.remove(position)
    for place, new in zip(places, replaced, strict=True):
        chain.put(place, new)
    return True


def _constant_somewhere(equation: Equation) -> bool:
    """Whether a value is the same along one of its loops: a mean handed back to what it was taken of."""
    return not equation.value.free_symbols >= set(equation.loops)


def _may_shorten(user: Equation, equation: Equation, folder: Folder) -> bool:
    """Whether putting a name in could pay. Unless a definition spans both, it does not for a sum in a matrix
    product, nor for elements of which no factor can leave a contraction.
    """
    if reduces(equation.value):
        stays = _only_in_sums(user.value, equation.name)
    else:
        loops = set(equation.loops)
        whole = all(free_indices(factor) >= loops for factor in Mul.make_args(equation.value))
        stays = whole and _only_in_sums(user.value, equation.name, contracting=True)
    return not stays or folder.spans(names_read(equation.value), names_read(user.value))


def _only_in_sums(value: Basic, name: str, contracting: bool = False) -> bool:
    """Whether a name stands nowhere but in sums of products, as in a matrix product."""
    if name not in names_read(value):
        return True
    if isinstance(value, Sum) and not holds(value.body, Add, Sum):
        return not contracting or _contracts(value)
    return not isinstance(value, Ref) and all(_only_in_sums(a, name, contracting) for a in value.args)


def _bare_reads(user: Equation, name: str) -> bool:
    """Whether every read is at loop indices: at others a reduction would be computed more than once."""
    return all(isinstance(i, Index) for ref in refs(user.value) if ref.name == name for i in ref.indices)


def _put_in(user: Equation, equation: Equation, folder: Folder) -> Equation:
    taken = {str(symbol) for symbol in user.value.free_symbols} | {i.name for i in user.loops}
    taken |= {i.name for node in nodes_of(user.value, Reduction) for i in node.bound}
    value = bound_apart(equation.value, taken)
    uses = {
        ref: substitute(value, dict(zip(equation.loops, ref.indices, strict=True)))
        for ref in refs(user.value)
        if ref.name == equation.name
    }
    whole = user.value.xreplace(uses)
    if len(uses) == 1 and _opens_nothing(user, equation, next(iter(uses)), folder):
        return replace(user, value=normal(whole, dict(user.ranges)))
    return simplified_equation(replace(user, value=whole), folder, {})


def _opens_nothing(user: Equation, equation: Equation, ref: Ref, folder: Folder) -> bool:
    """Whether putting a name in leaves nothing to simplify: it stands in a product or a branch whose other
    factors share no tensor with it, and no definition spans both.
    """
    if not _in_product(user.value, ref):
        return False
    inner, outer = names_read(equation.value), names_read(user.value)
    return not inner & outer and not folder.spans(inner, outer)


def _in_product(value: Expr, ref: Ref) -> bool:
    if value == ref:
        return True
    if isinstance(value, Where):
        return value.other == 0 and not value.condition.has(ref) and _in_product(value.chosen, ref)
    if not isinstance(value, Mul):
        return False
    (*others,) = (factor for factor in value.args if factor.has(ref))
    return len(others) == 1 and _in_product(others[0], ref)


def _reads_alike(users: list[Equation], replaced: list[Equation], equation: Equation) -> bool:
    """Whether putting a name in at equal cost makes nothing harder to read: a copy, or no sum in a sum.

    In a contraction it would be computed once for each index that is not its own.
    """
    if operations(equation.value) == 0:
        return True
    if any(equation.name in names_read(node) for user in users for node in contractions(user.value)):
        return False
    return _depth(replaced[0].value) <= max(_depth(users[0].value), _depth(equation.value))


def _depth(value: Basic) -> int:
    """How deep reductions are nested."""
    inner = max((_depth(argument) for argument in value.args), default=0)
    return inner + 1 if isinstance(value, Reduction) else inner
