"""Random programs as networks: tuned C of every kernel set, plain C, and NumPy with fresh or planned buffers.

The driver of the tuned tests puts guards around every array, at an odd multiple of the size of a number, and
fills the workspace with NaN before every call. 12 programs in every run, 1,000 with `-m long`.

What failed once, by its seed, fails no more; where the fault is gone is said in NETWORKS.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from codegen.emit import render
from codegen.numpy.module import render_numpy
from codegen.plan.plan import Plan, plan_network
from derive.calculus.program.network import Network
from tests.codegen.emitted_c import COMPILERS, run, write
from tests.codegen.tuned.driven import SETS, driver, output, tensors
from tests.random_programs.as_network import as_network
from tests.random_programs.drawing import random_specification
from tests.random_programs.networks import NETWORKS
from tests.random_programs.specification import Specification
from tests.random_programs.trial import Unsuitable

pytestmark = [pytest.mark.compiler, pytest.mark.skipif(not COMPILERS, reason="no C compiler")]
FEW, MANY, BATCH = 12, 1_000, 19
BOUND = {"double": 1e-8, "float": 2e-2}
COTANGENT = 0.7  # the driver's
Arrays = dict[str, np.ndarray]


def wrong(seed: int, folder: Path, given: Specification | None = None) -> list[str]:
    """Where the implementations of a seed's network, or of one given, differ; Unsuitable where it is none."""
    name, specification = f"r{seed}", given or random_specification(seed)
    network = as_network(specification, name, seed)
    plan = plan_network(network)
    files = render(plan, ("c", "tuned"))
    write(folder, {**files, "driver.c": driver(plan, files[f"{name}.h"])})
    right = _printed(folder, name, f"{name}.c", network.most, "double")
    if right is None or not all(np.isfinite(array).all() for array in right.values()):
        raise Unsuitable("a step that is not finite")
    found = _numpy_against(right, plan, as_network(specification, name, seed, "planned"))
    for place, (kernels, choice) in enumerate(SETS.items()):
        for item in ("double", "float") if (seed + place) % 2 else ("double",):
            flag = f"-D{name.upper()}_SET={choice}"
            tuned = _printed(folder, name, f"{name}_tuned.c", network.most, item, flag)
            found += [f"{kernels} {item}: refused"] if tuned is None else []
            found += [f"{kernels} {item}: {one}" for one in _differing(tuned or {}, right, item)]
    return found


def _printed(folder: Path, name: str, source: str, most: int, item: str, *flags: str) -> Arrays | None:
    """What the driver prints of a source; None where a step is refused, as not finite."""
    own = (*flags, f"-D{name.upper()}_DOUBLE") if item == "double" else flags
    out = folder / "program"
    run(
        COMPILERS[0],
        "-O0",
        "-std=gnu11",
        "-DREGRESSION",
        *own,
        folder / source,
        folder / "driver.c",
        "-o",
        out,
        "-lm",
    )
    try:
        return tensors(output(out, most), item)
    except AssertionError as error:
        if "refused" not in str(error):
            raise
        return None


def _differing(found: Arrays, right: Arrays, item: str) -> list[str]:
    """Which arrays are far from those of the plain C in double; of float, what no step has magnified."""
    names = [name for name in right if item == "double" or not name.startswith(("sgd", "adamw"))]
    far = {name: _distance(found[name], right[name]) for name in names if name in found}
    return [f"{name} is wrong by {error:.1e}" for name, error in far.items() if not error <= BOUND[item]]


def _distance(found: np.ndarray, right: np.ndarray) -> float:
    return float(np.linalg.norm(found - right)) / (1 + float(np.linalg.norm(right)))


def _numpy_against(right: Arrays, plan: Plan, planned: Network) -> list[str]:
    """The loss and the gradients of NumPy, fresh and planned, against those of C at the driver's data."""
    found: list[str] = []
    for kind, source in (("fresh", render_numpy(plan)), ("planned", render_numpy(plan_network(planned)))):
        scope: dict[str, Any] = {"__name__": plan.network.name}
        exec(compile(source, plan.network.name, "exec"), scope)
        p, data = scope["init"](5, np.float64), _data(plan)
        with np.errstate(all="ignore"):
            L, bars = scope["gradients"](p, *data, L_bar=COTANGENT)
            if kind == "planned":
                w = scope["Workspace"]()
                scope["gradients"](p, *data, L_bar=COTANGENT, w=w)
                w.memory.fill(0xFF)
                L, bars = scope["gradients"](p, *data, L_bar=COTANGENT, w=w)
        given = {f"vjp.{name}": np.ravel(bar) for name, bar in bars._asdict().items()}
        pulled = {name.removesuffix("_bar"): bar for name, bar in given.items()} | {"loss.L": np.ravel(L)}
        found += [f"{kind}: {one}" for one in _differing(pulled, right, "double")]
        assert any(name in right for name in pulled if name != "loss.L"), sorted(pulled)
    return found


def _data(plan: Plan) -> list[np.ndarray]:
    """The batch as the driver draws it."""
    state, arrays = 1, []
    for one in plan.batch:
        shape = [plan.size(extent) for extent in one.tensor.shape]
        drawn = []
        for _ in range(int(np.prod(shape, dtype=int))):
            state = (state * 1664525 + 1013904223) % 2**32
            drawn.append(state >> 8)
        bound = plan.size(one.classes) if one.classes is not None else 0
        flat = np.array(drawn) % bound if one.integer else np.array(drawn) / 8388608 - 1
        arrays.append(flat.astype(np.int32 if one.integer else np.float64).reshape(shape))
    return arrays


def check(first: int, last: int, folder: Path) -> None:
    """Every seed that is a network; most are."""
    found, suitable = {}, 0
    for seed in range(first, last):
        with suppress(Unsuitable):
            found[seed] = wrong(seed, folder / str(seed))
            suitable += 1
    assert suitable > (last - first) // 2
    assert not {seed: what for seed, what in found.items() if what}


def test_random_networks_agree(tmp_path: Path) -> None:
    check(0, FEW, tmp_path)


@pytest.mark.parametrize("what", NETWORKS)
def test_a_network_that_failed_once_fails_no_more(what: str, tmp_path: Path) -> None:
    seed, specification = NETWORKS[what]
    assert not wrong(seed, tmp_path, specification)


def test_an_input_that_cancels_makes_no_network() -> None:
    cancelled = Specification(
        {"n": 3}, (("X1", ("n", "n"), "real"),), (("huber", ("X1", "X1"), "Y1"),), ("Y1",)
    )
    with pytest.raises(Unsuitable, match="cancels"):
        as_network(cancelled, "cancelled", 1)


@pytest.mark.long
@pytest.mark.parametrize("first", range(FEW, MANY, BATCH))
def test_many_random_networks_agree(first: int, tmp_path: Path) -> None:
    check(first, first + BATCH, tmp_path)
