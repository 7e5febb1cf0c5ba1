from __future__ import annotations

import math

import numpy as np
import pytest

from hilum.metrics import Estimate, wilson
from hilum.metrics.intervals import estimates

NAN = math.nan


@pytest.mark.parametrize(
    "bounds",
    [(0.5, 0.6, 0.7, 3), (0.5, 0.1, 0.4, 3), (0.5, NAN, 0.6, 3), (NAN, 0.1, 0.2, 3), (0.5, 0, 1, -1)],
)
def test_an_interval_holds_its_value(bounds):
    with pytest.raises(ValueError, match="expected low <= value <= high"):
        Estimate(*bounds)


def test_a_value_may_have_no_interval():
    assert math.isnan(Estimate(0.5, NAN, NAN, 3).low)


def test_around_widens_to_the_value():
    assert Estimate.around(0.5, (0.6, 0.7), 3) == Estimate(0.5, 0.5, 0.7, 3)


def test_around_an_undefined_value_there_is_no_interval():
    assert math.isnan(Estimate.around(NAN, (0.6, 0.7), 3).high)


def constant(value):
    return lambda weights: {"figure": np.full(len(weights), value)}


def figure(values, predictions, **settings):
    return estimates(values, predictions, np.random.default_rng(0), 100, **settings)["figure"]


def test_a_perfect_figure_gets_wilsons_interval_of_the_scarcest_class(build):
    # Five images of two sick patients, four of four well ones.
    predictions = build([1] * 5 + [0] * 4, [0.9] * 5 + [0.1] * 4, patient=list("aaabb") + list("cdef"))
    found = figure(constant(1.0), predictions)
    assert (found.low, found.high) == wilson(2, 2)
    assert found.n == 9


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_another_figure_without_spread_has_no_interval(build, value):
    found = figure(constant(value), build([0, 1], [0.1, 0.9]))
    assert found.value == value
    assert math.isnan(found.low)


def test_a_loss_of_one_is_not_perfect(build):
    assert math.isnan(figure(constant(1.0), build([0, 1], [0.1, 0.9]), losses=("figure",)).low)
