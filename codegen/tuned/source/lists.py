"""The calls of a pass, each under its equations, and the pointers that a function's lines need."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Protocol

from codegen.c.letters import free_letter
from codegen.c.nest import comment
from codegen.c.source import identifiers
from codegen.tuned.groups.groups import Block, Nest, Step, Turns, groups_of, key_of, reads_of
from codegen.tuned.phase import Phase
from codegen.tuned.phases.gradients import ALL
from codegen.tuned.pipeline import Tuned
from codegen.tuned.spelling.scene import TAKEN, Scene, pointer
from codegen.tuned.storage import Stored
from derive.calculus.expressions.tensor import Size, Tensor
from derive.calculus.program.program import Equation

EXAMPLES = "examples"
"""The examples of a call, in what stores numbers: a compiler must take it that any of them may be `b->m`."""
OUTPUT = "x->at.to_"
WRITTEN = ("x->w", OUTPUT)
"""Where what a phase computes may lie."""


class Listed(Protocol):
    """A network, or a function of a layer: what its phases are called, and where its tensors lie."""

    @property
    def prefix(self) -> str:
        """What names of the file begin with."""
        ...

    @property
    def scene(self) -> Scene:
        """The tensors and the sizes."""
        ...

    @property
    def phases(self) -> Mapping[tuple[str, ...], Phase]:
        """The function of each group."""
        ...

    def panels(self, one: Phase) -> str:
        """Where a phase's packed factors lie."""
        ...


def calls(steps: tuple[Step, ...], t: Listed, first: bool = True) -> list[str]:
    """The calls of some steps; gradients that are given away are not among them."""
    read = {name for step in steps for name in reads_of(step)}
    lines: list[str] = []
    for tensor in t.moved if isinstance(t, Tuned) else ():
        assert isinstance(t, Tuned)
        if tensor.name in read and first:
            lines += [f"/* {tensor.name}, the examples side by side */", _side_by_side(tensor, t)]
    for step in steps:
        own = []
        for run in _runs(groups_of(step)):
            own += _run(run, t) if not unread_in_the_end(run[0], step, t) else _but_last(run, step, t)
        lines += _in_turn(step, own, t) if isinstance(step, Turns) else own
    return lines


def after_forward(t: Tuned) -> list[str]:
    """The calls of the loss; the forward pass is one of them where the loss begins with all of it."""
    forward, loss = t.lists["forward"], t.lists["loss"]
    read = {name for step in forward for name in reads_of(step)}
    if loss[: len(forward)] != forward or not {tensor.name for tensor in t.moved} <= read:
        return calls(loss, t)
    return ["FN(predicted)(x);", *calls(loss[len(forward) :], t, False)]


def _side_by_side(tensor: Tensor, t: Tuned) -> str:
    """The call that puts examples side by side: planes of rows of columns, each with its margin."""
    stored, sizes = t.scene.stored[tensor.name], t.c.sizes
    inner = range(1, len(tensor.axes))
    margins = [0, *(stored.margin(axis) for axis in inner)][-2:]
    columns = sizes.source_text(tensor.shape[-1])
    rows = sizes.source_text(tensor.shape[-2]) if len(inner) > 1 else "1"
    planes = sizes.product(tensor.shape[1:-2])
    user = f"&x->b->{tensor.name}" + "[0]" * len(tensor.axes)
    most = sizes.source_text(tensor.shape[0])
    return (
        f"FN(side_by_side)({user}, x->b->m, {planes}, {rows}, {columns}, {margins[0]}, {margins[1]}, "
        f"PAD({most}), x->w + AT_{tensor.name});"
    )


def _runs(groups: tuple[Nest, ...]) -> list[tuple[Nest, ...]]:
    """Groups of the same block together."""
    return [
        run
        for block, same in groupby(groups, lambda one: one.block)
        for members in [tuple(same)]
        for run in ([members] if block else [(one,) for one in members])
    ]


