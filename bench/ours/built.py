"""A case as we emit it: the network or layer at the case's sizes, in a folder, with the data beside it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from bench.cases import (
    ADAMW,
    RATE,
    Case,
    Contraction,
    Layer,
    Lenet,
    Perceptron,
    Recurrent,
    Transformer,
)
from bench.data import Array, contraction, layer, training
from bench.ours.names import ours
from bench.ours.recurrent import recurrent
from codegen.emit import emit, emit_layer
from codegen.extents import size_names
from codegen.overwriting import overwriting
from codegen.plan.plan import plan_layer
from codegen.targets import TARGETS
from derive import optimizers
from derive.calculus.definition.define import define
from derive.calculus.expressions.tensor import Size, Tensor
from derive.calculus.program.network import Network
from derive.calculus.program.program import Program
from derive.calculus.program.renaming import renamed
from derive.errors import DeriveError
from derive.layers.registry import LAYERS
from derive.layers.registry import layer as layer_program
from derive.networks import registry
from derive.networks.classifiers import perceptron

Context = Mapping[str, Any]
PLANNED = "_planned"  # at the end of a target: with buffers laid out beforehand
CONTRACTIONS = {
    "NN": ("A[m,k], B[k,n]", "A[i,p] B[p,j]"),
    "TN": ("A[k,m], B[k,n]", "A[p,i] B[p,j]"),
    "NT": ("A[m,k], B[n,k]", "A[i,p] B[j,p]"),
    "TT": ("A[k,m], B[n,k]", "A[p,i] B[j,p]"),
}


class Unavailable(DeriveError):
    """A network, layer or target that this checkout does not have."""


@dataclass(frozen=True)
class Built:
    """out/<name>/ with the source, `data` that the driver reads, and what the driver's template is told."""

    name: str
    folder: Path
    data: Path
    template: str
    context: Context


def build(case: Case, target: str, out: Path) -> Built:
    """Emit the case for one target. Raise Unavailable where the network, layer or target does not exist."""
    emitted = target.removesuffix(PLANNED)
    if emitted not in TARGETS:
        raise Unavailable(f"the target {target} does not exist in this checkout")
    targets = (emitted,) if emitted in ("numpy", "c") else ("c", emitted)  # others share the header of c
    if case.group != "networks":
        return _layer(case, targets, out)
    network = definition(case)
    if target.endswith(PLANNED):
        network = planned(network)
    return _network(case, network, targets, out)


def planned(network: Network) -> Network:
    """The network whose NumPy computes in buffers laid out beforehand."""
    if "buffers" not in {each.name for each in fields(network)}:
        raise Unavailable("NumPy with planned buffers does not exist in this checkout")
    chosen: dict[str, Any] = {"buffers": "planned"}
    return replace(network, **chosen)


def definition(case: Case) -> Network:
    """The network of a case, found by its name in the registry."""
    if isinstance(case, Perceptron):
        return replace(perceptron(case.widths, bias=case.bias, name=case.name), most=case.batch)
    if isinstance(case, Recurrent):
        return recurrent(case)
    if case.network not in registry.NETWORKS:
        raise Unavailable(f"the network {case.network} does not exist in this checkout")
    return replace(registry.variant(case.network, case.name, sizes=sizes_of(case)), most=case.batch)


def sizes_of(case: Case) -> dict[str, int]:
    """The letters of our network that are not as it is registered."""
    if isinstance(case, Lenet):
        return dict(zip(("o1", "o2"), case.maps, strict=True))
    return transformer_sizes(case) if isinstance(case, Transformer) else {}


def transformer_sizes(case: Transformer) -> dict[str, int]:
    """The letters of our GPT: L blocks, width d, h heads of width e, f within, T tokens of v."""
    head, inner = case.width // case.heads, 4 * case.width
    sizes = {"L": case.layers, "d": case.width, "h": case.heads, "e": head, "f": inner}
    return {**sizes, "T": case.length, "v": case.vocabulary}


def _network(case: Case, network: Network, targets: Sequence[str], out: Path) -> Built:
    assert isinstance(case, Perceptron | Lenet | Transformer | Recurrent)
    emit(network, targets, out)
    folder = out / network.name
    described = json.loads((folder / f"{network.name}.json").read_text(encoding="utf-8"))
    _write(folder / "data.bin", network_arrays(case, described))
    return Built(
        network.name, folder, folder / "data.bin", "network.c.jinja", network_context(case, described)
    )


def network_arrays(case: Perceptron | Lenet | Transformer | Recurrent, described: Context) -> list[Array]:
    """The parameters in the order of the description, then the tensors of each batch."""
    given = training(case)
    values = ours(case.network, given.parameters)
    arrays = []
    for parameter in described["parameters"]:
        value = values.get(parameter["name"])
        if value is None or value.size != math.prod(parameter["shape"]):
            shape = None if value is None else value.shape
            raise Unavailable(
                f"{case.name}: parameter {parameter['name']} {tuple(parameter['shape'])} of the network is "
                f"{shape} among the peers' values; complete bench/ours/names.py"
            )
        arrays.append(value.astype(np.float32))
    for x, y in zip(given.inputs, given.labels, strict=True):
        for tensor, array in zip(described["data"], (x, y), strict=True):
            arrays.append(array.astype(np.int32 if tensor["dtype"] == "int32" else np.float32))
    return arrays


