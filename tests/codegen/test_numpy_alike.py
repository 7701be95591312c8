"""Lines that were worked out under placeholders are those of the names themselves."""

from typing import Any

import pytest

from codegen.numpy.module import render_numpy
from codegen.plan.plan import plan_network
from codegen.statements import lines as numpy_lines
from codegen.statements.alike import Written
from derive.calculus.arrays.matrix import alike_form
from derive.networks.classifiers import curve, perceptron, residual

DEEP = perceptron((7, 6, 5, 4, 3, 2), ("tanh", "relu", "softplus", "sigmoid"), bias=True, name="deep")


@pytest.mark.parametrize("network", [DEEP, residual(), curve()], ids=lambda one: str(one.name))
def test_a_module_is_the_same_without_placeholders(network: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = plan_network(network)
    shared = render_numpy(plan)
    assert "~" not in shared
    monkeypatch.setattr(numpy_lines, "alike_form", lambda *found: alike_form(*found[:4]))
    assert render_numpy(plan) == shared


def test_a_deeper_network_has_no_more_lines_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def printed(depth: int) -> int:
        found: list[Written] = []
        kept = Written.__init__

        def counted(self: Written, *arguments: Any) -> None:
            found.append(self)
            kept(self, *arguments)

        with monkeypatch.context() as patch:
            patch.setattr(Written, "__init__", counted)
            render_numpy(plan_network(perceptron(tuple(range(depth + 2, 1, -1)), name="deep")))
        return len(found)

    assert printed(5) == printed(7) > 0
