"""From a network, or a layer, to its folder of source.

Everything is rendered before anything is written, so an error leaves the folder as it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from codegen.c_layer import render_c_layer, size_names
from codegen.c_module import render_c
from codegen.c_network import require_names
from codegen.description import render_description
from codegen.folder import write_folder
from codegen.names import require_name, require_prefix
from codegen.plan import Plan, plan_layer, plan_network
from codegen.readme import render_init, render_readme
from derive.calculus.network import Network
from derive.calculus.program import Program
from derive.errors import DeriveError

TARGETS = ("numpy", "c")
DEFAULT_SIZE = 8


def emit(network: Network, targets: Sequence[str], out: Path | str) -> list[Path]:
    """Write out/<name>/ and give the paths of its files."""
    require_targets(targets)
    require_name(network.name, "the network")
    plan = plan_network(network)
    require_names(plan)
    files = render(plan, targets)
    return write_folder(Path(out) / network.name, files, _stale(network.name, files))


def render(plan: Plan, targets: Sequence[str]) -> dict[str, str]:
    """The text of every file of a network."""
    name = plan.network.name
    files = {"__init__.py": render_init(plan, targets)}
    if "numpy" in targets:
        from codegen.numpy_module import render_numpy

        files[f"{name}.py"] = render_numpy(plan)
    if "c" in targets:
        files[f"{name}.h"], files[f"{name}.c"] = render_c(plan)
    return {
        **files,
        f"{name}.json": render_description(plan, [target for target in TARGETS if target in targets]),
        "README.md": render_readme(plan, targets),
    }


def emit_layer(
    program: Program, targets: Sequence[str], out: Path | str, sizes: Mapping[str, int] | None = None
) -> list[Path]:
    """Write out/<name>/ with one layer's forward, vjp and jvp; sizes of C that are not given are 8."""
    require_targets(targets)
    name = require_prefix(program.name, "the layer")
    plan = plan_layer(program)
    files = {"__init__.py": f'"""{name}, alone: forward, vjp, jvp."""\n'}
    if "numpy" in targets:
        from codegen.numpy_layer import render_numpy_layer

        files["__init__.py"] += f"\nfrom .{name} import *  # noqa: F403\n"
        files[f"{name}.py"] = render_numpy_layer(name, plan)
    if "c" in targets:
        all_sizes = {size: (sizes or {}).get(size, DEFAULT_SIZE) for size in size_names(program)}
        files |= render_c_layer(plan, all_sizes)
    return write_folder(Path(out) / name, files, _stale(name, files))


def require_targets(targets: Sequence[str]) -> None:
    """DeriveError for a target that does not exist, or none."""
    unknown = [target for target in targets if target not in TARGETS]
    if unknown or not targets:
        raise DeriveError(
            f"cannot emit for {', '.join(unknown) or 'no target'}; the targets are {', '.join(TARGETS)}"
        )


def _stale(name: str, files: Mapping[str, str]) -> list[str]:
    """Files of a target that an earlier build had and this one has not."""
    return [f"{name}.{ending}" for ending in ("py", "h", "c", "json") if f"{name}.{ending}" not in files]
