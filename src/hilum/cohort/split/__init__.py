"""Splits: which rows train, validate and test."""

from __future__ import annotations

from hilum.cohort.split.fold import Fold
from hilum.cohort.split.splitters import SPLITTERS, split

__all__ = ["SPLITTERS", "Fold", "split"]
