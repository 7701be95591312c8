"""Kernel sets: one row for each width of vector registers that a file is compiled for.

A set is a name, the bytes of a register, how many registers there are, whether multiplying and adding is one
instruction, where it can be, what the compiler must be told, what the processor must have, and what its
operations are called. A file chooses the first that the processor has.

    fma_(a, b, c)       a b + c                       min_, max_, sqrt_, scale_, select_    where there is one
    first_(x, n)        the first n numbers at x      put_first_(x, v, n)                   where there is one
    more_(a, b)         the larger of integers        where there is one
    nan_(a)             whether one of them is none   (with max_(a, b), which is b where either is NaN)
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """How instructions for one kind of real are spelled: ending, AArch64's ending, masks.

    `every` is a full mask as gcc has it, whose parameter is signed, and as clang has it.
    """

    ending: str
    neon: str
    mask: str
    every: tuple[str, str]


KINDS = {
    "float": Kind("ps", "4sf", "unsigned short", ("-1", "(unsigned short)-1")),
    "double": Kind("pd", "2df", "unsigned char", ("(unsigned char)-1",) * 2),
}


@dataclass(frozen=True)
class KernelSet:
    """Registers of so many bytes, and operations; `clang` has those that gcc calls otherwise.

    In an operation {s} stands for the instruction's ending, {neon} for that of AArch64, {mask} for the type
    of a mask and {every} for a full one.
    """

    name: str
    width: int
    registers: int
    fused: bool
    where: str
    operations: tuple[tuple[str, str], ...]
    clang: tuple[tuple[str, str], ...] = ()
    float_operations: tuple[tuple[str, str], ...] = ()
    """What there is for vectors of float only."""
    target: str = ""
    needs: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    """Bits of leaf 7 of CPUID that the target allows, beside FIRST_FEATURES of leaf 1."""
    saved: str = ""
    """Bits of XCR0: the registers that the system must save."""
    small: bool = False
    """Compiled for size: for processors so old that the file's bytes count more than its speed there."""

    def lanes(self, item: int) -> int:
        """How many numbers of so many bytes one register holds."""
        return self.width // item


