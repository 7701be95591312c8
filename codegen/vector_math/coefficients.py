"""The fitted polynomials as they are kept: coefficients.json, which `python -m codegen.vector_math` rewrites.

    {"float": {"polynomials": {"exp": {"coefficients": ["0x1.0p+0", ..], "error": "0x1.8p-27"}},
               "errors": {"exp": {"avx512": 0.9}}}}

Fitting takes a minute and a build a fraction of a second; a test fits again and compares to the bit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mpmath import mpf

from codegen.vector_math.fit import Polynomial

PATH = Path(__file__).with_name("coefficients.json")
Kept = Mapping[str, Mapping[str, Any]]


@cache
def kept() -> Kept:
    """What the file holds, for both precisions."""
    found: Kept = json.loads(PATH.read_text(encoding="utf-8"))
    return found


def polynomials(real: str) -> dict[str, list[mpf]]:
    """The coefficients of each row."""
    rows = kept()[real]["polynomials"]
    return {name: [mpf(float.fromhex(c)) for c in row["coefficients"]] for name, row in rows.items()}


def measured(real: str, name: str) -> dict[str, float]:
    """The largest error of a function in units of the last place, for each kernel set that was measured."""
    return dict(kept()[real]["errors"].get(name, {}))


def as_kept(fits: Mapping[str, Polynomial]) -> dict[str, dict[str, object]]:
    """Polynomials as they are written."""
    return {
        name: {
            "coefficients": [float(c).hex() for c in fit.coefficients],
            "error": float(fit.error).hex(),
        }
        for name, fit in fits.items()
    }


def write(found: Kept) -> None:
    """Rewrite the file."""
    PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
