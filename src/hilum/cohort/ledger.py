"""Why rows are left out, noted while a cohort is built."""

from __future__ import annotations

from collections.abc import Collection

import pandas as pd

from hilum.cohort.reason import Reason

__all__ = ["Ledger"]


class Ledger:
    """One reason an image; of several selections, that of the one that came closest to taking it."""

    def __init__(self) -> None:
        self._notes: dict[str, tuple[str, Reason, str]] = {}

    def note(self, rows: pd.DataFrame, reason: Reason, details: pd.Series | str = "") -> None:
        """Note `rows` (with ``image`` and ``source``) as left out; `details` is one for all, or one a row."""
        each = [details] * len(rows) if isinstance(details, str) else details.tolist()
        for image, source, detail in zip(rows["image"].tolist(), rows["source"].tolist(), each, strict=True):
            if self._notes.get(image, ("", Reason.NOT_SELECTED, ""))[1] is Reason.NOT_SELECTED:
                self._notes[image] = (source, reason, detail)

    def exclusions(self, in_use: Collection[str]) -> pd.DataFrame:
        """Give ``image, source, reason, detail`` of the noted images that are not `in_use`."""
        rows = [
            (image, source, reason.value, detail)
            for image, (source, reason, detail) in self._notes.items()
            if image not in in_use
        ]
        return pd.DataFrame(rows, columns=["image", "source", "reason", "detail"], dtype="str")
