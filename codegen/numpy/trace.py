"""trace: every forward equation as it is defined, one value after the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from codegen.passes.masks import unmasked
from codegen.plan.plan import Plan
from codegen.printers.to_numpy import NumpyPrinter
from codegen.statements.alike import Known
from codegen.statements.function import Body, dtype_line, laid_out, size_lines
from codegen.statements.lines import Line, NumpyLines
from derive.calculus.program.program import equations_of


def trace_body(plan: Plan, names: Mapping[str, str], known: Known) -> Body:
    """The body of trace."""
    printer = NumpyPrinter(names)
    lines = list(_traced(plan, printer, known))
    arguments = [*(s.tensor for s in plan.batch), *(owned.tensor for owned in plan.parameters)]
    sizes, _ = size_lines(printer.scalars.used, arguments, printer)
    head = [*sizes, *(dtype_line(arguments, printer) if printer.uses_dtype else [])]
    body = laid_out([*(Line(text) for text in head), *lines])
    return Body(tuple(body), (), frozenset(printer.functions))


def _traced(plan: Plan, printer: NumpyPrinter, known: Known) -> Iterator[Line]:
    program = unmasked(plan.network.program)
    writer = NumpyLines(program, printer, known=known)
    for statement in program.statements:
        yield from writer.statements([statement])
        for name in dict.fromkeys(one.name for one in equations_of(statement)):
            yield Line(f'yield "{name}", {name}')
