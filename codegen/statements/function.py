"""A program as one NumPy function: sizes from its arguments, the equations in order, what it returns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sympy import Expr, Poly, Symbol, preorder_traversal
from sympy.core.basic import Basic

from codegen.passes.exponents import exponents
from codegen.passes.masks import Supports, unmasked
from codegen.passes.unseen import unseen
from codegen.plan.lifetimes import deaths
from codegen.printers.numpy_constants import Constants
from codegen.printers.numpy_text import PRODUCT, wrapped
from codegen.printers.to_numpy import NumpyPrinter
from codegen.statements.alike import Known
from codegen.statements.lines import Line, NumpyLines
from derive.calculus.arrays.base import Form
from derive.calculus.arrays.matrix import choosing_loops
from derive.calculus.expressions.nodes import Positive, Reduction, Sum, Where
from derive.calculus.expressions.occurrence import holds
from derive.calculus.expressions.tensor import Kind, Ref, Size, Tensor, refs
from derive.calculus.program.program import Equation, Program, Recurrence

RESERVED = ("p", "p_dot", "residuals", "dtype", "delta")  # what functions call their own
MOST_INLINED = 4  # references in a definition that stands inside another line


@dataclass(frozen=True)
class Body:
    """The lines of a function's body, and what it needs from outside."""

    lines: tuple[str, ...]
    missing: tuple[str, ...]
    functions: frozenset[str]
    discards: bool = False


def function_body(
    program: Program,
    names: Mapping[str, str],
    arguments: Sequence[Tensor],
    returned: str,
    known: Known | None = None,
    examples: Expr | None = None,
    known_supports: Supports | None = None,
) -> Body:
    """The body of a function with these arguments: sizes, dtype, equations, return.

    Given the number of examples, it is written for speed: dead values are overwritten.
    """
    program = exponents(unseen(unmasked(program, known_supports)))
    inlined, known = single_uses(program), known or Known()
    dead = deaths(program, inlined) if examples is not None else None
    uses = Constants()
    first = NumpyPrinter(names, examples=examples, constants=uses)
    printer, constants, lines = first, [], _lines(program, first, inlined, known, dead)
    named = uses.named({*map(first.name, program.tensors), *first.scalars.used, *RESERVED})
    if named:
        printer = NumpyPrinter(names, examples=examples, constants=Constants(named))
        constants = [constant_line(printer, form, name) for form, name in named.items()]
        lines = _lines(program, printer, inlined, known, dead)
    sizes, missing = size_lines(printer.scalars.used, arguments, printer)
    head = [*sizes, *(dtype_line(arguments, printer) if printer.uses_dtype else [])]
    body = [*map(Line, head), *constants, *lines, *([Line(f"return {returned}")] if returned else [])]
    return Body(tuple(laid_out(body)), tuple(missing), frozenset(printer.functions), printer.discards)


def _lines(
    program: Program,
    printer: NumpyPrinter,
    inlined: frozenset[str],
    known: Known,
    dead: Mapping[str, frozenset[str]] | None,
) -> list[Line]:
    writer = NumpyLines(program, printer, inlined, known=known, deaths=dead)
    return list(writer.statements(program.statements))


def constant_line(printer: NumpyPrinter, form: Form, name: str) -> Line:
    """causal = np.tri(T, dtype=bool)    # (T, T)."""
    return Line(f"{name} = {printer.whole(form).text}", printer.shape(form.axes))


def decorated(body: Body) -> list[str]:
    """What stands above `def`: np.where computes the branch that it does not take, which may be no number."""
    return ['@np.errstate(all="ignore")  # in branches that are not taken'] if body.discards else []


def laid_out(lines: Iterable[Line], indent: int = 4) -> Iterable[str]:
    """The lines indented, long ones broken, comments in one column."""
    lines = list(lines)
    widths = [len(line.text) + 4 * line.depth for line in lines if line.comment]
    column = max([width for width in widths if width < 70], default=0) + 2
    for line in lines:
        broken = wrapped(line.text, indent + 4 * line.depth)
        if line.comment and len(broken) == 1:
            room = max(indent + column, len(broken[0]) + 2)
            broken = [f"{broken[0]:{room}}# {line.comment}"]
        yield from broken


def single_uses(program: Program) -> frozenset[str]:
    """What one equation reads, once: a contraction in an elementwise one, np.maximum(X @ W1, 0); a reduction
    that a pass named.
    """
    readers: dict[str, list[tuple[Equation, Ref]]] = {}
    for equation in program.equations():
        places = (ref for index in equation.target.indices for ref in refs(index))
        for ref in {*refs(equation.value), *places}:
            readers.setdefault(ref.name, []).append((equation, ref))
    counts = Counter(equation.name for equation in program.equations())
    inside = {e.name for s in program.statements if isinstance(s, Recurrence) for e in s.equations}
    found = (
        e for e in program.equations() if e.name not in program.outputs and len(readers.get(e.name, [])) == 1
    )
    return frozenset(
        equation.name
        for equation in found
        if _is_hoisted(equation, *readers[equation.name][0])
        or (
            equation.name not in inside
            and counts[equation.name] == 1
            and _is_contraction(equation)
            and _reads_whole(*readers[equation.name][0], equation, inside)
        )
    )


