"""Imports run one way: derive.calculus < layers < networks < show, check; codegen and runtime beside them.

The rules are one table. The longest package name that fits a module decides. The standard library and a
module's own package are always open; everything else has to be named in the row.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.trees import ROOT, files, parse, plant

PACKAGES = ("derive", "codegen", "generated")


@dataclass(frozen=True)
class Rule:
    """What the modules of one package may import, of ours and of others."""

    package: str
    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


MATHEMATICS = ("derive.errors", "derive.calculus")
DEFINITIONS = (*MATHEMATICS, "derive.layers", "derive.optimizers")
NUMBERS = ("sympy", "mpmath", "numpy")

CALCULUS = (
    *("expressions", "program", "arrays", "definition", "rules", "simplification", "stable"),
    "derivation",
)
CODEGEN = (
    *("accumulation", "extents", "folder", "names", "overwriting", "targets", "printers", "vector_math"),
    *("passes", "plan"),
    *("c", "statements", "description", "buffers", "readme", "numpy", "tuned", "emit"),
)
TUNED = (
    *("phase", "sizes", "small_windows", "storage", "groups", "spelling", "products", "layout", "phases"),
    *("functions", "arena", "own_names", "draft", "verification", "pipeline", "budget", "layer", "source"),
)


def in_order(
    home: str, parts: tuple[str, ...], ours: tuple[str, ...], others: tuple[str, ...]
) -> tuple[Rule, ...]:
    """Each part of a package imports those before it."""
    return tuple(
        Rule(f"{home}.{part}", (*ours, *(f"{home}.{other}" for other in parts[:place])), others)
        for place, part in enumerate(parts)
    )


LOWER = tuple(f"codegen.{part}" for part in CODEGEN[: CODEGEN.index("tuned")])

RULES = (
    Rule("derive.errors"),
    Rule("derive.calculus", ("derive.errors",)),
    *in_order("derive.calculus", CALCULUS, ("derive.errors",), ("sympy",)),
    Rule("derive.calculus.definition.syntax", MATHEMATICS, ("sympy", "lark")),
    Rule("derive.layers", MATHEMATICS, ("sympy",)),
    Rule("derive.optimizers", MATHEMATICS, ("sympy",)),
    Rule("derive.networks", DEFINITIONS, ("sympy",)),
    Rule("derive.show", (*DEFINITIONS, "derive.networks"), (*NUMBERS, "jinja2")),
    Rule("derive.check", (*DEFINITIONS, "derive.networks"), NUMBERS),
    Rule("derive.runtime", ("derive.errors",), ("numpy", "rich")),
    Rule("derive.study", ("derive.errors", "derive.runtime"), ("numpy",)),
    Rule("codegen", MATHEMATICS),
    Rule("codegen.vector_math", MATHEMATICS, ("mpmath", "jinja2")),
    *in_order("codegen", CODEGEN, MATHEMATICS, ("sympy", "jinja2")),
    *in_order("codegen.tuned", TUNED, (*MATHEMATICS, *LOWER), ("sympy", "jinja2")),
    Rule("codegen.vector_math.measure", ("codegen.vector_math",), ("numpy",)),
    Rule("generated", (), ("numpy",)),
    Rule("derive.commands", ("derive", "codegen"), ("click", "rich", *NUMBERS)),
    Rule("derive.commands.bench", ("derive",), ("click", "rich", "bench")),
    Rule("derive.__main__", ("derive", "codegen"), ("click", "rich")),
    Rule("derive"),
)


def within(module: str, package: str) -> bool:
    """Say whether a module is the package or lies in it."""
    return module == package or module.startswith(package + ".")


def rule_for(module: str) -> Rule:
    """Find the row of a module. The last row is for `derive/__init__.py` alone."""
    fits = [rule for rule in RULES if within(module, rule.package)]
    assert fits, f"{module}: no rule says what it may import; add a row to RULES"
    found = max(fits, key=lambda rule: len(rule.package))
    assert found.package != "derive" or module == "derive", f"{module}: add a row to RULES"
    return found


def modules(root: Path) -> dict[str, Path]:
    """Name every module of the packages by its path."""
    return {module_name(path.relative_to(root)): path for path in files(root, PACKAGES)}


def module_name(path: Path) -> str:
    """derive/calculus/__init__.py is derive.calculus."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(module: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of each import, at the top, in a function or by `import_module`."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(parse(path)):
        match node:
            case ast.Import(names=names):
                yield from ((node.lineno, alias.name) for alias in names)
            case ast.ImportFrom(module=base, names=names, level=level):
                start = absolute(package, base, level)
                yield from ((node.lineno, f"{start}.{alias.name}") for alias in names)
            case ast.Call(ast.Name(id=call) | ast.Attribute(attr=call), [ast.Constant(value=text), *_]):
                if call in {"import_module", "__import__"}:
                    yield node.lineno, str(text)


