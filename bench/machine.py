"""Where a race was run: processor, compiler, versions; and the program that measures the machine's limits."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from derive.errors import DeriveError
from derive.runtime.compiler import find_compiler

HERE = Path(__file__).parent
PEAK_FLAGS = ("-O2", "-march=native", "-ffp-contract=fast", "-pthread")


def processor() -> dict[str, str]:
    """Vendor and model, as the system tells."""
    fields = {"vendor_id": "", "model name": platform.processor() or platform.machine(), "flags": ""}
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in fields:
            fields[name.strip()] = value.strip()
    widths = ("avx512f", "avx2", "sse2")
    widest = next((width for width in widths if width in fields["flags"].split()), platform.machine())
    return {"vendor": fields["vendor_id"], "model": fields["model name"], "vectors": widest}


def described(python: str, date: str) -> dict[str, str]:
    """The machine and what runs on it."""
    found = processor()
    compiler = find_compiler()
    return {
        "date": date,
        "processor": f"{found['model']}, {found['vectors']}, {os.cpu_count()} cores",
        "vendor": found["vendor"],
        "system": f"{platform.system()} {platform.machine()}",
        "compiler": compiler.version.splitlines()[0],
        "python": platform.python_version(),
        **versions(python),
    }


def versions(python: str) -> dict[str, str]:
    """The peers' versions, as their packages say."""
    program = (
        "from importlib.metadata import version, PackageNotFoundError\n"
        "for name in ('numpy', 'torch', 'jax'):\n"
        "    try: print(name, version(name))\n"
        "    except PackageNotFoundError: pass"
    )
    answer = subprocess.run([python, "-c", program], capture_output=True, text=True, check=True)
    return dict(line.split(maxsplit=1) for line in answer.stdout.splitlines())


def peak_program(folder: Path) -> Path:
    """bench/peak.c compiled for this machine."""
    made = folder / "peak"
    compiler = find_compiler()
    command = [*compiler.command, *PEAK_FLAGS, str(HERE / "peak.c"), "-o", str(made)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise DeriveError(f"the C compiler refuses bench/peak.c: {' '.join(answer.stderr.split())[:400]}")
    return made


def loaded_by_others() -> str:
    """A warning where other jobs use the machine: libraries that spin would be several times slower."""
    if not hasattr(os, "getloadavg"):
        return ""
    load = os.getloadavg()[0]
    return (
        f"the load average is {load:.1f}: other jobs run, so these times are no result" if load > 0.5 else ""
    )
