from __future__ import annotations

import numpy as np
import pytest

from hilum.classifier import Threshold
from hilum.classifier.fit import PrecisionShift

HALF = Threshold(0.5, "fixed")


def of(*positive: float) -> np.ndarray:
    return np.stack([1 - np.array(positive), positive], axis=1)


def test_the_largest_move_counts_not_the_mean():
    precision_error = PrecisionShift.between(of(0.1, 0.9, 0.2), of(0.1, 0.892, 0.2), HALF)
    assert (precision_error.images, precision_error.flips, precision_error.allowed) == (3, 0, True)
    assert precision_error.largest == pytest.approx(0.008)
    assert not PrecisionShift.between(of(0.1, 0.9, 0.2), of(0.1, 0.889, 0.2), HALF).allowed


def test_one_flip_is_too_many_however_small_the_move():
    precision_error = PrecisionShift.between(of(0.4999, 0.9), of(0.5001, 0.9), HALF)
    assert (precision_error.flips, precision_error.allowed) == (1, False)
    assert PrecisionShift.between(of(0.4999, 0.9), of(0.5001, 0.9), Threshold(0.6, "fixed")).allowed


def test_of_three_classes_the_likeliest_decides():
    exact, found = np.array([[0.34, 0.33, 0.33]]), np.array([[0.33, 0.34, 0.33]])
    assert PrecisionShift.between(exact, found, Threshold(None, "likeliest")).flips == 1


def test_what_was_seen_on_no_image_is_not_allowed():
    assert not PrecisionShift.between(np.zeros((0, 2)), np.zeros((0, 2)), HALF).allowed


def test_other_images_are_refused():
    with pytest.raises(ValueError, match=r"expected shape \(2, 2\), found \(1, 2\)"):
        PrecisionShift.between(of(0.1, 0.2), of(0.1), HALF)