X86 = "defined(__x86_64__)"
ARM = "defined(__aarch64__)"
MORE = "(((a) & ((a) > (b))) | ((b) & ~((a) > (b))))"
FIRST_OF_16 = "({mask})((1u << LARGER(n, 0)) - 1)"
FIRST_FEATURES = ("bit_FMA", "bit_MOVBE", "bit_OSXSAVE", "bit_AVX", "bit_F16C")
LEVEL_3 = ("bit_AVX2", "bit_BMI", "bit_BMI2")
LEVEL_4 = ("bit_AVX512F", "bit_AVX512DQ", "bit_AVX512CD", "bit_AVX512BW", "bit_AVX512VL")
"""As <cpuid.h> names the bits of the levels x86-64-v3 and -v4 of the System V ABI."""
KERNEL_SETS = (
    KernelSet(
        "avx512",
        64,
        32,
        True,
        X86,
        (
            ("fma_(a, b, c)", "__builtin_ia32_vfmadd{s}512_mask(a, b, c, {every}, 4)"),
            ("scale_(p, k)", "__builtin_ia32_scalef{s}512_mask(p, k, p, {every}, 4)"),
            ("min_(a, b)", "__builtin_ia32_min{s}512_mask(a, b, a, {every}, 4)"),
            ("max_(a, b)", "__builtin_ia32_max{s}512_mask(a, b, a, {every}, 4)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}512_mask(a, a, -1, 4)"),
            ("nan_(a)", "__builtin_ia32_cmp{s}512_mask(a, a, 3, ({mask})-1, 4)"),
            (
                "first_(x, n)",
                f"__builtin_ia32_loadu{{s}}512_mask((const void *)(x), (vec){{{{0}}}}, {FIRST_OF_16})",
            ),
            ("put_first_(x, v, n)", f"__builtin_ia32_storeu{{s}}512_mask((void *)(x), v, {FIRST_OF_16})"),
        ),
        (
            ("min_(a, b)", "__builtin_ia32_min{s}512(a, b, 4)"),
            ("max_(a, b)", "__builtin_ia32_max{s}512(a, b, 4)"),
            ("more_(a, b)", MORE),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}512(a, 4)"),
        ),
        (("more_(a, b)", "__builtin_ia32_pmaxsd512_mask(a, b, a, ({mask})-1)"),),
        "arch=x86-64-v4",
        ("avx512f", "avx512dq", "avx512vl", "avx512bw"),
        (*LEVEL_3, *LEVEL_4),
        "0xe6",
    ),
    KernelSet(
        "avx2",
        32,
        16,
        True,
        X86,
        (
            ("fma_(a, b, c)", "__builtin_ia32_vfmadd{s}256(a, b, c)"),
            ("min_(a, b)", "__builtin_ia32_min{s}256(a, b)"),
            ("max_(a, b)", "__builtin_ia32_max{s}256(a, b)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}256(a)"),
            ("nan_(a)", "__builtin_ia32_movmsk{s}256((vec)((a) != (a)))"),
            ("select_(m, a, b)", "__builtin_ia32_blendv{s}256(b, a, (vec)(m))"),
            ("first_(x, n)", "__builtin_ia32_maskload{s}256((const void *)(x), FN(lane)() < every(n))"),
        ),
        (("more_(a, b)", MORE),),
        (("more_(a, b)", "__builtin_ia32_pmaxsd256(a, b)"),),
        "arch=x86-64-v3",
        ("avx2", "fma"),
        LEVEL_3,
        "0x6",
    ),
    KernelSet(
        "sse2",
        16,
        16,
        False,
        X86,
        (
            ("fma_(a, b, c)", "((a) * (b) + (c))"),
            ("min_(a, b)", "__builtin_ia32_min{s}(a, b)"),
            ("max_(a, b)", "__builtin_ia32_max{s}(a, b)"),
            ("sqrt_(a)", "__builtin_ia32_sqrt{s}(a)"),
            ("nan_(a)", "__builtin_ia32_movmsk{s}((vec)((a) != (a)))"),
        ),
        needs=("sse2",),
        small=True,
    ),
    KernelSet(
        "neon",
        16,
        32,
        True,
        ARM,
        (("fma_(a, b, c)", "__builtin_aarch64_fmav{neon}(a, b, c)"),),
        (("fma_(a, b, c)", "FN(fused)(a, b, c)"),),
        needs=("asimd",),
    ),
    KernelSet("plain", 16, 16, False, f"!{X86} && !{ARM}", (("fma_(a, b, c)", "((a) * (b) + (c))"),)),
)
BY_NAME = {each.name: each for each in KERNEL_SETS}
OPERATIONS = tuple(
    dict.fromkeys(
        left.split("(")[0] for each in KERNEL_SETS for left, _ in each.operations + each.float_operations
    )
)
FUSED = """\
static inline vec FN(fused)(vec a, vec b, vec c)
{
    for (int lane = 0; lane < LANES; lane++)
        c[lane] = sizeof(c[0]) == 4 ? __builtin_fmaf(a[lane], b[lane], c[lane])
                                    : __builtin_fma(a[lane], b[lane], c[lane]);
    return c;
}
"""
"""a b + c where the compiler has no name for it over vectors, as clang for AArch64."""


def definitions(kernels: KernelSet, real: str, wanted: tuple[str, ...] = OPERATIONS) -> list[str]:
    """The macros of a set's operations, where its vectors are of `real`."""
    other = dict(kernels.clang)
    lines: list[str] = []
    for left, right in _operations(kernels, real):
        if left.split("(")[0] not in wanted:
            continue
        gcc, clang = _filled(right, real, 0), _filled(other.get(left, right), real, 1)
        line = f"#define {left} {gcc}"
        lines += (
            [line]
            if clang == gcc
            else ["#ifdef __clang__", f"#define {left} {clang}", "#else", line, "#endif"]
        )
    return lines


def _operations(kernels: KernelSet, real: str) -> tuple[tuple[str, str], ...]:
    return kernels.operations + (kernels.float_operations if real == "float" else ())


def _filled(operation: str, real: str, compiler: int) -> str:
    kind = KINDS[real]
    return operation.format(s=kind.ending, neon=kind.neon, mask=kind.mask, every=kind.every[compiler])
