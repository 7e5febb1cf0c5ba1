from __future__ import annotations

from hilum.cohort.choice import closest


def test_the_nearest_is_suggested_in_its_own_case() -> None:
    assert closest("covid-19", ["COVID-19", "SARS"]) == "Did you mean COVID-19?"


def test_nothing_near_nothing_said() -> None:
    assert closest("zebra", ["COVID-19", "SARS"]) is None
