from __future__ import annotations

import pandas as pd
import pytest

from hilum.cohort import split
from hilum.errors import SplitError
from hilum.recipe.settings import SplitBy, SplitSettings

COLUMN = SplitSettings(by=SplitBy.COLUMN, validation=0.5)


def table(parts: list[str | None]) -> pd.DataFrame:
    count = len(parts)
    labels = ["a", "b"] * (count // 2)
    return pd.DataFrame(
        {
            "label": labels,
            "patient": [f"p{number // 2}" for number in range(count)],
            "source": "s",
            "split": parts,
        }
    )


def test_the_columns_own_parts() -> None:
    (fold,) = split(table(["test"] * 2 + ["train"] * 4 + ["validation"] * 2), COLUMN)
    assert fold.train.tolist() == [2, 3, 4, 5]
    assert fold.validation.tolist() == [6, 7]
    assert fold.test.tolist() == [0, 1]


def test_validation_is_drawn_from_training_patients_where_there_is_none() -> None:
    cohort = table(["train"] * 8 + ["test"] * 2)
    (fold,) = split(cohort, COLUMN)
    assert fold.test.tolist() == [8, 9]
    assert len(fold.train) == len(fold.validation) == 4
    assert not set(cohort["patient"].iloc[fold.train]) & set(cohort["patient"].iloc[fold.validation])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (["train", "train", "test", "Test"], "expected train, validation, test, found 'Test' in row 3"),
        (["train", "train", "test", None], "found nan in row 3"),
        (["train"] * 8, "the test part is empty"),
        (["test"] * 8, "the train part is empty"),
        (["train"] * 4 + ["validation"] * 2 + ["test", "train"], "the test part has no image of b"),
    ],
)
def test_what_cannot_be_used_is_explained(parts: list[str | None], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        split(table(parts), COLUMN)


def test_a_cohort_without_the_column() -> None:
    with pytest.raises(SplitError, match="no column 'split'; found label, patient, source"):
        split(table(["train"] * 4).drop(columns="split"), COLUMN)
