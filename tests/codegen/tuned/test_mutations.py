"""Faults put into the tuned text are seen by the tests of overflow, of agreement and of bits."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from codegen.emit import emit
from derive.networks.registry import variant
from tests.codegen.emitted_c import COMPILERS
from tests.codegen.tuned import test_alike, test_overflow
from tests.codegen.tuned.driven import SETS, SIZES, driven, output

pytestmark = pytest.mark.compiler
NAME = "two_layer_tanh"
FUSED = "avx512" in SETS or "avx2" in SETS
FAILURES = (AssertionError, pytest.fail.Exception)


def mutated(source: Path, pattern: str, text: str) -> None:
    emitted = source.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, text, emitted)
    assert count, pattern
    source.write_text(changed, encoding="utf-8")


def overflowing(folder: Path) -> None:
    test_overflow.test_gradient_that_overflows_changes_nothing(folder)


def alike(folder: Path) -> None:
    test_alike.test_steps_are_alike(folder, "float64", 1e-12)


FAULTS: dict[str, tuple[str, str, str, Callable[[Path], None]]] = {
    "every step is taken for finite": (
        NAME,
        r"(int ONE\(bounded\)\(.*\)\n\{)",
        r"\1\n    if (x) return 1;",
        overflowing,
    ),
    "rows of the last tile are left out": (
        "two_layer",
        r"for \(int r = 0; r < rows; r\+\+\)",
        "for (int r = 0; r < rows - (rows > 1); r++)",
        alike,
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_fails_the_test(fault: str, tmp_path: Path) -> None:
    name, pattern, text, test = FAULTS[fault]
    sizes = {"n": 17, "d": 13, "k": 3} if name == NAME else {"n": 31, "d": 100, "k": 10}
    emit(variant(name, sizes=sizes), ("numpy", "c", "tuned"), tmp_path)
    mutated(tmp_path / name / f"{name}_tuned.c", pattern, text)
    with pytest.raises(FAILURES):
        test(tmp_path)


@pytest.mark.skipif("gcc" not in COMPILERS, reason="no gcc")
def test_a_rounding_more_changes_bits(tmp_path: Path) -> None:
    """The bytes that threads and compilers are compared by tell a rounded product from one that is not."""
    made, examples = driven(NAME, tmp_path), SIZES[NAME]["m"]
    before = output(made.program(made.tuned, "gcc"), examples)
    mutated(
        made.folder / made.tuned, r"#define fma_\(a, b, c\) .*", "#define fma_(a, b, c) ((a) * (b) + (c))"
    )
    after = output(made.program(made.tuned, "gcc", "-DMUTATED"), examples)
    assert len(before) == len(after)
    if FUSED:
        assert before != after
