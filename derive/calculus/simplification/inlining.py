"""Derived names put into their uses, where that lowers the count of operations or where they are mere copies.

    C_bar = r G;  mu_bar = -sum C_bar;  Z_bar = C_bar + mu_bar/d    ->    Z_bar = r (G - mean(G))

In a step of a recurrence too, for what no other step and nothing outside reads; there a cotangent of what its
author named stays where it meets nothing: the gates of an LSTM are read one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import replace

from sympy import Add, Expr, Mul
from sympy.core.basic import Basic

from derive.calculus.expressions.cost import operations
from derive.calculus.expressions.nodes import Reduction, Sum, Where, free_indices, reduces
from derive.calculus.expressions.normal import normal
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.substitution import substitute
from derive.calculus.expressions.tensor import Index, Ref, names_read, refs
from derive.calculus.program.activity import reads
from derive.calculus.program.program import Equation, Recurrence, Statement, equations_of
from derive.calculus.simplification.cheapest import simplified_equation
from derive.calculus.simplification.folding import Folder, bound_apart

BESIDE = 3
"""A factor of more sums and products is long."""
Extents = Mapping[Index, Expr]


def in_step(statement: Statement, statements: list[Statement], folder: Folder, kept: Set[str]) -> Statement:
    """A recurrence whose own names are put into their uses in the same step."""
    if not isinstance(statement, Recurrence):
        return statement
    equations = statement.equations
    outside = {name for other in statements if other is not statement for name in _read(other)}
    crossing = {equation.name for equation in equations if _leaves_its_step(equation, statement)}
    outer = {statement.index: statement.extent}
    found = inlined(list(equations), folder, {*kept, *outside, *crossing}, outer)
    return replace(statement, equations=tuple(one for one in found if isinstance(one, Equation)))


def _leaves_its_step(equation: Equation, loop: Recurrence) -> bool:
    """Whether another step reads or writes what an equation defines, or another equation does."""
    target = equation.target
    if target.indices.count(loop.index) != 1 or sum(one.name == target.name for one in loop.equations) > 1:
        return True
    place = target.indices.index(loop.index)
    read = [ref for one in loop.equations for ref in one.references if ref.name == target.name]
    return any(ref.indices[place] != loop.index for ref in read)


def _read(statement: Statement) -> set[str]:
    equations = equations_of(statement)
    return {name for equation in equations for name in reads(equation)}


class _Chain:
    """Statements in order, with who reads whom; `outer` is the step that they are in."""

    def __init__(self, statements: list[Statement], outer: Extents) -> None:
        self.outer = outer
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


def inlined(
    statements: list[Statement], folder: Folder, kept: Set[str], outer: Extents | None = None
) -> list[Statement]:
    """Derived names put into their uses where that is cheaper, until nothing changes.

    First the names that nobody gave, so that they lie open to the definitions. Contractions last: one that is
    put into exp's derivative would keep that from being put further.
    """
    chain = _Chain(statements, outer or {})
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
                if not isinstance(statement, Equation) or statement.name in kept:
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
    if equation.accumulates or len(users) < len(places) or not _bare(equation.target):
        return False
    if len(users) > 1 and operations(equation.value) > 0 and not _constant_somewhere(equation):
        return False
    if reduces(equation.value) and not all(_bare_reads(user, equation.name) for user in users):
        return False
    if operations(equation.value) and not any(_may_shorten(user, equation, folder) for user in users):
        return False
    stays = bool(chain.outer) and equation.given and not _meets(users, equation)
    if stays or (equation, *users) in chain.refused:
        return False
    replaced = [_put_in(user, equation, folder, chain.outer) for user in users]
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
    return all(_bare(ref) for ref in refs(user.value) if ref.name == name)


def _bare(ref: Ref) -> bool:
    """Whether an element's indices are loops: H[i,j], not H[0,j] or H[t+1,j]."""
    return all(isinstance(index, Index) for index in ref.indices)


def _put_in(user: Equation, equation: Equation, folder: Folder, outer: Extents) -> Equation:
    taken = {str(symbol) for symbol in user.value.free_symbols} | {i.name for i in user.loops}
    taken |= {i.name for node in nodes_of(user.value, Reduction) for i in node.bound}
    value = bound_apart(equation.value, taken)
    uses = {
        ref: substitute(value, dict(zip(equation.target.indices, ref.indices, strict=True)))
        for ref in refs(user.value)
        if ref.name == equation.name
    }
    whole = user.value.xreplace(uses)
    if len(uses) == 1 and _opens_nothing(user, equation, next(iter(uses)), folder):
        return replace(user, value=normal(whole, {**outer, **dict(user.ranges)}))
    return simplified_equation(replace(user, value=whole), folder, outer)


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

    In a contraction it would be computed once for each index that is not its own. A contraction keeps its
    name beside a long factor, which may be split into terms later.
    """
    if operations(equation.value) == 0:
        return True
    if contractions(equation.value) and any(_arithmetic(user.value) > BESIDE for user in users):
        return False
    if any(equation.name in names_read(node) for user in users for node in contractions(user.value)):
        return False
    return _depth(replaced[0].value) <= max(_depth(users[0].value), _depth(equation.value))


def _meets(users: list[Equation], equation: Equation) -> bool:
    """Whether a value stands beside what it reads itself, or is a copy, or is read in two terms. Terms under
    conditions of their own do not meet.
    """
    if operations(equation.value) == 0:
        return True
    for user in users:
        terms = Add.make_args(user.value)
        own = [term for term in terms if equation.name in names_read(term)]
        beside = {name for t in terms if t in own or not isinstance(t, Where) for name in names_read(t)}
        if len(own) > 1 or names_read(equation.value) & beside:
            return True
    return False


def _arithmetic(value: Basic) -> int:
    """How many sums and products are written for an element, numbers before products and reductions aside."""
    if isinstance(value, (Ref, Reduction)):
        return 0
    parts = [part for part in value.args if isinstance(value, Add) or not part.is_number]
    own = len(parts) - 1 if isinstance(value, (Add, Mul)) else 0
    return own + sum(map(_arithmetic, value.args))


def _depth(value: Basic) -> int:
    """How deep reductions are nested."""
    inner = max((_depth(argument) for argument in value.args), default=0)
    return inner + 1 if isinstance(value, Reduction) else inner
