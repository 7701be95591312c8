"""The tuned C on more than one thread: as many as were asked for, the same bits, refusals by name."""

import ctypes
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from codegen.emit import emit
from derive.__main__ import main
from derive.commands.train import THREADS, set_threads
from derive.networks.registry import variant
from derive.runtime import checkpoint, load
from derive.runtime.errors import CompilerError, RuntimeInputError
from tests.runtime.conftest import need_compiler

NAME = "two_layer_tanh"
RUN = ("--data", "xor", "--limit", "90", "--batch", "32", "--epochs", "2", "--optimizer", "adamw")


@pytest.fixture(scope="module")
def emitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("emitted")
    sizes = {"n": 2, "d": 100, "k": 2, "m": 32}
    emit(variant(NAME, None, None, sizes), ("c", "tuned"), folder)
    return folder


@pytest.fixture
def openmp(emitted: Path) -> None:
    need_compiler()
    try:
        load(NAME, "tuned", emitted, threads=2)
    except CompilerError as error:
        pytest.skip(str(error))


@pytest.fixture
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `train` says to the libraries is forgotten after the test."""
    for variable in THREADS:
        monkeypatch.setenv(variable, "1")


def train(emitted: Path, out: Path, *arguments: str) -> tuple[int, str]:
    words = ["train", NAME, "--path", str(emitted), "--out", str(out), *arguments]
    result = CliRunner().invoke(main, words)
    return result.exit_code, result.output


@pytest.mark.compiler
@pytest.mark.usefixtures("openmp", "own_environment")
def test_any_number_of_threads_ends_in_the_same_bits(emitted: Path, tmp_path: Path) -> None:
    for threads in (1, 2, 4):
        code, said = train(
            emitted, tmp_path / str(threads), *RUN, "--backend", "tuned", "--threads", str(threads)
        )
        assert code == 0, said
    one, *more = ((tmp_path / str(n) / f"{NAME}.safetensors").read_bytes() for n in (1, 2, 4))
    assert all(other == one for other in more)


@pytest.mark.compiler
@pytest.mark.usefixtures("openmp")
@pytest.mark.parametrize("threads", [2, 4])
def test_as_many_threads_run_as_were_asked_for(emitted: Path, threads: int) -> None:
    network = load(NAME, "tuned", emitted, threads=threads)
    library: ctypes.CDLL = network.library  # type: ignore[attr-defined]
    assert library.omp_get_max_threads() == threads


@pytest.mark.compiler
@pytest.mark.usefixtures("openmp", "own_environment")
def test_a_continued_run_stays_tuned(emitted: Path, tmp_path: Path) -> None:
    train(emitted, tmp_path, *RUN, "--backend", "tuned")
    assert checkpoint.read(tmp_path / "checkpoint.safetensors").settings.backend == "tuned"
    code, said = train(emitted, tmp_path, "--resume", "--epochs", "3", "--threads", "2")
    assert code == 0, said
    assert ", tuned\n" in said


@pytest.mark.usefixtures("own_environment")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--threads", "0"), "0 is not in the range x>=1"),
        (("--threads", "-2"), "-2 is not in the range x>=1"),
        (("--threads", "two"), "'two' is not a valid integer"),
        (
            ("--threads", "5000", "--backend", "tuned"),
            "error: threads is 5000, but a network runs on 1 to 1024",
        ),
        (
            ("--threads", "2", "--backend", "c"),
            'the plain C (backend "c") runs on one; choose backend "tuned"',
        ),
    ],
)
def test_refusals(emitted: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    code, said = train(emitted, tmp_path, *RUN, *arguments)
    assert code == 2
    assert words in said


def test_a_compiler_without_openmp(emitted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "single"
    script.write_text(
        '#!/bin/sh\ncase "$*" in *-fopenmp*) echo "no omp.h" >&2; exit 1;; esac\necho version\n'
    )
    script.chmod(0o755)
    monkeypatch.setenv("CC", str(script))
    with pytest.raises(CompilerError, match=r"no omp\.h; more than one thread needs -fopenmp"):
        load(NAME, "tuned", emitted, threads=2)


def test_load_refuses_no_threads(emitted: Path) -> None:
    with pytest.raises(RuntimeInputError, match="threads is 0, but a network runs on 1 to 1024"):
        load(NAME, "tuned", emitted, threads=0)


def test_an_option_stands_above_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in THREADS:
        monkeypatch.setenv(variable, "3")
    set_threads(1, given=False)
    assert {os.environ[variable] for variable in THREADS} == {"3"}
    set_threads(2, given=True)
    assert {os.environ[variable] for variable in THREADS} == {"2"}
