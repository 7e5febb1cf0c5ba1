"""Small versions of ``benchmarks/coverage.py``: 95 % intervals hold the truth in 93 to 97 % of cohorts."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

_PATH = Path(__file__).parents[2] / "benchmarks" / "coverage.py"


@pytest.fixture(scope="module")
def coverage():
    """The benchmark, as a module."""
    spec = importlib.util.spec_from_file_location("coverage_benchmark", _PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


SETTINGS = [
    ("share", (55, 0.8), 20_000),
    ("area", (100, 0.8, 1), 1500),
    ("area", (100, 0.95, 1), 1500),
    ("area", (150, 0.9, 3), 1500),
    ("areas", (100, 0.8, 0.7, 1), 1500),
    ("areas", (150, 0.85, 0.8, 3), 1500),
    ("resampled", (40, 5, "mean"), 1000),
    ("shares", (55, 0.95, 100, 0.6), 5000),
    ("area_drop", (100, 0.95, 100, 0.7, 1), 1000),
]


@pytest.mark.parametrize(("method", "where", "simulations"), SETTINGS)
def test_intervals_cover_what_they_promise(coverage, method, where, simulations):
    held, _ = getattr(coverage, method)(*where).coverage(simulations, np.random.default_rng(6))
    assert 0.93 <= held <= 0.97


def test_the_plain_interval_of_an_area_would_not(coverage):
    held, _ = coverage.plain_area(55, 0.95, 1).coverage(500, np.random.default_rng(6))
    assert held < 0.9


def test_a_patients_images_taken_as_independent_would_not(coverage):
    def draw(rng):
        patients, sick = coverage.cohort(150, 5)
        score = coverage.gap(0.8) * sick + coverage.noise(patients, rng)
        return coverage.auc_interval(sick, score)

    held, _ = coverage.Setting("", "", 0.8, draw).coverage(500, np.random.default_rng(6))
    assert held < 0.85
