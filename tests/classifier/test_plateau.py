from __future__ import annotations

import pytest

from hilum.classifier.dense import Plateau
from hilum.recipe.settings import PlateauSettings


def rates(losses: list[float], start: float = 1.0, **settings: float) -> list[float]:
    """The rate that each following epoch would run with."""
    plateau = Plateau(PlateauSettings(**{"factor": 0.5, "patience": 2, "min_learning_rate": 0} | settings))
    found = []
    for loss in losses:
        start = plateau.next_rate(loss, start)
        found.append(start)
    return found


def test_patience_counts_epochs_in_a_row_without_a_better_loss() -> None:
    assert rates([5, 6, 6]) == [1, 1, 0.5]
    assert rates([5, 6, 4, 6, 3, 3]) == [1, 1, 1, 1, 1, 1]
    assert rates([5, 6, 4, 4, 4, 4, 4]) == [1, 1, 1, 1, 0.5, 0.5, 0.25]


def test_better_means_by_more_than_min_delta() -> None:
    assert rates([5, 4.95, 4.91], min_delta=0.1) == [1, 1, 0.5]
    assert rates([5, 4.95, 4.89], min_delta=0.1) == [1, 1, 1]
    assert rates([5, 4.5, 4.5], min_delta=0.5) == [1, 1, 0.5]
    # small steps add up, since the best is kept: 4.95 is no best, 4.85 is better than 5 by 0.15
    assert rates([5, 4.95, 4.85, 4.8], min_delta=0.1) == [1, 1, 1, 1]


def test_after_a_cut_cooldown_epochs_do_not_count() -> None:
    # cut after epoch 3; epoch 4 cools (2 to 1), in epoch 5 the count ends and it is the first to count
    assert rates([5, 5, 5, 5, 5, 5, 5], cooldown=2) == [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25]
    assert rates([5, 5, 5, 5, 5, 5, 5], cooldown=0) == [1, 1, 0.5, 0.5, 0.25, 0.25, 0.125]


def test_a_better_loss_counts_during_cooldown() -> None:
    # epoch 4 (cooling) sets the best to 1, so 2 in epochs 5 and 6 is not better
    assert rates([5, 5, 5, 1, 2, 2], cooldown=2) == [1, 1, 0.5, 0.5, 0.5, 0.25]


def test_the_rate_stops_at_the_least() -> None:
    assert rates([5] * 6, min_learning_rate=0.4) == [1, 1, 0.5, 0.5, 0.4, 0.4]
    assert rates([5] * 6, start=0.3, min_learning_rate=0.4) == [0.3] * 6


def test_model_2_never_lowers_its_rate() -> None:
    settings = {"factor": 0.2, "patience": 5, "min_learning_rate": 1e-3, "cooldown": 5}
    assert rates([1.0] * 80, 1e-3, **settings) == [1e-3] * 80


@pytest.mark.parametrize("first", [0.0, 1e9])
def test_the_first_epoch_is_the_best_so_far(first: float) -> None:
    assert rates([first, first]) == [1, 1]
