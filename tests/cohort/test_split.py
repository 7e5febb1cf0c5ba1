"""Splitting: the contract of every splitter, and what each adds to it."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from hilum.cohort import SPLITTERS, Fold, build, split
from hilum.cohort.split import draw_patients, keras_count, patient_folds, split_validation_by_patient
from hilum.errors import SplitError
from hilum.recipe import load
from hilum.recipe.settings import SplitBy, SplitSettings, Validation

GROUPED = {SplitBy.PATIENT, SplitBy.SOURCE}
WAYS = [
    {"by": SplitBy.IMAGE},
    {"by": SplitBy.IMAGE, "folds": 3},
    {"by": SplitBy.PATIENT},
    {"by": SplitBy.PATIENT, "folds": 3},
    {"by": SplitBy.SOURCE},
    {"by": SplitBy.COLUMN},
]


def table_of(sizes: list[int], labels: int, generator: np.random.Generator) -> pd.DataFrame:
    """One patient for each size, labels, sources and parts in turn, and the rows shuffled."""
    patient = np.repeat(np.arange(len(sizes)), sizes)
    parts = np.array(["train", "train", "test"])[np.arange(len(sizes)) // labels % 3]
    table = pd.DataFrame(
        {
            "patient": [f"p{number}" for number in patient],
            "label": [f"label{number % labels}" for number in patient],
            "source": np.array(["s0", "s1", "s2"])[patient // labels % 3],
            "split": parts[patient],
        }
    )
    return table.iloc[generator.permutation(len(table))].reset_index(drop=True)


def check_fold(table: pd.DataFrame, fold: Fold, by: SplitBy) -> None:
    parts = {"train": fold.train, "validation": fold.validation, "test": fold.test}
    assert sorted(np.concatenate(list(parts.values()))) == list(range(len(table)))
    for name, rows in parts.items():
        assert rows.dtype == np.int64
        assert len(rows)
        if not (by is SplitBy.SOURCE and name == "test"):
            assert set(table["label"].iloc[rows]) == set(table["label"])
    if by in GROUPED:
        patients = [set(table["patient"].iloc[rows]) for rows in parts.values()]
        assert sum(map(len, patients)) == table["patient"].nunique()


def test_every_way_has_a_splitter() -> None:
    assert set(SPLITTERS) == set(SplitBy)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(
    sizes=st.lists(st.integers(1, 6), min_size=40, max_size=70),
    labels=st.integers(2, 3),
    seed=st.integers(0, 2**32 - 1),
    rows=st.sampled_from(list(Validation)),
)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_contract(way: dict[str, object], sizes: list[int], labels: int, seed: int, rows: Validation) -> None:
    table = table_of(sizes, labels, np.random.default_rng(seed))
    chosen = SplitSettings(**way, validation=0.25, test=0.3, seed=seed, validation_rows=rows)
    try:
        folds = split(table, chosen)
    except SplitError as error:
        # Only rows at the end, or drawn without strata as the tutorial's, may miss a label; then it says so.
        assert rows is Validation.LAST or (chosen.by is SplitBy.IMAGE and not chosen.folds)
        assume("has no image of" not in error.what)
        raise
    for fold in folds:
        check_fold(table, fold, chosen.by)
    tested = np.concatenate([fold.test for fold in folds])
    assert len(np.unique(tested)) == len(tested)
    if chosen.folds or chosen.by is SplitBy.SOURCE:
        assert len(tested) == len(table)
    again = split(table, chosen)
    for fold, other in zip(folds, again, strict=True):
        assert all(
            np.array_equal(getattr(fold, part), getattr(other, part))
            for part in ("train", "validation", "test")
        )


@pytest.mark.parametrize("way", WAYS[:4], ids=str)
def test_another_seed_gives_another_split(way: dict[str, object]) -> None:
    table = table_of([1, 2] * 40, 2, np.random.default_rng(0))
    one, other = (split(table, SplitSettings(**way, seed=seed))[0].test for seed in (1, 2))
    assert set(one) != set(other)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_one_label_cannot_be_split(way: dict[str, object]) -> None:
    table = table_of([1] * 30, 2, np.random.default_rng(0)).assign(label="COVID-19")
    with pytest.raises(SplitError, match="at least two labels; found COVID-19"):
        split(table, SplitSettings(**way))


@pytest.mark.parametrize("by", [SplitBy.SOURCE, SplitBy.COLUMN])
def test_folds_where_they_mean_nothing_are_refused(by: SplitBy) -> None:
    table = table_of([1] * 30, 2, np.random.default_rng(0))
    with pytest.raises(SplitError, match=f"`folds` has no meaning with `by: {by}`"):
        split(table, SplitSettings(by=by, folds=5))


@pytest.mark.real
@pytest.mark.parametrize("name", ["tutorial-model-1", "covid-vs-normal", "darkcovidnet-3class"])
def test_the_contract_on_real_cohorts(real_data: Path, name: str) -> None:
    recipe = load(name)
    table = build(recipe.cohort, real_data).table
    for chosen in (recipe.split, SplitSettings(), SplitSettings(folds=5)):
        for fold in split(table, chosen):
            check_fold(table, fold, chosen.by)


def test_rows_become_int64() -> None:
    fold = Fold(np.array([1], dtype=np.int32), [2], [0])  # type: ignore[arg-type]
    assert {part.dtype for part in (fold.train, fold.validation, fold.test)} == {np.dtype(np.int64)}


@pytest.mark.parametrize("parts", [([0, 1], [1], [2]), ([0, 0], [1], [2])])
def test_a_row_is_in_one_part_once(parts: tuple[list[int], ...]) -> None:
    with pytest.raises(SplitError, match="in two parts, or twice in one"):
        Fold(*map(np.array, parts))


def test_no_part_is_empty() -> None:
    with pytest.raises(SplitError, match="the validation part is empty"):
        Fold(np.array([0]), np.array([]), np.array([1]))


TUTORIAL = SplitSettings(by=SplitBy.IMAGE, test=0.2, validation=0.1, validation_rows=Validation.LAST, seed=40)


def image_table(covid: int, normal: int) -> pd.DataFrame:
    labels = ["COVID-19"] * covid + ["Normal"] * normal
    return pd.DataFrame({"label": labels, "patient": "p", "source": "s"})


def test_the_tutorials_rows() -> None:
    """Of 275 rows, NumPy's RandomState(40) permutes: the first 55 test, the rest train in that order."""
    (fold,) = split(image_table(175, 100), TUTORIAL)
    shuffled = np.random.RandomState(40).permutation(275)
    assert fold.test.tolist() == shuffled[:55].tolist()
    assert fold.train.tolist() == shuffled[55:253].tolist()
    assert fold.validation.tolist() == shuffled[253:].tolist()


