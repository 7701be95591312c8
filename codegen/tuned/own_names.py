"""What the kernels of the tuned C call their own functions and macros, read from their templates.

a tensor called `panel`, beside FN(panel)      its function is FN(panel_2)
a tensor called `vec`, a macro                 refused: it would be replaced within x->p->vec too
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from codegen.extents import size_names
from codegen.names import NameRefused
from codegen.plan.plan import LayerPlan, Plan
from codegen.tuned.functions import OWN
from codegen.vector_math.text import PARTS, vector_math_c

TEMPLATES = Path(__file__).parent.parent / "templates" / "c" / "tuned"
FUNCTION = re.compile(r"\b(?:FN|ONE)\((\w+)\)")
CONSTANT = re.compile(r"#\s*define (\w+)(?=[ \n])")


@cache
def functions() -> frozenset[str]:
    """The functions of a kernel set that no equation names."""
    mathematics = vector_math_c(sorted(PARTS), "float", ("select",))
    return frozenset({*FUNCTION.findall(_templates() + mathematics), *OWN})


@cache
def macros() -> frozenset[str]:
    """The macros that have no argument: they are replaced wherever their name stands."""
    return frozenset(CONSTANT.findall(_templates()))


def require_tuned_names(plan: Plan) -> None:
    """NameRefused where a tensor or a size of a network would be a macro of the kernels."""
    tensors = {t.name for program in (plan.loss, plan.vjp, plan.jvp) for t in program.tensors.values()}
    _require(f"network {plan.network.name!r}", tensors, set(plan.network.sizes))


def require_tuned_layer_names(plan: LayerPlan) -> None:
    """NameRefused where a tensor or a size of a layer would be a macro of the kernels."""
    tensors = {name for program in plan.programs.values() for name in program.tensors}
    _require(f"layer {plan.name!r}", tensors, size_names(plan.forward))


def _require(owner: str, tensors: Iterable[str], sizes: Iterable[str]) -> None:
    for kind, names in (("tensor", sorted(tensors)), ("size", sorted(sizes))):
        for one in names:
            spelled = one if kind == "tensor" else one.upper()
            if spelled in macros():
                raise NameRefused(
                    f"{kind} {one!r} of {owner} is {spelled} in the source, a macro of the tuned "
                    f"kernels; call it otherwise, as {one}{one[-1]}, or leave the target tuned out"
                )


def _templates() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("*.jinja")))
