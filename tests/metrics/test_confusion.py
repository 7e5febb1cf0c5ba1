from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from hilum.metrics import ConfusionMatrix, confusion


def test_the_tutorials_matrix(build):
    labels = [1] * 33 + [0] * 22
    found = confusion(build(labels, [0.9] * 32 + [0.1] * 23, ("NORMAL", "COVID")))
    assert found.classes == ("NORMAL", "COVID")
    assert found.counts.tolist() == [[22, 0], [1, 32]]
    assert found.n == 55
    assert (found.shares * 100).round(1).tolist() == [[40.0, 0.0], [1.8, 58.2]]


def test_it_agrees_with_scikit_learn(drawn):
    predictions = drawn(k=4)
    expected = metrics.confusion_matrix(predictions.labels, predictions.predicted)
    assert np.array_equal(confusion(predictions).counts, expected)


def test_without_rows_shares_are_undefined(drawn):
    empty = confusion(drawn(k=3).part("train"))
    assert empty.counts.tolist() == [[0] * 3] * 3
    assert np.isnan(empty.shares).all()


@pytest.mark.parametrize("counts", [[[1, 2, 3]], [[1, -1], [0, 0]]])
def test_counts_must_fit(counts):
    with pytest.raises(ValueError, match="expected counts of shape"):
        ConfusionMatrix(("a", "b"), np.array(counts))
