"""Last before emission: ratios of exponentials and their logarithms by E = exp(-|a|), for equal values.

    Z2[i,j] = 1/(1 + exp(-A1[i,j]))
    becomes
    E[i,j] = exp(-|A1[i,j]|)
    C[i,j] = where(A1[i,j] >= 0, 1, E[i,j])
    Z2[i,j] = C[i,j] - C[i,j] E[i,j]/(1 + E[i,j])

which is C/(1 + E) to the last digit, and 1 - Z2[i,j] is the same with where(A1[i,j] >= 0, E[i,j], 1) for C.
"""

from __future__ import annotations

from dataclasses import replace

from sympy import Add, Expr, Mul, Pow, cosh, exp, log, sinh, tanh
from sympy.codegen.cfunctions import expm1
from sympy.core.basic import Basic

from derive.calculus.expressions.nodes import Range, rebuilt
from derive.calculus.expressions.occurrence import holds, nodes_of
from derive.calculus.expressions.tensor import Ref, names_read, refs
from derive.calculus.program.program import Equation, Program, expanded
from derive.calculus.stable.bounded import bounded
from derive.calculus.stable.combination import cancels, combination
from derive.calculus.stable.decays import Decays, Place
from derive.calculus.stable.exponential import Exponential, core, exponential, sign
from derive.calculus.stable.logarithms import logarithm
from derive.calculus.stable.meaning import Meaning
from derive.calculus.stable.uncancelled import uncancelled
from derive.calculus.stable.vanishing import vanishing

GROWING = (exp, tanh, sinh, cosh)


def fast_forms(program: Program) -> Program:
    """The program with such forms replaced where they are spelled out; names are read as they stand.

    A derivative 1 - Z2[i,j]^2 of a tanh then needs nothing but Z2: it rounds to 0 where the tanh saturates.
    """
    return stable_forms(program, see_through=False)


def stable_forms(program: Program, see_through: bool = True) -> Program:
    """The program with every such form replaced, names seen through."""
    program = uncancelled(program) if see_through else program
    meaning = Meaning(program if see_through else program.with_statements(()))
    if not meaning.names and not any(holds(e.value, *GROWING) for e in program.equations()):
        return program
    decays = Decays(program, exact=see_through)
    statements = expanded(program, lambda equation, outer: _stable(equation, outer, meaning, decays))
    return program.with_statements(statements, decays.tensors)


def _stable(equation: Equation, outer: tuple[Range, ...], meaning: Meaning, decays: Decays) -> list[Equation]:
    if not holds(equation.value, *GROWING) and not _seen(meaning, decays) & names_read(equation.value):
        decays.learn(equation)
        return [equation]
    place = Place(equation, outer)
    value = _Visit(meaning, decays, place).visit(_opened_decays(equation.value, meaning))
    decays.learn(equation)
    return [*decays.taken(), replace(equation, value=value)]


