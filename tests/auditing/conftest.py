"""Subjects made of synthetic arrays, in which everything but a network is real."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hilum.auditing import External, Subject
from hilum.auditing.ablation import grey_values
from hilum.auditing.images import ABLATED
from hilum.classifier import Threshold
from hilum.cohort import split
from hilum.radiograph import Header, Radiograph
from hilum.recipe import Recipe
from hilum.recipe.settings import CohortSettings, LinearHeadSettings, Selection, SplitSettings
from hilum.run.learning import perform

Array = np.ndarray
MakeSubject = Callable[..., Subject]

CLASSES = ("normal", "covid")
SIDE = 32


@dataclass(frozen=True, eq=False)
class StubImages:
    """Stands for `hilum.auditing.Images`; returns the arrays that it was given."""

    pixels: Array
    whole: Array
    ablated: Mapping[str, Array] = field(default_factory=dict)

    def survey(self, rows: Array) -> None:
        pass

    def features(self, rows: Array, ablation: Any = None) -> Array:
        return (self.whole if ablation is None else self.ablated[ablation.name])[rows]

    def histograms(self, rows: Array) -> Array:
        return np.stack([grey_values(self.pixels[row]) for row in rows])

    def radiographs(self, rows: Array, side: int | None) -> Iterator[Radiograph]:
        for row in rows:
            pixels = self.pixels[row].clip(0, 1)
            yield Radiograph(pixels, Header("PNG", *pixels.shape, "L", 8, pixels.size))


@dataclass(frozen=True)
class StubClassifier:
    """A classifier made of a function from arrays (m, side, side) to probabilities (m, classes)."""

    classes: tuple[str, ...]
    function: Callable[[Array], Array]
    threshold: Threshold | None = None
    side: int | None = SIDE

    def predict(self, radiographs: Iterable[Radiograph]) -> Array:
        return self.function(np.stack([radiograph.pixels for radiograph in radiographs]))


def planted(labels: Array, d: int = 20, signal: float = 2.0, seed: int = 0) -> Array:
    """Draw features, (n, d): noise, and in column k `signal` more for the rows of class k."""
    noise = np.random.default_rng(seed).normal(size=(len(labels), d))
    noise[np.arange(len(labels)), labels] += signal
    return noise.astype(np.float32)


@pytest.fixture(scope="session")
def make_subject() -> MakeSubject:
    """Return a factory of subjects; what is not given is plain.

    Parameters of the factory, all to be named
    ------------------------------------------
    n : int
        Images.
    classes : tuple of str
    labels : array of int, shape (n,)
        Drawn alike otherwise.
    features : array, shape (n, d)
        `planted` with `signal` otherwise.
    signal : float
        In standard deviations: 0 for none, 2 for an AUC of about 0.98.
    patients, sources : sequence of str, length n
        One patient an image, and one source, otherwise.
    columns : dict
        More columns of the table, or others (format, rows, columns, mode, bits, bytes, view, age, sex).
    ablated : dict of str to array, shape (n, d)
        Features by an ablation's name; drawn without a signal otherwise.
    pixels : array of float32, shape (n, side, side)
        Noise otherwise.
    classify : callable
        From arrays (m, side, side) to probabilities (m, classes); constant otherwise.
    external : External
    splitting : SplitSettings
        Of the classifier whose predictions are audited; 40 % for the test otherwise.
    seed : int
    """

    def make(
        *,
        n: int = 120,
        classes: tuple[str, ...] = CLASSES,
        labels: Array | None = None,
        features: Array | None = None,
        signal: float = 2.0,
        patients: Any = None,
        sources: Any = "made",
        columns: Mapping[str, Any] | None = None,
        ablated: Mapping[str, Array] | None = None,
        pixels: Array | None = None,
        classify: Callable[[Array], Array] | None = None,
        external: External | None = None,
        splitting: SplitSettings | None = None,
        seed: int = 0,
    ) -> Subject:
        rng = np.random.default_rng(seed)
        labels = rng.permutation(np.arange(n) % len(classes)) if labels is None else np.asarray(labels)
        n = len(labels)
        features = planted(labels, signal=signal, seed=seed + 1) if features is None else features
        table = _table(labels, classes, rng).assign(source=sources, **(columns or {}))
        if patients is not None:
            table["patient"] = patients
        recipe = Recipe(
            name="made",
            title="Made of arrays",
            cohort=CohortSettings(classes=list(classes), select=[Selection(source="phantom")]),
            split=splitting or SplitSettings(test=0.4, validation=0.2),
            head=LinearHeadSettings(C=[0.01]),
            seed=seed,
        )
        folds = split(table, recipe.split)
        experiment = perform(table, features, folds, recipe)
        table["fold"], table["split"] = 0, ""
        for number, fold in enumerate(folds):
            for part in ("train", "validation", "test")[0 if len(folds) == 1 else 2 :]:
                rows = getattr(fold, part)
                table.loc[rows, "split"], table.loc[rows, "fold"] = part, number
        noise = {name: planted(labels, signal=0, seed=seed + 2) for name in ABLATED}
        constant = np.full(len(classes), 1 / len(classes), np.float32)
        threshold = Threshold(0.5, "fixed") if len(classes) == 2 else None
        return Subject(
            table=table,
            predictions=experiment.predictions,
            images=StubImages(
                pixels=rng.random((n, SIDE, SIDE), np.float32) if pixels is None else pixels,
                whole=features,
                ablated=noise | dict(ablated or {}),
            ),
            classifier=StubClassifier(
                classes, classify or (lambda given: np.tile(constant, (len(given), 1))), threshold
            ),
            external=external,
            regularisation=(0.01,),
            seed=seed,
        )

    return make


def _table(labels: Array, classes: tuple[str, ...], rng: np.random.Generator) -> pd.DataFrame:
    """Facts that have nothing to do with the labels."""
    n = len(labels)
    rows, columns = rng.integers(900, 1100, n), rng.integers(900, 1100, n)
    facts = {
        "image": [f"{row}.png" for row in range(n)],
        "label": np.asarray(classes, object)[labels],
        "patient": [f"p{row}" for row in range(n)],
        "source": "made",
        "view": rng.choice(["AP", "PA"], n),
        "age": rng.integers(20, 90, n).astype(float),
        "sex": rng.choice(["F", "M"], n),
        "format": "png",
        "mode": "L",
        "rows": rows,
        "columns": columns,
        "bits": 8,
        "bytes": (rows * columns * rng.uniform(0.4, 0.6, n)).astype(int),
    }
    return pd.DataFrame(facts)
