"""The environment of a contestant: nothing that holds a library back, the same threads for all."""

import pytest

from bench.environment import DROPPED, THREADS, cleaned


def test_what_slows_a_library_is_taken_out() -> None:
    given = dict.fromkeys(DROPPED, "x") | {"PATH": "kept", "OMP_NUM_THREADS": "64"}
    found = cleaned(given, 2)
    assert not set(DROPPED) & set(found)
    assert found["PATH"] == "kept"
    assert given["OMP_NUM_THREADS"] == "64"


@pytest.mark.parametrize("threads", [1, 2])
def test_every_library_has_as_many_threads(threads: int) -> None:
    found = cleaned({"OPENBLAS_NUM_THREADS": "7"}, threads)
    assert {found[name] for name in THREADS} == {str(threads)}


def test_a_contestant_may_preload_its_own_library() -> None:
    assert cleaned({"LD_PRELOAD": "theirs"}, 1, {"LD_PRELOAD": "ours"})["LD_PRELOAD"] == "ours"


def test_the_settings_that_hold_numpy_back_are_known() -> None:
    assert {"OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"} <= set(DROPPED)
