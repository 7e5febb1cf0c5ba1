"""What is audited: a classifier or its predictions, with the cohort; and the audit's own probe model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing.images import Images
from hilum.classifier.fit import fit
from hilum.classifier.samples import FittedHead
from hilum.cohort import Fold, split
from hilum.errors import AuditError
from hilum.files import hash_bytes
from hilum.metrics import Predictions
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import LinearHeadSettings, Published, SplitBy, SplitSettings

if TYPE_CHECKING:
    from hilum.classifier.classifier import Classifier

__all__ = ["FOLDS", "MAX_ROWS", "External", "Subject"]

FOLDS = 5
MAX_ROWS = 1500
"""From larger cohorts, probes that compute on images use a sample of whole patients."""

Probabilities = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class External:
    """The classifier's predictions for images of another hospital.

    Parameters
    ----------
    name : str
    predictions : Predictions
        All in part ``test``.
    """

    name: str
    predictions: Predictions


@dataclass(frozen=True, eq=False)
class Subject:
    """The result under audit.

    The audit does not know how the classifier was trained. Whether the label can be predicted from a part of
    the data is asked of the *probe model*: features of a frozen network and logistic regression, in five
    folds grouped by patient, the same for every subject.

    Parameters
    ----------
    table : DataFrame
        One row an image: ``image``, ``label``, ``patient``, ``source``, and facts of the files where known.
    predictions : Predictions
        The classifier's, of the same images; ``split`` and ``fold`` as the classifier used them.
    images : Images
    classifier : Classifier, optional
        None where only the predictions are known.
    external : External, optional
    published : sequence of Published
        Figures that the classifier's source reports.
    regularisation : tuple of float
        Values of the probe model's inverse regularisation ``C`` to choose from.
    seed : int
    progress : Progress
    """

    table: pd.DataFrame
    predictions: Predictions
    images: Images
    classifier: Classifier | None = None
    external: External | None = None
    published: Sequence[Published] = ()
    regularisation: tuple[float, ...] = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    seed: int = 0
    progress: Progress = field(default=SILENT)

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs."""
        return self.predictions.classes

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """The true class of each row of the table, as its index in `classes`."""
        return pd.Categorical(self.table["label"], categories=list(self.classes)).codes.astype(np.int64)

    @property
    def patients(self) -> NDArray[np.object_]:
        """The patient of each row of the table."""
        return self.table["patient"].to_numpy(object)

    def rng(self, name: str) -> np.random.Generator:
        """Return the random stream `name`, which does not depend on the probes that ran before."""
        return np.random.default_rng([self.seed, int(hash_bytes(name.encode())[:8], 16)])

    def runnable(self) -> Classifier:
        """Return the classifier.

        Raises
        ------
        AuditError
            If only its predictions are known.
        """
        if self.classifier is None:
            raise AuditError(
                "only the classifier's predictions are known, and it cannot be run on other images"
            )
        return self.classifier

    @cached_property
    def splitting(self) -> SplitSettings:
        """The rule that the given split follows, as far as its parts and patients show.

        Raises
        ------
        AuditError
            If the predictions name no training images.
        """
        table = self.predictions.table
        learned = table[table["split"] != "test"]
        if learned.empty:
            raise AuditError(
                "the table of predictions does not say which images the classifier was trained on"
            )
        shared = table.groupby(["fold", "patient"])["split"].nunique()
        by = SplitBy.PATIENT if (shared == 1).all() else SplitBy.IMAGE
        folds = table["fold"].nunique()
        test = float((table["split"] == "test").sum() / folds / table["image"].nunique())
        return SplitSettings(by=by, test=float(np.clip(test, 0.05, 0.5)), seed=self.seed)

    @cached_property
    def rows(self) -> NDArray[np.intp]:
        """The rows that the probe model uses: all, or whole patients up to `MAX_ROWS` images."""
        if len(self.table) <= MAX_ROWS:
            return np.arange(len(self.table))
        patients, codes = np.unique(self.patients, return_inverse=True)
        order = self.rng("sample").permutation(len(patients))
        sizes = np.bincount(codes)[order]
        chosen = order[np.cumsum(sizes) <= MAX_ROWS]
        return np.flatnonzero(np.isin(codes, chosen))

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """The probe network's features of every row of the table, float32 (rows, features)."""
        return self.images.features(range(len(self.table)))

    @cached_property
    def folds(self) -> tuple[Fold, ...]:
        """Five folds of `rows`, grouped by patient; positions in `rows`.

        Raises
        ------
        SplitError
            If a class has too few patients.
        """
        settings = SplitSettings(by=SplitBy.PATIENT, folds=FOLDS, seed=self.seed)
        return split(self.table.iloc[self.rows].reset_index(drop=True), settings)

    @cached_property
    def head(self) -> LinearHeadSettings:
        """The probe model's head; ``C`` is chosen once, by grouped cross-validation on whole images.

        Raises
        ------
        FitError
            If a class has too few patients.
        """
        head = LinearHeadSettings(C=list(self.regularisation))
        if len(self.regularisation) == 1:
            return head
        everything = np.arange(len(self.rows))
        fitted = self._fit(self.features[self.rows], everything, head)
        return head.model_copy(update={"C": [fitted.details["C"]]})

    @cached_property
    def reference(self) -> Probabilities:
        """Out-of-fold probabilities of `rows` from whole images, float32 (rows, classes)."""
        return self.out_of_fold(self.features[self.rows])

    def out_of_fold(self, features: NDArray[np.floating]) -> Probabilities:
        """Predict each of `rows` by a probe model that was fitted on the other folds.

        Parameters
        ----------
        features : ndarray of float, shape (rows, any number)

        Returns
        -------
        ndarray of float32, shape (rows, classes)
        """
        found = np.empty((len(self.rows), len(self.classes)), np.float32)
        for fold in self.folds:
            others = np.concatenate([fold.train, fold.validation])
            found[fold.test] = self._fit(features, others, self.head).head.probabilities(features[fold.test])
        return found

    def predict_held_out(
        self, train: NDArray[np.integer], test: NDArray[np.integer], labels: NDArray[np.int64] | None = None
    ) -> Probabilities:
        """Predict some of `rows` from whole images by a probe model fitted on others.

        Parameters
        ----------
        train, test : ndarray of int
            Positions in `rows`.
        labels : ndarray of int, shape (rows,), optional
            Labels to learn instead of the true ones, as indices in `classes`.
        """
        features = self.features[self.rows]
        return self._fit(features, train, self.head, labels).head.probabilities(features[test])

    def _fit(
        self,
        features: NDArray[np.floating],
        train: NDArray[np.integer],
        head: LinearHeadSettings,
        labels: NDArray[np.int64] | None = None,
    ) -> FittedHead:
        labels = self.labels[self.rows] if labels is None else labels
        patients = self.patients[self.rows]
        return fit(features, labels, patients, train, train[:0], head, self.classes, self.seed)

    def predicted(
        self, probabilities: NDArray[np.floating], rows: NDArray[np.integer] | None = None
    ) -> Predictions:
        """Make predictions, part ``test``; the most probable class is predicted.

        Parameters
        ----------
        probabilities : ndarray of float, shape (rows, classes)
        rows : ndarray of int, optional
            Rows of the table that they belong to; `Subject.rows` by default.
        """
        table = self.table.iloc[self.rows if rows is None else rows]
        names = np.asarray(self.classes, dtype=object)
        columns = {f"probability_{name}": probabilities[:, code] for code, name in enumerate(self.classes)}
        facts = {name: table[name].to_numpy() for name in ("image", "patient", "source", "label")}
        values = pd.DataFrame({**facts, **columns}).assign(
            split="test", fold=0, predicted=names[probabilities.argmax(axis=1)]
        )
        return Predictions(values, self.classes)
