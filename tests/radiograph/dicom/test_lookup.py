from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset

from hilum.radiograph.dicom.lookup import first_window, linear, linear_exact, sigmoid


@pytest.mark.parametrize(
    ("function", "width", "values", "expected"),
    [
        (linear, 11, [0, 34.5, 39.5, 44.5, 99], [0, 0, 0.5, 1, 1]),  # PS3.3, C.11.2.1.2.1
        (linear, 1, [39, 39.5, 39.6, 41], [0, 0, 1, 1]),
        (linear_exact, 10, [35, 40, 45, 46], [0, 0.5, 1, 1]),
        (sigmoid, 10, [40, 45, -1e9, 1e9], [0.5, 1 / (1 + np.exp(-2)), 0, 1]),
    ],
)
def test_windows_around_40_by_hand(function, width, values, expected):
    np.testing.assert_allclose(function(np.array(values, float), 40, width), expected, atol=1e-12)


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
