"""Names of the mathematics as identifiers of C, C++ and Python, at once.

A name is `[A-Za-z][A-Za-z0-9_]*`, no keyword of the three languages, no macro or function of the C
library, and still unique in upper case, for sizes become constants: n is TWO_LAYER_N.
What a person chose is refused, with the remedy; what a pass named is changed.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterable, Mapping

from derive.errors import DeriveError


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LEGAL = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z")

C_KEYWORDS = _words(
    """
    auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while asm fortran typeof
    """
)
CPP_KEYWORDS = _words(
    """
    alignas alignof and and_eq asm bitand bitor bool catch char8_t char16_t char32_t class co_await
    co_return co_yield compl concept const_cast consteval constexpr constinit decltype delete
    dynamic_cast explicit export false final friend import module mutable namespace new noexcept not
    not_eq nullptr operator or or_eq override private protected public reinterpret_cast requires
    static_assert static_cast template this thread_local throw true try typeid typename using virtual
    wchar_t xor xor_eq
    """
)
MATH_FUNCTIONS = _words(
    """
    acos acosh asin asinh atan atan2 atanh cbrt ceil copysign cos cosh erf erfc exp exp2 expm1 fabs fdim
    floor fma fmax fmin fmod frexp hypot ilogb ldexp lgamma llrint llround log log10 log1p log2 logb
    lrint lround modf nan nearbyint nextafter nexttoward pow remainder remquo rint round scalbln scalbn
    sin sinh sqrt tan tanh tgamma trunc
    """
)
LIBRARY = _words(
    """
    I complex imaginary main errno assert NULL EOF NAN INFINITY HUGE_VAL HUGE_VALF EDOM ERANGE BUFSIZ
    RAND_MAX FP_NAN FP_INFINITE FP_ZERO FP_NORMAL FP_SUBNORMAL FP_CONTRACT DBL_MAX FLT_MAX M_PI M_E
    isnan isinf isfinite isnormal signbit fpclassify j0 j1 jn y0 y1 yn gamma signgam abs div labs exit
    abort atexit malloc calloc realloc free qsort rand srand time clock signal raise memcpy memmove
    memset memcmp strlen strcmp index rindex read write open close link pipe select linux unix real mix
    offsetof size_t ptrdiff_t int8_t int16_t int32_t int64_t uint8_t uint16_t uint32_t uint64_t self
    None True False
    """
)
RESERVED = frozenset(
    {
        *keyword.kwlist,
        *keyword.softkwlist,
        *C_KEYWORDS,
        *CPP_KEYWORDS,
        *LIBRARY,
        *(name + suffix for name in MATH_FUNCTIONS for suffix in ("", "f", "l")),
    }
) - {"_"}


ARGUMENTS = frozenset({"np", "p", "p_dot", "residuals"})
BESIDE_DATA = frozenset({"w"})


class NameRefused(DeriveError):
    """A name that cannot stand in emitted source."""


def require_name(name: str, what: str) -> str:
    """The name; NameRefused, saying what it names and what to write instead, where it is not legal."""
    if not LEGAL.match(name):
        raise NameRefused(
            f"{what} is named {name!r}, which is no identifier of C and Python; "
            f"use letters, digits and _, a letter first, as {suggestion(name)}"
        )
    if name in RESERVED:
        raise NameRefused(
            f"{what} is named {name!r}, which C, C++ or Python keeps for itself; "
            f"choose another name, as {suggestion(name)}"
        )
    return name


def require_prefix(name: str, what: str) -> str:
    """The name of what is only ever a prefix in C (tanh_forward) and a module in Python."""
    return require_name(name, what) if name in keyword.kwlist or not LEGAL.match(name) else name


def require_distinct(names: Iterable[tuple[str, str]], where: str) -> None:
    """NameRefused where two of the (name, what) are one in upper case."""
    seen: dict[str, tuple[str, str]] = {}
    for name, what in names:
        other = seen.setdefault(name.upper(), (name, what))
        if other != (name, what):
            raise NameRefused(
                f"{what} {name!r} and {other[1]} {other[0]!r} of {where} are both {name.upper()} "
                f"in upper case, where they would be one constant; rename one of them, as {name}{name[-1]}"
            )


def require_apart(size: str, tensors: Mapping[str, str], where: str) -> None:
    """NameRefused where a size is called as a tensor is, or as an argument of the emitted functions."""
    what = tensors.get(size) or ("argument of the emitted functions" if size in ARGUMENTS else None)
    if what is not None:
        raise NameRefused(
            f"{size} is both a size and the {what} of {where}, and would be one variable; rename the size, "
            f"as {size}1"
        )


def require_no_argument(name: str, steps: Iterable[str], where: str) -> None:
    """NameRefused where data is called as another argument of the emitted functions, `steps` among them."""
    if name in ARGUMENTS or name in BESIDE_DATA or name in steps:
        raise NameRefused(
            f"{name} is both data of {where} and an argument of the emitted functions, which take them side "
            f"by side; rename the data, as {name.upper()}1"
        )


def suggestion(name: str) -> str:
    """A legal name that resembles the one refused."""
    letters = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_0123456789") or "Z"
    return letters if LEGAL.match(letters) and letters not in RESERVED else f"{letters}_1"


def local_name(name: str, taken: Iterable[str]) -> str:
    """The name for a local variable, with as many _ after it as make it legal and unused."""
    occupied = set(taken)
    while name in RESERVED or name in occupied:
        name += "_"
    return name
