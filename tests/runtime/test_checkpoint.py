"""The safetensors format, with the library as oracle; checkpoints that are whole or refused."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from derive.runtime import checkpoint, load
from derive.runtime.buffers import Array
from derive.runtime.checkpoint import Position
from derive.runtime.errors import CheckpointError
from derive.runtime.settings import Settings
from derive.runtime.tensor_file import DTYPES, FormatError, read_tensors, write_tensors
from tests.runtime.conftest import SAMPLE, batch, two_layer

MOMENTUM = Settings("two_layer", "mine", optimizer="momentum")


def test_the_library_reads_what_we_write(tmp_path: Path, rng: np.random.Generator) -> None:
    numpy_io = pytest.importorskip("safetensors.numpy")
    safetensors = pytest.importorskip("safetensors")
    tensors = {code: (100 * rng.standard_normal((3, 2))).astype(kind) for code, kind in DTYPES.items()}
    tensors |= {
        "scalar": np.array(2.5),
        "empty": np.empty((0, 3), np.float32),
        "Ünïcode": np.ones(5, np.uint8),
    }
    write_tensors(tmp_path / "t", tensors, {"who": "we", "näme": '"quoted"'})
    assert int.from_bytes((tmp_path / "t").read_bytes()[:8], "little") % 8 == 0
    theirs = numpy_io.load_file(tmp_path / "t")
    assert set(theirs) == set(tensors)
    for name, array in tensors.items():
        assert theirs[name].dtype == array.dtype
        assert np.array_equal(theirs[name], array)
    with safetensors.safe_open(tmp_path / "t", "numpy") as file:
        assert file.metadata() == {"who": "we", "näme": '"quoted"'}


def test_we_read_what_the_library_writes(tmp_path: Path, rng: np.random.Generator) -> None:
    numpy_io = pytest.importorskip("safetensors.numpy")
    tensors: dict[str, Array] = {
        "b": rng.random((2, 3)),
        "a": rng.integers(0, 9, 7, dtype=np.int32),
        "c": rng.random((1, 4), np.float32),
    }
    numpy_io.save_file(tensors, tmp_path / "t", {"who": "they"})
    ours, metadata = read_tensors(tmp_path / "t")
    assert metadata == {"who": "they"}
    for name, array in tensors.items():
        assert ours[name].dtype == array.dtype
        assert np.array_equal(ours[name], array)
        assert ours[name].flags.writeable


def framed(header: object, body: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + body


ROW = {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\1\0\0",
        (2**63).to_bytes(8, "little") + b"{}",
        framed([]),
        framed({"a": 3}),
        framed({"a": ROW}, b"x" * 7),
        framed({"a": ROW}, b"x" * 9),
        framed({"a": {**ROW, "shape": [3]}}, b"x" * 8),
        framed({"a": {**ROW, "shape": [-2]}}, b"x" * 8),
        framed({"a": {**ROW, "dtype": "F8"}}, b"x" * 8),
        framed({"a": {**ROW, "data_offsets": [-8, 0]}}, b"x" * 8),
        framed({"a": ROW, "b": {**ROW, "data_offsets": [4, 12]}}, b"x" * 12),
        framed({"a": ROW, "b": {**ROW, "data_offsets": [9, 17]}}, b"x" * 17),
    ],
)
def test_hostile_files(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t").write_bytes(content)
    with pytest.raises(FormatError):
        read_tensors(tmp_path / "t")
    with pytest.raises(CheckpointError, match="is not a checkpoint that can be continued"):
        checkpoint.read(tmp_path / "t")


def test_parameters_and_state_come_back(tmp_path: Path, backend: str, rng: np.random.Generator) -> None:
    network = two_layer(backend).bind(*batch(rng))
    network.step("momentum", lr=0.1, mu=0.9)
    place = Position(2, 3, 40, 1 / 3)
    checkpoint.save(tmp_path / "c", network, MOMENTUM, place)
    read = checkpoint.read(tmp_path / "c")
    assert (read.settings, read.position) == (MOMENTUM, place)
    other = two_layer(backend)
    checkpoint.restore(read, other)
    assert np.array_equal(other.flat, network.flat)
    assert np.array_equal(other.state["v"]["W1"], network.state["v"]["W1"])
    _, metadata = read_tensors(tmp_path / "c")
    assert (metadata["network"], metadata["epoch"], metadata["step"], metadata["seed"]) == (
        "two_layer",
        "2",
        "40",
        "0",
    )


def test_another_network(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c", two_layer("numpy"), MOMENTUM, Position())
    read = checkpoint.read(tmp_path / "c")
    line = load("line", "numpy", SAMPLE)
    with pytest.raises(CheckpointError, match="of network 'two_layer', not of 'line'"):
        checkpoint.restore(read, line)
    larger = two_layer("numpy", sizes={"n": 6, "d": 9, "k": 3})
    before = larger.flat.copy()
    with pytest.raises(
        CheckpointError, match=r"'W1' is float32 \(6, 5\) in .* but float32 \(6, 9\) in network"
    ):
        checkpoint.restore(read, larger)
    assert np.array_equal(larger.flat, before)
    with pytest.raises(CheckpointError, match=r"'W1' is float32 \(6, 5\) in .* but float64 \(6, 5\)"):
        checkpoint.restore(read, two_layer("numpy", dtype="float64"))


def test_parameters_alone(tmp_path: Path) -> None:
    network = two_layer("numpy")
    checkpoint.save_parameters(tmp_path / "p", network)
    tensors, _ = read_tensors(tmp_path / "p")
    assert list(tensors) == ["W1", "W2"]
    assert np.array_equal(tensors["W2"], network.parameters["W2"])


FULL_DISK = """
import resource, sys
from pathlib import Path
from derive.runtime import checkpoint, load
from derive.runtime.checkpoint import Position
from derive.runtime.settings import Settings
path, sample = Path(sys.argv[1]), sys.argv[2]
network = load("two_layer", path=sample, sizes={"n": 6, "d": 5, "k": 3}).init(1)
checkpoint.save(path, network, Settings("two_layer", "mine"), Position(1))
larger = load("two_layer", path=sample).init(2)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    checkpoint.save(path, larger, Settings("two_layer", "mine"), Position(2))
except checkpoint.CheckpointError as error:
    print(error)
"""


def test_a_full_disk_leaves_the_former_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    path = tmp_path / "run" / "c"
    answer = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path), str(SAMPLE)], capture_output=True, text=True, check=True
    )
    assert "can't be written: File too large; the former one there is whole; free space" in answer.stdout
    assert checkpoint.read(path).position == Position(1)
    assert [p.name for p in path.parent.iterdir()] == ["c"]