class _Visit:
    """One walk over a value, from the outermost form inwards."""

    def __init__(self, meaning: Meaning, decays: Decays, place: Place) -> None:
        self.meaning, self.decays, self.place = meaning, decays, place

    def visit(self, node: Basic) -> Basic:
        """The node in its stable form."""
        if isinstance(node, Ref | exp) or not node.args:
            return node
        if not holds(node, *GROWING) and not self._names(node):
            return node
        if isinstance(node, Add | Mul) and holds(node, Add):
            combined = self._combined(node)
            if combined is not None:
                return combined
        changed = self._form(node)
        if changed is not None:
            return changed
        return self._guarded(rebuilt(node, (self.visit(argument) for argument in node.args)))

    def _names(self, node: Basic) -> bool:
        return bool(_seen(self.meaning, self.decays) & names_read(node))

    def _form(self, node: Basic) -> Expr | None:
        if isinstance(node, log):
            return self._logarithm(node.args[0])
        if isinstance(node, tanh) and holds(node, log):
            return self._ratio(node)
        if isinstance(node, Mul | Pow):
            return self._product(node)
        return self._sum(node) if isinstance(node, Add) else None

    def _decay(self, ratio: Exponential) -> Expr:
        return self.decays.decay(ratio, self.place)

    def _logarithm(self, inside: Expr) -> Expr | None:
        ratio = exponential(inside, self.meaning)
        if ratio is None or not ratio.factors:
            return None
        return logarithm(self.decays.cored(ratio, self.place), self._decay)

    def _product(self, node: Expr) -> Expr | None:
        """The factors that are ratios of one exponential, together; the others as they are."""
        groups: dict[Expr, list[Expr]] = {}
        rest: list[Expr] = []
        for factor in Mul.make_args(self._opened(node)):
            shared = core(factor, self.meaning)
            if shared is None:
                rest.append(factor)
            else:
                groups.setdefault(shared, []).append(factor)
        forms: list[Expr] = []
        for factors in groups.values():
            form = self._ratio(Mul(*factors)) if any(_is_sum(f) for f in factors) else None
            if form is None:
                rest += factors
            else:
                forms.append(form)
        if not forms:
            return None
        return self._guarded(Mul(*forms, *(self.visit(factor) for factor in rest)))

    def _guarded(self, value: Basic) -> Basic:
        def named(small: Expr) -> Expr:
            return self.decays.named(small, self.place)

        return vanishing(value, self.decays.sources, named, self.meaning)

    def _opened(self, node: Expr) -> Expr:
        """exp(-x) Y, Y = x/(1 + exp(-x)): a name under an exponential that grows is seen through."""
        growing = {core(f, self.meaning) for f in Mul.make_args(node) if isinstance(f, exp)} - {None}
        opened = {}
        for ref in node.args if growing else ():
            meaning = self.meaning.product(ref) if isinstance(ref, Ref) else None
            cores = {core(f, self.meaning) for f in Mul.make_args(meaning)} if meaning is not None else set()
            if growing & cores:
                opened[ref] = meaning
        return node.xreplace(opened) if opened else node

    def _combined(self, node: Expr) -> Expr | None:
        """The node multiplied out by an exponential that grows or cancels in it, where it then does not."""
        for primary in sorted(self.meaning.cores(node), key=str):
            parts = combination(node, self.meaning, primary)
            if parts is None or all(ratio.is_Rational for ratio in parts.values()):
                continue
            if not (self.meaning.grows(node, primary) or cancels(parts, self.meaning)):
                continue
            forms = {cofactor: self._ratio(ratio) or ratio for cofactor, ratio in parts.items()}
            if not any(_grows(form) or self.meaning.names & names_read(form) for form in forms.values()):
                terms = (self._guarded(self.visit(cofactor) * form) for cofactor, form in forms.items())
                return Add(*terms)
        return None

    def _ratio(self, value: Expr) -> Expr | None:
        ratio = exponential(value, self.meaning)
        if ratio is None:
            return None
        named = self._branch if self.decays.exact else None
        return bounded(self.decays.cored(ratio, self.place), self._decay, named)

    def _branch(self, chosen: Expr) -> Expr:
        return self.decays.branch(chosen, self.place)

    def _sum(self, node: Expr) -> Expr | None:
        """Terms with one cofactor together, where they may cancel: 1 + x - x Y is 1 + x (1 - Y)."""
        groups: dict[tuple[Expr, Expr], list[tuple[Expr, Expr]]] = {}
        rest: list[Expr] = []
        for term in node.args:
            rational, cofactor = self._split(term)
            shared = core(rational, self.meaning)
            if shared is None:
                rest.append(term)
            else:
                groups.setdefault((cofactor, shared), []).append((rational, term))
        forms: list[Expr] = []
        for (cofactor, _), members in groups.items():
            bare = [term for term in rest if (term / cofactor).is_Rational]
            form = self._difference([*(r for r, _ in members), *(term / cofactor for term in bare)])
            if form is None:
                rest += [term for _, term in members]
            else:
                rest = [term for term in rest if term not in bare]
                forms.append(form * self.visit(cofactor))
        return Add(*forms, *(self.visit(term) for term in rest)) if forms else None

    def _difference(self, terms: list[Expr]) -> Expr | None:
        """The sum of ratios in bounded form, None where all have one sign, so that nothing cancels."""
        if len(terms) < 2:
            return None
        signs = {sign(term, self.meaning) for term in terms}
        return self._ratio(Add(*terms)) if signs not in ({1}, {-1}) else None

    def _split(self, term: Expr) -> tuple[Expr, Expr]:
        """A term as a ratio of exponentials times what is none, a name of such a product seen through."""
        opened = {f: self.meaning.product(f) for f in Mul.make_args(term) if isinstance(f, Ref)}
        factors = Mul.make_args(term.xreplace({f: value for f, value in opened.items() if value is not None}))
        rational = [f for f in factors if f.is_Rational or core(f, self.meaning) is not None]
        return Mul(*rational), Mul(*(f for f in factors if f not in rational))


def _opened_decays(value: Expr, meaning: Meaning) -> Expr:
    """exp(-A), A = exp(x), as exp(-exp(x)), which plainly does not exceed 1."""
    opened = {}
    for node in nodes_of(value, exp):
        named = {ref: found for ref in refs(node) if isinstance(found := meaning(ref), exp)}
        spelled = node.xreplace(named) if named else node
        if spelled.args[0].is_nonpositive:
            opened[node] = spelled
    return value.xreplace(opened)


def _seen(meaning: Meaning, decays: Decays) -> frozenset[str]:
    """The names that stand for something exponential."""
    return meaning.names | decays.sources.keys()


def _grows(value: Basic) -> bool:
    """Whether an exponential in it has no bound; under tanh, or as a negative exponent, it has one."""
    if isinstance(value, tanh | exp | expm1) and (isinstance(value, tanh) or value.args[0].is_nonpositive):
        return False
    return isinstance(value, exp) or (holds(value, exp) and any(map(_grows, value.args)))


def _is_sum(factor: Expr) -> bool:
    """Whether a factor is a sum of exponentials, spelled out or called."""
    return isinstance(factor if isinstance(factor, exp) else factor.as_base_exp()[0], Add | sinh | cosh)
