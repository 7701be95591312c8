"""Every witness alone in C: clean under all warnings, and what the reference interpreter computes."""

import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from codegen.c.layer import render_c_layer
from codegen.extents import size_names
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import LayerPlan, plan_layer
from derive.calculus.definition.define import define
from derive.calculus.derivation.examples import Coupled
from derive.calculus.derivation.per_example import per_example
from derive.check.evaluate import evaluate
from derive.errors import DeriveError
from tests.codegen.emitted_c import COMPILERS, STRICT, EmittedLayer, drawn, run, write
from tests.witnesses.definitions import WITNESSES

UNDETERMINED = ("layers_recurrence", "vector_layers_recurrence")
LAYERS = [name for name in WITNESSES if name not in UNDETERMINED and "by_hand" not in name]
UNEQUAL = (3, 5, 4, 7, 2, 6)
PICTURE = {"H": 11, "W": 12, "U": 3, "V": 3}


@cache
def planned(name: str) -> LayerPlan:
    return plan_layer(WITNESSES[name](), derivatives_of(name))


def derivatives_of(name: str) -> tuple[str, ...]:
    """All that can be asked for: gradients by example only where there are examples that are not coupled."""
    try:
        per_example(WITNESSES[name]())
    except Coupled:
        return tuple(key for key in ON_REQUEST if key != "per_example")
    return tuple(ON_REQUEST)


def sizes_of(name: str) -> dict[str, int]:
    """Unequal sizes; large enough for the windows."""
    letters = sorted(size_names(planned(name).forward))
    sizes = {letter: PICTURE.get(letter, UNEQUAL[n % len(UNEQUAL)]) for n, letter in enumerate(letters)}
    return {**sizes, "n": 13} if name.startswith("conv1d") else sizes


@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_alone_computes_what_its_program_says(
    name: str, tmp_path: Path, rng: np.random.Generator
) -> None:
    plan, sizes = planned(name), sizes_of(name)
    emitted = EmittedLayer(plan, sizes, tmp_path)
    for key, program in plan.programs.items():
        bound = min((sizes[letter] for letter in ("v", "k") if letter in sizes), default=3)
        inputs = {tensor.name: drawn(tensor, sizes, bound, rng) for tensor in program.inputs}
        expected = evaluate(program, inputs, sizes)
        for output, found in emitted.call(key, program, inputs).items():
            scale = np.abs(np.asarray(expected[output], float)).max(initial=1e-3)
            assert np.abs(found - expected[output]).max(initial=0) <= 1e-12 * scale, (key, output)


@pytest.mark.compiler
@pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")
@pytest.mark.parametrize("compiler", COMPILERS)
def test_float_is_clean_under_all_warnings(compiler: str, tmp_path: Path) -> None:
    for name in LAYERS:
        write(tmp_path / name, render_c_layer(planned(name), sizes_of(name)))
    run(compiler, *STRICT, "-fsyntax-only", *tmp_path.glob("*/*.c"))


def test_the_length_does_not_grow_with_the_sizes() -> None:
    plan = planned("conv_s2_d2_p1")
    letters = size_names(plan.forward)
    small, large = (render_c_layer(plan, dict.fromkeys(letters, size)) for size in (5, 50000))
    assert small["conv2d.c"] == large["conv2d.c"]


def test_sums_run_along_the_rows_and_guards_become_bounds() -> None:
    text = render_c_layer(planned("linear"), {"m": 3, "n": 4, "d": 5})["linear.c"]
    assert (
        """        for (int p = 0; p < N; p++)
            for (int j = 0; j < D; j++)
                Y[i][j] += X[i][p] * W[p][j];
"""
        in text
    )
    causal = render_c_layer(planned("cumulative_sum"), {"n": 4})["cumulative_sum.c"]
    assert "for (int s = 0; s <= t; s++)" in causal
    assert "for (int t = s; t < N; t++)" in causal


def test_a_sum_along_the_memory_of_both_factors_is_a_dot_product() -> None:
    program = define("scores(Q[n,e], K[m,e]) -> Z\n    Z[t,s] = sum_{a} Q[t,a] K[s,a]/sqrt(e)")
    text = render_c_layer(plan_layer(program), {"n": 3, "m": 4, "e": 5})["scores.c"]
    assert "Z[t][s] = scores_dot(Q[t], K[s], E) / SQRT((real)E);" in text


def test_letters_of_one_upper_case_get_two_constants() -> None:
    text = render_c_layer(planned("attention"), {"T": 3, "D": 4, "d": 5})["attention.h"]
    assert re.findall(r"#define (ATTENTION_D\w*) (\d)", text) == [
        ("ATTENTION_D", "4"),
        ("ATTENTION_D_2", "5"),
    ]


def test_an_undetermined_function_is_refused_by_name() -> None:
    program = define("bent(X[n]) -> Y\n    Y[i] = sigma(X[i])", opaque=("sigma",))
    with pytest.raises(DeriveError, match="bent has no C: sigma is undetermined"):
        render_c_layer(plan_layer(program), {"n": 3})


def test_a_size_that_is_missing_is_named() -> None:
    with pytest.raises(DeriveError, match="needs the sizes d, n"):
        render_c_layer(planned("linear"), {"m": 3})


def test_log_of_one_and_more_is_log1p() -> None:
    program = define("near(X[n]) -> Y\n    Y[i] = log(1 - X[i])")
    assert "Y[i] = LOG1P(-X[i]);" in render_c_layer(plan_layer(program), {"n": 3})["near.c"]