def test_the_tutorials_counts() -> None:
    """33 COVID-19 and 22 normal test images, as its confusion matrix has them."""
    cohort = image_table(175, 100)
    (fold,) = split(cohort, TUTORIAL)
    assert cohort["label"].iloc[fold.test].value_counts().to_dict() == {"COVID-19": 33, "Normal": 22}


@pytest.mark.parametrize(
    ("rows", "share", "count"),
    [(220, 0.1, 22), (300, 0.1, 30), (219, 0.1, 22), (221, 0.1, 23), (10, 0.25, 3), (8, 0.5, 4)],
)
def test_keras_rounds_the_training_rows_down(rows: int, share: float, count: int) -> None:
    assert keras_count(rows, share) == count


def test_folds_are_stratified_as_scikit_learns() -> None:
    cohort = image_table(20, 10)
    folds = split(cohort, SplitSettings(by=SplitBy.IMAGE, folds=5, validation=0.25))
    assert len(folds) == 5
    for fold in folds:
        for rows, counts in ((fold.train, (12, 6)), (fold.validation, (4, 2)), (fold.test, (4, 2))):
            assert (cohort["label"].iloc[rows] == "COVID-19").sum() == counts[0]
            assert (cohort["label"].iloc[rows] == "Normal").sum() == counts[1]


def test_last_rows_of_a_fold_are_of_the_shuffled_order() -> None:
    """In the table's order the last rows would be of one label alone."""
    cohort = image_table(100, 100)
    for fold in split(cohort, SplitSettings(by=SplitBy.IMAGE, folds=5, validation_rows=Validation.LAST)):
        assert 0.2 < (cohort["label"].iloc[fold.validation] == "COVID-19").mean() < 0.8


