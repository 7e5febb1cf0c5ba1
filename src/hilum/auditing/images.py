"""The files of an audited cohort, and the features that the audit's own frozen network gives for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.ablation import ABLATIONS, Ablation, grey_values
from hilum.backbone import Backbone, Engine, Features, FeatureStore, Observer, View, extract_views
from hilum.cohort.duplicates import Fingerprints, fingerprint
from hilum.errors import AuditError, RadiographError
from hilum.executor import LOCAL, Executor
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preprocessing, Radiograph, read

__all__ = ["Images", "ProbeImages"]

ABLATED = ("border", "lungs_removed", "thumbnail")
"""Ablations whose features the probes need."""

Rows = Sequence[int] | NDArray[np.integer]


class Images(Protocol):
    """The images of a subject; row numbers are those of its table."""

    def features(self, rows: Rows, ablation: Ablation | None = None) -> NDArray[np.float32]:
        """Return the probe network's features, float32 (rows, features)."""
        ...

    def histograms(self, rows: Rows) -> NDArray[np.float64]:
        """Return `hilum.auditing.ablation.grey_values` of the network's input, float64 (rows, 2, 71)."""
        ...

    def fingerprints(self) -> Fingerprints:
        """Return the fingerprints of all rows, for the search of duplicates."""
        ...

    def radiographs(self, rows: Rows, side: int | None) -> Iterator[Radiograph]:
        """Yield the decoded files, row by row; reduced if a square of `side` pixels needs fewer pixels."""
        ...


@dataclass(eq=False)
class ProbeImages:
    """Files, read once for all probes.

    `survey` computes in one pass over the files what the probes ask for later; what was not surveyed is
    computed when it is asked for.

    Parameters
    ----------
    paths : sequence of Path
        The file of each row.
    preprocessing : Preprocessing
    backbone : Backbone
    engine : Engine
    store : FeatureStore, optional
        Cache of features.
    progress : Progress
    executor : Executor
    """

    paths: Sequence[Path]
    preprocessing: Preprocessing
    backbone: Backbone
    engine: Engine
    store: FeatureStore | None = None
    progress: Progress = SILENT
    executor: Executor = LOCAL
    _features: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _histograms: NDArray[np.float64] | None = None

    def survey(self, rows: Rows) -> None:
        """Read all files once: the whole image's features of all, and everything else of `rows`.

        Raises
        ------
        AuditError
            If an image cannot be read.
        """
        chosen = np.isin(np.arange(len(self.paths)), rows)
        self._read(np.flatnonzero(chosen), ("", *ABLATED), histograms=True)
        if not chosen.all():
            self._read(np.flatnonzero(~chosen), ("",), histograms=False)

    def _read(self, rows: NDArray[np.intp], names: Sequence[str], *, histograms: bool) -> None:
        views = [
            View(self.preprocessing, self.backbone, self.engine, ABLATIONS[name] if name else None)
            for name in names
        ]
        found = extract_views(
            [self.paths[row] for row in rows],
            views,
            self.store,
            self.progress,
            executor=self.executor,
            observers=[self._histogram_observer(rows)] if histograms else [],
            what="Reading images for the audit",
        )
        for name, features in zip(names, found, strict=True):
            _require_all(features, len(rows))
            values = self._features.setdefault(
                name, np.full((len(self.paths), self.backbone.features), np.nan, np.float32)
            )
            values[rows] = features.values

    def _histogram_observer(self, rows: NDArray[np.intp]) -> Observer:
        shape = grey_values(np.zeros((8, 8), np.float32)).shape
        found = np.full((len(self.paths), *shape), np.nan)
        self._histograms = found

        def keep(row: int, _image: str, values: NDArray[np.float64]) -> None:
            found[rows[row]] = values

        return Observer(self._grey_values, keep, side=self.preprocessing.size)

    def _grey_values(self, radiograph: Radiograph) -> NDArray[np.float64]:
        return grey_values(self.preprocessing.apply(radiograph.pixels, radiograph.extent))

    def features(self, rows: Rows, ablation: Ablation | None = None) -> NDArray[np.float32]:
        """See `Images`.

        Raises
        ------
        AuditError
            If an image cannot be read.
        """
        name = "" if ablation is None else ablation.name
        if name not in self._features or np.isnan(self._features[name][rows]).any():
            self._read(np.asarray(rows, dtype=np.intp), (name,), histograms=False)
        return self._features[name][rows]

    def histograms(self, rows: Rows) -> NDArray[np.float64]:
        """See `Images`."""
        known = self._histograms
        if known is None or np.isnan(known[rows]).any():
            self._read(np.asarray(rows, dtype=np.intp), ("",), histograms=True)
        assert self._histograms is not None  # noqa: S101  read just now
        return self._histograms[rows]

    def fingerprints(self) -> Fingerprints:
        """See `Images`."""
        return fingerprint(self.paths, self.progress)

    def radiographs(self, rows: Rows, side: int | None) -> Iterator[Radiograph]:
        """See `Images`.

        Raises
        ------
        RadiographError
            If an image cannot be read.
        """
        return self.executor.map(lambda row: read(self.paths[row], side=side), rows)


def _require_all(features: Features, count: int) -> None:
    if features.failures:
        first: RadiographError = features.failures[min(features.failures)]
        raise AuditError(
            f"{len(features.failures)} of {count} images cannot be read",
            found=f"first: {first}",
            remedy="Name the folder of the images with --data.",
        )
