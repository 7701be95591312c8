"""A plan to the text of <name>_tuned.c."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from codegen.c_header import banner
from codegen.c_module import render_header, templates
from codegen.c_network import CNetwork, c_network
from codegen.c_prototypes import head, update_heads
from codegen.c_source import checks, identifiers, inits, macros, predict_sizes, source_checkpoint
from codegen.nest import comment
from codegen.plan import Plan
from codegen.printers.to_c import Used
from codegen.tuned.arena import Arena, Lifetime, arena
from codegen.tuned.contraction import zeros_of
from codegen.tuned.functions import ITEMS, functions_context, of_the_set
from codegen.tuned.fusion import Group, Step, Turns, fused, groups_of, names_of, reads_of
from codegen.tuned.kernels import kernel_lines
from codegen.tuned.layout import innermost, moved
from codegen.tuned.phases import Phase, phase
from codegen.tuned.scene import Scene, pointer
from codegen.tuned.storage import Stored
from codegen.tuned.tiles import MOST_ROWS
from codegen.tuned.updates import update_context
from codegen.vector_math.kernel_sets import KERNEL_SETS
from derive.calculus.tensor import Kind, Tensor


@dataclass(frozen=True)
class Tuned:
    """A network's steps in order, the phases of each, and where everything lies."""

    c: CNetwork
    lists: Mapping[str, tuple[Step, ...]]
    phases: Mapping[tuple[str, ...], Phase]
    arenas: Mapping[int, Arena]
    scene: Scene
    moved: tuple[Tensor, ...] = ()


def render_tuned(plan: Plan) -> tuple[str, str]:
    """<name>.h, whose workspace holds either implementation, and <name>_tuned.c."""
    c = c_network(plan)
    t = tuned(c)
    source = templates().get_template("tuned/network.c.jinja").render(context(t))
    return render_header(c, _more(t)), source


