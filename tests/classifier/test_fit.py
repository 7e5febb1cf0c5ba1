from __future__ import annotations

import json
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from hilum.classifier import Threshold
from hilum.classifier.fit import FITTERS, PrecisionDeviation, fit
from hilum.classifier.samples import Samples
from hilum.errors import FitError
from hilum.recipe.settings import DenseHeadSettings, HeadSettings, LinearHeadSettings


def arguments(samples: Samples, **parts: object) -> dict[str, object]:
    names = ("features", "labels", "patients", "train", "validation", "classes")
    return {name: getattr(samples, name) for name in names} | {"seed": 0} | parts


def test_every_kind_of_settings_has_its_fitter() -> None:
    union, _ = get_args(HeadSettings)
    assert set(FITTERS) == set(get_args(union))


@pytest.mark.parametrize(
    ("settings", "layers"), [(DenseHeadSettings(epochs=2), 2), (LinearHeadSettings(), 1)]
)
def test_settings_pick_the_head(two: Samples, settings: HeadSettings, layers: int) -> None:
    fitted = fit(**arguments(two, settings=settings))
    assert len(fitted.head.layers) == layers
    assert fitted.details["kind"] == settings.kind
    assert fitted.head.classes == two.classes
    json.dumps(fitted.details)


def test_lists_will_do(two: Samples) -> None:
    lists = {name: getattr(two, name).tolist() for name in ("labels", "patients", "train", "validation")}
    fitted = fit(**arguments(two, **lists, classes=["A", "B"], settings=LinearHeadSettings()))
    assert fitted.head.content_hash == fit(**arguments(two, settings=LinearHeadSettings())).head.content_hash


def test_progress_is_told(two: Samples) -> None:
    told: list[tuple[str, int | None]] = []

    class Listener:
        def track(self, items, *, what, total=None):
            told.append((what, total))
            yield from items

        def say(self, message):
            raise AssertionError

    for settings in (DenseHeadSettings(epochs=2), LinearHeadSettings()):
        fit(**arguments(two, settings=settings), progress=Listener())
    assert [total for _, total in told] == [2, 5]


@pytest.mark.parametrize("settings", [DenseHeadSettings(epochs=1), LinearHeadSettings()])
def test_a_class_without_training_rows_is_an_error(two: Samples, settings: HeadSettings) -> None:
    with pytest.raises(
        FitError, match="no training row; expected every one of A, B, C, found none of C in 64"
    ):
        fit(**arguments(two, settings=settings, classes=("A", "B", "C")))
    labels = np.where(np.arange(80) < 64, 0, 1)  # a row that validates is no help
    with pytest.raises(FitError, match="found none of B"):
        fit(**arguments(two, labels=labels, settings=settings))


def test_rows_that_neither_train_nor_validate_are_not_looked_at(two: Samples) -> None:
    features, labels = two.features.copy(), two.labels.copy()
    features[two.validation], labels[two.validation] = np.nan, -1
    fit(**arguments(two, features=features, labels=labels, validation=[], settings=LinearHeadSettings()))
    with pytest.raises(ValueError, match="labels: expected integers from 0 to 1"):
        fit(**arguments(two, labels=labels, settings=LinearHeadSettings()))
    with pytest.raises(FitError, match="not finite"):
        fit(**arguments(two, features=features, settings=LinearHeadSettings()))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"features": np.zeros(80, np.float32)}, r"features: expected shape \(n, d\)"),
        ({"labels": [0, 1]}, r"labels: expected shape \(80,\), found \(2,\)"),
        ({"patients": ["p"]}, r"patients: expected shape \(80,\), found \(1,\)"),
        ({"train": [0, 1, 1]}, "at most once"),
        ({"validation": [0]}, "at most once"),
        ({"validation": [80]}, "rows from 0 to 79"),
        ({"validation": [-1]}, "rows from 0 to 79"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(two: Samples, parts: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit(**arguments(two, **parts, settings=LinearHeadSettings()))


def test_prediction_loads_neither_torch_nor_scikit_learn_and_fitting_no_torch() -> None:
    program = (
        "import sys, hilum.classifier; light = set(sys.modules)\n"
        "import hilum.classifier.fit\n"
        "print('sklearn' in light, 'torch' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "False"]


HALF = Threshold(0.5, "fixed")


def of(*positive: float) -> np.ndarray:
    return np.stack([1 - np.array(positive), positive], axis=1)


def test_the_largest_move_counts_not_the_mean():
    deviation = PrecisionDeviation.between(of(0.1, 0.9, 0.2), of(0.1, 0.892, 0.2), HALF)
    assert (deviation.images, deviation.flips, deviation.allowed) == (3, 0, True)
    assert deviation.largest == pytest.approx(0.008)
    assert not PrecisionDeviation.between(of(0.1, 0.9, 0.2), of(0.1, 0.889, 0.2), HALF).allowed


def test_one_flip_is_too_many_however_small_the_move():
    deviation = PrecisionDeviation.between(of(0.4999, 0.9), of(0.5001, 0.9), HALF)
    assert (deviation.flips, deviation.allowed) == (1, False)
    assert PrecisionDeviation.between(of(0.4999, 0.9), of(0.5001, 0.9), Threshold(0.6, "fixed")).allowed


def test_of_three_classes_the_likeliest_decides():
    exact, found = np.array([[0.34, 0.33, 0.33]]), np.array([[0.33, 0.34, 0.33]])
    assert PrecisionDeviation.between(exact, found, Threshold(None, "likeliest")).flips == 1


def test_what_was_seen_on_no_image_is_not_allowed():
    assert not PrecisionDeviation.between(np.zeros((0, 2)), np.zeros((0, 2)), HALF).allowed


def test_other_images_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \(2, 2\), found \(1, 2\)"):
        PrecisionDeviation.between(of(0.1, 0.2), of(0.1), HALF)