def absolute(package: str, base: str | None, level: int) -> str:
    """Resolve the dots of a relative import."""
    parts = package.split(".")
    start = parts[: len(parts) - level + 1] if level else []
    return ".".join([*start, *([base] if base else [])])


def allowed(module: str, target: str, rule: Rule) -> bool:
    """Say whether a rule lets a module import a dotted name."""
    top = target.partition(".")[0]
    if top in PACKAGES:
        own = () if rule.package == "derive" else (rule.package,)
        return any(within(target, name) for name in (*rule.ours, *own))
    return top in sys.stdlib_module_names or top in rule.others


def violations(root: Path) -> list[str]:
    """List every import that no rule allows."""
    return [
        f"{path.relative_to(root)}:{line}: {module} must not import {target}"
        for module, path in modules(root).items()
        for line, target in imported(module, path)
        if not allowed(module, target, rule_for(module))
    ]


def test_no_arrow_points_back() -> None:
    assert modules(ROOT), "no modules found"
    assert violations(ROOT) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("derive/__init__.py", "import sympy"),
        ("derive/__init__.py", "from derive import calculus"),
        ("derive/errors.py", "from derive.calculus import tensor"),
        ("derive/calculus/derivation/vjp.py", "import numpy as np"),
        ("derive/calculus/derivation/vjp.py", "from lark import Lark"),
        ("derive/calculus/derivation/vjp.py", "from derive.layers import dense"),
        ("derive/calculus/derivation/vjp.py", "from ..layers import dense"),
        ("derive/calculus/derivation/vjp.py", "from .. import layers"),
        ("derive/calculus/__init__.py", "from ..layers import dense"),
        ("derive/calculus/rules/algebra.py", "from ...networks import two_layer"),
        ("derive/calculus/program/program.py", "from derive.calculus.derivation.vjp import vjp"),
        ("derive/calculus/simplification/simplify.py", "from derive.calculus.derivation import vjp"),
        ("codegen/passes/cse.py", "from codegen.plan.plan import Plan"),
        ("codegen/tuned/products/walk.py", "from codegen.tuned.arena.arena import Arena"),
        ("derive/layers/dense.py", "from derive.networks import two_layer"),
        ("derive/layers/dense.py", "import codegen.passes.cse"),
        ("derive/optimizers.py", "import numpy"),
        ("derive/networks/two_layer.py", "from derive import runtime"),
        ("derive/show/text.py", "from derive.check import formula"),
        ("derive/check/formula.py", "from codegen.printers import to_c"),
        ("derive/runtime/train.py", "import sympy"),
        ("derive/runtime/train.py", "from derive.calculus.expressions.tensor import Tensor"),
        ("derive/runtime/train.py", "import click"),
        ("derive/runtime/train.py", "def f():\n    import codegen"),
        ("derive/runtime/train.py", "from importlib import import_module\nimport_module('sympy')"),
        ("derive/study/plane.py", "import sympy"),
        ("derive/study/plane.py", "from derive.networks import registry"),
        ("codegen/emit.py", "from derive.layers import dense"),
        ("codegen/emit.py", "from derive.networks import two_layer"),
        ("codegen/emit.py", "import derive.runtime"),
        ("codegen/emit.py", "import derive"),
        ("generated/two_layer/two_layer.py", "import scipy"),
        ("generated/two_layer/two_layer.py", "from derive import runtime"),
        ("derive/commands/build.py", "import tests.by_hand"),
    ],
)
def test_a_planted_arrow_is_caught(tmp_path: Path, name: str, line: str) -> None:
    assert violations(plant(tmp_path, name, line))


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("derive/calculus/derivation/vjp.py", "import functools, sympy.core\nfrom .partials import partials"),
        ("derive/calculus/derivation/vjp.py", "from ...errors import DeriveError"),
        ("derive/calculus/definition/syntax.py", "import lark"),
        ("derive/layers/dense.py", "from derive.calculus import tensor\nfrom . import losses"),
        ("derive/networks/two_layer.py", "from derive.layers.dense import linear"),
        ("derive/networks/two_layer.py", "from derive import optimizers"),
        ("derive/runtime/load.py", "import ctypes, numpy\nfrom rich.progress import Progress"),
        ("codegen/emit.py", "import jinja2\nfrom derive.calculus.program.program import Program"),
        ("generated/two_layer/__init__.py", "from .two_layer import forward"),
        ("derive/commands/build.py", "from codegen import emit\nfrom derive import networks, runtime"),
        ("derive/__main__.py", "import click\nfrom derive import __version__"),
    ],
)
def test_an_arrow_forward_is_allowed(tmp_path: Path, name: str, line: str) -> None:
    assert violations(plant(tmp_path, name, line)) == []


def test_a_package_without_a_rule_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="add a row"):
        violations(plant(tmp_path, "derive/novelty/thing.py", "import ast"))
