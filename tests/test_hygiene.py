"""What must not occur in the tree. Each rule is a row: title, where it holds, how it looks, a planted case.

The rules read the syntax tree, so that comments and docstrings may name what is forbidden.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.trees import EMITTED, ROOT, SOURCE, files, parse, plant

Hit = tuple[int, str]


@dataclass(frozen=True)
class Rule:
    """One prohibition on the Python of some folders."""

    title: str
    where: tuple[str, ...]
    find: Callable[[ast.Module], Iterable[Hit]]
    planted: tuple[str, ...]
    innocent: tuple[str, ...]


def names(tree: ast.AST) -> Iterator[Hit]:
    """Yield every name that is used, reached as an attribute or imported; none that is only defined."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                origin = getattr(node, "module", None) or ""
                dotted = ".".join([origin, *(alias.name for alias in aliases)])
                yield from ((node.lineno, part) for part in dotted.split("."))
            case _:
                pass


def any_of(*forbidden: str) -> Callable[[ast.Module], Iterator[Hit]]:
    """Find any of these names."""
    return lambda tree: (hit for hit in names(tree) if hit[1] in forbidden)


def builtin(*forbidden: str) -> Callable[[ast.Module], Iterator[Hit]]:
    """Find these built-in functions; `Function.eval` of SymPy is another matter."""

    def find(tree: ast.Module) -> Iterator[Hit]:
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name) if name in forbidden:
                    yield node.lineno, name
                case ast.Attribute(ast.Name("builtins" | "__builtins__"), attr=name) if name in forbidden:
                    yield node.lineno, name
                case _:
                    pass

    return find


def pickles(tree: ast.Module) -> Iterator[Hit]:
    """Find modules that run code while they load data, and `allow_pickle=True`."""
    yield from any_of("pickle", "cPickle", "cloudpickle", "dill", "joblib", "marshal", "shelve")(tree)
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="allow_pickle", value=value) if not is_constant(value, False):
                yield value.lineno, "allow_pickle"
            case _:
                pass


def is_constant(node: ast.expr, value: object) -> bool:
    """Say whether a node is this literal."""
    return isinstance(node, ast.Constant) and node.value is value


def sympified(tree: ast.Module) -> Iterator[Hit]:
    """Find what turns text into SymPy by evaluating it; `sympify(x, strict=True)` refuses text."""
    yield from any_of("parse_expr", "parse_latex", "sympy_parser", "lambdify")(tree)
    letter = "S" in sympy_imports(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name(id="sympify") | ast.Attribute(attr="sympify"), keywords=keywords):
                if not any(each.arg == "strict" and is_constant(each.value, True) for each in keywords):
                    yield node.lineno, "sympify"
            case ast.Call(ast.Attribute(ast.Name("sympy" | "sp"), attr="S")):
                yield node.lineno, "S"
            case ast.Call(ast.Name(id="S")) if letter:
                yield node.lineno, "S"
            case _:
                pass


def sympy_imports(tree: ast.Module) -> set[str]:
    """Name what a module takes from SymPy."""
    found = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in found if (node.module or "").startswith("sympy") for alias in node.names}


def simplifies(tree: ast.Module) -> Iterator[Hit]:
    """Find SymPy's `simplify`, as a function or as a method; ours has arguments and another home."""
    if "simplify" in sympy_imports(tree):
        yield 1, "from sympy import simplify"
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(ast.Name("sympy" | "sp"), attr="simplify"):
                yield node.lineno, "sympy.simplify"
            case ast.Call(ast.Attribute(attr="simplify"), args=[], keywords=[]):
                yield node.lineno, ".simplify()"
            case _:
                pass


def broad_handlers(tree: ast.Module) -> Iterator[Hit]:
    """Find handlers of everything; one that cleans up may catch BaseException where it raises again."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = {name for _, name in names(node.type)} if node.type else {"everything"}
            again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if caught & {"everything", "Exception"} or ("BaseException" in caught and not again):
                yield node.lineno, "except " + ", ".join(sorted(caught))


def backward_rules(tree: ast.Module) -> Iterator[Hit]:
    """Find functions whose name says that they go backwards."""
    yield from (
        (node.lineno, node.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and re.search("vjp|backward|grad|pullback|adjoint|cotangent|derivative", node.name, re.IGNORECASE)
    )


def long_functions(tree: ast.Module) -> Iterator[Hit]:
    """Find functions of more than sixty lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > 60:
                yield node.lineno, f"{node.name} has {length} lines"


