"""From a built case to a program that races: the library by the runtime's own compiler, a driver in C."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from bench.ours.built import Built, Unavailable
from derive.errors import DeriveError
from derive.runtime.compiler import compile_library, find_compiler
from derive.runtime.loading import SOURCES

HERE = Path(__file__).parent
PLAIN = ("-std=gnu99", "-O2", "-fPIC", "-shared")  # what `cc -O2` makes of the source


@dataclass(frozen=True)
class Compiled:
    """The command that races, and what compiling cost: seconds and bytes of `cc -O2`."""

    command: tuple[str, ...]
    compile_s: float
    library_bytes: int


def source_of(built: Built, target: str) -> Path:
    """The C file of a target: <name>.c, or <name>_<target>.c."""
    spelling = SOURCES.get(target, "{name}.c" if target == "c" else f"{{name}}_{target}.c")
    source = built.folder / spelling.format(name=built.name)
    if not source.is_file():
        raise Unavailable(f"the target {target} wrote no {source.name}")
    return source


def compiled(built: Built, target: str, threads: int = 1) -> Compiled:
    """Compile the library as the runtime does, the driver beside it, and time `cc -O2`."""
    source = source_of(built, target)
    library = compile_library(source, ("-fopenmp",) if threads > 1 else ())
    seconds, size = by_plain_command(source)
    return Compiled((str(driver(built)), str(library), str(built.data)), seconds, size)


def by_plain_command(source: Path) -> tuple[float, int]:
    """Seconds of `cc -O2`, and the bytes of the shared object."""
    made = source.with_suffix(".so")
    start = time.perf_counter()
    _run(*PLAIN, str(source), "-o", str(made), "-lm")
    return time.perf_counter() - start, made.stat().st_size


def driver(built: Built) -> Path:
    """The C driver of the case, compiled."""
    source = built.folder / "driver.c"
    source.write_text(rendered(built), encoding="utf-8")
    made = built.folder / "driver"
    _run("-std=gnu99", "-O2", f"-I{HERE}", f"-I{built.folder}", str(source), "-o", str(made), "-ldl")
    return made


def rendered(built: Built) -> str:
    """The driver's text."""
    places = FileSystemLoader(HERE)
    environment = Environment(loader=places, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template(built.template).render(built.context)


def _run(*arguments: str) -> None:
    answer = subprocess.run(
        [*find_compiler().command, *arguments], capture_output=True, text=True, check=False
    )
    if answer.returncode:
        raise DeriveError(f"the C compiler refuses what the bench gave it: {' '.join(answer.stderr.split())}")
