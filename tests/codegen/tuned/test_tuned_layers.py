"""Layers alone in tuned C: what the reference interpreter computes, clean under warnings."""

import ctypes
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit_layer
from codegen.extents import size_names
from codegen.plan.plan import LayerPlan, plan_layer
from codegen.tuned.source.layer_module import render_tuned_layer
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.check.evaluate import evaluate
from derive.layers.registry import LAYERS
from derive.layers.registry import layer as layer_program
from tests.codegen.emitted_c import COMPILERS, UNDEFINED, EmittedLayer, drawn, run, write
from tests.codegen.test_c_layers import PICTURE, UNEQUAL
from tests.codegen.tuned.driven import SETS, widest

SOME = (
    *("attention", "batchnorm", "conv2d", "cross_entropy", "cumulative_sum", "embedding", "gelu", "gru"),
    *("layernorm", "linear", "lstm", "max_pool", "rotary", "softmax"),
)
PRODUCTS = {
    "nn": "product(A[m,k], B[k,n]) -> C\nC[i,j] = sum_{p} A[i,p] B[p,j]",
    "tn": "product(A[k,m], B[k,n]) -> C\nC[i,j] = sum_{p} A[p,i] B[p,j]",
    "nt": "product(A[m,k], B[n,k]) -> C\nC[i,j] = sum_{p} A[i,p] B[j,p]",
    "tt": "product(A[k,m], B[n,k]) -> C\nC[i,j] = sum_{p} A[p,i] B[j,p]",
}
PRODUCT = "f(X[m,n], W[n,k], V[k,m], v[k]) -> Y\n Z[i,j] = sum_{p} X[i,p] W[p,j] + v[j]\n Y[i,j] = "
FINISHES = {
    "places": PRODUCT + "Z[i,j] cos(j+1)",
    "elements that lie apart": PRODUCT + "tanh(Z[i,j]) + V[j,i]",
    "elements in the reverse order": PRODUCT + "tanh(v[k-1-j] + Z[i,j])",
    "elements that lie apart, as the sums start": PRODUCT.replace("v[j]", "V[j,i]") + "tanh(Z[i,j])",
}


class TunedLayer(EmittedLayer):
    """A layer's tuned C in double, its arena full of NaN: all kernel sets are read, the widest is run."""

    def __init__(self, plan: LayerPlan, sizes: Mapping[str, int], folder: Path, *flags: str) -> None:
        write(folder, render_tuned_layer(plan, sizes))
        self.plan, self.sizes, self.name = plan, sizes, plan.name
        self.source = folder / f"{plan.name}_tuned.c"
        built = self.source.with_suffix(".so")
        double = f"-D{plan.name.upper()}_DOUBLE"
        strict = ("-std=gnu11", double, "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
        run("gcc", *strict, "-fsyntax-only", self.source)
        chosen = ("-O1", *UNDEFINED, *(flags or widest(plan.name)), "-fPIC", "-shared")
        run("gcc", *strict, *chosen, self.source, "-o", built, "-lm")
        self.library = ctypes.CDLL(str(built))
        size = self.library[f"{plan.name}_workspace_bytes"]
        size.restype = ctypes.c_size_t
        self.workspace = np.full(size() // 4 + 1, np.nan, np.float32)


def unequal(program: Program) -> dict[str, int]:
    """Unequal sizes; large enough for windows, and even where halves are taken."""
    letters = sorted(size_names(program))
    return {letter: PICTURE.get(letter, 2 * UNEQUAL[n % len(UNEQUAL)]) for n, letter in enumerate(letters)}


def assert_computes(
    program: Program, sizes: dict[str, int], folder: Path, rng: np.random.Generator, *flags: str
) -> None:
    """Every function of a layer against its definition."""
    plan = plan_layer(program)
    emitted = TunedLayer(plan, sizes, folder, *flags)
    bound = min((sizes[letter] for letter in ("v", "k") if letter in sizes), default=3)
    for key, part in plan.programs.items():
        inputs = {tensor.name: drawn(tensor, sizes, bound, rng) for tensor in part.inputs}
        expected = evaluate(part, inputs, sizes)
        for output, found in emitted.call(key, part, inputs).items():
            scale = np.abs(np.asarray(expected[output], float)).max(initial=1e-3)
            assert np.abs(found - expected[output]).max(initial=0) <= 1e-11 * scale, (key, output)


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize("name", SOME)
def test_a_layer_alone_computes_what_its_program_says(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    program = layer_program(name)
    assert_computes(program, unequal(program), tmp_path, rng)


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize("set_", SETS.values(), ids=SETS)
@pytest.mark.parametrize("form", PRODUCTS)
def test_products_in_all_transpositions_with_every_set(
    form: str, set_: int, tmp_path: Path, rng: np.random.Generator
) -> None:
    program = define(PRODUCTS[form])
    assert_computes(program, {"m": 29, "n": 37, "k": 300}, tmp_path, rng, f"-DPRODUCT_SET={set_}")


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize(
    "sizes", [{"m": 3, "n": 2, "k": 5}, {"m": 29, "n": 41, "k": 37}], ids=["few", "tiles"]
)
@pytest.mark.parametrize("finish", FINISHES)
def test_what_vectors_cannot_finish_is_finished_by_numbers(
    finish: str, sizes: dict[str, int], tmp_path: Path, rng: np.random.Generator
) -> None:
    assert_computes(define(FINISHES[finish]), sizes, tmp_path, rng)


def test_every_layer_has_a_tuned_form() -> None:
    for name in LAYERS:
        plan = plan_layer(layer_program(name))
        assert f"{plan.name}_tuned.c" in render_tuned_layer(plan, dict.fromkeys(size_names(plan.forward), 8))


def test_both_implementations_share_one_header(tmp_path: Path) -> None:
    emit_layer(layer_program("softmax"), ("c", "tuned"), tmp_path, {"m": 3, "k": 5})
    header = (tmp_path / "softmax" / "softmax.h").read_text(encoding="utf-8")
    assert "softmax_tuned.c uses the whole struct as one arena" in header
    assert {file.name for file in (tmp_path / "softmax").glob("*.c")} == {"softmax.c", "softmax_tuned.c"}


def test_numbers_are_read_once_and_stores_follow_all_loads() -> None:
    program = define("f(X[n], Z[n], a) -> Y, T\n Y[i] = a X[i]\n T[i] = Y[i] + a Z[i]")
    text = render_tuned_layer(plan_layer(program), {"n": 64})["f_tuned.c"]
    function = text[text.index("FN(T)(ONE(task) *x)\n{") :].partition("\n}")[0]
    lines = [line.strip() for line in function.split("\n")]
    assert "const real a = x->at.of_a;" in lines
    assert lines[-5:] == [
        "const vec Y_ = all(a) * load(X + i);",
        "const vec T_ = all(a) * load(Z + i) + Y_;",
        "put(Y + i, Y_);",
        "put(T + i, T_);",
        "}",
    ]