RULES = (
    Rule(
        "text is never evaluated",
        SOURCE + EMITTED,
        builtin("eval", "exec", "__import__"),
        ("eval('1')", "run = exec", "import builtins\nbuiltins.eval('1')", "__import__('os')"),
        ("model.eval()", "class F:\n    def eval(self): ...", '"""Never eval(text)."""', "# exec(x)"),
    ),
    Rule(
        "nothing is pickled",
        SOURCE + EMITTED,
        pickles,
        ("import pickle", "from pickle import load", "np.load(path, allow_pickle=True)"),
        ("np.load(path, allow_pickle=False)", "np.load(path)"),
    ),
    Rule(
        "SymPy never evaluates text",
        SOURCE,
        sympified,
        (
            "from sympy import sympify\nsympify(text)",
            "import sympy\nsympy.S(text)",
            "from sympy import S\nS('x')",
            "from sympy.parsing.sympy_parser import parse_expr",
            "sympy.lambdify(x, y)",
        ),
        ("sympify(x, strict=True)", "from sympy import S\nzero = S.Zero", "S(x)"),
    ),
    Rule(
        "SymPy's simplify is never called",
        SOURCE,
        simplifies,
        ("from sympy import simplify", "import sympy\nsympy.simplify(x)", "y = x.simplify()"),
        ("from derive.calculus.simplification.simplify import simplify\nsimplify(x)", "rules.simplify(x)"),
    ),
    Rule(
        "derivatives are not built on matrix expressions",
        SOURCE,
        any_of("MatrixExpr", "MatrixSymbol", "array_derive", "ArrayDerivative"),
        ("from sympy import MatrixExpr", "sympy.MatrixSymbol('A', n, n)", "array_derive(x, y)"),
        ("matrix = 1",),
    ),
    Rule(
        "nothing is left to doit",
        SOURCE,
        any_of("doit"),
        ("total.doit()",),
        ("total.do()",),
    ),
    Rule(
        "errors are caught by name",
        SOURCE + EMITTED,
        broad_handlers,
        (
            "try: f()\nexcept: pass",
            "try: f()\nexcept Exception: pass",
            "try: f()\nexcept (KeyError, Exception) as e: raise",
            "try: f()\nexcept BaseException: pass",
        ),
        ("try: f()\nexcept KeyError: pass", "try: f()\nexcept BaseException:\n    g()\n    raise"),
    ),
    Rule(
        "no backward rule is written by hand",
        ("derive/layers", "derive/networks", "derive/optimizers.py"),
        backward_rules,
        ("def relu_vjp(x): ...", "class Relu:\n    def backward(self): ...", "def gradient(x): ..."),
        ("def relu(x): ...",),
    ),
    Rule(
        "functions are short",
        SOURCE,
        long_functions,
        ("def f():\n" + "    x = 1\n" * 60,),
        ("def f():\n" + "    x = 1\n" * 59,),
    ),
)


def source_hits(root: Path, rule: Rule) -> list[str]:
    """List where a rule is broken."""
    return [
        f"{path.relative_to(root)}:{line}: {what}"
        for path in files(root, rule.where)
        for line, what in rule.find(parse(path))
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.title)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    assert source_hits(ROOT, rule) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.title)
def test_planted_cases_are_caught(rule: Rule, tmp_path: Path) -> None:
    for folder in rule.where:
        for text in rule.planted:
            assert source_hits(plant(tmp_path, inside(folder), text), rule), text
        for text in rule.innocent:
            assert source_hits(plant(tmp_path, inside(folder), text), rule) == [], text


def inside(folder: str) -> str:
    """Name a file that a rule on the folder must read."""
    return folder if folder.endswith(".py") else f"{folder}/deep/planted.py"
