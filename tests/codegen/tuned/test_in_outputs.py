"""What rows make for themselves, in the place of their output: where it is, where not, with the same bits."""

import os
import re
import subprocess
from collections.abc import Mapping
from math import prod
from pathlib import Path

import numpy as np
import pytest

import codegen.tuned.layer as tuned_layer
from codegen.extents import size_names
from codegen.overwriting import overwriting
from codegen.plan.plan import LayerPlan, plan_layer
from codegen.tuned.source.layer_module import render_tuned_layer
from codegen.tuned.storage import Stored
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.layers.registry import layer
from tests.codegen.emitted_c import COMPILERS, drawn, is_integer, run, shape_of, write
from tests.codegen.tuned.driven import SETS, widest
from tests.codegen.tuned.test_tuned_layers import TunedLayer

compiled = pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
ROWS = "rows(Z[m,n], X[m,n], W[n,n]) -> "
SHARES = " E[i,j] = sqrt(1 + Z[i,j]^2)\n T[i] = sum_{q} E[i,q]\n"
OFFERED = ROWS + "Y\n" + SHARES + " Y[i,j] = E[i,j]/T[i] + X[i,j]"
LATER = ROWS + "Y, R\n" + SHARES + " Y[i,j] = E[i,j]/T[i]\n U[i] = sum_{q} Y[i,q]^2\n R[i,j] = U[i]*E[i,j]"
DEFINED = {
    "beside what is added": OFFERED.replace("+ X[i,j]", "+ X[i,0]"),
    "of two outputs": LATER,
    "bounded": ROWS + "Y\n E[i,j] = where(j <= i, sqrt(1 + Z[i,j]^2), 0)\n Y[i,j] = E[i,j]/sum_{q} E[i,q]",
}
REGISTERED = (
    *("softmax", "log_softmax", "layernorm", "rmsnorm", "l2norm"),
    *("cross_entropy", "soft_cross_entropy"),
)
KEPT = {
    "where the output may lie on an input": OFFERED,
    "what others sum": ROWS + "Y, V\n" + SHARES + " Y[i,j] = E[i,j]/T[i]\n V[i,j] = sum_{p} E[i,p] W[p,j]",
    "what is read at another place": ROWS + "Y\n" + SHARES + " Y[i,j<n] = E[i,n-1-j]/T[i]",
    "what is given": ROWS + "E, Y\n" + SHARES + " Y[i,j] = E[i,j]/T[i]",
    "what lies along other axes": ROWS.replace("m,n", "n,n") + "Y\n" + SHARES + " Y[j,i] = E[i,j]/T[i]",
}
BARE = """#include "{name}.h"
#include <stdio.h>
#include <stdlib.h>
static void *given(size_t n, size_t item, int integer) {{
    char *found = malloc(n * item + 4);
    for (size_t i = 0; i < n; i++)
        if (integer) *(int *)(found + 4 + i * item) = 0;
        else *(float *)(found + 4 + i * item) = (float)(i % 7) / 3 - 1;
    return found + 4;
}}
int main(void) {{
    {name}_workspace *w = aligned_alloc(64, (sizeof *w + 63) / 64 * 64);
{calls}
    puts("done");
}}
"""


def program_of(name: str) -> Program:
    return define(DEFINED[name]) if name in DEFINED else layer(name)


def sizes_of(program: Program, last: int = 48) -> dict[str, int]:
    """Rows of so many elements, 8 of them; matrices are square."""
    names, columns = size_names(program), program.inputs[0].shape[-1]
    return {letter: last if letter == str(columns) else 8 for letter in names}


def inside(definition: Program | str, last: int = 48) -> dict[str, str]:
    """What lies in the place of an output, with that, in any function."""
    program = define(definition) if isinstance(definition, str) else definition
    plan = plan_layer(program)
    text = render_tuned_layer(plan, sizes_of(program, last))[f"{plan.name}_tuned.c"]
    return dict(re.findall(r"real \*(\w+) = x->at\.to_\w+; /\* until (\w+) is there \*/", text))


def arena(name: str, last: int) -> bool:
    program = layer(name)
    text = render_tuned_layer(plan_layer(program), sizes_of(program, last))[f"{name}_tuned.c"]
    return "AT_" in text


def test_a_softmax_needs_no_arena() -> None:
    assert inside(layer("softmax")) == {"E": "S_dot", "S": "S_dot"}  # the last of forward, vjp, jvp
    assert not arena("softmax", 48)


def test_rows_that_end_within_a_vector_have_one() -> None:
    assert inside(layer("softmax"), 43) == {}
    assert arena("softmax", 43)


