"""A derivation as a lecture writes it: the chain of partials, then the order and transposes that fit.

dL/dW1 = dL/dH · dH/dZ2 · dZ2/dA1 · dA1/dW1            chain of partials
       = (S - I_y)/m · W2 · [A1 > 0] · X               as if all were scalars
       = Xᵀ ((((S - I_y) W2ᵀ) ∘ [Z2 > 0])/m)   (n, d)  the order and transposes that make sizes match
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from sympy import Expr, Integer

from derive.calculus.arrays.base import Form
from derive.calculus.arrays.check import checked_form
from derive.calculus.arrays.matrix import inlined, matrix_form, value_form
from derive.calculus.arrays.reads import axis_sizes
from derive.calculus.derivation.chain import Link, chains
from derive.calculus.derivation.kernels import forward_of
from derive.calculus.derivation.vjp import vjp
from derive.calculus.expressions.nodes import Range, Reduction
from derive.calculus.expressions.tensor import Index, Kind, Tensor, refs
from derive.calculus.program.program import (
    Equation,
    Program,
    Recurrence,
    Statement,
    equations_of,
    expanded,
    map_equations,
)
from derive.show.expressions import equation_latex, equation_text, scalar
from derive.show.forms import form_latex, form_text
from derive.show.notation import LATEX, TEXT

NOTES = ("chain of partials", "as if all were scalars", "the order and transposes that make sizes match")


@dataclass(frozen=True)
class Derivation:
    """One cotangent: the paths of partials to it, and its array form."""

    output: str
    wrt: Tensor
    paths: tuple[tuple[tuple[str, str, Form], ...], ...]
    result: Form
    sizes: tuple[Tensor, ...]


def derivation(program: Program, joint: Program, output: str, wrt: str) -> Derivation:
    """The derivation of d output / d wrt; the output's own cotangent is 1."""
    seeded = unseeded(joint, output)
    (equation,) = (e for e in seeded.equations() if e.name == f"{wrt}_bar")
    inner = frozenset(
        e.name for e in seeded.equations() if e.name.endswith("_bar") and e.name != equation.name
    )
    found = chains(program, output, wrt)
    paths = tuple(tuple(_stated(link, seeded) for link in path) for path in found)
    result = checked_form(equation, seeded, inner, points=2)
    read = sorted({ref.name for ref in refs(_unfolded(equation, seeded, inner)) if ref.indices})
    sizes = tuple(seeded.tensor(name) for name in read if name in seeded.tensors)
    return Derivation(output, program.tensor(wrt), paths, result, sizes)


def unseeded(joint: Program, output: str) -> Program:
    """The joint program with the output's cotangent replaced by 1."""
    seed = f"{output}_bar"

    def change(equation: Equation) -> Equation:
        ones = {ref: Integer(1) for ref in refs(equation.value) if ref.name == seed}
        value = equation.value.xreplace(ones)
        return Equation(
            equation.target, equation.ranges, value, equation.frozen, equation.given, equation.layer
        )

    return map_equations(joint, change)


def _unfolded(equation: Equation, program: Program, names: frozenset[str]) -> Expr:
    return inlined(equation.value, program, names)


def _stated(link: Link, program: Program) -> tuple[str, str, Form]:
    """A link with its partial as an array form over the indices that it uses."""
    return link.above, link.below, value_form(link.partial, _ranges(link.partial, program), program)


def _ranges(value: Expr, program: Program) -> tuple[Range, ...]:
    """The free indices of an expression with the sizes of the axes that they stand at."""
    bound = {index for node in value.atoms(Reduction) for index in node.bound}
    found: dict[Index, Expr] = {}
    for ref in sorted(refs(value), key=str):
        for index, size in zip(ref.indices, axis_sizes(ref, program.tensors), strict=True):
            if isinstance(index, Index) and index not in bound:
                found.setdefault(index, size)
    return tuple(found.items())


def derivation_text(found: Derivation) -> list[str]:
    """The derivation for a terminal."""
    head = f"d{found.output}/d{found.wrt.name}"
    rows = [_row(*row) for path in found.paths for row in (_chain(path), _terse(path, form_text))]
    rows.append((form_text(found.result) + f"   {_shape(found.wrt)}", NOTES[2]))
    width = min(max((len(text) for text, _ in rows), default=0), 76)
    lines = []
    for place, (text, note) in enumerate(rows):
        sign = f"{head} =" if place == 0 else f"{'=':>{len(head) + 2}}"
        lines.append(f"{sign} {text:{width}}   {note}")
    sizes = ", ".join(f"{tensor.name} {_shape(tensor)}" for tensor in found.sizes)
    return [*lines, f"{'':{len(head) + 3}}where {sizes}"]


def derivation_latex(found: Derivation) -> str:
    """The derivation as an align environment."""
    head = f"\\frac{{\\partial {found.output}}}{{\\partial {found.wrt.name}}}"
    rows = []
    for path in found.paths:
        chain = " ".join(f"\\frac{{\\partial {a}}}{{\\partial {b}}}" for a, b, _ in path)
        terse = " \\cdot ".join(_factor(form_latex(form)) for *_, form in path)
        rows += [f"{chain} && \\text{{{NOTES[0]}}}", f"{terse} && \\text{{{NOTES[1]}}}"]
    rows.append(f"{form_latex(found.result)} && \\text{{{NOTES[2]}}}")
    body = " \\\\\n  &= ".join(rows)
    return f"\\begin{{align*}}\n  {head} &= {body}\n\\end{{align*}}"