@pytest.mark.parametrize(
    ("covid", "normal", "settings", "message"),
    [
        (1, 1, {}, "too few images to split; expected at least 3, found 2"),
        (9, 2, {"folds": 3}, "too few images of 'Normal'; expected one for each of 3 folds, found 2"),
        (30, 1, {}, "no image of Normal|too few images to draw"),
        (
            6,
            6,
            {"validation_rows": "last", "seed": 1},
            "has no image of Normal; .*found 1 images of COVID-19",
        ),
    ],
)
def test_too_few_images_are_explained(
    covid: int, normal: int, settings: dict[str, object], message: str
) -> None:
    with pytest.raises(SplitError, match=message):
        split(image_table(covid, normal), SplitSettings(by=SplitBy.IMAGE, **settings))


@pytest.mark.real
def test_the_tutorials_split_of_the_real_images(real_data: Path) -> None:
    recipe = load("tutorial-model-1")
    cohort = build(recipe.cohort, real_data).table
    (fold,) = split(cohort, recipe.split)
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [198, 22, 55]
    assert cohort["label"].iloc[fold.test].value_counts().to_dict() == {"COVID-19": 33, "Normal": 22}


def patient_table(*patients: tuple[str, int]) -> pd.DataFrame:
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
    cohort = patient_table(*((f"label{number % 2}", size) for number, size in enumerate(sizes)))
    chosen = draw_patients(cohort, share, np.random.default_rng(seed))
    for _, rows in cohort.groupby("label"):
        largest = rows["patient"].value_counts().max()
        assert abs(chosen[rows.index].sum() - share * len(rows)) <= largest / 2 + 1e-9


def test_shares_are_exact_where_single_images_can_even_them_out() -> None:
    cohort = patient_table(
        *[("COVID-19", 3)] * 20, *[("COVID-19", 1)] * 40, *[("Normal", 2)] * 10, *[("Normal", 1)] * 80
    )
    for seed in range(20):
        chosen = draw_patients(cohort, 0.2, np.random.default_rng(seed))
        assert cohort[chosen]["label"].value_counts().to_dict() == {"COVID-19": 20, "Normal": 20}


def test_large_patients_are_as_likely_to_be_drawn_as_others() -> None:
    cohort = patient_table(*[("COVID-19", 5)] * 10, *[("COVID-19", 1)] * 50, *[("Normal", 1)] * 100)
    drawn = [
        cohort[draw_patients(cohort, 0.2, np.random.default_rng(seed))]["patient"].value_counts().eq(5).sum()
        for seed in range(200)
    ]
    assert np.mean(drawn) == pytest.approx(2, abs=0.2)  # of ten, a fifth


def test_a_rare_label_is_on_both_sides() -> None:
    for seed in range(20):
        cohort = patient_table(*[("common", 1)] * 100, ("rare", 1), ("rare", 1))
        chosen = draw_patients(cohort, 0.1, np.random.default_rng(seed))
        assert cohort[chosen]["label"].value_counts()["rare"] == 1


def test_a_patient_with_two_labels_stays_whole() -> None:
    rows = [(label, f"p{number}", "s") for number in range(12) for label in ("before", "after")]
    cohort = pd.DataFrame(rows, columns=["label", "patient", "source"])
    (fold,) = split(cohort, SplitSettings(test=0.25, validation=1 / 3))
    assert [len(fold.train), len(fold.validation), len(fold.test)] == [12, 6, 6]
    assert cohort["patient"].iloc[fold.test].value_counts().tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("rows", "share", "train", "validation"),
    [([4, 2, 1, 3, 0], 0.2, [2, 1, 3], [4, 0]), ([0, 4, 2, 3, 1], 0.4, [0, 4, 2], [3, 1])],
)
def test_the_last_rows_take_all_rows_of_their_patients(
    rows: list[int], share: float, train: list[int], validation: list[int]
) -> None:
    cohort = pd.DataFrame({"patient": ["a", "b", "c", "b", "a"]})
    chosen = SplitSettings(validation=share, validation_rows=Validation.LAST)
    parts = split_validation_by_patient(cohort, np.array(rows), chosen)
    assert [part.tolist() for part in parts] == [train, validation]


