from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hilum.cohort import split
from hilum.cohort.split import draw, last
from hilum.errors import SplitError
from hilum.recipe.settings import SplitSettings, Validation


def table(*patients: tuple[str, int]) -> pd.DataFrame:
    """One patient for each (label, number of images)."""
    rows = [
        (label, f"p{number}", "s") for number, (label, images) in enumerate(patients) for _ in range(images)
    ]
    return pd.DataFrame(rows, columns=["label", "patient", "source"])


@settings(max_examples=50, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 8), min_size=20, max_size=60),
    share=st.sampled_from([0.1, 0.2, 0.25, 0.3, 0.5]),
    seed=st.integers(0, 1000),
)
def test_shares_come_within_half_the_largest_patient(sizes: list[int], share: float, seed: int) -> None:
    cohort = table(*((f"label{number % 2}", size) for number, size in enumerate(sizes)))
    chosen = draw(cohort, share, np.random.default_rng(seed))
    for _, rows in cohort.groupby("label"):
        largest = rows["patient"].value_counts().max()
        assert abs(chosen[rows.index].sum() - share * len(rows)) <= largest / 2 + 1e-9


def test_shares_are_exact_where_single_images_can_even_them_out() -> None:
    cohort = table(*[("ill", 3)] * 20, *[("ill", 1)] * 40, *[("well", 2)] * 10, *[("well", 1)] * 80)
    for seed in range(20):
        chosen = draw(cohort, 0.2, np.random.default_rng(seed))
        assert cohort[chosen]["label"].value_counts().to_dict() == {"ill": 20, "well": 20}


def test_large_patients_are_as_likely_to_be_drawn_as_others() -> None:
    cohort = table(*[("ill", 5)] * 10, *[("ill", 1)] * 50, *[("well", 1)] * 100)
    drawn = [
        cohort[draw(cohort, 0.2, np.random.default_rng(seed))]["patient"].value_counts().eq(5).sum()
        for seed in range(200)
    ]
    assert np.mean(drawn) == pytest.approx(2, abs=0.2)  # of ten, a fifth


def test_a_rare_label_is_on_both_sides() -> None:
    for seed in range(20):
        cohort = table(*[("common", 1)] * 100, ("rare", 1), ("rare", 1))
        chosen = draw(cohort, 0.1, np.random.default_rng(seed))
        assert cohort[chosen]["label"].value_counts()["rare"] == 1


def test_a_patient_with_two_labels_stays_whole() -> None:
    rows = [(label, f"p{number}", "s") for number in range(12) for label in ("before", "after")]
    cohort = pd.DataFrame(rows, columns=["label", "patient", "source"])
    (fold,) = split(cohort, SplitSettings(test=0.25, validation=1 / 3))
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [12, 6, 6]
    assert cohort["patient"].iloc[fold.test].value_counts().tolist() == [2, 2, 2]


def test_last_takes_whole_patients_from_the_end() -> None:
    cohort = pd.DataFrame({"patient": ["a", "b", "c", "b", "a"]})
    assert last(cohort, np.array([4, 2, 1, 3, 0]), 1).tolist() == [True, False, False, False, True]
    assert last(cohort, np.array([0, 4, 2, 3, 1]), 2).tolist() == [False, False, False, True, True]
    (fold,) = split(table(*[("ill", 2), ("well", 2)] * 20), SplitSettings(validation_rows=Validation.LAST))
    assert len(fold.validation) >= 7  # a tenth of 64, whole patients


@pytest.mark.parametrize(
    ("patients", "chosen", "message"),
    [
        ([("ill", 9)] * 2 + [("well", 1)] * 9, {}, "'ill'; expected at least 3, found 2"),
        ([("ill", 9)] * 4 + [("well", 1)] * 9, {"folds": 5}, "'ill'; expected at least 5, found 4"),
        ([("ill", 1)] * 9 + [("well", 9)], {}, "too few patients to keep them apart: 'well'"),
    ],
)
def test_too_few_patients(patients: list[tuple[str, int]], chosen: dict[str, object], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        split(table(*patients), SplitSettings(**chosen))
