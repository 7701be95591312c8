"""A program to the body of a C function: sweeps over the examples, and nests between them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sympy import Expr

from codegen.accumulation import ACCUMULATED, accumulation
from codegen.c.alike import alike_nest
from codegen.c.frame import Frame
from codegen.c.letters import free_letter, lettered
from codegen.c.loops import nested
from codegen.c.nest import Blank, Comment, Line, Loop, Node
from codegen.c.nests import Nest, added, equation_loops, equation_nest, finished
from codegen.c.places import Place, Places
from codegen.c.rows import bound_rows, declarations
from codegen.plan.sweeps import Kind, Placed
from codegen.printers.to_c import ToC
from codegen.printers.to_text import equation_text, statement_text
from derive.calculus.expressions.tensor import Index
from derive.calculus.program.program import Equation, Recurrence


def function_body(frame: Frame) -> list[Node]:
    """Every stage of the program, in paragraphs."""
    nodes: list[Node] = []
    for stage in frame.sweeps.stages:
        paragraphs = [_sweep(frame, stage)] if stage[0].kind is not Kind.WHOLE else []
        paragraphs += [_whole(frame, one) for one in stage if one.kind is Kind.WHOLE]
        for paragraph in paragraphs:
            nodes += [*([Blank()] if nodes else []), *paragraph]
    return nodes


def _whole(frame: Frame, placed: Placed) -> list[Node]:
    if isinstance(placed.statement, Recurrence):
        return _recurrence(frame, placed.statement)
    equation = lettered(placed.statement, frame.letters_taken)
    nest = Nest(equation, equation.ranges, frame.to_c(), frame.one_number(equation))
    comment, *loops = alike_nest(nest, Places(frame.places, {}), frame.nests)
    return [comment, *_zeros(frame, equation, frame.to_c()), *loops]


def _recurrence(frame: Frame, statement: Recurrence) -> list[Node]:
    index = free_letter(statement.index, frame.letters_taken)
    to_c = frame.to_c(extents={index: statement.extent})
    body: list[Node] = []
    for one in statement.equations:
        equation = lettered(one, frame.letters_taken, {statement.index: index})
        body += [*([Blank()] if body else []), *equation_nest(Nest(equation, equation.ranges, to_c))]
    head = statement_text(replace(statement, index=index, equations=()))[0]
    stop = to_c.integer(statement.extent)
    loop = Loop(str(index.name), stop, tuple(body), reverse=statement.reverse)
    numbers = dict.fromkeys(one.name for one in statement.equations if frame.one_number(one))
    return [Comment((head.rstrip(":"),)), *(Line(f"real {name};") for name in numbers), loop]


def _sweep(frame: Frame, stage: tuple[Placed, ...]) -> list[Node]:
    """The loop over the examples, with what must be zero before it and be finished after it."""
    assert frame.batch is not None
    row = free_letter(next(one.row for one in stage if one.row is not None), frame.letters_taken)
    equations = [_in_row(frame, one, row) for one in stage]
    rows = bound_rows(frame, equations, row)
    to_c = frame.to_c(rows, {row: frame.batch})
    before: list[Node] = []
    body: list[Node] = declarations(frame, equations, rows, row)
    after: list[Node] = []
    for one, equation in zip(stage, equations, strict=True):
        body += [Blank()] if body else []
        if one.kind is Kind.ROW:
            body += _row(frame, equation, row, rows)
            continue
        start, inside, finish = _row_sum(frame, equation, row, to_c)
        before += start
        body += inside
        after += finish
    return [*before, Loop(str(row.name), to_c.integer(frame.batch), tuple(body)), *after]


def _in_row(frame: Frame, placed: Placed, row: Index) -> Equation:
    """The equation with the letters of this sweep."""
    assert isinstance(placed.statement, Equation)
    assert placed.row is not None
    return lettered(placed.statement, frame.letters_taken, {placed.row: row})


def _row(frame: Frame, equation: Equation, row: Index, rows: Mapping[str, Place]) -> list[Node]:
    """An equation of one example; a number of it is a local variable, kept where it is read later."""
    assert frame.batch is not None
    to_c = frame.to_c(rows, {row: frame.batch})
    ranges = tuple((index, extent) for index, extent in equation.ranges if index != row)
    number = len(equation.target.indices) == 1 and not equation.accumulates
    nest = Nest(equation, ranges, to_c, local=number)
    comment, *loops = alike_nest(nest, Places(frame.places, rows), frame.nests)
    zeros = _zeros(frame, equation, to_c, row)
    kept = frame.places[equation.name]
    local = to_c.element(equation.target, to_c)
    stored = kept.element(equation.target.indices, to_c)
    return [comment, *zeros, *loops, *([Line(f"{stored} = {local};")] if number and stored != local else [])]


def _row_sum(
    frame: Frame, equation: Equation, row: Index, to_c: ToC
) -> tuple[list[Node], list[Node], list[Node]]:
    """What a sum over the examples does before, in and after the sweep."""
    outside = frame.to_c()
    comment = Comment((equation_text(equation),))
    if equation.accumulates:
        ranges = tuple((index, extent) for index, extent in equation.ranges if index != row)
        return _zeros(frame, equation, outside), [comment, *equation_loops(Nest(equation, ranges, to_c))], []
    form = accumulation(equation.value)
    assert form is not None
    nest = Nest(equation, equation.ranges, to_c)
    declared = "real " if frame.one_number(equation) else ""
    start = outside.within(dict(equation.ranges)).real(form.start)
    before = nested(equation.ranges, [Line(f"{declared}{nest.target} = {start};")], outside)
    inside: list[Node] = [comment]
    for term in form.terms:
        own = tuple((index, extent) for index, extent in term.ranges if index != row)
        inside += added(replace(nest, ranges=()), term, (*own, *equation.ranges))
    if form.finish == ACCUMULATED:
        return before, inside, []
    line = finished(nest.target, form.finish, outside.within(dict(equation.ranges)))
    return before, inside, nested(equation.ranges, [line], outside)


def _zeros(frame: Frame, equation: Equation, to_c: ToC, row: Index | None = None) -> list[Node]:
    """What a scatter adds to starts at zero."""
    if not equation.accumulates or equation.name in frame.zeroed:
        return []
    frame.zeroed.add(equation.name)
    tensor = frame.tensors[equation.name]
    taken = frame.letters_taken | ({row.name} if row is not None else set())
    loops: list[tuple[Index, Expr]] = []
    for axis in tensor.axes[1:] if row is not None else tensor.axes:
        index = free_letter(Index("i"), taken | {i.name for i, _ in loops})
        loops.append((index, axis.size))
    place = (row, *(i for i, _ in loops)) if row is not None else tuple(i for i, _ in loops)
    element = to_c.element(equation.target.func(equation.target.args[0], *place), to_c)
    return nested(tuple(loops), [Line(f"{element} = 0;")], to_c)