def test_of_two_outputs_it_is_the_one_that_is_made_last() -> None:
    assert inside(LATER)["E"] == "R"
    assert inside(LATER.replace("Y, R", "R, Y"))["E"] == "R"


@pytest.mark.parametrize("name", KEPT)
def test_the_arena_keeps(name: str) -> None:
    program = define(KEPT[name])
    plan = plan_layer(program)
    text = render_tuned_layer(plan, sizes_of(program))["rows_tuned.c"]
    forward = text[text.index("The equations, each") : text.index("---- forward, as")]
    assert "to_Y;" in forward
    assert "until" not in forward


def as_before(
    program: Program, steps: object, stored: Mapping[str, Stored], whole: object
) -> dict[str, Stored]:
    return dict(stored)


@pytest.mark.compiler
@compiled
@pytest.mark.parametrize("kernels", SETS)
@pytest.mark.parametrize("name", [*DEFINED, *REGISTERED])
def test_the_bits_are_those_of_the_arena(
    name: str, kernels: str, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = program_of(name)
    plan, sizes = plan_layer(program), sizes_of(program)
    assert inside(program)
    flags = (f"-D{plan.name.upper()}_SET={SETS[kernels]}",)
    here = TunedLayer(plan, sizes, tmp_path / "here", *flags)
    monkeypatch.setattr(tuned_layer, "in_outputs", as_before)
    before = TunedLayer(plan, sizes, tmp_path / "before", *flags)
    for key, part in plan.programs.items():
        inputs = {tensor.name: drawn(tensor, sizes, 8, rng) for tensor in part.inputs}
        wanted = before.call(key, part, inputs)
        for output, found in here.call(key, part, inputs).items():
            assert np.array_equal(found, wanted[output], equal_nan=True), (key, output)
            assert np.isfinite(found).all()


@pytest.mark.compiler
@compiled
def test_an_output_on_an_input_has_the_bits_of_one_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    program = define(OFFERED)
    assert overwriting(program) == {"Y": ("X",)}
    plan, sizes = plan_layer(program), sizes_of(program)
    emitted = TunedLayer(plan, sizes, tmp_path)
    inputs = {tensor.name: drawn(tensor, sizes, 3, rng) for tensor in program.inputs}
    apart = emitted.call("forward", program, inputs)
    there = emitted.call("forward", program, inputs, {"Y": "X"})
    assert np.array_equal(there["Y"], apart["Y"])


def bare(
    plan: LayerPlan, sizes: Mapping[str, int], folder: Path, fault: tuple[str, str] | None = None
) -> Path:
    """A program that calls every function on arrays of the exact size, all four bytes beside a boundary."""
    files = render_tuned_layer(plan, sizes)
    source = f"{plan.name}_tuned.c"
    if fault is not None:
        assert fault[0] in files[source]
        files[source] = files[source].replace(*fault)
    calls = []
    for key, part in plan.programs.items():
        tensors = [*part.inputs, *(part.tensor(name) for name in part.outputs)]
        rooms = [
            f"given({prod(shape_of(t, sizes))}, 4, {int(is_integer(t))})"
            if t.axes or t.name in part.outputs
            else "1"
            for t in tensors
        ]
        calls.append(f"    {plan.name}_{key}({', '.join([*rooms, 'w'])});")
    write(folder, {**files, "main.c": BARE.format(name=plan.name, calls="\n".join(calls))})
    built = folder / "bare"
    flags = ("-std=gnu11", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
    run("gcc", *flags, *widest(plan.name), folder / "main.c", folder / source, "-o", built, "-lm")
    return built


def said(program: Path) -> str:
    quiet = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False, env=quiet)
    return done.stdout + done.stderr


@pytest.mark.compiler
@compiled
@pytest.mark.parametrize("last", [43, 48])
@pytest.mark.parametrize("name", ["softmax", "layernorm", "cross_entropy"])
def test_no_report_on_arrays_of_the_exact_size(name: str, last: int, tmp_path: Path) -> None:
    program = layer(name)
    assert said(bare(plan_layer(program), sizes_of(program, last), tmp_path)) == "done\n"


@pytest.mark.compiler
@compiled
def test_a_store_beyond_the_output_is_reported(tmp_path: Path) -> None:
    program = layer("softmax")
    fault = ("put(E + i * K + q, E_[r])", "put(E + i * K + q + 1, E_[r])")
    assert "AddressSanitizer" in said(bare(plan_layer(program), sizes_of(program), tmp_path, fault))