def _more(t: Tuned) -> int:
    """The reals by which the arena exceeds the named members of the workspace, aligned; at least one."""
    plan = t.c.plan
    named = sum(elements(plan, member.tensor, member.one_example) for member in t.c.members.values())
    named += sum(elements(plan, tensor) for tensor in plan.trained)
    return max(1, *(found.reals + 64 // item - named for item, found in t.arenas.items()))


def elements(plan: Plan, tensor: Tensor, one_example: bool = False) -> int:
    """How many numbers a tensor, or one example of it, holds."""
    return prod(plan.size(extent) for extent in tensor.shape[1 if one_example else 0 :])


def tuned(c: CNetwork) -> Tuned:
    """The tuned form of a network."""
    plan = c.plan
    loss = fused(plan.loss.statements, (*plan.loss.outputs, plan.network.output))
    pullback = fused(plan.vjp.statements, plan.vjp.outputs)
    pushed = fused(plan.jvp.statements, plan.jvp.outputs)
    lists = {"loss": loss, "vjp": pullback, "forward": _ancestors(loss, plan.network.output), "jvp": pushed}
    equations = [e for steps in (loss, pullback, pushed) for step in steps for e in step.equations]
    stored = _stored(plan)
    inside = innermost(equations, stored, plan.batch_size)
    moved_data = tuple(s.tensor for s in plan.batch if s.tensor.name in inside)
    stored = {name: _placed(one, name in inside) for name, one in stored.items()}
    scene = Scene(plan.network.name, c.sizes, stored, Used(), Used())
    gradients = frozenset(f"{t.name}_bar" for t in plan.trained)
    phases: dict[tuple[str, ...], Phase] = {}
    zeros = zeros_of(equations)
    for step in (*loss, *pullback, *pushed):
        for group in groups_of(step):
            phases[_key(group)] = phase(group, scene, gradients if step in pullback else frozenset(), zeros)
    arenas = {item: _arena(plan, (*loss, *pullback), pushed, phases, stored, item) for item in ITEMS}
    return Tuned(c, lists, _named(phases), arenas, scene, moved_data)


def _placed(stored: Stored, inside: bool) -> Stored:
    """With the examples innermost, in the arena, or as it was."""
    return replace(moved(stored), start=f"x->w + AT_{stored.tensor.name}") if inside else stored


def _key(step: Group) -> tuple[str, ...]:
    return (*(str(equation) for equation in step.equations), *sorted(step.stored))


def _named(phases: Mapping[tuple[str, ...], Phase]) -> dict[tuple[str, ...], Phase]:
    """Phases with names of their own: two of one name are numbered."""
    found: dict[tuple[str, ...], Phase] = {}
    taken: set[str] = set()
    for key, one in phases.items():
        name, number = one.name, 2
        while name in taken:
            name, number = f"{one.name}_{number}", number + 1
        taken.add(name)
        lines = tuple(line.replace(f"FN({one.name}_finish)", f"FN({name}_finish)").replace(f"KERNELS_{one.name};", f"KERNELS_{name};") for line in one.lines)
        found[key] = replace(one, name=name, lines=lines)
    return found


def _ancestors(steps: tuple[Step, ...], output: str) -> tuple[Step, ...]:
    """The steps that an output needs."""
    needed_names = {output}
    kept: list[Step] = []
    for step in reversed(steps):
        if names_of(step) & needed_names:
            kept.append(step)
            needed_names |= reads_of(step)
    return tuple(reversed(kept))


def _stored(plan: Plan) -> dict[str, Stored]:
    """Where every tensor lies."""
    found: dict[str, Stored] = {}
    for owned in plan.parameters:
        t = owned.tensor
        found[t.name] = Stored(t, f"&x->p->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False)
    for t in plan.trained:
        dot = Tensor(f"{t.name}_dot", t.axes)
        found[dot.name] = Stored(dot, f"&x->p_dot->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False)
    for supplied in plan.batch:
        t = supplied.tensor
        integer = t.kind is not Kind.REAL
        found[t.name] = Stored(t, f"&x->b->{t.name}" + "[0]" * len(t.axes), tuple(range(len(t.axes))), False, integer)
    bar = f"{plan.network.loss}_bar"
    programs = (plan.loss, plan.vjp, plan.jvp)
    for t in (*(t for program in programs for t in program.locals), Tensor(bar, ())):
        if t.name not in found:
            flat = t.name in {f"{one.name}_bar" for one in plan.trained}
            found[t.name] = Stored(t, f"x->w + AT_{t.name}", tuple(range(len(t.axes))), bool(t.axes) and not flat)
    return found


def _arena(
    plan: Plan,
    steps: tuple[Step, ...],
    pushed: tuple[Step, ...],
    phases: Mapping[tuple[str, ...], Phase],
    stored: Mapping[str, Stored],
    item: int,
) -> Arena:
    """Offsets of all that lies in the arena; what a gradient needs stays until the end of the step."""
    every = (*steps, *pushed)
    span: dict[str, tuple[int, int]] = {}
    end = len(steps)
    kept = {name for one in phases.values() if one.operands for name in one.operands}
    outputs = {plan.network.loss, f"{plan.network.loss}_bar", f"{plan.network.loss}_dot", plan.network.output}
    for number, step in enumerate(every):
        for name in {n for group in groups_of(step) for n in group.stored | group.reads}:
            if name in stored and stored[name].start.startswith("x->w"):
                start, stop = span.get(name, (number, number))
                late = name in outputs or (number < end and (name in kept or name.endswith("_bar")))
                span[name] = (min(start, number), max(stop, len(every) if name in outputs else end if late else number))
    gradients = {f"{t.name}_bar" for t in plan.trained} - {one.gradient for one in phases.values()}
    lives = []
    for name, (start, stop) in span.items():
        if any(one.gradient == name for one in phases.values()):
            continue
        size = stored[name].reals(plan.size, item)
        lives.append(Lifetime(name, size, 0 if name in outputs else start, stop if name not in gradients else max(stop, end)))
    room = max((_panel_reals(one, plan, item) for one in phases.values()), default=0)
    return arena([*lives, *([Lifetime("panels", room, 0, len(every))] if room else [])])


def _panel_reals(one: Phase, plan: Plan, item: int) -> int:
    """The room of packed panels for the widest vectors."""
    if not one.panels:
        return 0
    *others, columns = (plan.size(extent) for extent in (*one.panels[: one.sums], *one.panels[one.sums + 1 :], one.panels[one.sums]))
    step = 64 // item
    count = -(-columns // step) * step
    for other in others:
        count *= other
    return count


def context(t: Tuned) -> dict[str, Any]:
    """What the template is filled with."""
    plan, c, name = t.c.plan, t.c, t.c.name
    phases = list(t.phases.values())
    bounded = _bounded(t)
    updates = [update_context(update, text, plan, t.scene, heads=update_heads(plan, text)) for update, text in zip(plan.updates, c.updates, strict=True)]
    names = _listed_names(t)
    rows, classes = predict_sizes(c)
    steps = (*t.lists["loss"], *t.lists["vjp"])
    hot = {_key(group) for step in steps for group in groups_of(step)}
    cold = set(t.phases) - hot
    return {
        "p": name,
        "P": name.upper(),
        "banner": banner(c),
        "macros": macros(_library(t)),
        "sizes": [{"constant": c.sizes.constant(s), "value": v} for s, v in c.sizes.values.items()],
        "constants": _constants(c),
        "arenas": [_arena_lines(t, item) for item in ITEMS],
        "sets": [{**one.__dict__, "width_of_choice": place + 1} for place, one in enumerate(KERNEL_SETS)],
        "updates": updates,
        "most": c.sizes.source_text(plan.batch_size),
        "laws": {parameter.law.value for parameter in plan.network.parameters},
        "inits": inits(c),
        "data_checks": checks(plan.data, c),
        "label_checks": checks(plan.labels, c),
        "heads": {key: head(plan, key) for key in ("forward", "loss", "vjp", "jvp", "predict")},
        "predict": {"regression": plan.network.task != "classification", "rows": rows, "classes": classes},
        "output": plan.network.output,
        "loss": plan.network.loss,
        "row_macros": _row_macros(),
        "vector_macros": _vector_macros(),
        "tiles": _tile_groups(t),
        "most_sums": 4 * MOST_ROWS,
        **functions_context(t.scene.called, name),
        "phases": [_phase(one, t, key in cold) for key, one in t.phases.items()],
        "lists": {
            **{key: _list(steps, t) for key, steps in t.lists.items() if key != "vjp"},
            "pulled": _list(t.lists["vjp"], t, False),
            "given": [_given(one, t) for one in plan.trained],
        },
        "dots": any(one.dots for one in phases),
        "inner_data": bool(t.moved),
        "aimed": bool(plan.trained),
        "flat_gradients": any(_direct(one, t) is None for one in plan.trained),
        "bounded": bounded,
        "bounded_pointers": _pointers(bounded, t),
        **source_checkpoint(c),
    }


def _library(t: Tuned) -> Used:
    """The functions of libm that single numbers need, those of a step's own numbers included."""
    once = "\n".join(line for text in t.c.updates for line in text.once)
    return Used({*t.scene.used.macros, *(name for name in t.c.used.macros if f"{name.upper()}(" in once)}, set())


def _listed_names(t: Tuned) -> set[str]:
    return {one.name for one in t.phases.values()}


def _constants(c: CNetwork) -> list[str]:
    found = ", ".join(f"{short} = {long}" for short, long in c.sizes.short_names.items())
    return [f"enum {{ {found} }};"]


def _arena_lines(t: Tuned, item: int) -> Mapping[str, Any]:
    """enum { AT_Z2 = 0, .. } for one size of real."""
    found = t.arenas[item]
    directive = f"#ifndef {t.c.name.upper()}_DOUBLE" if item == 4 else "#else"
    lines = [f"AT_{name} = {at}," for name, at in found.offsets.items()]
    lines.append(f"ARENA_REALS = {found.reals}")
    lines = ["\n    ".join(lines)]
    return {"directive": directive, "lines": lines}


def _row_macros() -> list[str]:
    lines = ["#define ROWS_1(DO) DO(0)"]
    return lines + [f"#define ROWS_{r}(DO) ROWS_{r - 1}(DO) DO({r - 1})" for r in range(2, MOST_ROWS + 1)]


def _vector_macros() -> list[str]:
    lines = []
    for v in range(1, 7):
        every = range(v)
        columns = ", ".join(f"b{k} = load(b{f' + {k} * column_' if k > 1 else ' + column_' if k else ''})" for k in every)
        zero = ", ".join(f"c##r##_{k} = {{0}}" for k in every)
        loads = ", ".join(f"b{k} = load(b{f' + {k} * LANES' if k > 1 else ' + LANES' if k else ''})" for k in every)
        adds = " ".join(f"c##r##_{k} = fma_(a_, b{k}, c##r##_{k});" for k in every)
        keeps = " ".join(f"c[(r) * {v} + {k}] = c##r##_{k};" for k in every)
        lines += [
            f"#define ZERO_{v}(r) vec {zero};",
            f"#define LOAD_{v} const vec {loads};",
            f"#define ADD_{v}(r) {{ const vec a_ = all(a[(r) * row_]); {adds} }}",
            f"#define KEEP_{v}(r) {keeps}",
            f"#define LOAD_DOTS_{v} const vec {columns};",
            f"#define ADD_DOTS_{v}(r) {{ const vec a_ = load(a + (r) * row_); {adds} }}",
        ]
    return lines


def _tile_groups(t: Tuned) -> list[Mapping[str, Any]]:
    """The tiles of each set, for float and double, and which of them each contraction uses."""
    groups = []
    for one in KERNEL_SETS:
        for item in ITEMS:
            test = of_the_set(one.name, t.c.name, item)
            lines = kernel_lines([p for p in t.phases.values() if p.walk], t.c.plan, one, item)
            groups.append({"directive": f"#{'elif' if groups else 'if'} {test}", "lines": lines})
    return groups


def _pointers(lines: Iterable[str], t: Tuned, turn: str = "") -> list[str]:
    """The local pointers that some lines need, and the index of the turn."""
    words = identifiers(lines)
    text = "\n".join(lines)
    found = [f"    const {t.c.name}_batch *b = x->b;"] if "b->" in text else []
    for name, stored in t.scene.stored.items():
        if pointer(name) not in words:
            continue
        kind = "int32_t" if stored.integer else "real"
        const = "" if stored.start.startswith("x->w") else "const "
        found.append(f"    {const}{kind} *{pointer(name)} = {stored.start};")
    if turn and turn in words:
        found.insert(0, f"    const int {turn} = x->turn;")
    if "panels" in words:
        found.append("    real *panels = x->w + AT_panels;")
    return found


def _phase(one: Phase, t: Tuned, cold: bool) -> Mapping[str, Any]:
    return {
        "cold": cold,
        "name": one.name,
        "comment": "\n".join(comment(one.equations, "")),
        "finish": list(one.finish),
        "finish_pointers": _pointers(one.finish, t, one.turn),
        "gradient": one.gradient,
        "pointers": _pointers(one.lines, t, one.turn),
        "lines": list(one.lines),
    }


def _list(steps: tuple[Step, ...], t: Tuned, first: bool = True) -> list[str]:
    """The calls of some steps; gradients that are given away are not among them."""
    read = {name for step in steps for name in reads_of(step)}
    lines: list[str] = []
    for tensor in t.moved:
        if tensor.name in read and first:
            count = t.c.sizes.product(tensor.shape[1:])
            most = t.c.sizes.source_text(tensor.shape[0])
            lines += [
                f"/* {tensor.name}, the examples side by side */",
                f"FN(side_by_side)(&x->b->{tensor.name}" + "[0]" * len(tensor.axes) + f", x->b->m, {count}, PAD({most}), x->w + AT_{tensor.name});",
            ]
    for step in steps:
        calls = [line for group in groups_of(step) for line in _call(t.phases[_key(group)])]
        lines += _in_turn(step, calls, t) if isinstance(step, Turns) else calls
    return lines


def _call(one: Phase) -> list[str]:
    return [] if one.gradient else [*comment(one.equations, ""), f"FN({one.name})(x);"]


def _in_turn(step: Turns, calls: list[str], t: Tuned) -> list[str]:
    """for (x.turn = 0; x.turn < L; x.turn++) { .. }"""
    extent = t.scene.extent(step.extent)
    forwards = f"for (x->turn = 0; x->turn < {extent}; x->turn++) {{"
    backwards = f"for (x->turn = {extent} - 1; x->turn >= 0; x->turn--) {{"
    return [backwards if step.reverse else forwards, *(f"    {line}" for line in calls), "}"]


def _direct(tensor: Tensor, t: Tuned) -> Phase | None:
    return next((one for one in t.phases.values() if one.gradient == f"{tensor.name}_bar"), None)


def _flat(tensor: Tensor, t: Tuned) -> str:
    """How many numbers a gradient in the arena has."""
    return t.c.sizes.product(tensor.shape)


def _given(tensor: Tensor, t: Tuned) -> str:
    """A gradient given to the finish: by its phase, or from the arena."""
    found = _direct(tensor, t)
    name = t.c.name
    aim = f"FN(aim)(x, offsetof({name}_params, {tensor.name}), offsetof({name}_gradients, {tensor.name}));"
    if found is not None:
        return f"{aim} FN({found.name})(x, finish);"
    return f"{aim} FN(give)(x, x->w + AT_{tensor.name}_bar, {_flat(tensor, t)}, finish);"


def _bounded(t: Tuned) -> list[str]:
    """Refusals of what may not be finite."""
    plan = t.c.plan
    lines = [f"if (!(*{pointer(plan.network.loss)} - *{pointer(plan.network.loss)} == 0))", "    return 0;"]
    for tensor in plan.trained:
        if _direct(tensor, t) is None:
            lines += [
                f"if (!(FN(magnitude)({pointer(f'{tensor.name}_bar')}, 1, {_flat(tensor, t)}, 0) <= REAL_MAX))",
                "    return 0;",
            ]
    done: list[str] = []
    for one in t.phases.values():
        if one.operands is None:
            continue
        for name in one.operands:
            if name not in done:
                done.append(name)
                lines.append(f"const real most_{name} = {_magnitude(name, t)};")
        left, right = one.operands
        terms = t.scene.scalar().real(one.terms)
        lines += [f"if (!(most_{left} * most_{right} * {terms} <= REAL_MAX / 4))", "    return 0;"]
    return lines


def _magnitude(name: str, t: Tuned) -> str:
    stored = t.scene.stored[name]
    scalar = t.scene.scalar()
    rows = " * ".join(scalar.integer(stored.tensor.shape[axis], 8) for axis in stored.order[:-1]) or "1"
    return f"FN(magnitude)({pointer(name)}, {rows}, {scalar.integer(stored.tensor.shape[stored.order[-1]])}, {stored.row(t.scene.size)})"

