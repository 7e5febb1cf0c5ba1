"""The files of an audited cohort, and the features that the audit's own frozen network gives for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.ablation import ABLATIONS, Ablation, grey_values
from hilum.backbone import Backbone, Engine, Features, FeatureStore, Observer, View, extract_views
from hilum.cohort.duplicates import FingerprintCollector, Fingerprints, fingerprint, fingerprint_of
from hilum.cohort.duplicates.fingerprints import Fingerprint
from hilum.errors import AuditError, RadiographError
from hilum.executor import LOCAL, Executor
from hilum.progress import SILENT, Progress
from hilum.radiograph import Fit, Preprocessing, Radiograph, read
from hilum.recipe.settings import BackboneSettings

__all__ = ["PROBE_BACKBONE", "PROBE_PREPROCESSING", "Images", "ProbeImages"]

PROBE_BACKBONE = BackboneSettings()
"""The probe network: the embedded EfficientNet-Lite0."""

PROBE_PREPROCESSING = Preprocessing(224, Fit.STRETCH)
"""The probe network's input: the whole image, stretched to a square."""

ABLATED = ("border", "lungs_removed", "thumbnail")
"""Ablations whose features the probes need."""

Rows = Sequence[int] | NDArray[np.integer]


class Images(Protocol):
    """The images of a subject; row numbers are those of its table."""

    def survey(self, rows: Rows) -> None:
        """Compute what all probes need in one pass over the files; `rows` are `Subject.rows`."""
        ...

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

    `survey` computes in one pass over the files what the probes need; what was not surveyed is computed when
    a probe needs it. `views`, `observers` and `accept` let another pass over the files do the same.

    Parameters
    ----------
    paths : sequence of Path
        The file of each row.
    backbone : Backbone
    engine : Engine
    preprocessing : Preprocessing
    store : FeatureStore, optional
        Cache of features.
    progress : Progress
    executor : Executor
    """

    paths: Sequence[Path]
    backbone: Backbone
    engine: Engine
    preprocessing: Preprocessing = PROBE_PREPROCESSING
    store: FeatureStore | None = None
    progress: Progress = SILENT
    executor: Executor = LOCAL
    _features: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _histograms: NDArray[np.float64] | None = None
    _fingerprints: Fingerprints | None = None
    _collector: FingerprintCollector = field(default_factory=FingerprintCollector)
    _collected: list[int] = field(default_factory=list)

    def survey(self, rows: Rows) -> None:
        """Read all files once: the whole image's features of all, and everything else of `rows`.

        Raises
        ------
        AuditError
            If an image cannot be read.
        """
        known = self._features.get(ABLATED[0])
        if known is not None and not np.isnan(known[rows]).any():
            return
        chosen = np.isin(np.arange(len(self.paths)), rows)
        self._read(np.flatnonzero(chosen), ("", *ABLATED), self.observers(np.flatnonzero(chosen)))
        if not chosen.all():
            self._read(np.flatnonzero(~chosen), ("",))

    def views(self, names: Sequence[str] = ("", *ABLATED)) -> list[View]:
        """Return how the network sees the images: whole, and after each ablation."""
        return [
            View(self.preprocessing, self.backbone, self.engine, ABLATIONS[name] if name else None)
            for name in names
        ]

    def observers(self, rows: NDArray[np.intp] | None = None) -> list[Observer]:
        """Return what else is computed from files: grey values of some rows, and fingerprints of all."""
        everything = np.arange(len(self.paths))
        rows = everything if rows is None else rows
        observers = [self._histogram_observer(rows)]
        if len(rows) == len(everything):
            observers.append(self._fingerprint_observer())
        return observers

    def accept(self, features: Sequence[Features], rows: NDArray[np.intp], names: Sequence[str]) -> None:
        """Keep the features of `views`, in their order, for some rows."""
        for name, found in zip(names, features, strict=True):
            empty = np.full((len(self.paths), self.backbone.features), np.nan, np.float32)
            self._features.setdefault(name, empty)[rows] = found.values

    def select(self, rows: NDArray[np.intp]) -> ProbeImages:
        """Return the same for some of the rows, in their order, with what is known of them."""
        return replace(
            self,
            paths=[self.paths[row] for row in rows],
            _features={name: values[rows] for name, values in self._features.items()},
            _histograms=None if self._histograms is None else self._histograms[rows],
            _fingerprints=self._known_fingerprints(rows),
            _collector=FingerprintCollector(),
            _collected=[],
        )

    def _known_fingerprints(self, rows: NDArray[np.intp]) -> Fingerprints | None:
        if self._fingerprints is not None:
            return self._fingerprints.select(rows)
        position = {row: at for at, row in enumerate(self._collected)}
        if any(row not in position for row in rows.tolist()):
            return None
        return self._collector.fingerprints().select(np.array([position[row] for row in rows.tolist()]))

    def _read(self, rows: NDArray[np.intp], names: Sequence[str], observers: Sequence[Observer] = ()) -> None:
        found = extract_views(
            [self.paths[row] for row in rows],
            self.views(names),
            self.store,
            self.progress,
            executor=self.executor,
            observers=observers,
            what="Reading images for the audit",
        )
        for features in found:
            _require_all(features, len(rows))
        self.accept(found, rows, names)

    def _histogram_observer(self, rows: NDArray[np.intp]) -> Observer:
        shape = grey_values(np.zeros((8, 8), np.float32)).shape
        found = np.full((len(self.paths), *shape), np.nan) if self._histograms is None else self._histograms
        self._histograms = found

        def keep(row: int, _file: str, values: NDArray[np.float64]) -> None:
            found[rows[row]] = values

        return Observer(self._grey_values, keep, side=self.preprocessing.size)

    def _grey_values(self, radiograph: Radiograph) -> NDArray[np.float64]:
        return grey_values(self.preprocessing.apply(radiograph.pixels, radiograph.extent))

    def _fingerprint_observer(self) -> Observer:
        self._collector, self._collected = FingerprintCollector(), []

        def keep(row: int, file: str, found: Fingerprint) -> None:
            self._collector.keep(file, found)
            self._collected.append(row)

        return Observer(fingerprint_of, keep)

    def features(self, rows: Rows, ablation: Ablation | None = None) -> NDArray[np.float32]:
        """See `Images`.

        Raises
        ------
        AuditError
            If an image cannot be read.
        """
        name = "" if ablation is None else ablation.name
        if name not in self._features or np.isnan(self._features[name][rows]).any():
            self._read(np.asarray(rows, dtype=np.intp), (name,))
        return self._features[name][rows]

    def histograms(self, rows: Rows) -> NDArray[np.float64]:
        """See `Images`."""
        if self._histograms is None or np.isnan(self._histograms[rows]).any():
            wanted = np.asarray(rows, dtype=np.intp)
            self._read(wanted, ("",), [self._histogram_observer(wanted)])
        assert self._histograms is not None  # noqa: S101  read just now
        return self._histograms[rows]

    def fingerprints(self) -> Fingerprints:
        """See `Images`."""
        known = self._known_fingerprints(np.arange(len(self.paths)))
        return fingerprint(self.paths, self.progress) if known is None else known

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
