"""The classes are trained for real, on few points: H1 has to fail, H4 and H5 to succeed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from derive.runtime import checkpoint, load
from derive.study import experiment, plane
from derive.study.experiment import FAILS, HYPOTHESES, SUCCEEDS, Problem, Recipe, Result

H1, H4, H5 = HYPOTHESES
SMALL = Recipe(train=6000, test=500, epochs=15, backend="numpy")


def measured(hypothesis: experiment.Hypothesis, problem: str, built: Path, out: Path) -> Result:
    data = plane.points(problem, SMALL.train, SMALL.test, SMALL.seed)
    return experiment.measure(SMALL, hypothesis, data, built, out)


@pytest.mark.parametrize("problem", plane.PROBLEMS)
def test_a_linear_class_fails(problem: str, built: Path, tmp_path: Path) -> None:
    result = measured(H1, problem, built, tmp_path)
    assert result.outcome == "fails"
    assert result.train_error >= plane.best_line(plane.points(problem, SMALL.train, 10).train) - 0.01
    bends = np.abs(np.diff(result.margin, n=2, axis=1))
    assert bends.max() < 1e-4 * (1 + np.abs(result.margin).max())  # its margin is affine in the plane


@pytest.mark.parametrize("problem", plane.PROBLEMS)
@pytest.mark.parametrize("hypothesis", [H4, H5], ids=lambda each: each.label)
def test_a_class_with_features_succeeds(
    hypothesis: experiment.Hypothesis, problem: str, built: Path, tmp_path: Path
) -> None:
    result = measured(hypothesis, problem, built, tmp_path)
    assert result.outcome == "succeeds"
    assert result.as_expected
    test = plane.points(problem, SMALL.train, SMALL.test, SMALL.seed).test
    cells = 2 * plane.REACH / (plane.SAMPLES - 1)
    nearest = np.rint((test.X[:, :2] * [1, -1] + plane.REACH) / cells).astype(int)
    regions = result.margin[nearest[:, 1], nearest[:, 0]] > 0
    assert np.mean(regions != test.y) < SUCCEEDS  # what is drawn is what was trained


def test_fixed_features_stay_and_learnt_ones_move(built: Path, tmp_path: Path) -> None:
    for hypothesis, name, moves in ((H4, "W", False), (H5, "W1", True)):
        measured(hypothesis, "rings", built, tmp_path / name)
        fresh = load(hypothesis.network, "numpy", built).init(SMALL.seed).parameters[name].copy()
        trained = checkpoint.read(tmp_path / name / "checkpoint.safetensors").tensors[name]
        assert np.array_equal(fresh, trained) is not moves


def test_the_frequencies_suit_the_plane(built: Path) -> None:
    W = load("random_features", "numpy", built).init(0).parameters["W"]
    assert W.shape == (3, 200)
    assert np.std(W) == pytest.approx(4, rel=0.1)  # 1/bandwidth


@pytest.mark.parametrize("hypothesis", HYPOTHESES, ids=lambda each: each.label)
def test_the_margin_is_what_predict_decides(hypothesis: experiment.Hypothesis, built: Path) -> None:
    network = load(hypothesis.network, "numpy", built).init(0)
    margin = experiment.margin(network, 17)
    labels = network.predict(plane.grid(17).astype(np.float32)).reshape(17, 17)
    assert 0 < labels.sum() < labels.size
    assert np.array_equal(margin > 0, labels == 1)


def result(hypothesis: experiment.Hypothesis, train: float, test: float) -> Result:
    return Result(hypothesis, "xor", train, test, np.zeros((2, 2)), "numpy")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (result(H1, 0.5, 0.5), True),
        (result(H1, 0.5, FAILS), False),
        (result(H1, 0.0, 0.0), False),
        (result(H4, 0.0, 0.0), True),
        (result(H4, 0.0, SUCCEEDS), False),
        (result(H5, SUCCEEDS, 0.0), False),
        (result(H5, 0.5, 0.5), False),
    ],
)
def test_surprises_are_named(given: Result, expected: bool) -> None:
    found = experiment.surprises([given], {})
    assert (found == []) is expected
    assert all(given.hypothesis.label in text and "on xor errs on" in text for text in found)


def test_a_problem_that_a_line_solves_is_named() -> None:
    data = plane.points("rings", 50, 50)
    split = replace(data.train, y=(data.train.X[:, 0] > 0).astype(np.int32))
    easy = {"rings": Problem(data, plane.best_line(split))}
    assert experiment.surprises([], easy) == ["a line errs on 0.0 % of rings only, not more than 25.0 %"]
