from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom
from statsmodels.stats.contingency_tables import mcnemar as reference

from hilum.metrics import McNemar, mcnemar


@pytest.mark.parametrize(("b", "c"), [(1, 7), (7, 1), (0, 4), (5, 5), (20, 40), (0, 0), (130, 170)])
def test_exact_agrees_with_statsmodels(b, c):
    assert McNemar(b, c).exact == pytest.approx(reference([[9, b], [c, 5]], exact=True).pvalue, abs=1e-9)


@pytest.mark.parametrize(("b", "c"), [(1, 7), (7, 1), (0, 4), (5, 5), (20, 40)])
def test_mid_counts_what_was_seen_half(b, c):
    assert McNemar(b, c).mid == pytest.approx(McNemar(b, c).exact - binom.pmf(b, b + c, 0.5) * (b != c))


def test_the_example_of_fagerland():
    # Airway hyper-responsiveness: 1 against 7 discordant pairs.
    assert McNemar(1, 7).exact == pytest.approx(18 / 256)
    assert McNemar(1, 7).mid == pytest.approx(10 / 256)


def test_without_discordant_images_nothing_tells_them_apart():
    assert McNemar(0, 0).exact == McNemar(0, 0).mid == 1


def test_it_counts_who_alone_is_right():
    a, b = np.array([1, 1, 1, 0, 0], bool), np.array([1, 0, 0, 1, 0], bool)
    assert mcnemar(a, b) == McNemar(only_a=2, only_b=1)


def test_it_wants_the_same_images():
    with pytest.raises(ValueError, match="the same images"):
        mcnemar(np.ones(2, bool), np.ones(3, bool))


def test_counts_are_not_negative():
    with pytest.raises(ValueError, match="counts of images"):
        McNemar(-1, 2)
