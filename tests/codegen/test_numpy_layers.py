"""Every witness as emitted NumPy against the reference interpreter: forward and every derivative."""

from pathlib import Path

import numpy as np
import pytest

from codegen.numpy.layer import render_numpy_layer
from codegen.plan.plan import plan_layer
from derive.calculus.definition.define import define
from derive.check.evaluate import evaluate
from derive.errors import DeriveError
from tests.codegen.emitted_numpy import SIZES, drawn, imported
from tests.codegen.test_c_layers import planned
from tests.witnesses.definitions import WITNESSES

UNDETERMINED = {"layers_recurrence", "vector_layers_recurrence"}
DETERMINED = [name for name in WITNESSES if name not in UNDETERMINED]


@pytest.mark.parametrize("name", DETERMINED)
def test_emitted_layers_compute_their_programs(name: str, tmp_path: Path, rng: np.random.Generator) -> None:
    plan = planned(name)
    module = imported(render_numpy_layer(name, plan), tmp_path, name)
    for verb, program in plan.programs.items():
        inputs = drawn(program, rng)
        function = getattr(module, verb)
        spoken = {letter: SIZES[letter] for letter in function.__kwdefaults__ or () if letter in SIZES}
        missing = function.__code__.co_varnames[
            : function.__code__.co_argcount + function.__code__.co_kwonlyargcount
        ]
        spoken |= {letter: SIZES[letter] for letter in missing[function.__code__.co_argcount :]}
        expected = evaluate(program, inputs, SIZES)
        for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 2e-4)):
            cast = [a.astype(dtype) if a.dtype == np.float64 else a for a in inputs.values()]
            found = function(*cast, **spoken)
            found = found if len(program.outputs) > 1 else (found,)
            for output, array in zip(program.outputs, found, strict=True):
                right = expected[output]
                assert np.shape(array) == np.shape(right)
                assert np.asarray(array).dtype == dtype
                assert np.abs(array - right).max() <= tolerance * (1 + np.abs(right).max())


@pytest.mark.parametrize("name", sorted(UNDETERMINED))
def test_undetermined_functions_are_refused(name: str) -> None:
    with pytest.raises(DeriveError, match="give its"):
        render_numpy_layer(name, plan_layer(WITNESSES[name]()))


def test_the_closed_form_reads_like_the_paper() -> None:
    source = render_numpy_layer("layernorm", plan_layer(WITNESSES["layernorm"]()))
    assert "Xhat = C * r[:, None]" in source
    assert "g_bar = (Xhat * Y_bar).sum(axis=0)" in source
    assert max(map(len, source.splitlines())) < 120


def test_a_scatter_accumulates() -> None:
    source = render_numpy_layer("embedding", plan_layer(WITNESSES["embedding"]()))
    assert "np.add.at(E_bar, x, Y_bar)" in source


def test_a_recurrence_is_a_loop() -> None:
    source = render_numpy_layer("elman", plan_layer(WITNESSES["elman"]()))
    assert "for t in range(T):" in source
    assert "for t in reversed(range(T)):" in source


@pytest.mark.parametrize("name", ["conv_s2_d2_p1", "conv_s3_d2_p0", "average_pool", "moving_sum"])
def test_windows_are_named(name: str) -> None:
    source = render_numpy_layer(name, plan_layer(WITNESSES[name]()))
    assert "windows(" in source.split("def forward")[1].split("def vjp")[0]
    assert "np.clip" not in source.split("def forward")[1].split("def vjp")[0]


@pytest.mark.parametrize(
    ("formula", "line"),
    [
        ("max(x[i], y[i])", "np.maximum(x, y)"),
        ("max(x[i], -x[i])", "np.abs(x)"),
        ("where(x[i] > y[i], x[i], where(x[i] >= y[i], 7, y[i]))", "np.where(x > y, x, np.where(x >= y"),
        ("where(x[i] > 0, x[i], where(x[i] >= 0, 0, -2 x[i]))", "np.where(x > 0, x, np.where(x >= 0"),
    ],
)
def test_a_branch_is_the_larger_of_two_only_where_it_is(formula: str, line: str) -> None:
    program = define(f"larger(x[n], y[n]) -> Y\n    Y[i] = {formula}")
    assert line in render_numpy_layer("larger", plan_layer(program))


