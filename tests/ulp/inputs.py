"""float32 numbers: some of every exponent and sign, or all."""

from collections.abc import Iterator

import numpy as np

from tests.codegen.emitted_c import Array

EXPONENTS = 255
"""Zero and subnormal numbers have the exponent 0; 255 is infinite or not a number."""
BINS = 8192
WIDTH = 2**23 // BINS


def stratified(seed: int = 0) -> Array:
    """Of each sign and exponent one number in each of 8192 bins, the ends exactly: 4.2 million."""
    rng = np.random.default_rng(seed)
    mantissas = np.arange(BINS) * WIDTH + rng.integers(0, WIDTH, (2, EXPONENTS, BINS))
    mantissas[..., 0] = 0
    mantissas[..., -1] = 2**23 - 1
    signs, exponents = np.arange(2)[:, None, None], np.arange(EXPONENTS)[None, :, None]
    bits = (signs << 31) + (exponents << 23) + mantissas
    return bits.astype(np.uint32).ravel().view(np.float32)


def around(x: float) -> Array:
    """The 2^16 numbers nearest to x in their order."""
    middle = int(np.float32(x).view(np.uint32))
    return np.arange(middle - 2**15, middle + 2**15, dtype=np.uint32).view(np.float32)


def every() -> Iterator[Array]:
    """All finite numbers, those of one sign and exponent at a time."""
    for sign in range(2):
        for exponent in range(EXPONENTS):
            first = (sign << 31) + (exponent << 23)
            yield np.arange(first, first + 2**23, dtype=np.uint32).view(np.float32)
