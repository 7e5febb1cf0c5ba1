from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hilum.auditing import Scale
from hilum.metrics import METRICS, Estimate
from hilum.report import text as fmt

NAN = math.nan
UNDEFINED = Estimate(NAN, NAN, NAN, 0)


@pytest.mark.parametrize("metric", METRICS)
def test_an_undefined_figure_is_a_dash(metric):
    assert fmt.value(metric, NAN) == "–"
    assert fmt.interval(metric, UNDEFINED) == "–"


@given(st.sampled_from(sorted(METRICS)), st.floats(-1e9, 1e9) | st.sampled_from([NAN, math.inf, -math.inf]))
def test_no_number_shows_as_nan_or_inf(metric, number):
    shown = fmt.value(metric, number)
    assert "nan" not in shown
    assert "inf" not in shown


@pytest.mark.parametrize("metric", ["accuracy", "sensitivity", "ppv", "balanced_accuracy", "npv_covid_19"])
def test_proportions_are_percentages(metric):
    assert fmt.value(metric, 0.98181) == f"98.2{fmt.THIN}%"


@pytest.mark.parametrize("metric", ["loss", "f1", "roc_auc_other_infection", "pr_auc", "brier"])
def test_other_figures_have_three_decimals(metric):
    assert fmt.value(metric, 0.98181) == "0.982"


def test_the_unit_stands_once_after_an_interval():
    assert fmt.interval("accuracy", Estimate(0.98, 0.904, 0.9968, 55)) == f"90.4–99.7{fmt.THIN}%"
    assert fmt.interval("loss", Estimate(0.09, 0.02, 0.2, 55)) == "0.020–0.200"


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_is_found_under_its_class(name):
    assert fmt.base_of(name) == name
    assert fmt.base_of(f"{name}_auc_of_loss") == name


def test_an_unknown_metric_is_its_own_base():
    assert fmt.base_of("dice") == "dice"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0 ms"),
        (0.9996, "1.0 s"),
        (59.94, "59.9 s"),
        (59.97, "1 min"),
        (3599, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (NAN, "–"),
    ],
)
def test_a_duration_has_the_unit_that_suits(seconds, shown):
    assert fmt.duration(seconds).replace(fmt.THIN, " ") == shown


def test_what_is_not_perfect_never_shows_as_perfect():
    assert fmt.value("accuracy", 9999 / 10000) == f">99.9{fmt.THIN}%"
    assert fmt.value("roc_auc", 0.99996) == ">0.999"
    assert fmt.value("loss", 0.00002) == "<0.001"
    assert fmt.value("sensitivity", 0.0001) == f"<0.1{fmt.THIN}%"
    assert fmt.value("accuracy", 1.0) == f"100.0{fmt.THIN}%"
    assert fmt.value("loss", 0.0) == "0.000"


def test_bounds_that_read_alike_stand_once():
    assert fmt.interval("loss", Estimate(0.00002, 0.00001, 0.00004, 55)) == "<0.001"


def test_an_interval_of_no_width_keeps_its_form_and_nothing_becomes_zero_that_is_not():
    assert fmt.scaled_interval(Scale.AREA, Estimate(1.0, 1.0, 1.0, 9)) == "1.000–1.000"
    assert fmt.scaled_interval(Scale.NUMBER, Estimate(1204, 1204, 1204, 9)) == "1,204–1,204"
    assert fmt.scaled_interval(Scale.AREA, Estimate(0.00002, 0.00001, 0.00004, 9)) == "<0.001"


@pytest.mark.parametrize("scale", list(Scale))
def test_a_figure_of_the_audit_that_is_missing_is_a_dash(scale):
    assert fmt.scaled(scale, float("nan")) == fmt.scaled_interval(scale, UNDEFINED) == "–"
