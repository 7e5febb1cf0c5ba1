"""Intervals: Wilson's for a proportion, and the bootstrap over patients."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri, stdtrit

__all__ = ["Floats", "Statistic", "bootstrap", "wilson"]

Floats: TypeAlias = NDArray[np.float64]
Statistic: TypeAlias = Callable[[Floats], Floats]
"""From weights of rows (b, n) to one value per weighting, (b,), or several, (b, m); NaN where undefined."""

_BLOCK = 2**20  # weights held at a time: 8 MB, so that they stay near the processor
_NO_SPREAD = 1e-12  # resamples closer than this differ by rounding alone


def wilson(successes: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a proportion.

    It takes the trials as independent. Images of one patient are not; where patients give several
    images each, the interval is too narrow.

    Parameters
    ----------
    successes : float
        From 0 to `n`; a share times `n` need not be whole.
    n : float
        Trials. Without any, the interval is NaN.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    tuple of float
        Low and high, in [0, 1].

    Raises
    ------
    ValueError
        If `successes` lies outside 0 to `n`.

    References
    ----------
    Wilson, E. B. Probable inference, the law of succession, and statistical inference.
    J. Am. Stat. Assoc. 22, 209-212 (1927).

    Examples
    --------
    >>> low, high = wilson(54, 55)
    >>> f"{low:.1%} to {high:.1%}"
    '90.4% to 99.7%'
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes lie between 0 and n, found {successes} of {n}")
    if n == 0:
        return math.nan, math.nan
    z = float(ndtri((1 + level) / 2))
    share, squared = successes / n, z * z / n
    centre = (share + squared / 2) / (1 + squared)
    half = z * math.sqrt(share * (1 - share) / n + squared / (4 * n)) / (1 + squared)
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return low, high


def bootstrap(
    statistic: Statistic,
    groups: NDArray[Any],
    rng: np.random.Generator,
    resamples: int = 2000,
    level: float = 0.95,
) -> tuple[Floats, Floats]:
    """Expanded percentile interval of a statistic, by resampling whole groups with replacement.

    A group (a patient) is drawn with all its rows, so rows of one group may depend on each other. As
    weights say how often a row was drawn, a statistic serves all resamples of a block in one call.

    Resamples of few groups vary too little, and their plain percentiles hold the true figure too seldom. The
    percentiles are therefore taken further out, as far as Student's quantile with its standard error lies
    beyond the normal one (Hesterberg 2015): with 20 groups at 1.6 % and 98.4 %, with 100 at 2.3 % and 97.7 %.
    Simulated (``benchmarks/coverage.py``), 95 % intervals of a mean then hold the truth in 93 to 95 % of
    cohorts of 12 patients and more; those of balanced accuracy in 83 % with 12 patients, 91 % with 20, and
    92 to 95 % from 40.

    A resample where the statistic is NaN is skipped. The interval is NaN if more than ``1 - level`` of
    them are (what is left no longer tells of the tails), or if all agree, since a bootstrap without
    spread knows no uncertainty.

    Parameters
    ----------
    statistic : callable
        From weights float64 (b, n) to values (b,) or (b, m). Several statistics in one call share
        their resamples.
    groups : ndarray, shape (n,)
        The group of each row. The same groups in another order of rows give the same interval.
    rng : numpy.random.Generator
        The draws depend on it, on the number of rows and groups, and on `resamples` alone.
    resamples : int
        Number of resamples.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    low, high : ndarray, shape () or (m,)

    References
    ----------
    Hesterberg, T. C. What teachers should know about the bootstrap. Am. Stat. 69, 371-386 (2015).
    Efron, B. and Tibshirani, R. J. An Introduction to the Bootstrap, chapter 13 (1993).
    Field, C. A. and Welsh, A. H. Bootstrapping clustered data. J. R. Stat. Soc. B 69, 369-390 (2007).

    Examples
    --------
    >>> values = np.array([0.0, 1.0, 1.0, 2.0, 4.0, 4.0])
    >>> patients = np.array(["a", "a", "b", "b", "c", "d"])
    >>> low, high = bootstrap(lambda w: w @ values / w.sum(axis=1), patients, np.random.default_rng(7))
    >>> bool(0.5 <= low < 2 < high <= 4)
    True
    """
    _, codes = np.unique(groups, return_inverse=True)
    values = np.concatenate([statistic(block) for block in _weights(codes, rng, resamples)])
    tail = _tail(int(codes.max(initial=0)) + 1, level)
    bounds = [_percentiles(column, level, tail) for column in values.reshape(resamples, -1).T]
    low, high = (np.array(side).reshape(values.shape[1:]) for side in zip(*bounds, strict=True))
    return low, high


def _weights(codes: NDArray[np.intp], rng: np.random.Generator, resamples: int) -> Iterator[Floats]:
    """Yield blocks (b, n) of how often each row is drawn."""
    groups = int(codes.max()) + 1 if codes.size else 0
    size = max(1, _BLOCK // max(1, codes.size))
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        yield _draws(rows, groups, rng)[:, codes]


def _draws(resamples: int, groups: int, rng: np.random.Generator) -> Floats:
    """Count how often each group is drawn, float64 (resamples, groups); a multinomial, but quicker."""
    if groups == 0:
        return np.zeros((resamples, 0))
    drawn = rng.integers(groups, size=(resamples, groups))
    drawn += groups * np.arange(resamples)[:, None]
    counts = np.bincount(drawn.ravel(), minlength=resamples * groups)
    return counts.reshape(resamples, groups).astype(np.float64)


def _tail(groups: int, level: float) -> float:
    """The share of resamples that the interval leaves out on each side."""
    if groups < 2:
        return (1 - level) / 2
    return float(ndtr(math.sqrt(groups / (groups - 1)) * stdtrit(groups - 1, (1 - level) / 2)))


def _percentiles(values: Floats, level: float, tail: float) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if known.size < level * values.size:
        return math.nan, math.nan
    if np.ptp(known) <= _NO_SPREAD * max(1.0, abs(known[0])):
        return math.nan, math.nan
    low, high = np.quantile(known, [tail, 1 - tail])
    return float(low), float(high)
