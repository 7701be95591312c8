"""-O3 -march=native and -O1 give the same bits: nothing is reassociated, so what differs is wrong.

gcc 11 and 12 confuse the masks of conditional loads (docs/decisions/0016-masked-loads.md) where a short row
lies in a loop over more examples than a vector has numbers. test_c_layers.py looks for what is undefined.
"""

import ctypes
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from codegen.c.layer import render_c_layer
from codegen.plan.plan import LayerPlan, plan_layer
from derive.calculus.definition.define import define
from derive.runtime.compiler import FLAGS
from tests.codegen.emitted_c import COMPILERS, EmittedLayer, drawn, run
from tests.codegen.test_c_layers import LAYERS, planned, sizes_of
from tests.witnesses.definitions import WITNESSES

pytestmark = [
    pytest.mark.compiler,
    pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed"),
]
MANY = 19
"""Examples: more than vectors hold, and than gcc unrolls."""
CHOSEN = define("chosen(A[m,g,d], E[m,d]) -> C\n    C[i,j] = where(A[i,0,j] >= 0, 1, E[i,j])")
CAUSAL = define("causal(E[m,t,t], S[m,t]) -> P\n    P[i,t,s] = where(t >= s, E[i,t,s]/S[i,t], 0)")


def computed(emitted: EmittedLayer, seed: int) -> dict[tuple[str, str], bytes]:
    """The bits of all outputs of a layer's functions."""
    rng = np.random.default_rng(seed)
    found: dict[tuple[str, str], bytes] = {}
    bound = min((emitted.sizes[letter] for letter in ("v", "k") if letter in emitted.sizes), default=3)
    for key, program in emitted.plan.programs.items():
        inputs = {tensor.name: drawn(tensor, emitted.sizes, bound, rng) for tensor in program.inputs}
        found |= {(key, name): array.tobytes() for name, array in emitted.call(key, program, inputs).items()}
    return found


def vectorised(plan: LayerPlan, sizes: Mapping[str, int], folder: Path) -> list[tuple[str, str]]:
    """The outputs whose bits the runtime's flags change."""
    emitted = EmittedLayer(plan, sizes, folder, checks=())
    expected = computed(emitted, 0)
    fast = emitted.source.with_suffix(".fast.so")
    run(COMPILERS[0], *FLAGS, f"-D{plan.name.upper()}_DOUBLE", emitted.source, "-o", fast, "-lm")
    emitted.library = ctypes.CDLL(str(fast))
    emitted.workspace[...] = np.nan
    found = computed(emitted, 0)
    return [name for name, bits in expected.items() if found[name] != bits]


def many(sizes: Mapping[str, int]) -> dict[str, int]:
    return {letter: MANY if letter == "m" else size for letter, size in sizes.items()}


@pytest.mark.parametrize("name", LAYERS)
def test_every_layer(name: str, tmp_path: Path) -> None:
    assert vectorised(planned(name), many(sizes_of(name)), tmp_path) == []


@pytest.mark.parametrize("d", [3, 7, 8])
def test_short_rows_of_choices(d: int, tmp_path: Path) -> None:
    sizes = {**many(sizes_of("lstm")), "T": 17, "n": 18, "d": d}
    assert vectorised(plan_layer(WITNESSES["lstm"]()), sizes, tmp_path) == []


def test_both_values_are_read_where_both_exist() -> None:
    text = render_c_layer(plan_layer(CHOSEN), {"m": 9, "g": 4, "d": 7})["chosen.c"]
    assert "C[i][j] = chosen_where(A[i][0][j] >= 0, 1, E[i][j]);" in text
    text = render_c_layer(plan_layer(CAUSAL), {"m": 9, "t": 7})["causal.c"]
    assert "P[i][t][s] = causal_where(t >= s, E[i][t][s] / S[i][t], 0);" in text


def test_what_may_not_exist_is_read_behind_its_guard() -> None:
    text = render_c_layer(planned("concatenate"), sizes_of("concatenate"))["concatenate.c"]
    assert "Y[i][j] = j < N ? X[i][j] : Z[i][j - N];" in text