def network_context(case: Case, described: Context) -> dict[str, Any]:
    """What the driver's template is told of a network."""
    name, step = described["name"], described["steps"].get(case.step)
    if step is None:
        raise Unavailable(f"{case.name}: the network has no {case.step} in this checkout")
    states = [step["state"]] if isinstance(step["state"], str) else list(step["state"] or ())
    values = {**settings(case), step.get("number"): "t"}
    scalars = [f"({name}_real){values[scalar]}" for scalar in step["scalars"]]
    row = [{"name": t["name"], "bytes": 4 * case.batch * math.prod(t["shape"])} for t in described["data"]]
    return {
        "name": name,
        "step": case.step,
        "rows": case.batch,
        "batches": 8,
        "states": states,
        "data": row,
        "arguments": ", ".join(["p", *states, "&batches[at]", "w", *scalars, "&L"]),
    }


def settings(case: Case) -> dict[str, float]:
    """The scalars of the case's step by name."""
    return ADAMW if isinstance(case, Transformer) else {"lr": RATE, "weight_decay": 0.0}


def program_of(case: Case) -> Program:
    """The definition of a contraction, of a layer, or of an optimizer's update alone."""
    if isinstance(case, Contraction):
        inputs, product = CONTRACTIONS[case.form]
        return define(f"contraction({inputs}) -> C\nC[i,j] = sum_{{p}} {product}")
    if case.network in LAYERS:
        return layer_program(case.network)
    update = getattr(optimizers, case.network.upper(), None)
    if update is None:
        raise Unavailable(f"the layer {case.network} does not exist in this checkout")
    return update_alone(update.program)


def update_alone(program: Program) -> Program:
    """An update as a layer: what has no index, as a correction that counts steps, is given, not computed."""
    arrays = tuple(equation for equation in program.equations() if program.tensor(equation.name).axes)
    read = {name for equation in arrays for name in equation.reads}
    numbers = tuple(tensor for tensor in program.locals if not tensor.axes)
    kept = replace(
        program,
        inputs=tuple(tensor for tensor in (*program.inputs, *numbers) if tensor.axes or tensor.name in read),
        statements=arrays,
        locals=tuple(tensor for tensor in program.locals if tensor.axes),
    )
    return renamed(kept, {"W_bar": "G"})  # alone it has a cotangent of W besides


def _layer(case: Case, targets: Sequence[str], out: Path) -> Built:
    program = program_of(case)
    sizes = layer_sizes(case, program)
    emit_layer(program, targets, out, sizes)
    folder = out / program.name
    function = case.function if isinstance(case, Layer) and case.function != "step" else "forward"
    part = plan_layer(program, ()).programs[function]
    values = layer_values(case)
    inputs = [tensor for tensor in part.inputs if tensor.axes]
    _write(folder / "data.bin", [array for _, array in zip(inputs, values, strict=True)])
    update = isinstance(case, Layer) and case.function == "step"
    context = layer_context(part, program.name, function, sizes, updated(part) if update else {})
    return Built(program.name, folder, folder / "data.bin", "layer.c.jinja", context)


def layer_sizes(case: Case, program: Program) -> dict[str, int]:
    """The sizes by the letters of the definition: the batch is m, what is left is the width."""
    if isinstance(case, Contraction):
        return {"m": case.m, "n": case.n, "k": case.k}
    assert isinstance(case, Layer)
    letters = size_names(program)
    return {letter: case.batch if letter == "m" else case.width for letter in letters}


def layer_values(case: Case) -> tuple[Array, ...]:
    """The arrays in the order of the definition, which is the peers' too; names differ."""
    if isinstance(case, Contraction):
        return contraction(case)
    assert isinstance(case, Layer)
    return tuple(layer(case).values())


def updated(part: Program) -> dict[str, str]:
    """What an update makes anew, and where the old lies: W_new where W does, as the peers update in place."""
    old = {output: output.removesuffix("_new") for output in part.outputs}
    hosts = overwriting(part)
    return {output: name for output, name in old.items() if name in hosts.get(output, ())}


def layer_context(
    part: Program, name: str, function: str, sizes: Mapping[str, int], lying: Mapping[str, str]
) -> dict[str, Any]:
    """What the driver's template is told of a function; some outputs are `lying` where an input lies."""
    own = {tensor.name: tensor for tensor in part.locals}
    outputs, first = [], 0
    for output in part.outputs:
        count = _count(own[output], sizes)
        where = lying.get(output, "")
        outputs.append({"name": output, "bytes": 4 * count, "count": count, "first": first, "where": where})
        first += count
    inputs = [{"name": t.name, "bytes": 4 * _count(t, sizes)} for t in part.inputs if t.axes]
    passed = [t.name if t.axes else _layer_scalar(t) for t in part.inputs]
    arguments = ", ".join([*passed, *part.outputs, "w"])
    return {
        "name": name,
        "function": function,
        "inputs": inputs,
        "outputs": outputs,
        "total": first,
        "arguments": arguments,
    }


def _layer_scalar(tensor: Tensor) -> str:
    """An optimizer's setting by name, corrections as in its first step; the cotangent of a loss is 1."""
    first = {"c1": 1 - ADAMW["beta1"], "c2": 1 - ADAMW["beta2"], "L_bar": 1.0}
    return repr({**ADAMW, **first}[tensor.name])


def _count(tensor: Tensor, sizes: Mapping[str, int]) -> int:
    values = {Size(letter): value for letter, value in sizes.items()}
    return math.prod(int(extent.subs(values)) for extent in tensor.shape)


def _write(path: Path, arrays: list[Array]) -> None:
    with path.open("wb") as file:
        for array in arrays:
            file.write(np.ascontiguousarray(array).tobytes())
