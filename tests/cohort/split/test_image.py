from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hilum.cohort import build, split
from hilum.cohort.split import keras_count
from hilum.errors import SplitError
from hilum.recipe import load
from hilum.recipe.settings import SplitBy, SplitSettings, Validation

TUTORIAL = SplitSettings(by=SplitBy.IMAGE, test=0.2, validation=0.1, validation_rows=Validation.LAST, seed=40)


def table(ill: int, well: int) -> pd.DataFrame:
    labels = ["ill"] * ill + ["well"] * well
    return pd.DataFrame({"label": labels, "patient": "p", "source": "s"})


def test_the_tutorials_rows() -> None:
    """Of 275 rows, NumPy's RandomState(40) permutes: the first 55 test, the rest train in that order."""
    (fold,) = split(table(175, 100), TUTORIAL)
    shuffled = np.random.RandomState(40).permutation(275)
    assert fold.test.tolist() == shuffled[:55].tolist()
    assert fold.train.tolist() == shuffled[55:253].tolist()
    assert fold.validation.tolist() == shuffled[253:].tolist()


def test_the_tutorials_counts() -> None:
    """33 COVID-19 and 22 normal test images, as its confusion matrix has them."""
    cohort = table(175, 100)
    (fold,) = split(cohort, TUTORIAL)
    assert cohort["label"].iloc[fold.test].value_counts().to_dict() == {"ill": 33, "well": 22}


@pytest.mark.parametrize(
    ("rows", "share", "count"),
    [(220, 0.1, 22), (300, 0.1, 30), (219, 0.1, 22), (221, 0.1, 23), (10, 0.25, 3), (8, 0.5, 4)],
)
def test_keras_rounds_the_training_rows_down(rows: int, share: float, count: int) -> None:
    assert keras_count(rows, share) == count


def test_folds_are_stratified_as_scikit_learns() -> None:
    cohort = table(20, 10)
    folds = split(cohort, SplitSettings(by=SplitBy.IMAGE, folds=5, validation=0.25))
    assert len(folds) == 5
    for fold in folds:
        for rows, counts in ((fold.train, (12, 6)), (fold.validation, (4, 2)), (fold.test, (4, 2))):
            assert (cohort["label"].iloc[rows] == "ill").sum() == counts[0]
            assert (cohort["label"].iloc[rows] == "well").sum() == counts[1]


def test_last_rows_of_a_fold_are_of_the_shuffled_order() -> None:
    """In the table's order the last rows would be of one label alone."""
    cohort = table(100, 100)
    for fold in split(cohort, SplitSettings(by=SplitBy.IMAGE, folds=5, validation_rows=Validation.LAST)):
        assert 0.2 < (cohort["label"].iloc[fold.validation] == "ill").mean() < 0.8


@pytest.mark.parametrize(
    ("ill", "well", "settings", "message"),
    [
        (1, 1, {}, "too few images to split; expected at least 3, found 2"),
        (9, 2, {"folds": 3}, "too few images of 'well'; expected one for each of 3 folds, found 2"),
        (30, 1, {}, "no image of well|too few images to draw"),
        (
            6,
            6,
            {"validation_rows": "last", "seed": 1},
            "has no image of well; .*found 1 images of ill",
        ),
    ],
)
def test_what_cannot_be_split_is_explained(
    ill: int, well: int, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        split(table(ill, well), SplitSettings(by=SplitBy.IMAGE, **settings))


@pytest.mark.real
def test_the_tutorials_split_of_the_real_images(real_data: Path) -> None:
    recipe = load("tutorial-model-1")
    cohort = build(recipe.cohort, real_data).table
    (fold,) = split(cohort, recipe.split)
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [198, 22, 55]
    assert cohort["label"].iloc[fold.test].value_counts().to_dict() == {"COVID-19": 33, "Normal": 22}
