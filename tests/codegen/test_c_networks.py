"""Networks in C: the numbers of their programs, the codes, the bits, the checkpoints."""

import ctypes
import re
from pathlib import Path

import numpy as np
import pytest

from codegen.c.module import render_c
from codegen.plan.plan import plan_network
from derive.check.evaluate import evaluate
from tests.codegen.emitted_c import COMPILERS, STRICT, Array, pointer, run, shape_of, write
from tests.codegen.emitted_network import EXAMPLES, EmittedNetwork, planned, real
from tests.codegen.networks import NETWORKS, dense

OK, BATCH, LABEL, NONFINITE, FORMAT = range(5)
pytestmark = [
    pytest.mark.compiler,
    pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed"),
]
MASK = 2**64 - 1


@pytest.fixture(scope="module", params=NETWORKS)
def emitted(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> EmittedNetwork:
    return EmittedNetwork(planned(request.param), tmp_path_factory.mktemp(request.param))


def close(found: object, expected: object) -> bool:
    a, b = np.asarray(found, float), np.asarray(expected, float)
    return bool(np.abs(a - b).max(initial=0) <= 1e-12 * np.abs(b).max(initial=1e-3))


def test_all_four_functions_compute_their_programs(emitted: EmittedNetwork, rng: np.random.Generator) -> None:
    plan, network = emitted.plan, emitted.plan.network
    arrays = emitted.draw(rng)
    shapes = {tensor.name: shape_of(tensor, emitted.sizes) for tensor in plan.trained}
    dots = {f"{name}_dot": rng.normal(size=shape) for name, shape in shapes.items()}
    values = evaluate(plan.jvp, arrays | dots, emitted.sizes)
    batch = emitted.batch(arrays)

    output = np.full(values[network.output].shape, np.nan)
    unlabelled = emitted.batch({s.tensor.name: arrays[s.tensor.name] for s in plan.data})
    assert emitted.call("forward", unlabelled, pointer(output)) == OK
    assert close(output, values[network.output])

    assert emitted.call("loss", batch, ctypes.byref(emitted.L)) == OK
    assert close(emitted.L.value, values[network.loss])

    bar = emitted.gradients()
    assert emitted.call("vjp", batch, real(1.5), pointer(bar)) == OK
    residuals = evaluate(plan.loss, arrays, emitted.sizes)
    pulled = evaluate(plan.vjp, residuals | arrays | {f"{network.loss}_bar": np.array(1.5)}, emitted.sizes)
    for name, found in emitted.trained(bar).items():
        assert close(found, pulled[f"{name}_bar"]), name

    flat = np.concatenate([array.ravel() for array in dots.values()])
    pushed = real(np.nan)
    numbers = (ctypes.byref(emitted.L), ctypes.byref(pushed))
    assert emitted.call("jvp", batch, *numbers, before=(pointer(flat),)) == OK
    assert close(pushed.value, values[f"{network.loss}_dot"])
    assert close(1.5 * pushed.value, flat @ bar)


def test_predict_is_the_first_of_the_largest(emitted: EmittedNetwork, rng: np.random.Generator) -> None:
    arrays = emitted.draw(rng)
    values = evaluate(emitted.plan.forward, arrays, emitted.sizes)[emitted.plan.network.output]
    classifies = emitted.plan.network.task == "classification"
    found = np.full(EXAMPLES, -1, np.int32) if classifies else np.full(values.shape, np.nan)
    assert emitted.call("predict", emitted.batch(arrays), pointer(found)) == OK
    assert close(found, values.argmax(axis=-1) if classifies else values)


def test_steps_are_their_equations(emitted: EmittedNetwork, rng: np.random.Generator) -> None:
    arrays = emitted.draw(rng)
    batch, start, bar = emitted.batch(arrays), emitted.params.copy(), emitted.gradients()
    emitted.call("loss", batch, ctypes.byref(emitted.L))
    emitted.call("vjp", batch, real(1), pointer(bar))
    trained = _trained_places(emitted)
    lr, mu, decay = 0.1, 0.9, 0.01
    g = bar + decay * start[trained]
    state = np.asarray(rng.normal(size=bar.shape))
    expected: dict[str, tuple[Array, Array]] = {
        "sgd_step": (start[trained] - lr * g, state),
        "momentum_step": (start[trained] + mu * state - lr * g, mu * state - lr * g),
        "averaged_step": (start[trained] - lr * (mu * state + (1 - mu) * g), mu * state + (1 - mu) * g),
    }
    for step, (updated, moved) in expected.items():
        emitted.params[:] = start
        v, scalars = state.copy(), (lr, decay) if step == "sgd_step" else (lr, mu, decay)
        before = () if step == "sgd_step" else (pointer(v),)
        numbers = [real(number) for number in scalars]
        assert emitted.call(step, batch, *numbers, ctypes.byref(emitted.L), before=before) == OK
        assert close(emitted.params[trained], updated)
        assert close(v, moved)
        untouched = np.setdiff1d(np.arange(start.size), trained)
        assert (emitted.params[untouched] == start[untouched]).all()


def _trained_places(emitted: EmittedNetwork) -> Array:
    places, start = [], 0
    for owned in emitted.plan.parameters:
        count = int(np.prod([emitted.plan.size(size) for size in owned.tensor.shape]))
        places += list(range(start, start + count)) if owned.trained else []
        start += count
    return np.array(places)


def test_what_is_refused_changes_nothing(emitted: EmittedNetwork, rng: np.random.Generator) -> None:
    arrays = emitted.draw(rng)
    good, start = emitted.batch(arrays), emitted.params.copy()
    emitted.L.value = 7.0
    most = emitted.function("max_batch")()
    refused = [(BATCH, arrays, examples) for examples in (0, -1, most + 1)]
    for supplied in emitted.plan.batch:
        if supplied.classes is not None:
            name, bound = supplied.tensor.name, emitted.plan.size(supplied.classes)
            for wrong in (-1, bound, 2**31 - 1):
                bad = arrays[name].copy()
                bad.flat[-1] = wrong
                refused.append((LABEL, arrays | {name: bad}, EXAMPLES))
    for code, bad_arrays, examples in refused:
        batch = emitted.batch(bad_arrays, examples)
        assert emitted.call("loss", batch, ctypes.byref(emitted.L)) == code
        assert emitted.call("sgd_step", batch, real(1), real(0), ctypes.byref(emitted.L)) == code
    assert (emitted.params == start).all()
    assert emitted.L.value == 7.0
    assert good.m == EXAMPLES


@pytest.mark.parametrize("poison", [np.nan, np.inf, 1e300])
def test_a_loss_that_is_not_finite_updates_nothing(
    emitted: EmittedNetwork, poison: float, rng: np.random.Generator
) -> None:
    arrays = emitted.draw(rng)
    emitted.params[-1] = poison
    start, v = emitted.params.copy(), np.zeros(emitted.size("gradients"))
    emitted.L.value = 7.0
    numbers = (real(0.1), real(0.9), real(0))
    L = ctypes.byref(emitted.L)
    code = emitted.call("momentum_step", emitted.batch(arrays), *numbers, L, before=(pointer(v),))
    if code == OK:
        assert poison == 1e300
        return
    assert code == NONFINITE
    assert emitted.params.tobytes() == start.tobytes()
    assert not v.any()
    assert emitted.L.value == 7.0


@pytest.mark.parametrize(
    ("name", "tensor", "value"),
    [
        ("batched", "Y", 1e200),  # an infinite loss with finite gradients
        ("pictures", "X", np.nan),  # a maximum hides nothing
        ("dense", "X", np.nan),  # nor does a kink
    ],
)
def test_bad_data_is_noticed(
    name: str, tensor: str, value: float, tmp_path: Path, rng: np.random.Generator
) -> None:
    emitted = EmittedNetwork(planned(name), tmp_path)
    for place in (0, -1):
        arrays = emitted.draw(rng)
        arrays[tensor].flat[place] = value
        start = emitted.params.copy()
        assert emitted.call("loss", emitted.batch(arrays), ctypes.byref(emitted.L)) == OK
        assert not np.isfinite(emitted.L.value)
        code = emitted.call("sgd_step", emitted.batch(arrays), real(0.1), real(0), ctypes.byref(emitted.L))
        assert code == NONFINITE
        assert (emitted.params == start).all()


def test_parameters_start_by_the_documented_bits(emitted: EmittedNetwork) -> None:
    emitted.init(seed=2**63 + 5)
    start = 0
    for number, (parameter, owned) in enumerate(
        zip(emitted.plan.network.parameters, emitted.plan.parameters, strict=True)
    ):
        count = int(np.prod([emitted.plan.size(size) for size in owned.tensor.shape]))
        top, bottom = (emitted.plan.size(part) for part in parameter.variance.as_numer_denom())
        scale = float(np.sqrt(np.float64(top) / np.float64(bottom)))
        expected = [_drawn(parameter.law.value, 2**63 + 5, number, e, scale) for e in range(count)]
        assert emitted.params[start : start + count].tolist() == expected
        start += count


def _mix(z: int) -> int:
    z = (z + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def _drawn(law: str, seed: int, parameter: int, element: int, scale: float) -> float:
    """docs/interface.md, in Python's integers."""
    key = _mix((_mix(seed) + parameter) & MASK)
    draws = [_mix((key + 16 * element + j) & MASK) for j in range(12)]
    if law == "uniform":
        return (float(draws[0] >> 11) - 2.0**52) * 2.0**-52 * scale
    if law == "normal":
        return (float(sum(draw >> 32 for draw in draws)) - 6 * 2.0**32) * 2.0**-32 * scale
    return {"zeros": 0.0, "ones": 1.0}[law]


def test_checkpoints_are_safetensors(emitted: EmittedNetwork) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    emitted.init(3)
    save, load = emitted.function("save", ctypes.c_size_t), emitted.function("load")
    needed = save(pointer(emitted.params), None, ctypes.c_size_t(0))
    buffer = np.full(needed, 0xEE, np.uint8)
    assert save(pointer(emitted.params), pointer(buffer), ctypes.c_size_t(needed - 1)) == needed
    assert (buffer == 0xEE).all()
    assert save(pointer(emitted.params), pointer(buffer), ctypes.c_size_t(needed)) == needed
    read = safetensors.load(buffer.tobytes())
    names = [owned.tensor.name for owned in emitted.plan.parameters]
    assert np.concatenate([read[name].ravel() for name in names]).tolist() == emitted.params.tolist()
    assert [read[name].shape for name in names] == [
        shape_of(owned.tensor, emitted.sizes) for owned in emitted.plan.parameters
    ]

    other = np.full_like(emitted.params, np.nan)
    assert load(pointer(other), pointer(buffer), ctypes.c_size_t(needed)) == OK
    assert other.tobytes() == emitted.params.tobytes()
    for size, place in ((needed - 1, None), (needed, 0), (needed, 12), (7, None)):
        broken = buffer.copy()
        if place is not None:
            broken[place] ^= 1
        before = other.copy()
        assert load(pointer(other), pointer(broken), ctypes.c_size_t(size)) == FORMAT
        assert other.tobytes() == before.tobytes()


@pytest.mark.skipif(len(COMPILERS) < 2, reason="needs gcc and clang")
@pytest.mark.parametrize("flags", [("-O3", "-march=native"), ("-O2", "-std=gnu11")], ids=" ".join)
def test_compilers_agree_in_bits(flags: tuple[str, ...], tmp_path: Path, rng: np.random.Generator) -> None:
    plan = plan_network(dense({"n": 37, "d": 19, "k": 5}))
    after = []
    for compiler in COMPILERS:
        network = EmittedNetwork(plan, tmp_path, *flags, compiler=compiler)
        arrays = network.draw(np.random.default_rng(1))
        batch = network.batch(arrays)
        for _ in range(10):
            network.call("sgd_step", batch, real(0.1), real(0.01), ctypes.byref(network.L))
        after.append(network.params.tobytes())
    assert after[0] == after[1]


def test_sources_are_clean_in_float_and_double_and_as_cpp(tmp_path: Path) -> None:
    sources = []
    for name in NETWORKS:
        header, source = render_c(planned(name))
        write(tmp_path, {f"{name}.h": header, f"{name}.c": source})
        sources.append(tmp_path / f"{name}.c")
    doubles = [f"-D{name.upper()}_DOUBLE" for name in NETWORKS]
    for compiler in COMPILERS:
        run(compiler, *STRICT, "-fsyntax-only", *sources)
        run(compiler, *STRICT, "-fsyntax-only", *doubles, *sources)
    headers = "".join(f'#include "{name}.h"\n' for name in NETWORKS)
    write(tmp_path, {"all.cpp": headers})
    run(COMPILERS[0], "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only", tmp_path / "all.cpp")


def test_sizes_may_be_set_at_compile_time(tmp_path: Path, rng: np.random.Generator) -> None:
    larger = plan_network(dense({"n": 11, "d": 23, "k": 4}))
    flags = ("-O1", "-DDENSE_N=11", "-DDENSE_D=23", "-DDENSE_K=4", "-DDENSE_M=200")
    emitted = EmittedNetwork(planned("dense"), tmp_path, *flags, examples=150)
    emitted.plan, emitted.sizes = larger, {"n": 11, "d": 23, "k": 4, "m": 150}
    arrays = emitted.draw(rng)
    assert emitted.call("loss", emitted.batch(arrays), ctypes.byref(emitted.L)) == OK
    assert close(emitted.L.value, evaluate(larger.loss, arrays, emitted.sizes)["L"])


def test_fast_math_is_refused(tmp_path: Path) -> None:
    write(tmp_path, dict(zip(("dense.h", "dense.c"), render_c(planned("dense")), strict=True)))
    with pytest.raises(AssertionError, match="needs exact floating point"):
        run(COMPILERS[0], "-ffast-math", "-fsyntax-only", tmp_path / "dense.c")


@pytest.mark.parametrize("name", NETWORKS)
def test_sources_keep_to_themselves(name: str) -> None:
    """No allocation, no stdio, no mutable globals, every symbol with the prefix."""
    header, source = render_c(planned(name))
    assert not re.search(
        r"\b(malloc|calloc|realloc|free|printf|fopen|static (?!const\b|int\b|void\b|real\b|uint64_t\b))",
        source,
    )
    assert set(re.findall(r"#include [<\"]([\w.]+)", header + source)) <= {
        "stddef.h", "stdint.h", "math.h", "string.h", f"{name}.h",
    }  # fmt: skip
    defined = re.findall(r"^(?:static )?(?:\w+ \*?)+?(\w+)\([^;]*?\)\n\{", source, re.MULTILINE)
    assert len(defined) > 15
    assert all(function.startswith(f"{name}_") for function in defined)
    assert not re.search(
        r"^(?!static const|typedef|#|enum|extern)\w[\w ]*\*?\w+(\[\w*\])* = ", source, re.MULTILINE
    )
