from __future__ import annotations

import numpy as np
import pytest

from hilum.classifier import Threshold, choose, decide
from hilum.recipe.settings import FixedThreshold, TargetThreshold


def columns(positive: list[float]) -> np.ndarray:
    second = np.array(positive, np.float32).reshape(-1, 1)
    return np.hstack([1 - second, second])


TEN = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]


@pytest.mark.parametrize(
    ("target", "value", "reached"),
    [
        (1.0, 0.05, 1.0),
        (0.95, 0.05, 1.0),
        (0.9, 0.15, 0.9),
        (0.81, 0.15, 0.9),
        (0.3, 0.75, 0.3),
        (0.01, 0.95, 0.1),
    ],
)
def test_without_a_negative_below_it_is_the_last_positive_that_is_needed(
    target: float, value: float, reached: float
) -> None:
    labels = np.array([0] + [1] * 10)
    threshold = choose(TargetThreshold(target=target), labels, columns([0.99, *TEN]))
    assert threshold.value == pytest.approx(value, abs=1e-7)
    assert threshold.reached == pytest.approx(reached)
    assert (
        threshold.rule
        == f"the best specificity with a sensitivity of at least {target:g} on 10 positive validation rows"
    )


@pytest.mark.parametrize("n", range(1, 60))
@pytest.mark.parametrize("target", [0.07, 0.5, 0.9, 0.95, 1.0])
def test_it_reaches_the_target_and_no_other_that_does_is_more_specific(n: int, target: float) -> None:
    rng = np.random.default_rng(n)
    probabilities = columns(list(rng.random(2 * n).round(1)))  # rounded, so that there are ties
    labels = np.array([0, 1] * n)
    threshold = choose(TargetThreshold(target=target), labels, probabilities)
    found = decide(probabilities, threshold)[labels == 1].mean()
    assert found >= target
    assert found == threshold.reached
    specificity = (probabilities[labels == 0, 1] < threshold.value).mean()
    for other in probabilities[labels == 1, 1].astype(float):
        if (probabilities[labels == 1, 1] >= other).mean() >= target:
            assert (probabilities[labels == 0, 1] < other).mean() <= specificity


def test_classes_far_apart_are_parted_between_them() -> None:
    probabilities = columns([0.02, 0.1, 0.9, 0.9, 0.96])
    threshold = choose(TargetThreshold(target=0.6), np.array([0, 0, 1, 1, 1]), probabilities)
    assert threshold.value == pytest.approx((0.1 + 0.9) / 2)
    assert threshold.reached == 1.0


def test_few_positives_are_said_to_be_few() -> None:
    threshold = choose(TargetThreshold(), np.array([1] * 9), columns(TEN[:9]))
    assert "9 positive validation rows, too few" in threshold.rule
    assert (
        "1 positive validation row, too few" in choose(TargetThreshold(), np.array([1]), columns([0.4])).rule
    )


@pytest.mark.parametrize("positive", [[], [0.3, 0.9]])
def test_without_positives_it_is_one_half_and_says_so(positive: list[float]) -> None:
    threshold = choose(TargetThreshold(), np.zeros(len(positive), int), columns(positive))
    assert threshold == Threshold(0.5, "0.5, since there is no positive validation row to choose it on")


def test_a_fixed_one_is_taken_as_it_is() -> None:
    assert choose(FixedThreshold(), np.array([1]), columns([0.4])) == Threshold(0.5, "fixed at 0.5")
    assert choose(FixedThreshold(value=0.3), np.array([], int), columns([])).value == 0.3


@pytest.mark.parametrize("settings", [FixedThreshold(), TargetThreshold()])
def test_more_classes_take_the_most_probable(settings) -> None:
    probabilities = np.array([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]], np.float32)
    threshold = choose(settings, np.array([1, 2]), probabilities)
    assert threshold.value is None
    assert threshold.rule == "the most probable class"
    assert decide(probabilities, threshold).tolist() == [1, 0]


def test_the_threshold_itself_is_positive() -> None:
    assert decide(columns([0.49, 0.5, 0.51]), Threshold(0.5, "")).tolist() == [0, 1, 1]
    assert decide(columns([0.0, 1.0]), Threshold(0.0, "")).tolist() == [1, 1]
    assert decide(columns([0.0, 1.0]), Threshold(1.0, "")).tolist() == [0, 1]


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="does not suit"):
        decide(columns([0.5]), Threshold(None, ""))
    with pytest.raises(ValueError, match="does not suit"):
        decide(np.ones((1, 3)) / 3, Threshold(0.5, ""))
    with pytest.raises(ValueError, match="NaN"):
        decide(columns([np.nan]), Threshold(0.5, ""))
    with pytest.raises(ValueError, match="expected a probability, found nan"):
        Threshold(np.nan, "")
    with pytest.raises(ValueError, match=r"expected shape \(2, classes\)"):
        choose(TargetThreshold(), np.array([0, 1]), columns([0.5]))


def test_neighbouring_probabilities_are_told_apart():
    positive = np.array([0.3, np.nextafter(0.3, 1)])
    probabilities = np.stack([1 - positive, positive], axis=1)
    threshold = choose(TargetThreshold(target=1), np.array([0, 1]), probabilities)
    assert decide(probabilities, threshold).tolist() == [0, 1]
