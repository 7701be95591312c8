"""A C program that calls every function of a network and prints the bytes of what they give.

Each array lies between guards, at an odd multiple of the size of a number; the workspace is filled with 0xff
before every call. The program ends with a line and a code other than 0 where a guard, an input or what a
refused call was given has changed. With -DBARE no guards follow: a sanitizer sees the end of each array.
"""

import os
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from codegen.emit import render
from codegen.plan.plan import Plan, plan_network
from codegen.vector_math.kernel_sets import KERNEL_SETS
from codegen.vector_math.measure import runnable
from derive.networks.registry import variant
from tests.codegen.emitted_c import run, write

SIZES = {
    "two_layer": {"n": 96, "d": 35, "k": 3, "m": 9},  # columns beside whole vectors
    "tiny": {"n": 5, "d1": 13, "k": 3, "m": 9},  # all straight; two_layer_tanh, all by tiles
    "two_layer_tanh": {"n": 131, "d": 43, "k": 19, "m": 9},
    "lenet": {"o1": 3, "o2": 5, "d1": 19, "d2": 11, "k": 7, "m": 5},
    "gpt": {"L": 1, "d": 12, "h": 3, "e": 4, "f": 21, "T": 37, "v": 11, "m": 5},  # tiles along the diagonal
}
SETS = {one.name: n + 1 for n, one in enumerate(KERNEL_SETS) if one.name != "plain" and runnable(one)}
# adamw divides by the size of a gradient: eps keeps one that is zero but for rounding from being magnified.
SCALARS = {"lr": "0.01", "weight_decay": "0.01", "mu": "0.9", "beta1": "0.9", "beta2": "0.99", "eps": "0.1"}
# The smallest networks with every set and type; the others, which take long to compile, with types in turn.
CASES = [
    (name, kernels, item)
    for name in ("tiny", "two_layer_tanh")
    for kernels in SETS
    for item in ("float", "double")
]
CASES += [
    (name, kernels, ("float", "double")[(place + first) % 2])
    for first, name in enumerate(("lenet", "gpt", "two_layer"))
    for place, kernels in enumerate(SETS)
]
FRAME = (Path(__file__).parent / "driver.c").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Driven:
    """The folder of a network's sources and driver."""

    name: str
    folder: Path

    def program(self, source: str, compiler: str, *flags: str) -> Path:
        """The driver with <name>.c or <name>_tuned.c."""
        words = "_".join(re.sub(r"\W", "", flag) for flag in (source, compiler, *flags))
        out = self.folder / f"program_{words}"
        if not out.exists():
            files = (self.folder / source, self.folder / "driver.c")
            made = out.with_name(f"{os.getpid()}_{out.name}")
            run(compiler, "-O1", "-std=gnu11", *flags, *files, "-o", made, "-lm")
            made.replace(out)
        return out

    @property
    def tuned(self) -> str:
        return f"{self.name}_tuned.c"

    def chosen(self, choice: int) -> str:
        return f"-D{self.name.upper()}_SET={choice}"

    def real(self, item: str) -> tuple[str, ...]:
        return (f"-D{self.name.upper()}_DOUBLE",) if item == "double" else ()


def output(program: Path, examples: int, **environment: str) -> bytes:
    """What the program prints of a batch of so many examples."""
    found = subprocess.run([program, str(examples)], capture_output=True, check=False, env=environment)
    assert found.returncode == 0, found.stderr.decode()
    return found.stdout


def tensors(printed: bytes, item: str) -> dict[str, np.ndarray]:
    """The arrays by name: a line of the name and the bytes, then the bytes."""
    found, at = {}, 0
    while at < len(printed):
        end = printed.index(b"\n", at)
        name, kind, count = printed[at:end].decode().split()
        dtype = np.int32 if kind == "integer" else {"float": np.float32, "double": np.float64}[item]
        found[name] = np.frombuffer(printed[end + 1 : end + 1 + int(count)], dtype)
        at = end + 1 + int(count)
    return found


def widest(name: str) -> tuple[str, ...]:
    """The flag that leaves the kernel set which this machine chooses; none where that is the plain one."""
    return tuple(f"-D{name.upper()}_SET={choice}" for choice in [*SETS.values()][:1])


@cache
def planned(name: str) -> Plan:
    return plan_network(variant(name, f"odd_{name}", None, SIZES[name]))


def driven(name: str, folder: Path) -> Driven:
    """A network of odd sizes in C, plain and tuned, and its driver."""
    files = render(planned(name), ("c", "tuned"))
    made = Driven(f"odd_{name}", folder)
    write(folder, {**files, "driver.c": driver(planned(name), files[f"{made.name}.h"])})
    return made


def driven_once(name: str, folder: Path) -> Driven:
    """The same, made by the first process that asks for it; a folder of that name is complete."""
    place = folder / f"odd_{name}"
    if not place.exists():
        made = folder / f"{os.getpid()}_{name}"
        driven(name, made)
        with suppress(OSError):  # another process was faster
            made.rename(place)
    return Driven(f"odd_{name}", place)


def driver(plan: Plan, header: str) -> str:
    """The program that calls every function of a network."""
    name = plan.network.name
    fields = [
        f"FIELD({one.tensor.name}, {'integer' if one.integer else 'real'}, "
        f"{plan.size(one.classes) if one.classes is not None else 0}, "
        f"{np.prod([plan.size(e) for e in one.tensor.shape[1:]], dtype=int)})"
        for one in plan.batch
    ]
    parameters = [f"TENSOR({one.tensor.name})" for one in plan.parameters]
    per_example = np.prod([plan.size(e) for e in plan.output.shape[1:]], dtype=int)
    rows = int(per_example) // plan.size(plan.output.shape[-1])
    text = FRAME.replace("/*FIELDS*/", " ".join(fields)).replace("/*PARAMETERS*/", " ".join(parameters))
    text = text.replace("/*STEPS*/", " ".join(_steps(name, header)))
    text = text.replace("/*OUTPUT*/", str(per_example)).replace("/*ROWS*/", str(rows))
    return text.replace("NAME", name).replace("UPPER", name.upper())


def _steps(name: str, header: str) -> list[str]:
    """Each step's call, from its declaration."""
    found = []
    for kind, text in re.findall(rf"int {name}_(\w+)_step\((.*?)\);", header, re.DOTALL):
        names = [one.split()[-1].lstrip("*") for one in text.split(",")]
        place = names.index("b")
        states = "".join(f", state[{i}]" for i in range(place - 1))
        scalars = "".join(
            f", (real){SCALARS[one]}" if one in SCALARS else ", (real)t" for one in names[place + 2 : -1]
        )
        found.append(f"STEP({kind}, {name}_{kind}_step(p{states}, &b, w{scalars}, L))")
    return found
