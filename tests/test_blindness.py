"""The calculus and codegen know programs, never layers: no file of theirs may name one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.trees import ROOT, files, parse, plant

# Layers are known in derive/layers and derive/networks only. Scalar functions are everybody's, and so are
# words that mean more than the layer.
SCALARS = {"abs", "cos", "exp", "log", "max", "min", "sin", "sqrt", "tanh"}
ORDINARY = {
    *("add", "concatenate", "elementwise", "identity", "linear", "mean", "mul", "reshape", "sum"),
    "transpose",
}
OF_NUMPY = {"concatenate", "reshape", "transpose"}
"""Functions of NumPy too: who reads NumPy source compares with their names."""
KNOWN_LAYERS = {
    *("attention", "batchnorm", "conv2d", "cross_entropy", "dropout", "embedding", "gelu", "layernorm"),
    *("linear", "lstm", "maxpool", "pixel_shuffle", "relu", "sigmoid", "softmax"),
}
BLIND = ("derive/calculus", "codegen")


def layer_words(root: Path) -> set[str]:
    """Name the layers: the public functions and classes of derive/layers, and some that everyone knows."""
    other = ("__init__.py", "registry.py")
    families = (path for path in files(root, ["derive/layers"]) if path.name not in other)
    bodies = (node for path in families for node in parse(path).body)
    defined = {
        node.name.lower()
        for node in bodies
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    }
    return (defined | KNOWN_LAYERS) - SCALARS


def names_a_layer(tree: ast.Module, words: set[str]) -> Iterator[tuple[int, str]]:
    """Find layers in identifiers (`emit_softmax`) and in text that is the name (`== "softmax"`)."""
    telling = re.compile(rf"(^|_)({'|'.join(sorted(words - ORDINARY))})(_|$)")
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) if telling.search(name.lower()):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) if telling.search(name.lower()):
                yield node.lineno, name
            case ast.Constant(value=str(text)) if text in words - OF_NUMPY:
                yield node.lineno, repr(text)
            case _:
                pass


def layers_named(root: Path) -> list[str]:
    """List where the calculus or codegen knows a layer."""
    words = layer_words(root)
    found = [
        f"{path.relative_to(root)}:{line}: {name}"
        for path in files(root, BLIND)
        for line, name in names_a_layer(parse(path), words)
    ]
    telling = re.compile(rf"\b({'|'.join(sorted(words - ORDINARY))})\b", re.IGNORECASE)
    return found + [
        f"{path.relative_to(root)}: {hit.group()}"
        for path in files(root, ["codegen/templates"], "*")
        for hit in telling.finditer(path.read_text(encoding="utf-8"))
    ]


def test_only_definitions_name_layers() -> None:
    assert layers_named(ROOT) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("codegen/emit.py", "if layer == 'softmax': ..."),
        ("codegen/emit.py", "if layer == 'linear': ..."),
        ("codegen/emit.py", "if layer == 'novel': ..."),
        ("codegen/emit.py", "def emit_novel(): ..."),
        ("codegen/templates/c/net.c.jinja", "/* the relu */"),
        ("derive/calculus/rules/stable.py", "class Conv2d: ..."),
        ("derive/calculus/derivation/vjp.py", "x = layers.attention"),
    ],
)
def test_a_planted_layer_is_caught(tmp_path: Path, name: str, text: str) -> None:
    plant(tmp_path, "derive/layers/dense.py", "def novel(X): ...")
    assert layers_named(plant(tmp_path, name, text))


@pytest.mark.parametrize(
    "text", ["'''softmax: S'''", "linear_part = 1", "exp(x)", "title = 'a softmax sums to 1'"]
)
def test_speaking_of_a_layer_is_not_knowing_it(tmp_path: Path, text: str) -> None:
    assert layers_named(plant(tmp_path, "derive/calculus/expressions/deltas.py", text)) == []
