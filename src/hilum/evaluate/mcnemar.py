"""Whether two classifiers are right equally often on the same images."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

__all__ = ["McNemar", "mcnemar"]


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two classifiers on the same images.

    Only images that one alone gets right tell them apart: were both equally good, each of these would be
    a fair coin's throw. Images count as independent; where patients have several, p is too small.

    Parameters
    ----------
    only_a, only_b : int
        Images that one classifier alone gets right.

    Raises
    ------
    ValueError
        If a count is negative.

    References
    ----------
    McNemar, Q. Note on the sampling error of the difference between correlated proportions or percentages.
    Psychometrika 12, 153-157 (1947).

    Fagerland, M. W., Lydersen, S. and Laake, P. The McNemar test for binary matched-pairs data: mid-p and
    asymptotic are better than exact conditional. BMC Med. Res. Methodol. 13, 91 (2013).

    Examples
    --------
    >>> test = McNemar(only_a=1, only_b=7)
    >>> round(test.exact, 4), round(test.mid, 4)
    (0.0703, 0.0391)
    """

    only_a: int
    only_b: int

    def __post_init__(self) -> None:
        if min(self.only_a, self.only_b) < 0:
            raise ValueError(f"expected counts of images, found {self!r}")

    @property
    def exact(self) -> float:
        """Two-sided p value, binomial; never too small, often too large."""
        fewer, both = sorted((self.only_a, self.only_b))[0], self.only_a + self.only_b
        return float(min(1.0, 2 * binom.cdf(fewer, both, 0.5)))

    @property
    def mid(self) -> float:
        """Two-sided mid-p value, which counts what was seen half; nearer to the nominal level."""
        fewer, both = sorted((self.only_a, self.only_b))[0], self.only_a + self.only_b
        return float(2 * binom.cdf(fewer, both, 0.5) - binom.pmf(fewer, both, 0.5))


def mcnemar(right_a: NDArray[np.bool_], right_b: NDArray[np.bool_]) -> McNemar:
    """Count where one of two classifiers alone is right.

    Parameters
    ----------
    right_a, right_b : ndarray of bool, shape (n,)
        Whether each is right on each image.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if right_a.shape != right_b.shape:
        raise ValueError(f"expected the same images, found {right_a.shape} and {right_b.shape}")
    return McNemar(int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()))