def test_functions_of_sizes_do_not_widen(tmp_path: Path) -> None:
    source = render_numpy_layer("shared", plan_layer(define("shared(x[n]) -> Y\n    Y[i] = x[i] - log(n)")))
    found = imported(source, tmp_path, "shared").forward(np.zeros(5, np.float32))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, -np.log(5), rtol=1e-6)


@pytest.mark.parametrize(
    ("formula", "right"),
    [
        ("[x[i] > 0] + [x[i] > 1]", [0, 1, 2]),
        ("[x[i] > 0] - [x[i] > 1]", [0, 1, 0]),
        ("-[x[i] > 0] - [x[i] > 1] + 3", [3, 2, 1]),
        ("x[i] + [x[i] > 0] + [x[i] > 1]", [-1, 1.5, 4]),
        ("sum_{q} [x[q] > 0] [x[i] >= x[q]]", [0, 1, 2]),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_truths_are_counted(formula: str, right: list[float], dtype: str, tmp_path: Path) -> None:
    """For NumPy True + True is True, and True - True an error."""
    plan = plan_layer(define(f"odd(x[n]) -> y\n y[i] = {formula}"))
    module = imported(render_numpy_layer("odd", plan), tmp_path, "odd")
    found = module.forward(np.array([-1, 0.5, 2], dtype))
    assert found.dtype == dtype
    assert found.tolist() == right


def test_a_mask_that_is_needed_twice_has_a_name() -> None:
    source = render_numpy_layer("causal_softmax", plan_layer(WITNESSES["causal_softmax"]()))
    assert source.count("np.tri") == source.count("causal = np.tri(n, dtype=bool)") == 3
    once = render_numpy_layer("cumulative_sum", plan_layer(WITNESSES["cumulative_sum"]()))
    assert "causal =" not in once


def test_the_name_of_a_mask_is_no_other_name(tmp_path: Path) -> None:
    program = define("""taken(causal[n,n]) -> Y
        E[t,s] = where(t >= s, exp(causal[t,s]), 0)
        Y[t] = sum_{s<=t} exp(E[t,s])""")
    source = render_numpy_layer("taken", plan_layer(program))
    assert "causal2 = np.tri" in source
    value = imported(source, tmp_path, "taken").forward(np.zeros((3, 3)))
    np.testing.assert_allclose(value, np.exp(1) * np.array([1, 2, 3]), rtol=1e-15)


def test_counting_off_in_rows_is_a_reshape() -> None:
    sources = {
        name: render_numpy_layer(name, plan_layer(WITNESSES[name]())) for name in ("reshape", "flatten")
    }
    assert "Y = X.reshape(a * b, c)" in sources["reshape"]
    assert "X_bar = Y_bar.reshape(a, b * c)" in sources["reshape"]
    assert "Y = X.reshape(m, H * W * c)" in sources["flatten"]
    assert "np.arange" not in sources["flatten"]


@pytest.mark.parametrize("second", ["((j*a*b+i)%(b*c))", "((i*c+j)%(c))"])
def test_counting_in_another_order_is_none(second: str, tmp_path: Path, rng: np.random.Generator) -> None:
    first = "((j*a*b+i)//(b*c))" if second.startswith("((j") else "((i*c+j)//(b*c))"
    program = define(f"other(X[a,b*c]) -> Y\n    Y[i<a*b,j<c] = X[{first},{second}]")
    source = render_numpy_layer("other", plan_layer(program))
    assert "reshape" not in source
    X = rng.standard_normal((3, 8))
    right = evaluate(program, {"X": X}, {"a": 3, "b": 2, "c": 4})["Y"]
    np.testing.assert_array_equal(imported(source, tmp_path, "other").forward(X, b=2, c=4), right)


def test_a_product_is_negated_and_not_its_larger_factor() -> None:
    """-X @ W would make an array of the size of X."""
    program = define("decay(X[m,n], W[n,d]) -> Y\nY[i,j] = exp(-sum_{p} X[i,p] W[p,j])")
    source = render_numpy_layer("decay", plan_layer(program))
    assert "-(X @ W)" in source
    assert "-X @" not in source
