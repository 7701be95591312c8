"""Building every network; `import derive`; a perceptron of 100 layers against one of 3. Fresh processes.

Then the Hessian-vector product of a perceptron of 12 layers, derived and planned.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
PERCEPTRON = """
import sys
from pathlib import Path
from codegen.emit import emit
from derive.networks.classifiers import perceptron
depth = int(sys.argv[1])
emit(perceptron((784, *(64,) * (depth - 1), 10), name="deep"), ("numpy", "c"), Path(sys.argv[2]))
"""


PRODUCT = """
import time
from dataclasses import replace
from codegen.plan.pipeline import lowered
from derive.calculus.derivation.hvp import hvp
from derive.networks.classifiers import perceptron
net = perceptron((784, *(64,) * 11, 10), bias=True, name="deep")
start = time.perf_counter()
lowered(hvp(replace(net.program, outputs=(net.loss,)), net.trained, unit=True))
print(time.perf_counter() - start)
"""


def seconds(*arguments: str) -> float:
    """The wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    return time.perf_counter() - start


def printed(*arguments: str) -> str:
    """What one Python process prints."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


def contestants(out: str) -> dict[str, tuple[str, ...]]:
    """What is timed, in turn."""
    return {
        "empty process": ("-c", "pass"),
        "import derive": ("-c", "import derive"),
        "import derive.calculus.derivation.vjp": ("-c", "import derive.calculus.derivation.vjp"),
        "build of all networks": ("-m", "derive", "build", "--out", out),
        "perceptron of 3 layers": ("-c", PERCEPTRON, "3", out),
        "perceptron of 100 layers": ("-c", PERCEPTRON, "100", out),
    }


def main() -> None:
    """Print the median and range of each, and the bound on the deep perceptron."""
    with tempfile.TemporaryDirectory() as out:
        runs: dict[str, list[float]] = {name: [] for name in contestants(out)}
        for _ in range(ROUNDS):
            for name, arguments in contestants(out).items():
                runs[name].append(seconds(*arguments))
    product = [float(printed("-c", PRODUCT)) for _ in range(ROUNDS)]
    for name, found in runs.items():
        print(f"{name:<28} {statistics.median(found):6.2f} s  ({min(found):.2f} to {max(found):.2f})")
    shallow = statistics.median(runs["perceptron of 3 layers"])
    deep = statistics.median(runs["perceptron of 100 layers"])
    print(f"Hessian-vector product of 12 layers: {statistics.median(product):.2f} s against the bound 3 s")
    print(f"100 layers: {deep:.2f} s against the bound 2 x {shallow:.2f} + 1 = {2 * shallow + 1:.2f} s")


if __name__ == "__main__":
    main()
