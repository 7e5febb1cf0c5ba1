from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.radiograph.dicom.lookup import first_window, linear, linear_exact, sigmoid


def test_linear_window_by_hand():
    """PS3.3, C.11.2.1.2.1: black up to 34.5, white above 44.5."""
    np.testing.assert_allclose(linear(np.array([0, 34.5, 39.5, 44.5, 99]), 40, 11), [0, 0, 0.5, 1, 1])


def test_linear_window_of_one_is_a_threshold():
    np.testing.assert_array_equal(linear(np.array([9.0, 9.5, 9.6, 11.0]), 10, 1), [0, 0, 1, 1])


def test_exact_window_by_hand():
    np.testing.assert_allclose(linear_exact(np.array([35, 40, 45, 46]), 40, 10), [0, 0.5, 1, 1])


def test_sigmoid_window_by_hand():
    expected = [0.5, 1 / (1 + np.exp(-2)), 0, 1]
    np.testing.assert_allclose(sigmoid(np.array([40, 45, -1e9, 1e9]), 40, 10), expected, atol=1e-12)


@pytest.mark.parametrize(
    ("function", "width", "valid"),
    [
        (None, 1, True),
        (None, 0.5, False),
        ("LINEAR_EXACT", 0.5, True),
        ("SIGMOID", 0.5, True),
        *((name, width, False) for name in (None, "LINEAR_EXACT", "SIGMOID") for width in (0, -5, np.nan)),
    ],
)
def test_a_width_that_the_standard_rules_out_is_no_window(function, width, valid):
    elements = Dataset()
    elements.WindowCenter, elements.VOILUTFunction = 0, function
    elements.add_new("WindowWidth", "FD", width)
    assert (first_window(elements, "x") is not None) == valid
