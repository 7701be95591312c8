"""Three oracles for a Hessian-vector product, none of which trusts the second derivation.

    symmetry          <v, H u> = <u, H v>, for a second direction v
    exact gradients   H u against differences of the pullback along u, every element, in 50 digits
    digits            H u in float64 against itself in 50 decimal digits

where H is the Hessian of f = sum of Y_bar * Y over all outputs, and the pullback gives its gradient.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from derive.calculus.program.program import Program
from derive.check.arithmetic import Array, arithmetic
from derive.check.oracles import (
    DIGITS,
    DIGITS_BOUND,
    EXACT_BOUND,
    FLOOR,
    Arrays,
    Check,
    Point,
    inner,
    length,
    norm,
    relative,
)

SYMMETRY_BOUND = 1e-12


def curvature_checks(point: Point, pullback: Program, product: Program) -> tuple[Check, ...]:
    """All three oracles at one point."""
    exact = point.evaluated(product, DIGITS)
    return (
        symmetry(point, product),
        exact_gradients(point, pullback, product, exact),
        rounding(point, product, exact),
    )


def symmetry(point: Point, product: Program) -> Check:
    """<v, H u> = <u, H v>, relative to |v| |H u| + |u| |H v|."""
    names = directed(product)
    others = _other_directions(point, names)
    along, across = (
        replace(point, directions=chosen).evaluated(product)
        for chosen in (point.directions, {**point.directions, **others})
    )
    left = sum(inner(along[name + "_bar_dot"], others[name]) for name in names)
    right = sum(inner(across[name + "_bar_dot"], point.directions[name]) for name in names)
    scale = _size(others, names) * _curved(along, names)
    scale += _size(point.directions, names) * _curved(across, names)
    return Check("symmetry", relative(left - right, scale), SYMMETRY_BOUND, "<v, H u> = <u, H v>")


def exact_gradients(point: Point, pullback: Program, product: Program, exact: Arrays | None = None) -> Check:
    """(X_bar(x + h u) - X_bar(x - h u))/2h in 50 digits, normwise over all that is varied together."""
    found = exact if exact is not None else point.evaluated(product, DIGITS)
    names, cast = directed(product), arithmetic(DIGITS).cast
    step = cast(10.0**-3)[()] ** 5
    lines = {name: (cast(point.inputs[name]), cast(point.directions[name])) for name in names}

    def gradient(shift: object) -> dict[str, Array]:
        moved = {name: here + shift * along for name, (here, along) in lines.items()}
        return replace(point, inputs={**point.inputs, **moved}).evaluated(pullback, DIGITS)

    above, below = gradient(step), gradient(-step)
    errors = [
        found[name + "_bar_dot"] - (above[name + "_bar"] - below[name + "_bar"]) / (2 * step)
        for name in names
    ]
    scale = max(_curved(found, names), FLOOR * _gradient(above, names) * _size(point.directions, names))
    compared = f"{', '.join(product.outputs)} against gradients in {DIGITS} digits"
    return Check("exact gradients", relative(norm(*errors), scale), EXACT_BOUND, compared)


def rounding(point: Point, product: Program, exact: Arrays | None = None) -> Check:
    """The float64 evaluation against the same program in 50 digits, normwise for each output."""
    rounded = point.evaluated(product)
    exact = exact if exact is not None else point.evaluated(product, DIGITS)
    cast = arithmetic(DIGITS).cast
    least = FLOOR * length(*point.cotangents.values())
    errors = [
        relative(norm(cast(rounded[name]) - exact[name]), max(norm(exact[name]), least))
        for name in product.outputs
    ]
    compared = f"{', '.join(product.outputs)} in float64 and {DIGITS} digits"
    return Check("digits", max(errors, default=0.0), DIGITS_BOUND, compared)


def directed(product: Program) -> tuple[str, ...]:
    """The inputs that a product moves, and by which it differentiates."""
    return tuple(name.removesuffix("_bar_dot") for name in product.outputs)


def _other_directions(point: Point, names: tuple[str, ...]) -> dict[str, Array]:
    """Directions of other random numbers, nan in the padding as the point's."""
    generator = np.random.default_rng(3)
    return {
        name: np.where(
            np.isnan(point.directions[name]),
            np.nan,
            generator.normal(size=np.shape(point.directions[name])),
        )
        for name in names
    }


def _size(directions: Mapping[str, Array], names: tuple[str, ...]) -> float:
    return length(*(directions[name] for name in names))


def _curved(found: Arrays, names: tuple[str, ...]) -> float:
    return norm(*(found[name + "_bar_dot"] for name in names))


def _gradient(found: Arrays, names: tuple[str, ...]) -> float:
    return norm(*(found[name + "_bar"] for name in names))
