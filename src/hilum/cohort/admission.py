"""Which of the selected rows come into use: the first ones, each file's bytes once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from hilum.artifact import hash_file
from hilum.cohort.ledger import Ledger
from hilum.cohort.reason import Reason
from hilum.errors import CohortError
from hilum.progress import Progress

__all__ = ["Admission"]


class Admission:
    """Admits rows in order, and remembers what it admitted.

    Parameters
    ----------
    data : Path
        Folder that the images' paths start from.
    drop : bool
        Whether a file with the bytes of an admitted one is left out.
    ledger : Ledger
        Where it is noted what is left out.
    """

    def __init__(self, data: Path, *, drop: bool, ledger: Ledger) -> None:
        self._data = data
        self._drop = drop
        self._ledger = ledger
        self._labels: dict[str, str] = {}
        self._first_with: dict[str, str] = {}

    def admit(self, rows: pd.DataFrame, limit: int | None, progress: Progress, what: str) -> pd.DataFrame:
        """Admit the first `limit` of `rows`, hashing no more files than that takes.

        Parameters
        ----------
        rows : DataFrame
            ``image``, ``source``, ``label``.
        limit : int, optional
        progress : Progress
        what : str
            Names the work to `progress`.

        Returns
        -------
        DataFrame
            The admitted rows with the column ``sha256``.

        Raises
        ------
        CohortError
            If an image is admitted already under another label.
        """
        wanted = len(rows) if limit is None else min(limit, len(rows))
        admitted: list[int] = []
        hashes: list[str] = []
        for place, digest in progress.track(self._new(rows, wanted), what=what, total=wanted):
            admitted.append(place)
            hashes.append(digest)
        if admitted and len(admitted) == limit:
            rest = rows.iloc[admitted[-1] + 1 :]
            self._ledger.note(rest, Reason.BEYOND_LIMIT, f"the first {limit} are in use")
        taken = rows.iloc[admitted]
        return taken.assign(sha256=pd.Series(hashes, taken.index, dtype="str"))

    def _new(self, rows: pd.DataFrame, wanted: int) -> Iterator[tuple[int, str]]:
        for place, (image, label) in enumerate(
            zip(rows["image"].tolist(), rows["label"].tolist(), strict=True)
        ):
            if self._is_admitted(image, label):
                continue
            digest = hash_file(self._data / image)
            first = self._first_with.setdefault(digest, image)
            if first != image and self._drop:
                detail = f"of {first}, labelled {self._labels[first]}"
                self._ledger.note(rows.iloc[[place]], Reason.DUPLICATE, detail)
                continue
            self._labels[image] = label
            wanted -= 1
            yield place, digest
            if wanted == 0:
                return

    def _is_admitted(self, image: str, label: str) -> bool:
        other = self._labels.get(image, label)
        if other != label:
            raise CohortError(
                "two selections give one image two labels",
                path=self._data / image,
                found=f"{other!r} and {label!r}",
                remedy="Let `where` tell the selections apart",
            )
        return image in self._labels