def _row(text: str, note: str) -> tuple[str, str]:
    return text, note


def _chain(path: Sequence[tuple[str, str, Form]]) -> tuple[str, str]:
    return " · ".join(f"d{above}/d{below}" for above, below, _ in path), NOTES[0]


def _terse(path: Sequence[tuple[str, str, Form]], write: object) -> tuple[str, str]:
    assert callable(write)
    return " · ".join(_factor(write(form)) for *_, form in path), NOTES[1]


def _factor(text: str) -> str:
    """A factor of a product of scalars: sums are bracketed."""
    depth = 0
    for place, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}")
        if depth == 0 and text[place : place + 3] in (" + ", " - "):
            return f"({text})"
    return text


def _shape(tensor: Tensor) -> str:
    return f"({', '.join(str(axis.size) for axis in tensor.axes)})"


def forward_lines(program: Program, latex: bool = False) -> Iterator[str]:
    """The definitions as arrays and by index, aligned; those of a recurrence under its head."""
    rows = []
    for equation in program.equations():
        form = matrix_form(equation, program)
        if latex:
            rows.append((_place(equation, latex), form_latex(form), equation_latex(equation)))
        else:
            rows.append((_place(equation, latex), form_text(form), equation_text(equation)))
    yield from _under_heads(program.statements, list(_columns(rows)), latex)


def _under_heads(statements: Sequence[Statement], lines: Sequence[str], latex: bool) -> Iterator[str]:
    """A line for each equation, those of a recurrence indented under its head."""
    left = iter(lines)
    for statement in statements:
        if isinstance(statement, Recurrence):
            yield _head(statement, latex)
            yield from (f"    {next(left)}" for _ in statement.equations)
        else:
            yield next(left)


def _head(loop: Recurrence, latex: bool) -> str:
    last = scalar(loop.extent - 1, LATEX if latex else TEXT)
    if latex:
        span = f"{last}, \\ldots, 0" if loop.reverse else f"0, \\ldots, {last}"
        return f"\\text{{for }} {loop.index} = {span}:"
    return f"for {loop.index} = {last} .. 0:" if loop.reverse else f"for {loop.index} = 0 .. {last}:"


def _columns(rows: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    names = max((len(name) for name, *_ in rows), default=0)
    width = min(max((len(text) for _, text, _ in rows), default=0), 48)
    for name, text, index in rows:
        yield f"{name:{names}} = {text:{width}}   {index}"


def show_program(
    program: Program,
    wrt: Iterable[str] | None = None,
    output: str | None = None,
    latex: bool = False,
    trained: Iterable[str] | None = None,
) -> str:
    """The definitions, and the derivation of each cotangent asked for.

    What is derived together shares cotangents: `trained` (every real input by default), of which `wrt`
    are shown.
    """
    output = output or program.outputs[-1]
    together = tuple(trained or (t.name for t in program.inputs if t.kind is Kind.REAL))
    names = tuple(wrt or together)
    program = replace(program, outputs=(output,))
    joint = vjp(program, wrt=tuple(dict.fromkeys((*together, *names))))
    seeded = joint if program.tensor(output).axes else unseeded(joint, output)
    lines = ["forward", *(f"    {line}" for line in forward_lines(forward_of(joint, program), latex))]
    for name in names:
        lines += ["", f"by {name}"]
        if program.tensor(output).axes or _recurs(program):
            lines += [f"    {line}" for line in _pullback(seeded, name, latex)]
            continue
        found = derivation(program, joint, output, name)
        block = derivation_latex(found).split("\n") if latex else derivation_text(found)
        lines += [f"    {line}" for line in block]
    return "\n".join(lines)


def _recurs(program: Program) -> bool:
    """Whether there is a path of partials for each number of steps, and so none to write down."""
    return any(isinstance(statement, Recurrence) for statement in program.statements)


def _pullback(joint: Program, name: str, latex: bool) -> Iterator[str]:
    """A vector-Jacobian product: the cotangents in order, the Jacobian never formed."""
    write = form_latex if latex else form_text
    needed = _needed(joint, f"{name}_bar")
    kept = expanded(joint, lambda equation, _: [equation] if equation.name in needed else [])
    shown = [one for one in kept if equations_of(one)]
    lines = [
        f"{_place(equation, latex)} = {write(checked_form(equation, joint, points=2))}   "
        f"{_shape(joint.tensor(equation.name))}"
        for statement in shown
        for equation in equations_of(statement)
    ]
    yield from _under_heads(shown, lines, latex)


def _place(equation: Equation, latex: bool) -> str:
    """The name of what is computed, with its place where that is one of a recurrence."""
    fixed = [index for index in equation.target.indices if index not in equation.loops]
    if not fixed:
        return equation.name
    return f"{equation.name}[{', '.join(scalar(index, LATEX if latex else TEXT) for index in fixed)}]"


def _needed(joint: Program, name: str) -> set[str]:
    """The cotangents that a cotangent is computed from."""
    found, open_ = {name}, [name]
    while open_:
        for equation in joint.defining(open_.pop()):
            fresh = {ref.name for ref in refs(equation.value) if ref.name.endswith("_bar")} - found
            found |= fresh
            open_ += sorted(fresh)
    return found
