from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from scipy.special import expit

from hilum.classifier.calibration import intercept_of, line_of


@pytest.mark.parametrize("seed", range(10))
def test_it_is_statsmodels_logistic_regression(seed):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, rng.uniform(0.1, 8), 60)
    targets = (rng.random(60) < expit(rng.normal() + 0.3 * scores)).astype(float)
    fit = sm.GLM(targets, sm.add_constant(scores), sm.families.Binomial()).fit(tol=1e-13, maxiter=200)
    assert line_of(scores, targets) == pytest.approx(fit.params.tolist(), abs=1e-6)
    fit = sm.GLM(targets, np.ones((60, 1)), sm.families.Binomial(), offset=scores).fit(tol=1e-13)
    assert intercept_of(scores, targets) == pytest.approx(fit.params[0], abs=1e-6)


def test_shares_count_as_shares():
    # A quarter at 0 and three quarters at 1: logits -ln 3 and ln 3.
    assert line_of(np.array([0.0, 1.0]), np.array([0.25, 0.75])) == pytest.approx([-np.log(3), 2 * np.log(3)])


def test_far_scores_do_not_overflow():
    intercept, slope = line_of(np.array([-16.0, -16, 16, 16, 16]), np.array([0.0, 1, 0, 1, 1]))
    assert intercept - 16 * slope == pytest.approx(0, abs=1e-6)  # half of two
    assert intercept + 16 * slope == pytest.approx(np.log(2), abs=1e-6)  # two of three
