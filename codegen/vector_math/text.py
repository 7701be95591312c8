"""The C of the functions that are asked for: constants from the precision, coefficients from the fits.

    vector_math_c({"exp", "tanh"}, "float")

What includes the text defines, for each kernel set, `vec`, `ivec` (as many integers, as wide), `LANES`,
`FN(name)` and `fma_(a, b, c)`; where the set has an instruction, `min_`, `max_`, `sqrt_`, `scale_` and
`select_` too.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import mpmath
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from mpmath import mpf

from codegen.vector_math.coefficients import measured, polynomials
from codegen.vector_math.precision import PRECISIONS, Precision
from codegen.vector_math.rows import CENTRE, vanishing_erfc
from derive.errors import DeriveError

PARTS: dict[str, tuple[str, ...]] = {
    "exp": ("at_least", "at_most", "scaled"),
    "expm1": ("at_least", "at_most", "signed_as", "expm1_reduced"),
    "log": ("log_reduced",),
    "log1p": ("log_reduced", "absolute", "signed_as"),
    "tanh": ("at_least", "signed_as", "expm1_reduced"),
    "logistic": (),
    "erf": ("at_most", "absolute", "signed_as", "scaled", "expm1_reduced", "erfc_positive"),
    "erfc": ("at_most", "absolute", "scaled", "expm1_reduced", "erfc_positive"),
    "sin": ("absolute", "turned"),
    "cos": ("absolute", "turned"),
    "sqrt": ("root",),
    "rsqrt": ("root",),
}
"""What each function calls."""
NEEDS = {"logistic": "exp"}
TURN_LIMIT = 100_000
EXPONENT_BITS = {"float": 8, "double": 11}


def vector_math_c(functions: Iterable[str], real: str, given: Iterable[str] = ()) -> str:
    """The functions of a vector of `real`, and only what they need; `given` are parts that the file has."""
    wanted = set(functions)
    unknown = sorted(wanted - set(PARTS))
    if unknown:
        raise DeriveError(f"no vector function {unknown[0]}; use {', '.join(sorted(PARTS))}")
    wanted |= {NEEDS[name] for name in wanted & set(NEEDS)}
    parts = {part for name in wanted for part in PARTS[name]}
    template = _templates().get_template("vector_math.c.jinja")
    return template.render(functions=wanted, parts=parts, given=set(given), **_constants(PRECISIONS[real]))


@cache
def _templates() -> Environment:
    folder = Path(__file__).parent.with_name("templates") / "c" / "tuned"
    return Environment(  # noqa: S701 - C, not HTML
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


@cache
def _constants(precision: Precision) -> dict[str, object]:
    with mpmath.workdps(60):
        return {
            **_of_the_format(precision),
            **_of_the_functions(precision),
            "polynomial": {
                name: [precision.literal(c) for c in coefficients]
                for name, coefficients in polynomials(precision.real).items()
            },
            "error": {name: _remark(precision.real, name) for name in PARTS},
        }


def _remark(real: str, name: str) -> str:
    errors = measured(real, name)
    return f"; {max(errors.values()):.2f} ulp" if errors else ""


def _of_the_format(precision: Precision) -> dict[str, object]:
    literal, digits, bias = precision.literal, precision.digits, precision.bias
    fraction, magic, unit = digits - 1, precision.magic, mpf(2) ** (digits - 1)
    suffix = "u" if precision.real == "float" else "ull"
    top = 31 if precision.real == "float" else 63
    infinity_bits = (2 * bias + 1) << fraction
    return {
        "real": precision.real,
        "f": "f" if precision.real == "float" else "",
        "word": "unsigned" if precision.real == "float" else "unsigned long long",
        "digits": digits,
        "digits_literal": literal(mpf(digits)),
        "fraction": fraction,
        "top": top,
        "sign": f"{1 << top:#x}{suffix}",
        "magic": literal(magic),
        "magic_one": literal(magic + bias),
        "magic_half": literal(magic + bias - 1),
        "magic_two_bias": literal(magic + 2 * bias),
        "unit_magic_bits": precision.bits(unit) + suffix,
        "unit_magic_bias": literal(unit + bias),
        "fraction_mask": f"{(1 << fraction) - 1:#x}{suffix}",
        "low_half_mask": f"{(1 << (digits + 1) // 2) - 1:#x}{suffix}",
        "one_bits": precision.bits(mpf(1)) + suffix,
        "root_half_bits": precision.bits(precision.rounded(mpmath.sqrt(mpf(1) / 2))) + suffix,
        "minus_infinity_bits": f"{infinity_bits | 1 << top:#x}{suffix}",
        "two_bias_and_two": f"{2 * bias + 2}{suffix}",
        "smallest_normal": literal(mpf(2) ** (1 - bias)),
        "two_digits": literal(mpf(2) ** digits),
        "infinity": f"__builtin_inf{'f' if precision.real == 'float' else ''}()",
        **{
            name: literal(mpf(value))
            for name, value in (("zero", 0), ("one", 1), ("two", 2), ("one_half", 0.5), ("one_quarter", 0.25))
        },
    }


def _of_the_functions(precision: Precision) -> dict[str, object]:
    literal, rounded, log2 = precision.literal, precision.rounded, mpmath.log(2)
    single = precision.real == "float"
    wide = PRECISIONS["double"]
    turn = wide.parts(mpmath.pi / 2, (36,) if single else (36, 36))
    return {
        "log2": [
            literal(c) for c in precision.parts(log2, (precision.digits - EXPONENT_BITS[precision.real],))
        ],
        "log2_inverse": literal(rounded(1 / log2)),
        "exp_low": literal(mpmath.floor((precision.smallest_exponent - 1) * log2)),
        "exp_high": literal(mpmath.ceil((precision.bias + 1) * log2)),
        "expm1_low": literal(-mpmath.ceil((precision.digits + 2) * log2)),
        "tanh_high": literal(mpmath.ceil((precision.digits + 3) * log2)),
        "erfc_high": literal(vanishing_erfc(precision)),
        "centre": CENTRE,
        "centre_literal": literal(mpf(CENTRE)),
        "two_centres": literal(mpf(2 * CENTRE)),
        "turn": [wide.literal(c) for c in turn],
        "turn_inverse": wide.literal(wide.rounded(2 / mpmath.pi)),
        "wide_magic": wide.literal(wide.magic),
        "turn_limit": literal(mpf(TURN_LIMIT)),
    }
