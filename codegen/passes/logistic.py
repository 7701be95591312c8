"""Logistic functions of what was computed: by an exponential that may be infinite, for then 1/(1 + E) is 0.

    E[i,j] = exp(-|A[i,j]|)                         E[i,j] = exp(-A[i,j])
    C[i,j] = where(A[i,j] >= 0, 1, E[i,j])
    Z[i,j] = C[i,j] - C[i,j] E[i,j]/(1 + E[i,j])    Z[i,j] = 1/(1 + E[i,j])
    .. E[i,j]/(1 + E[i,j] (E[i,j] + 2))             .. Z_slope[i,j], Z_slope[i,j] = Z[i,j]/(1 + 1/E[i,j])

The slope's factors, Z and 1 - Z, keep their digits in both tails. The left side rounds half a unit less. That
counts where A is given; but a computed A has errors of its own, and exp(-A) has |A| times those. For programs
of whole arrays, where each operation is a pass over memory, and where nothing reads E and C in another form.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sympy import Add, Expr, Mul, Pow, exp
from sympy.core.basic import Basic

from codegen.passes.exponents import decays
from derive.calculus.expressions.nodes import Nonnegative, Positive, Sum, Where, rebuilt
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Ref, Tensor, refs
from derive.calculus.program.compose import free_name
from derive.calculus.program.program import Equation, Program, Recurrence, expanded
from derive.calculus.program.renaming import renamed


def logistic(program: Program) -> Program:
    """The program with such functions."""
    for decay in decays(program).values():
        argument = (-decay.value.args[0]).args[0]
        own = _beside(program, decay)
        branches = [one for one in own if _is_branch(one, decay, argument)]
        if len(branches) == 1 and _is_computed(program, argument):
            program = _Function(program, own, decay, branches[0], argument).changed()
    return program


def _beside(program: Program, equation: Equation) -> tuple[Equation, ...]:
    """The equations of its recurrence, or those outside of any."""
    for statement in program.statements:
        if isinstance(statement, Recurrence) and equation in statement.equations:
            return statement.equations
    return tuple(each for each in program.statements if isinstance(each, Equation))


def _is_branch(equation: Equation, decay: Equation, argument: Expr) -> bool:
    """C[i,j] = where(A[i,j] >= 0, 1, E[i,j])."""
    chosen = Where(Nonnegative(argument), 1, decay.target)
    return equation.value == chosen and equation.target.indices == decay.target.indices


def _is_computed(program: Program, argument: Expr) -> bool:
    """Whether an argument is the name of a sum: what has rounding errors."""
    sums = program.defining(argument.name) if isinstance(argument, Ref) else ()
    return bool(sums) and all(holds(one.value, Add, Sum) for one in sums)


@dataclass(frozen=True)
class _Function:
    """The logistic function of one argument: its decay, its branch, and the equations beside them."""

    program: Program
    own: tuple[Equation, ...]
    decay: Equation
    branch: Equation
    argument: Expr

    @property
    def parts(self) -> set[str]:
        return {self.decay.name, self.branch.name}

    @property
    def whole(self) -> str:
        return free_name(f"{self.branch.name}_whole", set(self.program.tensors))

    @property
    def slope(self) -> str:
        return free_name(f"{self.branch.name}_slope", set(self.program.tensors))

    def changed(self) -> Program:
        """The program with the function and its slope; itself, where something else reads their parts."""
        readers = [
            one for one in self.program.equations() if self.parts & one.reads and one is not self.branch
        ]
        values = {id(one): self.rewritten(one.value) for one in readers}
        read = {ref.name for value in values.values() for ref in refs(value)}
        outside = any(all(one is not each for each in self.own) for one in readers)
        if outside or self.parts & (read | set(self.program.outputs)):
            return self.program
        found: dict[int, tuple[Equation, ...]] = {
            id(one): (replace(one, value=values[id(one)]),) for one in readers
        }
        found |= {id(self.decay): (replace(self.decay, value=exp(-self.argument)),)}
        found |= {id(self.branch): tuple(self.definitions(self.slope in read))}
        alias = next((one for one in readers if self._is_alias(one, values[id(one)])), None)
        found |= {} if alias is None else {id(alias): ()}
        statements = expanded(self.program, lambda one, _: found.get(id(one), (one,)))
        axes = self.program.tensor(self.decay.name).axes
        kept = replace(
            self.program, locals=tuple(t for t in self.program.locals if t.name != self.branch.name)
        )
        added = [
            Tensor(name, axes) for name in (self.whole, self.slope) if name == self.whole or name in read
        ]
        return self._called(kept.with_statements(statements, added), alias)

    def _called(self, program: Program, alias: Equation | None) -> Program:
        """The function under the name that it had: its own, or that of the branch."""
        name = self.branch.name if alias is None else alias.name
        kept = replace(program, locals=tuple(one for one in program.locals if one.name != name))
        return renamed(kept, {self.whole: name, **({self.slope: f"{name}_slope"} if alias else {})})

    def _is_alias(self, equation: Equation, value: Expr) -> bool:
        """Z[i,j] = S[i,j]."""
        first, second = (self.program.tensor(one.name).shape for one in (equation, self.decay))
        whole = Ref(self.whole, *equation.target.indices)
        return value == whole and first == second and len(self.program.defining(equation.name)) == 1

    def definitions(self, sloped: bool) -> Iterator[Equation]:
        """Z[i,j] = 1/(1 + E[i,j]); Z_slope[i,j] = Z[i,j]/(1 + 1/E[i,j])."""
        small, indices = self.decay.target, self.branch.target.indices
        whole = Ref(self.whole, *indices)
        yield replace(self.branch, target=whole, value=1 / (1 + small))
        if sloped:
            yield replace(self.branch, target=Ref(self.slope, *indices), value=whole / (1 + 1 / small))

    def rewritten(self, node: Basic) -> Basic:
        """A value with the function and its slope by their names."""
        if not node.args or isinstance(node, Ref):
            return node
        inner = rebuilt(node, map(self.rewritten, node.args))
        for small in sorted((ref for ref in refs(inner) if ref.name == self.decay.name), key=str):
            inner = self._form(inner, small)
        return inner

    def _form(self, node: Basic, small: Ref) -> Basic:
        """C - C E/(1 + E), E/(1 + E (E + 2)), or where(E > 0, .., 0) around that."""
        chosen, whole, slope = (
            Ref(name, *small.indices) for name in (self.branch.name, self.whole, self.slope)
        )
        if isinstance(node, Add):
            return _taken(node, {chosen, -chosen * small / (1 + small)}, whole)
        if isinstance(node, Mul):
            return _taken(node, {small, Pow(1 + small * (small + 2), -1)}, slope)
        guards = isinstance(node, Where) and node.condition == Positive(small) and slope in refs(node.chosen)
        return Where(Positive(slope), node.chosen, node.other) if guards else node


def _taken(node: Basic, parts: set[Expr], whole: Expr) -> Basic:
    """A sum or a product with one name for some of its parts, if it has them all."""
    rest = [one for one in node.args if one not in parts]
    return node.func(whole, *rest) if parts <= set(node.args) else node