def _run(run: tuple[Nest, ...], t: Listed) -> list[str]:
    """The calls of a group, or of a block for each value of its loops."""
    own = [line for group in run for line in _call(t.phases[key_of(group)])]
    block = run[0].block
    if block is None:
        return own
    if block.portions > 1:
        return _in_portions(run, own, block, t)
    near = {e.name for group in run for e in group.equations if e.name in group.stored and _near(e, block, t)}
    said = f"/* One after the other, while {', '.join(sorted(near))} lie near: */"
    taken, heads, lines = set(TAKEN), [said, "SHARED"], []
    for place, (index, extent) in enumerate(run[0].first.ranges[: block.loops]):
        letter = free_letter(index, taken)
        taken.add(letter.name)
        stop = t.scene.extent(extent).replace("b->", "x->b->")
        heads.append(f"{'    ' * place}for (int {letter} = 0; {letter} < {stop}; {letter}++)")
        lines.append(f"x->outer[{place}] = {letter};")
    heads[-1] += " {"
    inner = "    " * block.loops
    return [*heads, *(inner + line for line in (*lines, *own)), f"{'    ' * (block.loops - 1)}}}"]


def _in_portions(run: tuple[Nest, ...], own: list[str], block: Block, t: Listed) -> list[str]:
    """The calls for each portion of the examples, as if there were no others."""
    near = {name for group in run for name in group.stored if t.scene.stored[name].portion is not None}
    most = f"({t.scene.size(batch_of(t))} + {block.portions - 1}) / {block.portions}"
    return [
        f"/* For each portion of the examples: {', '.join(sorted(near))} has room for one. */",
        "{",
        f"    const {t.prefix}_batch *const whole = x->b;",
        f"    {t.prefix}_batch portion = *whole;",
        "    x->b = &portion;",
        "    for (x->first = 0; x->first < whole->m; x->first += portion.m) {",
        f"        portion.m = SMALLER({most}, whole->m - x->first);",
        *(f"        {line}" for line in own),
        "    }",
        "    x->b = whole, x->first = 0;",
        "}",
    ]


def batch_of(t: Listed) -> Size:
    """The size that varies by call."""
    return Size(t.scene.sizes.batch)


def _near(equation: Equation, block: Block, t: Listed) -> bool:
    """Whether there is room for a single value of all loops of a block but the first."""
    axes = {equation.target.indices.index(index) for index in equation.loops[1 : block.loops]}
    return axes <= set(t.scene.stored[equation.name].single)


def _call(one: Phase) -> list[str]:
    if one.view:
        return list(comment((*one.equations, "is there already: the same numbers as they lie"), ""))
    return [] if one.gradient else [*comment(one.equations, ""), f"{called(one)};"]


def called(one: Phase, finish: str = "") -> str:
    """The call of a phase: one that is there once is given the tiles and the finish of the set."""
    if not one.once:
        return f"FN({one.name})(x)"
    return f"ONE({one.name})(x, KERNELS_{one.name}, {finish or f'FN({one.name}_finish)'})"


def unread_in_the_end(group: Nest, step: Step, t: Listed) -> bool:
    """Whether nothing reads what the last turn computes in a group: only turns after it would."""
    if not isinstance(step, Turns) or not isinstance(t, Tuned) or group.block is not None:
        return False
    plan, later = t.c.plan, step.groups[step.groups.index(group) :]
    outputs = {*plan.loss.outputs, *plan.vjp.outputs, *plan.jvp.outputs, plan.network.output}
    others = {name for steps in t.lists.values() for one in steps if one != step for name in reads_of(one)}
    read = outputs | others | {name for one in later for equation in one.equations for name in equation.reads}
    return not group.stored & read


def _but_last(run: tuple[Nest, ...], step: Step, t: Listed) -> list[str]:
    """The calls of a group in all turns but the last, whose values nothing reads."""
    assert isinstance(step, Turns)
    *said, call = _run(run, t)
    last = "x->turn > 0" if step.reverse else f"x->turn + 1 < {t.scene.extent(step.extent)}"
    return [*said, f"if ({last})", f"    {call}"]


def _in_turn(step: Turns, own: list[str], t: Listed) -> list[str]:
    """for (x.turn = 0; x.turn < L; x.turn++) { .. }"""
    extent = t.scene.extent(step.extent)
    forwards = f"for (x->turn = 0; x->turn < {extent}; x->turn++) {{"
    backwards = f"for (x->turn = {extent} - 1; x->turn >= 0; x->turn--) {{"
    return [backwards if step.reverse else forwards, *(f"    {line}" for line in own), "}"]


