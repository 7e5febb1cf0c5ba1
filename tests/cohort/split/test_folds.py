from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from hilum.cohort.split import patient_folds


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    labels=st.integers(2, 9),
    folds=st.integers(2, 7),
    mixed=st.booleans(),
)
def test_the_folds_are_scikit_learns(seed: int, labels: int, folds: int, mixed: bool) -> None:
    rng = np.random.default_rng(seed)
    patients = np.repeat(np.arange(labels * folds), rng.integers(1, 5, labels * folds))
    label = rng.integers(labels, size=len(patients)) if mixed else patients % labels
    order = rng.permutation(len(patients))
    names, label = np.char.add("p", patients.astype(str))[order], label[order]
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a label with few rows
        expected = list(splitter.split(label, label, names)) if _enough(label, folds) else None
    if expected is not None:
        found = patient_folds(label, names, folds, seed)
        for (others, own), (train, test) in zip(found, expected, strict=True):
            assert others.tolist() == train.tolist()
            assert own.tolist() == test.tolist()


def _enough(label: np.ndarray, folds: int) -> bool:
    counts = np.unique(label, return_counts=True)[1]
    return len(counts) > 1 and counts.max() >= folds


@pytest.mark.parametrize("folds", [2, 5])
def test_every_row_is_in_one_fold_and_no_patient_in_two(folds: int) -> None:
    rng = np.random.default_rng(folds)
    patients, labels = rng.integers(60, size=200).astype(str), rng.integers(3, size=200)
    found = patient_folds(labels, patients, folds, 7)
    assert sorted(np.concatenate([own for _, own in found])) == list(range(200))
    for others, own in found:
        assert not set(patients[others]) & set(patients[own])
        assert len(others) + len(own) == 200


def test_labels_are_spread_evenly_where_patients_have_one_row() -> None:
    labels = np.arange(100) % 4 == 0
    for _, own in patient_folds(labels, np.arange(100), 5, 0):
        assert labels[own].sum() == 5
        assert len(own) == 20
