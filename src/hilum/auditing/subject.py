"""What the audit looks at: a run's parts, and the experiments that several probes share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing.ablation import Alteration, Altered
from hilum.backbone import Backbone, Engine, FeatureStore, extract
from hilum.classifier.fit import out_of_fold
from hilum.cohort import Fold, split
from hilum.errors import AuditError
from hilum.executor import LOCAL
from hilum.files import hash_bytes
from hilum.metrics import Predictions
from hilum.progress import SILENT, Progress
from hilum.radiograph import Preprocessing, read
from hilum.recipe import Recipe
from hilum.recipe.settings import HeadSettings, SplitBy, SplitSettings

__all__ = ["FOLDS", "MOST_ROWS", "External", "Images", "Subject"]


@dataclass(frozen=True, eq=False)
class Images:
    """The images of a run, and what turns them into features.

    Parameters
    ----------
    root : Path
        Folder that the names start from.
    names : tuple of str
        One a row of the subject's table.
    preprocessing : Preprocessing
    backbone : Backbone
    engine : Engine
        What runs it.
    store : FeatureStore, optional
        Where features are kept.
    progress : Progress
    """

    root: Path
    names: tuple[str, ...]
    preprocessing: Preprocessing
    backbone: Backbone
    engine: Engine
    store: FeatureStore | None = None
    progress: Progress = SILENT

    def features(
        self, rows: Sequence[int] | NDArray[np.integer], alteration: Alteration | None = None
    ) -> NDArray[np.float32]:
        """Compute the features of some rows, or look them up.

        Returns
        -------
        ndarray of float32, shape (rows, features)

        Raises
        ------
        AuditError
            If an image can no longer be read.
        """
        preprocessing = self.preprocessing if alteration is None else Altered(self.preprocessing, alteration)
        paths = [self.root / self.names[row] for row in rows]
        found = extract(paths, preprocessing, self.backbone, self.store, self.progress, engine=self.engine)
        if found.failures:
            first = found.failures[min(found.failures)]
            raise AuditError(
                f"{len(found.failures)} of {len(paths)} images cannot be read",
                path=self.root,
                found=f"first: {first}",
                remedy="Name the folder of the run's images with --data.",
            )
        return found.values

    def prepared(self, rows: Sequence[int] | NDArray[np.integer]) -> Iterator[NDArray[np.float32]]:
        """Yield the prepared squares of some rows, in order, read ahead by threads.

        Yields
        ------
        ndarray of float32, shape (size, size), range [0, 1]

        Raises
        ------
        RadiographError
            If an image can no longer be read.
        """

        def prepare(row: int) -> NDArray[np.float32]:
            radiograph = read(self.root / self.names[row], side=self.preprocessing.size)
            return self.preprocessing.apply(radiograph.pixels, radiograph.extent)

        return LOCAL.map(prepare, rows)


FOLDS = 5
MOST_ROWS = 1500
"""Beyond so many images, probes that compute on images look at a sample of whole patients."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class External:
    """Another hospital's images, as the run's own classifier predicts them.

    Parameters
    ----------
    name : str
        For people.
    predictions : Predictions
        All in part ``test``.
    """

    name: str
    predictions: Predictions


@dataclass(frozen=True, eq=False)
class Subject:
    """A run under audit.

    Parameters
    ----------
    recipe : Recipe
    head : HeadSettings
        The recipe's, with what the run chose (a linear head's strength) fixed, so that a hundred fits take
        seconds and compare like with like.
    table : DataFrame
        The cohort's rows in use, with the headers' facts, ``split`` and ``fold``.
    features : ndarray of float32, shape (rows, features)
        Of the whole images, row by row.
    predictions : Predictions
        The run's own, of all parts.
    images : Images
        The same rows' pixels.
    classify : callable
        The run's own classifier: from prepared squares, float32 (n, size, size), to probabilities,
        float32 (n, classes).
    threshold : float, optional
        Its threshold; None with three classes or more.
    external : External, optional
    progress : Progress

    Attributes
    ----------
    rows : ndarray of int
        The rows that comparisons look at: all, or a sample of at most `MOST_ROWS`.
    folds : tuple of Fold
        Cross-validation of `rows`, patients apart; positions in `rows`.
    reference : ndarray of float32, shape (rows, classes)
        Out-of-fold probabilities from the whole images: what every other content is measured against.
    """

    recipe: Recipe
    head: HeadSettings
    table: pd.DataFrame
    features: NDArray[np.float32]
    predictions: Predictions
    images: Images
    classify: Callable[[NDArray[np.float32]], Probabilities]
    threshold: float | None = None
    external: External | None = None
    progress: Progress = field(default=SILENT)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return tuple(self.recipe.cohort.classes)

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The true class of each row of the table, as its index in `classes`."""
        return pd.Categorical(self.table["label"], categories=list(self.classes)).codes.astype(np.int64)

    @property
    def patients(self) -> NDArray[np.object_]:
        """The patient of each row of the table."""
        return self.table["patient"].to_numpy(object)

    def rng(self, name: str) -> np.random.Generator:
        """Return the random numbers of the probe `name`: its own, whichever probes run beside it."""
        return np.random.default_rng([self.recipe.seed, int(hash_bytes(name.encode())[:8], 16)])

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """See the class."""
        if len(self.table) <= MOST_ROWS:
            return np.arange(len(self.table))
        patients, codes = np.unique(self.patients, return_inverse=True)
        order = self.rng("sample").permutation(len(patients))
        sizes = np.bincount(codes)[order]
        chosen = order[np.cumsum(sizes) <= MOST_ROWS]
        return np.flatnonzero(np.isin(codes, chosen))

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """See the class.

        Raises
        ------
        SplitError
            If a class has too few patients.
        """
        settings = self.recipe.split
        apart = SplitSettings(
            by=SplitBy.PATIENT, folds=FOLDS, validation=settings.validation, seed=settings.seed
        )
        return split(self.table.iloc[self.rows].reset_index(drop=True), apart)

    @cached_property
    def reference(self) -> Probabilities:
        """See the class."""
        return self.out_of_fold(self.features[self.rows])

    def out_of_fold(self, features: NDArray[np.floating]) -> Probabilities:
        """Predict each of `rows` by the recipe's head, fitted on the other folds.

        Parameters
        ----------
        features : ndarray of float, shape (rows, any number)

        Returns
        -------
        ndarray of float32, shape (rows, classes)
        """
        labels, patients = self.labels[self.rows], self.patients[self.rows]
        return out_of_fold(features, labels, patients, self.folds, self.head, self.classes, self.recipe.seed)

    def predicted(self, probabilities: NDArray[np.floating]) -> Predictions:
        """Make predictions, part ``test``, of probabilities of `rows`; the likeliest class is predicted."""
        table = self.table.iloc[self.rows]
        names = np.asarray(self.classes, dtype=object)
        columns = {f"probability_{name}": probabilities[:, code] for code, name in enumerate(self.classes)}
        facts = {name: table[name].to_numpy() for name in ("image", "patient", "source", "label")}
        values = pd.DataFrame({**facts, **columns}).assign(
            split="test", fold=0, predicted=names[probabilities.argmax(axis=1)]
        )
        return Predictions(values, self.classes)
