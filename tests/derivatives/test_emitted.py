"""All networks with all derivatives, emitted: NumPy, C and the reference interpreter agree; no warnings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit
from codegen.plan.derivatives import ON_REQUEST
from codegen.plan.plan import plan_network
from derive.calculus.program.network import Network as Definition
from derive.check.arithmetic import Array
from derive.check.evaluate import evaluate
from derive.errors import DeriveError
from derive.networks.registry import NETWORKS, variant
from derive.runtime import load
from derive.runtime.errors import DescriptionError
from derive.runtime.network import Network
from tests.codegen.emitted_c import COMPILERS, STRICT, run
from tests.codegen.networks import NETWORKS as DEFINED

ALL = tuple(ON_REQUEST)
OTHERS = (
    "dense_fixed",
    "words",
    "pictures",
    "batched",
)  # a table, windows, a recurrence, a batch's statistics
HAS = {"batched": ("hvp", "gauss_newton")}  # no example of it has a gradient of its own
EVERY = (*NETWORKS, *OTHERS)
SMALL = {"n": 7, "d": 5, "k": 3, "d1": 6, "d2": 5}
SMALL |= {"c": 2, "a": 1, "b": 1, "o1": 3, "o2": 2}  # pictures
SMALL |= {"L": 2, "h": 2, "e": 3, "f": 4, "T": 3, "v": 6}  # sequences
compiled = pytest.mark.skipif(not COMPILERS, reason="neither gcc nor clang is installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every network with every derivative, emitted small."""
    out = tmp_path_factory.mktemp("with_all")
    for name in EVERY:
        emit(small(name), ("numpy", "c"), out)
    return out


def small(name: str) -> Definition:
    """The network at small sizes."""
    if name in OTHERS:
        return replace(DEFINED[name](), derivatives=HAS.get(name, ALL))
    sizes = {letter: SMALL[letter] for letter in variant(name).sizes}
    return variant(name, sizes=sizes, derivatives=ALL)


def bound(name: str, backend: str, folder: Path, rows: int = 5) -> Network:
    """A loaded network with parameters and a batch drawn from one seed."""
    rng = np.random.default_rng(1)
    network = load(name, backend, folder, "float64", max_batch=rows).init(0)
    for tensor in network.description.parameters:
        network.parameters[tensor.name][...] = rng.normal(size=tensor.shape) / 2
    batch = [
        rng.integers(0, tensor.classes or 1, (rows, *tensor.shape)).astype(np.int32)
        if tensor.dtype == "int32"
        else rng.normal(size=(rows, *tensor.shape))
        for tensor in network.description.data
    ]
    return network.bind(*batch)


def tangents(network: Network) -> dict[str, Array]:
    rng = np.random.default_rng(2)
    return {tensor.name: rng.normal(size=tensor.shape) for tensor in network.description.trained}


def computed(network: Network, key: str) -> dict[str, Array]:
    return network.per_example() if key == "per_example" else network.product(key, tangents(network))


@compiled
@pytest.mark.compiler
@pytest.mark.parametrize("name", EVERY)
def test_numpy_and_c_agree(name: str, folder: Path) -> None:
    plain, fast = (bound(name, backend, folder) for backend in ("numpy", "c"))
    for key in HAS.get(name, ALL):
        expected, found = computed(plain, key), computed(fast, key)
        for parameter, value in expected.items():
            assert value.shape == found[parameter].shape
            assert np.linalg.norm(found[parameter] - value) <= 1e-12 * np.linalg.norm(value), (key, parameter)
            assert np.linalg.norm(value) > 0


@pytest.mark.parametrize("name", EVERY)
def test_numpy_computes_what_its_program_says(name: str, folder: Path) -> None:
    network = bound(name, "numpy", folder)
    plan = plan_network(small(name))
    names = (tensor.name for tensor in network.description.data)
    values = {**network.parameters, **dict(zip(names, network._bound, strict=True))}
    values |= {f"{parameter}_dot": value for parameter, value in tangents(network).items()}
    for key, program in plan.more.items():
        inputs = {tensor.name: values[tensor.name] for tensor in program.inputs}
        right = evaluate(program, inputs, {**plan.network.sizes, "m": 5})
        for parameter, value in computed(network, key).items():
            expected = right[parameter + ON_REQUEST[key].suffix]
            assert np.linalg.norm(value - expected) <= 1e-12 * np.linalg.norm(expected), (key, parameter)


@pytest.mark.parametrize("backend", ["numpy", *(["c"] if COMPILERS else [])])
def test_products_follow_from_each_other(backend: str, folder: Path) -> None:
    network = bound("two_layer_tanh", backend, folder)
    u = tangents(network)
    v = {name: np.flip(value) for name, value in u.items()}
    along, across = network.hvp(u), network.hvp(v)
    left, right = (sum((a[n] * b[n]).sum() for n in u) for a, b in ((v, along), (u, across)))
    assert left == pytest.approx(right, rel=1e-12)
    assert sum((u[n] * network.gauss_newton(u)[n]).sum() for n in u) > 0
    _, whole = network.gradients()
    own = network.per_example()
    for name, gradient in whole.items():
        assert own[name].mean(axis=0) == pytest.approx(gradient, rel=1e-12, abs=1e-15)


@compiled
@pytest.mark.compiler
def test_rows_of_a_selection_are_theirs(folder: Path) -> None:
    network = bound("tiny", "c", folder)
    every = network.per_example()
    some = network.select(2, 4).per_example()
    assert all((some[name] == every[name][2:4]).all() for name in some)


@compiled
@pytest.mark.compiler
@pytest.mark.parametrize("compiler", COMPILERS)
@pytest.mark.parametrize("real", ["float", "double"])
def test_c_is_clean_under_all_warnings(compiler: str, real: str, folder: Path) -> None:
    macros = [f"-D{name.upper()}_DOUBLE" for name in EVERY] if real == "double" else []
    run(compiler, *STRICT, *macros, "-fsyntax-only", *folder.glob("*/*.c"))


def test_the_module_states_what_it_has(folder: Path) -> None:
    network = load("tiny", "numpy", folder)
    assert network.description.derivatives == ("vjp", "jvp", *ALL)
    assert ("vjp", "jvp", *ALL) == network.module.DERIVATIVES  # type: ignore[attr-defined]
    assert network.description.build[-2:] == ("--with", ",".join(ALL))


@pytest.mark.parametrize("backend", ["numpy", *(["c"] if COMPILERS else [])])
def test_what_was_not_emitted_is_named_with_the_command(backend: str, tmp_path: Path) -> None:
    emit(variant("tiny", derivatives=("hvp",)), ("numpy", "c"), tmp_path)
    network = bound("tiny", backend, tmp_path)
    with pytest.raises(DescriptionError, match="run `python -m derive build tiny --with hvp,per_example`"):
        network.per_example()


def test_a_derivative_that_does_not_exist_is_refused() -> None:
    with pytest.raises(DeriveError, match="no derivative third to build with; there are vjp, jvp, hvp"):
        plan_network(variant("tiny", derivatives=("third",)))
