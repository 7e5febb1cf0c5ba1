"""What a foreign classifier returns is checked, and one without stages gets its images in batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.classifier import Threshold
from hilum.classifier.classifier import check_probabilities, predicted_classes, staged
from hilum.errors import ClassifierError


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=5))
def test_probabilities_pass_unchanged(rows):
    values = np.array(rows) / np.sum(rows, axis=1, keepdims=True)
    np.testing.assert_allclose(check_probabilities(values, values.shape, "mine"), values, atol=1e-6)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([[0.5, 0.5]], r"mine returns an array of another shape; expected \(2, 2\).*found \(1, 2\)"),
        ([[0.5], [0.5]], r"found \(2, 1\)"),
        ([[0.5, 0.5], [0.5]], "no array of numbers"),
        ([["a", "b"], ["c", "d"]], "no array of numbers"),
        ([[0.5, 0.5], [np.nan, 0.5]], "not probabilities; expected numbers in .0, 1., found nan"),
        ([[0.5, 0.5], [np.inf, 0.5]], "found inf"),
        ([[0.5, 0.5], [2.5, -1.5]], "found 2.5. If these are logits"),
        ([[0.5, 0.5], [0.9, 0.8]], "do not sum to 1; .*found 1.7"),
    ],
)
def test_anything_else_is_refused_with_what_was_found(found, message):
    with pytest.raises(ClassifierError, match=message):
        check_probabilities(found, (2, 2), "mine")


def test_rounding_stays_within_bounds():
    found = check_probabilities([[-1e-8, 1 + 1e-8]], (1, 2), "mine")
    assert found.tolist() == [[0, 1]]


def test_the_threshold_decides_or_else_the_most_probable_class():
    probabilities = np.array([[0.6, 0.4], [0.3, 0.7]])
    assert predicted_classes(probabilities, None).tolist() == [0, 1]
    assert predicted_classes(probabilities, Threshold(None, "none")).tolist() == [0, 1]
    assert predicted_classes(probabilities, Threshold(0.4, "stated")).tolist() == [1, 1]


def test_what_a_classifier_without_stages_returns_is_checked():
    class Broken:
        classes = ("a", "b")
        side = None
        threshold = None

        def predict(self, radiographs):
            return np.full((len(list(radiographs)), 2), np.nan)

    with pytest.raises(ClassifierError, match="Broken returns values that are not probabilities"):
        list(staged(Broken()).run([None, None]))
