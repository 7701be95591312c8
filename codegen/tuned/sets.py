"""Kernel sets: one row for each width of vector registers that a file is compiled for.

A set is a name, the bytes of a register, how many registers there are, what the compiler must be told, and
how a processor is asked for it. The file chooses the first that the processor has.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelSet:
    """Registers of so many bytes; `gcc` and `clang` name the instructions, `asked` finds them at run time."""

    name: str
    width: int
    registers: int
    fused: bool
    where: str
    target: str = ""
    asked: tuple[str, ...] = ()

    def lanes(self, item: int) -> int:
        """How many numbers of so many bytes one register holds."""
        return self.width // item


X86 = "defined(__x86_64__)"
ARM = "defined(__aarch64__)"
SETS: tuple[KernelSet, ...] = (
    KernelSet("avx512", 64, 32, True, X86, "arch=x86-64-v4", ("avx512f", "avx512dq", "avx512vl", "avx512bw")),
    KernelSet("avx2", 32, 16, True, X86, "arch=x86-64-v3", ("avx2", "fma")),
    KernelSet("sse2", 16, 16, False, X86),
    KernelSet("neon", 16, 32, True, ARM),
    KernelSet("plain", 16, 16, False, f"!{X86} && !{ARM}"),
)
