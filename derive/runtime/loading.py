"""`load`: from the name of an emitted network to an object that runs it."""

import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from .description import Description, read_description
from .errors import CompilerError, DescriptionError, RuntimeInputError
from .network import Network
from .numpy_network import NumpyNetwork
from .resizing import resize

SOURCES = {"c": "{name}.c", "tuned": "{name}_tuned.c"}  # what is compiled, and the file of each
BACKENDS = ("numpy", *SOURCES)
MOST_THREADS = 1024


def load(
    name: str,
    backend: str = "numpy",
    path: str | Path = "generated",
    dtype: str = "float32",
    *,
    sizes: Mapping[str, int] | None = None,
    max_batch: int | None = None,
    threads: int = 1,
) -> Network:
    """Load `<path>/<name>/` and run it by `backend`: "numpy", "c", or "tuned" where it was built for that.

    `sizes` sets sizes other than the default ones, as {"d": 500}; `max_batch` asks the C for more rows in a
    call. `threads` are the tuned C's, and those of all networks that this process loads with more than one;
    NumPy's are what its own libraries read when they are loaded. Raise DescriptionError for a folder that is
    missing or does not fit itself, CompilerError where C can't be had.
    """
    if backend not in BACKENDS:
        raise RuntimeInputError(f"no backend {backend!r}; choose one of {', '.join(BACKENDS)}")
    if dtype not in ("float32", "float64"):
        raise RuntimeInputError(f"no dtype {dtype!r}; choose float32 or float64")
    folder = Path(path) / name
    description = resize(read_description(folder, name), sizes or {})
    check_threads(threads, backend)
    if backend in SOURCES:
        return load_compiled(description, folder, backend, dtype, max_batch, threads)
    return NumpyNetwork(description, np.dtype(dtype), folder)


def load_fastest(
    name: str,
    path: str | Path = "generated",
    dtype: str = "float32",
    *,
    sizes: Mapping[str, int] | None = None,
    max_batch: int | None = None,
    threads: int = 1,
    notice: Callable[[str], None] = lambda _: None,
) -> Network:
    """The network by its tuned C where it was built for these sizes, else by its plain C, else by NumPy.

    `notice` hears why one was passed over: there is no compiler, or it refuses the source.
    """
    passed = ""
    tuned = _is_made_for(Path(path) / name, name, sizes or {}, max_batch or 0)
    for backend, title in (*((("tuned", "tuned C"),) if tuned else ()), ("c", "C")):
        try:
            network = load(name, backend, path, dtype, sizes=sizes, max_batch=max_batch, threads=threads)
        except CompilerError as error:
            passed = f"{title}: {error}"
            continue
        if passed:
            notice(f"plain C runs this, not {passed}")
        return network
    notice(f"NumPy runs this, not {passed}")
    return load(name, "numpy", path, dtype, sizes=sizes)


def _is_made_for(folder: Path, name: str, sizes: Mapping[str, int], rows: int) -> bool:
    """Whether a network has a tuned source, and for so many rows and these sizes."""
    description = resize(read_description(folder, name), sizes)
    return "tuned" in description.targets and not description.resized and rows <= description.max_batch


def check_threads(threads: int, backend: str) -> None:
    """RuntimeInputError where a backend can't run on so many threads."""
    if not 1 <= threads <= MOST_THREADS:
        raise RuntimeInputError(
            f"threads is {threads}, but a network runs on 1 to {MOST_THREADS} of them; give as many as the "
            f"machine has cores, here {os.cpu_count() or 1}"
        )
    if threads > 1 and backend == "c":
        raise RuntimeInputError(
            f'threads is {threads}, but the plain C (backend "c") runs on one; choose backend "tuned" of a '
            "network that was built with --target tuned, or leave the threads at 1"
        )


def load_compiled(
    description: Description,
    folder: Path,
    backend: str,
    dtype: str,
    max_batch: int | None,
    threads: int,
) -> Network:
    """Compile the backend's source for these sizes, once a machine, and load the library."""
    from .c_network import CNetwork  # ctypes and subprocess are for those who compile
    from .compiler import OPENMP, compile_library

    source = folder / SOURCES[backend].format(name=description.name)
    if not source.is_file():
        raise DescriptionError(
            f"network {description.name!r} has no C source: {source} is missing; run `python -m "
            f'derive build {description.name} --target {backend}`, or load it with backend="numpy"'
        )
    rows = max(max_batch or 0, description.max_batch)
    if backend == "tuned":
        _require_own_sizes(description, rows)
    openmp = (OPENMP,) if threads > 1 else ()
    library = compile_library(source, (*macros(description, dtype, rows), *openmp))
    return CNetwork(replace(description, max_batch=rows), np.dtype(dtype), library, backend, threads)


def _require_own_sizes(description: Description, rows: int) -> None:
    """DescriptionError where sizes are asked for that the tuned source was not made for."""
    most = {description.batch_axis: rows} if rows != description.max_batch else {}
    resized = {**description.resized, **most}
    if resized:
        asked = ", ".join(f"{symbol}={size}" for symbol, size in resized.items())
        raise DescriptionError(
            f"network {description.name!r}: its tuned source is made for the sizes it was built with, not "
            f"for {asked}; build it again with `--size {asked.split(', ')[0]}` and so on, "
            'or load it with backend="c"'
        )


def macros(description: Description, dtype: str, rows: int) -> tuple[str, ...]:
    """The compile-time settings that differ from the header's own."""
    prefix = f"-D{description.name.upper()}"
    real = (f"{prefix}_DOUBLE",) if dtype == "float64" else ()
    batch = (f"{prefix}_M={rows}",) if rows != description.max_batch else ()
    return (
        *real,
        *batch,
        *(f"{prefix}_{symbol.upper()}={size}" for symbol, size in description.resized.items()),
    )
