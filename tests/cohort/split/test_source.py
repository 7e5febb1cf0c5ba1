from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hilum.cohort import split
from hilum.errors import SplitError
from hilum.recipe.settings import SplitBy, SplitSettings

SOURCES = SplitSettings(by=SplitBy.SOURCE, validation=0.25)


def table(**labels_of: str) -> pd.DataFrame:
    """Eight patients for each label of a source; labels are single letters."""
    rows = [
        (label, f"{name}:{label}{number}", name)
        for name, labels in labels_of.items()
        for label in labels
        for number in range(8)
    ]
    return pd.DataFrame(rows, columns=["label", "patient", "source"])


def test_each_source_is_left_out_once_in_order() -> None:
    cohort = table(north="ab", south="ab", west="ab")
    folds = split(cohort, SOURCES)
    assert [cohort["source"].iloc[fold.test].unique().tolist() for fold in folds] == [
        ["north"],
        ["south"],
        ["west"],
    ]
    assert [len(fold.validation) for fold in folds] == [8, 8, 8]


def test_a_source_with_one_label_may_be_left_out() -> None:
    folds = split(table(north="ab", south="ab", west="a"), SOURCES)
    assert len(folds) == 3


def test_labels_confounded_with_sources_are_refused() -> None:
    with pytest.raises(SplitError, match=r"without the source 'north' no image of a is left.*confounded"):
        split(table(north="a", south="b"), SOURCES)


def test_one_source_cannot_be_left_out() -> None:
    with pytest.raises(SplitError, match="expected at least 2 sources, found north"):
        split(table(north="ab"), SOURCES)


def test_patients_of_two_sources_are_refused() -> None:
    cohort = table(north="ab", south="ab")
    cohort.loc[[0, 20], "patient"] = "somebody"
    with pytest.raises(SplitError, match=r"patients are in several sources.*found 1 such patients"):
        split(cohort, SOURCES)


def test_rows_keep_their_positions_whatever_the_index() -> None:
    cohort = table(north="ab", south="ab")
    odd = cohort.set_index(np.arange(100, 100 + len(cohort)))
    for fold, other in zip(split(cohort, SOURCES), split(odd, SOURCES), strict=True):
        assert fold.train.tolist() == other.train.tolist()
