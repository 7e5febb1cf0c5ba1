"""What fitting leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from hilum.classifier.head import Head

__all__ = ["HISTORY_COLUMNS", "FittedHead"]

HISTORY_COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy", "learning_rate")


@dataclass(frozen=True, eq=False)
class FittedHead:
    """A head and how it came about.

    Parameters
    ----------
    head : Head
    history : DataFrame
        `HISTORY_COLUMNS`, a row an epoch; without rows where fitting knows no epochs.
    details : dict
        What was chosen on the way, as values that JSON can hold.
    """

    head: Head
    history: pd.DataFrame
    details: dict[str, Any]