def _is_hoisted(equation: Equation, reader: Equation, ref: Ref) -> bool:
    """Whether the name was found by a pass, for what stands once in one equation."""
    return not equation.given and not equation.accumulates and _occurrences(reader.value, ref) == 1


def _is_contraction(equation: Equation) -> bool:
    if equation.accumulates or not holds(equation.value, Sum) or choosing_loops(equation):
        return False
    return len(refs(equation.value)) <= MOST_INLINED


def _reads_whole(reader: Equation, ref: Ref, definition: Equation, inside: set[str]) -> bool:
    """Whether the reader is elementwise and reads the whole array once."""
    if holds(reader.value, Reduction) or reader.accumulates or reader.name in inside:
        return False
    once = _occurrences(reader.value, ref) == 1 or reader.value == Where(Positive(ref), ref, 0)
    extents = tuple(extent for _, extent in definition.ranges)
    return once and ref.indices == reader.loops and extents == tuple(n for _, n in reader.ranges)


def _occurrences(value: Basic, ref: Ref) -> int:
    """How often a reference stands in an expression."""
    return sum(1 for node in preorder_traversal(value) if node == ref)


def size_lines(
    used: set[str], arguments: Sequence[Tensor], printer: NumpyPrinter
) -> tuple[list[str], list[str]]:
    """m, n = X.shape for the sizes that the body uses; and those that no argument tells."""
    lines: list[str] = []
    known: set[str] = set()
    wanted = set(used)
    for _ in range(2):
        for tensor in arguments:
            lines += _bare_sizes(tensor, wanted - known, known, printer)
        for tensor in arguments:
            lines += _solved_sizes(tensor, wanted, known, printer)
        wanted |= printer.scalars.used
    return lines, sorted(wanted - known)


def _bare_sizes(tensor: Tensor, wanted: set[str], known: set[str], printer: NumpyPrinter) -> list[str]:
    letters = [axis.size.name if isinstance(axis.size, Size) else "" for axis in tensor.axes]
    found = [letter for letter in dict.fromkeys(letters) if letter in wanted]
    known |= set(found)
    spelled = printer.name(tensor.name)
    if len(found) > 1 and len(set(letters)) == len(letters) and "" not in letters:
        return [f"{', '.join(letter if letter in found else '_' for letter in letters)} = {spelled}.shape"]
    return [f"{letter} = {_axis(spelled, letters.index(letter))}" for letter in found]


def _axis(spelled: str, place: int) -> str:
    return f"len({spelled})" if place == 0 else f"{spelled}.shape[{place}]"


def _solved_sizes(tensor: Tensor, wanted: set[str], known: set[str], printer: NumpyPrinter) -> list[str]:
    """An axis of size 4*c tells c."""
    lines = []
    for place, axis in enumerate(tensor.axes):
        unknown = [s for s in axis.size.free_symbols if isinstance(s, Size) and s.name not in known]
        if isinstance(axis.size, Size) or len(unknown) != 1 or unknown[0].name not in wanted:
            continue
        solution = _linear(axis.size, unknown[0])
        if solution is not None:
            slope, offset = solution
            whole = _axis(printer.name(tensor.name), place)
            whole = whole if offset == 0 else f"({whole} - {printer.scalars.code(offset).at(PRODUCT)})"
            lines.append(f"{unknown[0].name} = {whole} // {printer.scalars.code(slope).atom}")
            known.add(unknown[0].name)
    return lines


def _linear(size: Expr, unknown: Symbol) -> tuple[Expr, Expr] | None:
    if not size.is_polynomial(unknown):
        return None
    polynomial = Poly(size, unknown)
    return (
        (polynomial.coeff_monomial(unknown), polynomial.coeff_monomial(1))
        if polynomial.degree() == 1
        else None
    )


def dtype_line(arguments: Sequence[Tensor], printer: NumpyPrinter) -> list[str]:
    """dtype = X.dtype, of the first real array; of numbers, what NumPy makes of them."""
    real = [tensor for tensor in arguments if tensor.kind in (Kind.REAL, Kind.STATE)]
    reals = [tensor for tensor in real if tensor.axes]
    if real and not reals:
        return [f"dtype = np.result_type({', '.join(printer.name(tensor.name) for tensor in real)})"]
    plain = [tensor for tensor in reals if printer.name(tensor.name) == tensor.name] or reals
    return [f"dtype = {printer.name(plain[0].name)}.dtype"] if plain else ["dtype = np.float64"]