def given(tensor: Tensor, t: Tuned) -> str:
    """A gradient given to the finish: by its phase, or from the arena."""
    found = direct(tensor, t)
    name = t.c.name
    once = "FN" if t.together else "ONE"
    aim = (
        f"{once}(aim)(x, offsetof({name}_params, {tensor.name}), offsetof({name}_gradients, {tensor.name}));"
    )
    if found is not None:
        return f"{aim} {called(found, 'finish')};"
    return f"{aim} {once}(give)(x, x->w + AT_{tensor.name}_bar, {flat_size(tensor, t)}, finish);"


def gifts(t: Tuned) -> list[str]:
    """Every gradient given to the finish; in one call where all lie side by side."""
    if not t.together:
        return [given(one, t) for one in t.c.plan.trained]
    count = " + ".join(flat_size(tensor, t) for tensor in t.c.plan.trained)
    return [f"FN(aim)(x, 0, 0); FN(give)(x, x->w + AT_{ALL}, {count}, finish);"]


def direct(tensor: Tensor, t: Tuned) -> Phase | None:
    """The phase that computes a gradient tile by tile."""
    return next((one for one in t.phases.values() if one.gradient == f"{tensor.name}_bar"), None)


def flat_size(tensor: Tensor, t: Tuned) -> str:
    """How many numbers a gradient in the arena has."""
    return t.c.sizes.product(tensor.shape)


def pointers(lines: Iterable[str], t: Listed, one: Phase | None = None) -> list[str]:
    """The local pointers that some lines need, and the index of the turn."""
    words = identifiers(lines)
    text = "\n".join(lines)
    found = [f"    const {t.prefix}_batch *b = x->b;"] if "b->" in text else []
    if EXAMPLES in words:
        found.append(f"    const int {EXAMPLES} = x->b->m;")
    for name, stored in t.scene.stored.items():
        if pointer(name) not in words:
            continue
        kind = "int32_t" if stored.integer else "real"
        const = "" if stored.start.startswith(WRITTEN) else "const "
        star = "" if stored.number else "*"
        beyond = _beyond(stored, t) if one is not None and one.portioned else ""
        until = _until(name, stored)
        found.append(f"    {const}{kind} {star}{pointer(name)} = {stored.start}{beyond};{until}")
    if one is not None and one.turn and one.turn in words:
        found.insert(0, f"    const int {one.turn} = x->turn;")
    if one is not None and "panels" in words:
        found.append(f"    real *panels = {t.panels(one)};")
    return found


def _until(name: str, stored: Stored) -> str:
    """What is said of a value in the place of an output."""
    output = stored.start.removeprefix(OUTPUT)
    return f" /* until {output} is there */" if output not in (stored.start, name) else ""


def _beyond(stored: Stored, t: Listed) -> str:
    """What lies before the first example of a portion."""
    axes = [axis for axis, extent in enumerate(stored.tensor.shape) if extent == batch_of(t)]
    if not axes or stored.portion is not None:
        return ""
    stride = stored.stride(axes[0], t.scene.size)
    return f" + x->first * ({stride})" if "+" in stride else f" + x->first * {stride}"


def counted(lines: Iterable[str]) -> list[str]:
    """Lines that read the number of examples once, whatever they store meanwhile."""
    return [re.sub(r"\bb->m\b", EXAMPLES, line) for line in lines]


def phase_context(one: Phase, t: Listed, cold: bool) -> Mapping[str, object]:
    """What the template needs of a phase."""
    lines, finish = one.lines if one.once else counted(one.lines), counted(one.finish)
    return {
        "cold": cold,
        "small": one.small,
        "name": one.name,
        "comment": "\n".join(comment(one.equations, "")),
        "finish": finish,
        "finish_pointers": pointers(finish, t, one),
        "once": one.once,
        "given": _given(one),
        "pointers": pointers(lines, t, one),
        "lines": list(lines),
    }


def _given(one: Phase) -> str:
    """The parameters of a phase that is there once."""
    kind = "dots" if one.dots else "kernel"
    return f", const ONE({kind}) *kernels, ONE(finish) *finish"