def test_the_last_rows_of_whole_patients() -> None:
    (fold,) = split(
        patient_table(*[("COVID-19", 2), ("Normal", 2)] * 20), SplitSettings(validation_rows=Validation.LAST)
    )
    assert len(fold.validation) >= 7  # a tenth of 64, whole patients


@pytest.mark.parametrize(
    ("patients", "chosen", "message"),
    [
        ([("COVID-19", 9)] * 2 + [("Normal", 1)] * 9, {}, "expected at least 3, found 2"),
        (
            [("COVID-19", 9)] * 4 + [("Normal", 1)] * 9,
            {"folds": 5},
            "expected at least 5, found 4",
        ),
        ([("COVID-19", 1)] * 9 + [("Normal", 9)], {}, "too few patients of 'Normal'"),
    ],
)
def test_too_few_patients(patients: list[tuple[str, int]], chosen: dict[str, object], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        split(patient_table(*patients), SplitSettings(**chosen))


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


SOURCES = SplitSettings(by=SplitBy.SOURCE, validation=0.25)


def source_table(**labels_of: str) -> pd.DataFrame:
    """Eight patients for each label of a source; labels are single letters."""
    rows = [
        (label, f"{name}:{label}{number}", name)
        for name, labels in labels_of.items()
        for label in labels
        for number in range(8)
    ]
    return pd.DataFrame(rows, columns=["label", "patient", "source"])


def test_each_source_is_left_out_once_in_order() -> None:
    cohort = source_table(north="ab", south="ab", west="ab")
    folds = split(cohort, SOURCES)
    assert [cohort["source"].iloc[fold.test].unique().tolist() for fold in folds] == [
        ["north"],
        ["south"],
        ["west"],
    ]
    assert [len(fold.validation) for fold in folds] == [8, 8, 8]


def test_a_source_with_one_label_may_be_left_out() -> None:
    folds = split(source_table(north="ab", south="ab", west="a"), SOURCES)
    assert len(folds) == 3


def test_labels_confounded_with_sources_are_refused() -> None:
    with pytest.raises(SplitError, match=r"without the source 'north', no image of a.*confounded"):
        split(source_table(north="a", south="b"), SOURCES)


def test_one_source_cannot_be_left_out() -> None:
    with pytest.raises(SplitError, match="expected at least 2 sources, found north"):
        split(source_table(north="ab"), SOURCES)


def test_patients_of_two_sources_are_refused() -> None:
    cohort = source_table(north="ab", south="ab")
    cohort.loc[[0, 20], "patient"] = "somebody"
    with pytest.raises(SplitError, match=r"patients are in several sources.*found 1 such patients"):
        split(cohort, SOURCES)


def test_rows_keep_their_positions_whatever_the_index() -> None:
    cohort = source_table(north="ab", south="ab")
    odd = cohort.set_index(np.arange(100, 100 + len(cohort)))
    for fold, other in zip(split(cohort, SOURCES), split(odd, SOURCES), strict=True):
        assert fold.train.tolist() == other.train.tolist()


COLUMN = SplitSettings(by=SplitBy.COLUMN, validation=0.5)


def column_table(parts: list[str | None]) -> pd.DataFrame:
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
    (fold,) = split(column_table(["test"] * 2 + ["train"] * 4 + ["validation"] * 2), COLUMN)
    assert fold.train.tolist() == [2, 3, 4, 5]
    assert fold.validation.tolist() == [6, 7]
    assert fold.test.tolist() == [0, 1]


def test_validation_is_drawn_from_training_patients_where_there_is_none() -> None:
    cohort = column_table(["train"] * 8 + ["test"] * 2)
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
def test_an_unusable_column_is_explained(parts: list[str | None], message: str) -> None:
    with pytest.raises(SplitError, match=message):
        split(column_table(parts), COLUMN)


def test_a_cohort_without_the_column() -> None:
    with pytest.raises(SplitError, match="no column 'split'; found label, patient, source"):
        split(column_table(["train"] * 4).drop(columns="split"), COLUMN)
