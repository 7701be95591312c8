"""Folders of source: the same bytes anywhere, complete or untouched, quick for many layers."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from codegen import folder as folders
from codegen.emit import emit, emit_layer, render
from codegen.plan.plan import plan_network
from derive.errors import DeriveError
from tests.codegen.networks import dense, perceptron, words
from tests.trees import ROOT
from tests.witnesses.definitions import WITNESSES

FILES = {"__init__.py", "dense.py", "dense.h", "dense.c", "dense.json", "README.md"}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_network_is_one_folder(tmp_path: Path) -> None:
    written = emit(dense(), ("numpy", "c"), tmp_path)
    assert {path.name for path in written} == FILES
    assert set(contents(tmp_path / "dense")) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["dense"]
    for name, data in contents(tmp_path / "dense").items():
        assert b"\r" not in data
        assert data.endswith(b"\n"), name
        assert not any(line.endswith(b" ") for line in data.split(b"\n")), name
        assert b"\n\n\n" not in data or name.endswith(".py"), name
        assert str(ROOT).encode() not in data


def test_the_description_is_the_documented_one(tmp_path: Path) -> None:
    emit(words(), ("c",), tmp_path)
    found = json.loads((tmp_path / "words" / "words.json").read_text(encoding="utf-8"))
    assert found["sizes"] == {"t": 4, "v": 6, "d": 5, "k": 3}
    assert found["batch"] == {"axis": "m", "max": 9}
    assert found["parameters"][0] == {"name": "J", "axes": ["v", "d"], "shape": [6, 5], "trained": True}
    assert found["data"] == [
        {"name": "x", "axes": ["m", "t"], "shape": [4], "dtype": "int32", "role": "input", "classes": 6},
        {"name": "y", "axes": ["m"], "shape": [], "dtype": "int32", "role": "label", "classes": 3},
    ]
    assert found["output"] == {"name": "H", "axes": ["m", "k"], "shape": [3]}
    assert found["steps"]["momentum_step"] == {"state": "v", "scalars": ["lr", "mu", "weight_decay"]}
    assert found["equations"][-1]["formula"] == "L = sum_{i<m} (c[i] - H[i,y[i]] + log(T[i]))/m"
    assert found["targets"] == ["c"]


def test_the_runtime_reads_what_is_emitted(tmp_path: Path) -> None:
    emit(dense(), ("c",), tmp_path)
    from derive.runtime.description import read_description

    assert read_description(tmp_path / "dense", "dense").name == "dense"


PROGRAM = """
import sys
from codegen.emit import render
from codegen.plan.plan import plan_network
from tests.codegen.networks import NETWORKS
for name in ("dense_fixed", "batched", "pictures"):
    for file, text in sorted(render(plan_network(NETWORKS[name]()), ("c",)).items()):
        sys.stdout.buffer.write(file.encode() + text.encode())
"""


def test_a_rebuild_gives_the_same_bytes_anywhere(tmp_path: Path) -> None:
    outputs = set()
    for seed, locale in (("0", "C"), ("4711", "C.UTF-8")):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "LC_ALL": locale, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM]
        outputs.add(
            subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=True).stdout
        )
    assert len(outputs) == 1


def test_another_target_takes_the_files_of_the_first_away(tmp_path: Path) -> None:
    emit(dense(), ("numpy", "c"), tmp_path)
    (tmp_path / "dense" / "notes.txt").write_text("mine")
    emit(dense(), ("c",), tmp_path)
    assert set(contents(tmp_path / "dense")) == (FILES - {"dense.py"}) | {"notes.txt"}


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    emit(dense(), ("c",), tmp_path)
    before = contents(tmp_path / "dense")
    write = folders._write

    def full(folder: Path, files: Mapping[str, str]) -> None:
        write(folder, dict(list(files.items())[:-1]))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_write", full)
    with pytest.raises(DeriveError, match="No space left on device; what was there before is unchanged"):
        emit(dense(), ("numpy", "c"), tmp_path)
    with pytest.raises(DeriveError, match="No space left"):
        emit(dense(name="other"), ("c",), tmp_path)
    assert contents(tmp_path / "dense") == before
    assert [path.name for path in tmp_path.iterdir()] == ["dense"]


def test_a_file_that_would_not_change_keeps_its_time(tmp_path: Path) -> None:
    """What was compiled from it is still good."""
    emit(dense(), ("numpy", "c"), tmp_path)
    (tmp_path / "dense" / "dense.py").write_text("mine")
    for path in (tmp_path / "dense").iterdir():
        os.utime(path, (1, 1))
    emit(dense(), ("numpy", "c"), tmp_path)
    times = {path.name: path.stat().st_mtime for path in (tmp_path / "dense").iterdir()}
    assert times.pop("dense.py") > 1
    assert set(times.values()) == {1}
    assert {path.name for path in tmp_path.iterdir()} == {"dense"}


def test_an_unknown_target_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeriveError, match="cannot emit for fortran; the targets are numpy, c"):
        emit(dense(), ("fortran",), tmp_path)
    with pytest.raises(DeriveError, match="no target"):
        emit(dense(), (), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_layer_is_emitted_alone(tmp_path: Path) -> None:
    written = emit_layer(WITNESSES["conv_s2_d2_p1"](), ("c",), tmp_path, {"H": 9, "U": 3, "V": 3})
    assert {path.name for path in written} == {"__init__.py", "conv2d.h", "conv2d.c"}
    header = (tmp_path / "conv2d" / "conv2d.h").read_text(encoding="utf-8")
    assert "#define CONV2D_H 9" in header
    assert "#define CONV2D_W 8" in header
    assert "CONV2D_Y_H = (CONV2D_H + 3 - 2 * CONV2D_U) / 2 + 1" in header


def test_a_hundred_layers_are_emitted() -> None:
    files = render(plan_network(perceptron(100)), ("c",))
    assert files["mlp.c"].count("W100_bar") >= 1
