"""Outputs that may lie where an input lies: which are offered, and the same bits there as apart."""

from pathlib import Path

import numpy as np
import pytest

from codegen.c.layer import render_c_layer
from codegen.extents import size_names
from codegen.overwriting import Hosts, overwriting
from codegen.plan.plan import plan_layer
from codegen.tuned.source.layer_module import render_tuned_layer
from derive.calculus.definition.define import define
from derive.calculus.program.program import Program
from derive.layers.registry import layer
from tests.codegen.emitted_c import COMPILERS, EmittedLayer, drawn
from tests.codegen.tuned.test_tuned_layers import TunedLayer

ADAM = """adam(W[n], G[n], state m[n], state s[n], lr) -> W_new, m_new, s_new
    m_new[i] = (9*m[i] + G[i])/10
    s_new[i] = (19*s[i] + G[i]^2)/20
    W_new[i] = W[i] - lr*m_new[i]/(sqrt(s_new[i]) + 1/1000)"""
DEFINED = {
    "adam": ADAM,
    "guarded": "guarded(X[m,n], Z[m,n]) -> Y\n Y[i,j] = where(j <= i, X[i,j]*Z[i,j], 0)",
    "passed on": "passed(X[m,n]) -> Y, Z\n Z[i,j] = X[i,j]^2\n Y[i,j] = X[i,j]*exp(Z[i,j])",
    "finished": """finished(X[m,k], W[k,n], R[m,n]) -> Y
        A[i,j] = sum_{p} X[i,p] W[p,j]
        Y[i,j] = R[i,j] + tanh(A[i,j])""",
}
LAYERS = ("batchnorm", "binary_cross_entropy", "gelu", "relu", "silu")
REFUSED = {
    "another element": "f(X[n]) -> Y\n Y[i<n] = X[n-1-i]",
    "the element and another": "f(X[n]) -> Y\n Y[i] = X[i] + X[n-1-i]",
    "transposed": "f(X[n,n]) -> Y\n Y[i,j] = X[j,i]",
    "of another shape": "f(X[m], Z[m,n]) -> Y\n Y[i,j] = X[i]*Z[0,j]",
    "in a sum": "f(X[n]) -> Y\n Y[i] = X[i] + sum_{q} X[q]",
    "beside a sum": "f(X[m], W[m,n]) -> Y\n Y[i] = X[i] + sum_{q} W[i,q]",
    "in a sum before": "f(X[n]) -> Y\n T = sum_{q} X[q]\n Y[i] = X[i]/T",
    "read later": "f(X[n]) -> Y, Z\n Y[i] = 2*X[i]\n Z[i] = Y[i]*exp(X[i])",
    "gathered": "f(X[n], integer y[n]) -> Y\n Y[i] = X[y[i]]",
    "turn by turn": """f(X[T,n]) -> Y
        H[0,j<n] = 0
        for t < T:
            H[t+1,j] = H[t,j] + X[t,j]
        Y[t<T,j] = X[t,j] + H[t,j]""",
}


def program_of(name: str) -> Program:
    return define(DEFINED[name]) if name in DEFINED else layer(name)


def offered(program: Program) -> dict[str, Hosts]:
    """Where outputs may lie, by function."""
    return {key: overwriting(part) for key, part in plan_layer(program).programs.items()}


def test_an_update_may_be_in_place() -> None:
    found = offered(define(ADAM))
    assert found["forward"] == {"W_new": ("W",), "m_new": ("m",), "s_new": ("G", "s")}
    assert "W_bar" not in found["vjp"]  # W_new_bar is summed for lr_bar too


@pytest.mark.parametrize("name", REFUSED)
def test_what_reads_another_element_or_reads_later_is_refused(name: str) -> None:
    assert "Y" not in overwriting(define(REFUSED[name]))


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize("kind", [EmittedLayer, TunedLayer])
@pytest.mark.parametrize("name", [*DEFINED, *LAYERS])
def test_in_place_gives_the_bits_that_apart_gives(
    name: str, kind: type[EmittedLayer], tmp_path: Path, rng: np.random.Generator
) -> None:
    program = program_of(name)
    plan = plan_layer(program)
    sizes = {letter: 29 + 2 * place for place, letter in enumerate(sorted(size_names(program)))}
    emitted, seen = kind(plan, sizes, tmp_path), 0
    for key, part in plan.programs.items():
        inputs = {tensor.name: drawn(tensor, sizes, 3, rng) for tensor in part.inputs}
        apart = emitted.call(key, part, inputs)
        for output, hosts in overwriting(part).items():
            for host in hosts:
                there = emitted.call(key, part, inputs, {output: host})
                assert all(np.array_equal(there[one], apart[one]) for one in apart), (key, output, host)
                seen += 1
    assert seen


@pytest.mark.compiler
@pytest.mark.skipif("gcc" not in COMPILERS, reason="gcc is not installed")
@pytest.mark.parametrize("kind", [EmittedLayer, TunedLayer])
def test_all_of_an_update_at_once(kind: type[EmittedLayer], tmp_path: Path, rng: np.random.Generator) -> None:
    plan = plan_layer(define(ADAM))
    emitted, part = kind(plan, {"n": 1000}, tmp_path), plan.forward
    inputs = {tensor.name: drawn(tensor, {"n": 1000}, 3, rng) for tensor in part.inputs}
    apart = emitted.call("forward", part, inputs)
    there = emitted.call("forward", part, inputs, {"W_new": "W", "m_new": "m", "s_new": "s"})
    assert all(np.array_equal(there[one], apart[one]) for one in apart)


def test_the_header_says_where_and_the_source_promises_no_more() -> None:
    plan = plan_layer(define(ADAM))
    plain, tuned = render_c_layer(plan, {"n": 8}), render_tuned_layer(plan, {"n": 8})
    said = "/* W_new may lie where W lies; m_new may lie where m lies; s_new may lie where G or s lies. */"
    for files, source in ((plain, plain["adam.c"]), (tuned, tuned["adam_tuned.c"])):
        assert f"{said}\nvoid adam_forward(" in files["adam.h"]
        head = source[source.index("void adam_forward(") :].partition("{")[0]
        assert "restrict" not in head.replace("adam_workspace *restrict w", "")
        assert "W_bar[restrict ADAM_N]" in source
