"""A C file with the functions of one kernel set as loops over arrays, to be measured: exp_ps of x into y."""

from __future__ import annotations

from collections.abc import Iterable

from codegen.vector_math.kernel_sets import FUSED, KernelSet, definitions
from codegen.vector_math.text import vector_math_c

INTEGERS = {"float": "int", "double": "long long"}


def program(functions: Iterable[str], real: str, kernels: KernelSet) -> str:
    """`void all_<function>(const real *x, real *y, long n)` for each function, n a multiple of LANES."""
    names = sorted(functions)
    size = 4 if real == "float" else 8
    lanes = kernels.width // size
    head = [
        "#if defined(__clang__)\n#pragma STDC FP_CONTRACT OFF\n#else",
        '#pragma GCC optimize("fp-contract=off")\n#endif',
        *_opened(kernels),
        f"typedef {real} real;",
        f"typedef real vec __attribute__((vector_size({kernels.width})));",
        f"typedef {INTEGERS[real]} ivec __attribute__((vector_size({kernels.width})));",
        f"#define LANES {lanes}\n#define FN(name) vector_##name",
    ]
    fused = f"#ifdef __clang__\n{FUSED}#endif\n" if kernels.name == "neon" else ""
    loops = "".join(_loop(name) for name in names)
    return "\n".join(
        [*head, *definitions(kernels, real), fused + vector_math_c(names, real) + loops, *_closed(kernels)]
    )


def _loop(name: str) -> str:
    return (
        f"void all_{name}(const real *x, real *y, long n);\n"
        f"void all_{name}(const real *x, real *y, long n)\n{{\n    for (long i = 0; i < n; i += LANES) {{\n"
        "        vec v;\n        __builtin_memcpy(&v, x + i, sizeof v);\n"
        f"        v = FN({name})(v);\n        __builtin_memcpy(y + i, &v, sizeof v);\n    }}\n}}\n"
    )


def _opened(kernels: KernelSet) -> list[str]:
    if not kernels.target:
        return []
    return [
        "#ifdef __clang__",
        f'#pragma clang attribute push(__attribute__((target("{kernels.target}"))), apply_to = function)',
        f'#else\n#pragma GCC push_options\n#pragma GCC target("{kernels.target}")\n#endif',
    ]


def _closed(kernels: KernelSet) -> list[str]:
    if not kernels.target:
        return []
    return ["#ifdef __clang__\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n#endif\n"]
