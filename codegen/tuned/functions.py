"""The functions that equations call, over whole vectors: FN(exp) for exp, by kernel set and real.

Those that have polynomials are `codegen.vector_math`'s; any other asks libm for one lane after the other.
"""

from __future__ import annotations

from typing import Any

from codegen.printers.to_c import Used
from codegen.tuned.products.tiles import most_rows
from codegen.tuned.spelling.abreast import EACH
from codegen.tuned.spelling.rows_abreast import ROWS
from codegen.vector_math.kernel_sets import FIRST_FEATURES, FUSED, KERNEL_SETS, OPERATIONS, X86, definitions
from codegen.vector_math.text import PARTS, vector_math_c

ITEMS = {4: "float", 8: "double"}
"""The reals by their bytes."""
OWN = {
    "fabs": "return (vec)((ivec)x & every(~(uword)0 >> 1));",
    "square": "return x * x;",
    "cube": "return x * x * x;",
    "fourth_power": "return (x * x) * (x * x);",
    "sign": "return FN(select)(x > all(0), all(1), FN(select)(x < all(0), all(-1), all(0)));",
}
EXTREME = """
/* The {name} of two; NaN where either is. */
static ALWAYS vec FN({name})(vec x, vec y)
{{
#ifdef {operation}
    return FN(select)(x != x, x, {operation}(x, y));
#else
    return FN(select)((x {sign} y) | (x != x), x, y);
#endif
}}
"""
EXTREMES = {"larger": (">", "max_"), "smaller": ("<", "min_")}
"""How two are compared, and the operation that takes the second where either is NaN."""
OVER = """
/* A vector divided by one number: times its inverse, where that is a normal number. */
static ALWAYS vec FN(over)(vec x, real y)
{
    const real size = y < 0 ? -y : y;
    return size > (real)1e-37 && size < (real)1e37 ? x * all(1 / y) : x / all(y);
}
"""
ALWAYS_CALLED = ("fma_", "max_", "more_", "nan_", "select_", "first_", "put_first_")
"""The operations that kernels call themselves."""


def of_the_set(name: str, prefix: str, item: int) -> str:
    """The condition under which a line is for a kernel set and a real."""
    double = f"defined({prefix.upper()}_DOUBLE)"
    return f"defined(SET_{name}) && {double if item == 8 else '!' + double}"


def functions_context(used: Used, prefix: str) -> dict[str, Any]:
    """What the templates need of registers and functions."""
    lines = function_lines(used, prefix)
    text = "\n".join(lines)
    wanted = tuple(one for one in OPERATIONS if one in ALWAYS_CALLED or f"{one}(" in text)
    pairs = [(one, item) for one in KERNEL_SETS for item in ITEMS]
    return {
        "sets": [{**one.__dict__, "width_of_choice": place + 1} for place, one in enumerate(KERNEL_SETS)],
        "x86": X86,
        "first_features": FIRST_FEATURES,
        "operations": (*wanted, "PITCH_ROWS"),
        "registers": [
            {
                "directive": f"#{'elif' if place else 'if'} {of_the_set(one.name, prefix, item)}",
                "lines": [
                    *definitions(one, ITEMS[item], wanted),
                    f"#define PITCH_ROWS {most_rows(one, 2)}",
                ],
            }
            for place, (one, item) in enumerate(pairs)
        ],
        "fused": FUSED,
        "functions": lines,
    }


def function_lines(used: Used, prefix: str) -> list[str]:
    """Vector forms of what the equations call."""
    polynomials = sorted(used.macros & set(PARTS))
    lines = _polynomials(polynomials, prefix) if polynomials else []
    for name in sorted(used.macros - set(PARTS) - set(OWN)):
        lines += _lane_by_lane(name)
    for name in sorted((used.own | used.macros) & set(OWN)):
        lines += ["", f"static ALWAYS vec FN({name})(vec x) {{ {OWN[name]} }}"]
    if "over" in used.own:
        lines += OVER.rstrip("\n").split("\n")
    if "each" in used.own:
        lines += EACH.rstrip("\n").split("\n")
    if "rows" in used.own:
        lines += ROWS.rstrip("\n").split("\n")
    for name in sorted(used.own & set(EXTREMES)):
        sign, operation = EXTREMES[name]
        lines += EXTREME.format(name=name, sign=sign, operation=operation).rstrip("\n").split("\n")
    return lines


def _polynomials(names: list[str], prefix: str) -> list[str]:
    double, single = (vector_math_c(names, real, ("select",)).rstrip("\n") for real in ("double", "float"))
    return [
        "",
        f"#ifdef {prefix.upper()}_DOUBLE",
        *double.split("\n"),
        "#else",
        *single.split("\n"),
        "#endif",
    ]


def _lane_by_lane(name: str) -> list[str]:
    letters = "xy" if name == "pow" else "x"
    return [
        "",
        f"static vec FN({name})({', '.join(f'vec {letter}' for letter in letters)})",
        "{",
        "    for (int l = 0; l < LANES; l++)",
        f"        x[l] = (real){name}({', '.join(f'(double){letter}[l]' for letter in letters)});",
        "    return x;",
        "}",
    ]
