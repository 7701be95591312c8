"""python -m codegen.vector_math: fit every polynomial, measure every function, rewrite coefficients.json.

`--measure` keeps the polynomials and measures alone. Minutes; a build only reads the file.
"""

from __future__ import annotations

import sys
from typing import Any

from codegen.vector_math.coefficients import as_kept, kept, write
from codegen.vector_math.fit import fitted_all
from codegen.vector_math.measure import largest_errors
from codegen.vector_math.precision import PRECISIONS

BINS = {"float": 8192, "double": 256}
"""4 million numbers of float, 1 million of double."""


def main(arguments: list[str]) -> None:
    """Fit, write, measure, write."""
    found: dict[str, dict[str, Any]] = {real: dict(kept()[real]) for real in PRECISIONS}
    if "--measure" not in arguments:
        for real, precision in PRECISIONS.items():
            found[real]["polynomials"] = as_kept(fitted_all(precision))
        write(found)
        kept.cache_clear()
    for real, bins in BINS.items():
        errors = largest_errors(real, bins)
        found[real]["errors"] = {
            name: {kernels: round(error, 3) for kernels, error in by_set.items()}
            for name, by_set in errors.items()
        }
    write(found)


if __name__ == "__main__":
    main(sys.argv[1:])
