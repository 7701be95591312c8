"""From a network, or a layer, to its folder of source.

Everything is rendered before anything is written, so an error leaves the folder as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from codegen.c.layer import render_c_layer
from codegen.c.module import render_c
from codegen.c.network import require_names
from codegen.description import render_description
from codegen.extents import size_names
from codegen.folder import write_folder
from codegen.names import require_name, require_prefix
from codegen.numpy.layer import render_numpy_layer
from codegen.numpy.module import render_numpy
from codegen.plan.collector import paused
from codegen.plan.pipeline import Watch, silent
from codegen.plan.plan import Plan, plan_layer, plan_network
from codegen.readme import render_init, render_readme
from codegen.targets import TARGETS
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.calculus.program.roles import require_elements, require_network, require_sizes, require_unmarked
from derive.calculus.program.soundness import require_sound, require_used
from derive.errors import DeriveError

DEFAULT_SIZE = 8
Tell = Callable[[str], None]


def ignored(_: str) -> None:
    """Tell nobody."""


def emit(
    network: Network, targets: Sequence[str], out: Path | str, watch: Watch = silent, tell: Tell = ignored
) -> list[Path]:
    """Write out/<name>/ and give the paths of its files; `tell` hears what is kept.

    A budget bounds what is emitted: the plain C, that of NumPy too, and the arena of the tuned C.
    """
    require_targets(targets)
    require_name(network.name, "the network")
    plan = plan_network(require_network(network), watch, bounded=set(targets) != {"tuned"})
    require_names(plan)
    files = render(plan, targets, watch)
    written = write_folder(Path(out) / network.name, files, _stale(network.name, files))
    tell(plan.memory.summary())
    return written


@paused()
def render(plan: Plan, targets: Sequence[str], watch: Watch = silent) -> dict[str, str]:
    """The text of every file of a network."""
    name = plan.network.name
    files = {"__init__.py": render_init(plan, targets)}
    arena: tuple[int, tuple[str, ...]] = (0, ())
    if "numpy" in targets:
        files[f"{name}.py"] = render_numpy(plan)
    if "c" in targets:
        files[f"{name}.h"], files[f"{name}.c"] = render_c(plan)
    if "tuned" in targets:
        from codegen.tuned.source.module import render_tuned  # many modules, for those who ask for them

        tuned = render_tuned(plan, watch)
        files |= {f"{name}.h": tuned.header, f"{name}_tuned.c": tuned.source}
        arena = tuned.bytes, tuned.again
    return {
        **files,
        f"{name}.json": render_description(plan, [target for target in TARGETS if target in targets]),
        "README.md": render_readme(plan, targets, arena),
    }


def emit_layer(
    program: Program,
    targets: Sequence[str],
    out: Path | str,
    sizes: Mapping[str, int] | None = None,
    with_: Sequence[str] = (),
    budget: int | None = None,
    watch: Watch = silent,
) -> list[Path]:
    """Write out/<name>/ with one layer's forward, vjp, jvp and the derivatives `with_` names, as ("hvp",).

    Sizes of C that are not given are 8; a budget bounds the bytes of its workspace.
    """
    require_targets(targets)
    name = require_prefix(program.name, "the layer")
    all_sizes = require_layer(program, sizes or {})
    plan = plan_layer(program, with_, all_sizes, budget, watch)
    files = {"__init__.py": f'"""{name}, alone: {", ".join(plan.programs)}."""\n'}
    if "numpy" in targets:
        files["__init__.py"] += f"\nfrom .{name} import *  # noqa: F403\n"
        files[f"{name}.py"] = render_numpy_layer(name, plan)
    if "c" in targets:
        files |= render_c_layer(plan, all_sizes)
    if "tuned" in targets:
        from codegen.tuned.source.layer_module import render_tuned_layer

        files |= render_tuned_layer(plan, all_sizes)
    return write_folder(Path(out) / name, files, _stale(name, files))


def require_layer(program: Program, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes of C for a layer that can be emitted, those not given 8; DeriveError for any other."""
    require_used(require_sound(program))
    require_unmarked(program)
    for tensor in program.tensors.values():
        require_prefix(tensor.name, f"tensor of layer {program.name!r}")
    letters = sorted(size_names(program))
    for letter in letters:
        require_prefix(letter, f"size of layer {program.name!r}")
    unknown = sorted(set(sizes) - set(letters))
    if unknown:
        raise DeriveError(
            f"layer {program.name!r} has no size {', '.join(unknown)}; its sizes are {', '.join(letters)}"
        )
    require_sizes(program.name, sizes)
    chosen = {letter: sizes.get(letter, DEFAULT_SIZE) for letter in letters}
    require_elements(program, chosen)
    return chosen


def require_targets(targets: Sequence[str]) -> None:
    """DeriveError for a target that does not exist, or none."""
    unknown = [target for target in targets if target not in TARGETS]
    if unknown or not targets:
        raise DeriveError(
            f"cannot emit for {', '.join(unknown) or 'no target'}; the targets are {', '.join(TARGETS)}"
        )


def _stale(name: str, files: Mapping[str, str]) -> list[str]:
    """Files of a target that an earlier build had and this one has not."""
    own = (f"{name}{ending}" for ending in (".py", ".h", ".c", "_tuned.c", ".json"))
    return [file for file in own if file not in files]
