"""Trees of source files, real and planted, for the tests that read source."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ("derive", "codegen")
EMITTED = ("generated",)


def files(root: Path, where: Iterable[str], pattern: str = "*.py") -> Iterator[Path]:
    """Yield the files of some folders, where they exist; a file stands for itself."""
    for name in where:
        path = root / name
        found = [path] if path.is_file() else sorted(path.rglob(pattern))
        yield from (each for each in found if each.is_file() and "__pycache__" not in each.parts)


def parse(path: Path) -> ast.Module:
    """Read the syntax tree of a file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def plant(root: Path, name: str, text: str) -> Path:
    """Write one file of a small tree, and give the tree."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return root
