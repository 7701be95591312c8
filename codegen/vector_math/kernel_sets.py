"""The kernel sets as `vector_math_c` sees them: width, target, and what has an instruction."""

from __future__ import annotations

from dataclasses import dataclass

KINDS = {
    "float": ("ps", "-1", "(unsigned short)-1"),
    "double": ("pd", "(unsigned char)-1", "(unsigned char)-1"),
}
"""The ending of an instruction, and a full mask as gcc and as clang have it."""


@dataclass(frozen=True)
class KernelSet:
    """Bytes of a vector, the target of gcc and clang, what the processor must have, and the operations.

    `s` stands for the instruction's ending (ps, pd), `all` for a full mask.
    """

    name: str
    width: int
    target: str
    feature: str
    operations: tuple[tuple[str, str], ...]
    clang: tuple[tuple[str, str], ...] = ()


KERNEL_SETS = (
    KernelSet(
        "avx512",
        64,
        "arch=x86-64-v4",
        "avx512vl",
        (
            ("fma_(a, b, c)", "__builtin_ia32_vfmadd{s}512_mask(a, b, c, {all}, 4)"),
            ("scale_(p, k)", "__builtin_ia32_scalef{s}512_mask(p, k, p, {all}, 4)"),
            ("min_(a, b)", "__builtin_ia32_min{s}512_mask(a, b, a, {all}, 4)"),
            ("max_(a, b)", "__builtin_ia32_max{s}512_mask(a, b, a, {all}, 4)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}512_mask(a, a, -1, 4)"),
        ),
        (
            ("min_(a, b)", "__builtin_ia32_min{s}512(a, b, 4)"),
            ("max_(a, b)", "__builtin_ia32_max{s}512(a, b, 4)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}512(a, 4)"),
        ),
    ),
    KernelSet(
        "avx2",
        32,
        "arch=x86-64-v3",
        "avx2",
        (
            ("fma_(a, b, c)", "__builtin_ia32_vfmadd{s}256(a, b, c)"),
            ("min_(a, b)", "__builtin_ia32_min{s}256(a, b)"),
            ("max_(a, b)", "__builtin_ia32_max{s}256(a, b)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}256(a)"),
            ("select_(m, a, b)", "__builtin_ia32_blendv{s}256(b, a, (vec)(m))"),
        ),
    ),
    KernelSet(
        "sse2",
        16,
        "arch=x86-64",
        "sse2",
        (
            ("fma_(a, b, c)", "((a) * (b) + (c))"),
            ("min_(a, b)", "__builtin_ia32_min{s}(a, b)"),
            ("max_(a, b)", "__builtin_ia32_max{s}(a, b)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}(a)"),
        ),
    ),
    KernelSet("neon", 16, "", "", (("fma_(a, b, c)", "FN(fused)(a, b, c)"),)),
    KernelSet("plain", 16, "", "", (("fma_(a, b, c)", "((a) * (b) + (c))"),)),
)
BY_NAME = {each.name: each for each in KERNEL_SETS}


def definitions(kernels: KernelSet, real: str) -> str:
    """The macros of a set's operations, where its vectors are of `real`."""
    ending, full, full_in_clang = KINDS[real]
    other = dict(kernels.clang)
    lines: list[str] = []
    for left, right in kernels.operations:
        gcc = right.format(s=ending, all=full)
        clang = other.get(left, right).format(s=ending, all=full_in_clang)
        line = f"#define {left} {gcc}"
        if clang != gcc:
            line = f"#ifdef __clang__\n#define {left} {clang}\n#else\n{line}\n#endif"
        lines.append(line)
    return "\n".join(lines) + "\n"
