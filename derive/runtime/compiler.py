"""From emitted C to a library: find a compiler, compile once, keep the result in the user's cache folder.

The file's name holds a hash of all that decides its content: sources, flags, the compiler's version, the
processor.
"""

import hashlib
import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .errors import CompilerError
from .folders import user_folder

FLAGS = ("-std=c99", "-O3", "-march=native", "-fPIC", "-shared")
TUNED = ("-std=gnu11", "-O2", "-fno-math-errno", "-fno-trapping-math", "-fPIC", "-shared")
OPENMP = "-fopenmp"
CANDIDATES = ("cc", "gcc", "clang")


@dataclass(frozen=True)
class Compiler:
    """A command that compiles C, and what it says of itself."""

    command: tuple[str, ...]
    version: str


def find_compiler() -> Compiler:
    """`$CC`, else cc, gcc, clang, else the `ziglang` wheel. Raise CompilerError where there is none."""
    named = os.environ.get("CC", "").strip()
    if named:
        return _asked(tuple(shlex.split(named)), f"CC={named}")
    for candidate in CANDIDATES:
        if shutil.which(candidate):
            return _asked((candidate,), candidate)
    if importlib.util.find_spec("ziglang"):
        return _asked((sys.executable, "-m", "ziglang", "cc"), "python -m ziglang cc")
    raise CompilerError(
        "no C compiler: $CC is not set, and neither cc, gcc, clang nor the ziglang wheel was found; "
        'install one (`pip install ziglang` is enough) or use backend="numpy"'
    )


def _asked(command: tuple[str, ...], title: str) -> Compiler:
    try:
        answer = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CompilerError(
            f"the C compiler {title} does not answer to --version ({error}); set CC to one that works, "
            f'unset it, or use backend="numpy"'
        ) from None
    return Compiler(command, answer.stdout)


def compile_library(source: Path, macros: tuple[str, ...]) -> Path:
    """The library made of `source`, compiled now or found compiled; `macros` as in `-DTWO_LAYER_M=256`."""
    compiler = find_compiler()
    flags = (*(TUNED if source.stem.endswith("_tuned") else FLAGS), *macros)
    folder = user_folder("build")
    library = folder / f"{source.stem}-{_digest(source, flags, compiler)}.so"
    if not library.exists():
        _prepare_folder(folder)
        _compile(compiler, flags, source, library)
    return library


def _digest(source: Path, flags: tuple[str, ...], compiler: Compiler) -> str:
    digest = hashlib.sha256()
    header = source.parent / f"{source.parent.name}.h"
    pieces = [
        source.read_bytes(),
        header.read_bytes() if header.is_file() else b"",
        *(word.encode() for word in (*flags, *compiler.command, compiler.version, _processor())),
    ]
    for piece in pieces:
        digest.update(len(piece).to_bytes(8, "little"))
        digest.update(piece)
    return digest.hexdigest()[:24]


def _processor() -> str:
    """What -march=native stands for here: a home folder may be shared by machines of different kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine() + platform.processor()
    return "\n".join(
        sorted({line for line in lines if line.startswith(("model", "flags", "Features", "CPU"))})
    )


def _prepare_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompilerError(
            f"compiled networks are kept in {folder}, which can't be made ({error.strerror}); set "
            f"XDG_CACHE_HOME to a folder of yours"
        ) from None


def _compile(compiler: Compiler, flags: tuple[str, ...], source: Path, library: Path) -> None:
    """Compile beside the library's place and rename, so that no process ever sees half of it."""
    with tempfile.TemporaryDirectory(prefix=".compiling-", dir=library.parent) as folder:
        made = Path(folder) / library.name
        failure = _run(compiler, flags, source, made)
        if failure and "-march=native" in flags:
            portable = tuple(flag for flag in flags if flag != "-march=native")
            failure = _run(compiler, portable, source, made) and failure
        if failure:
            raise CompilerError(
                f"{shlex.join(compiler.command)} refuses {source}: {failure}; {_remedy(flags, source)}, or "
                "name another compiler in CC"
            )
        made.replace(library)


def _remedy(flags: tuple[str, ...], source: Path) -> str:
    if OPENMP in flags:
        return f"more than one thread needs {OPENMP} and its library: install it, or leave --threads out"
    return f"rebuild the network with `python -m derive build {source.parent.name}`"


def _run(compiler: Compiler, flags: tuple[str, ...], source: Path, made: Path) -> str:
    """Empty, or the compiler's own words on one line."""
    command = [*compiler.command, *flags, str(source), "-o", str(made), "-lm"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode == 0:
        return ""
    words = " ".join(answer.stderr.split()) or f"exit code {answer.returncode}"
    return words if len(words) <= 1200 else f"{words[:1200]} ..."
