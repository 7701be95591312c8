"""Terms with a common factor are grouped; powers that cannot be compared are not, and nothing runs away."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from codegen.emit import emit_layer
from derive.calculus.arrays.base import MatrixFormError
from derive.calculus.definition.define import define
from derive.calculus.derivation.jvp import jvp
from derive.check.evaluate import evaluate

POWER = define("power(b, t) -> y\n    y = 1 - b^t")


def test_a_power_by_an_unknown_exponent_is_pushed_forward() -> None:
    at = {"b": 0.9, "t": 3.0, "b_dot": 0.5, "t_dot": -2.0}
    found = evaluate(jvp(POWER), {name: np.float64(value) for name, value in at.items()})
    right = -(3 * 0.9**2 * 0.5 - 2 * np.log(0.9) * 0.9**3)
    assert abs(float(found["y_dot"]) - right) < 1e-12


def test_such_a_power_is_refused_by_name_where_it_is_emitted(tmp_path: Path) -> None:
    with pytest.raises(MatrixFormError, match=r"the exponent of b\^t is computed; write it as exp"):
        emit_layer(POWER, ("numpy", "c"), tmp_path)
    assert not list(tmp_path.iterdir())
