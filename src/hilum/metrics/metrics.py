"""The metrics of a part: what they are called, what they mean, and their figures."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hilum.metrics.auc import areas
from hilum.metrics.intervals import Estimate, Floats, contrasts, estimates, proportion, ratio
from hilum.metrics.predictions import Predictions, slug

__all__ = ["METRICS", "ConfusionMatrix", "Metric", "Scores", "confusion", "evaluate", "metrics_of_parts"]


_CLIP = 1e-7  # Keras' epsilon


@dataclass(frozen=True)
class Metric:
    """What a metric is called and what it says.

    Parameters
    ----------
    name : str
        As in ``metrics.json``.
    title : str
        As shown to people.
    description : str
        One plain sentence.
    better : {"higher", "lower"}
        Which way is better.
    per_class : bool
        Whether it also stands for each class, where there are three or more.
    """

    name: str
    title: str
    description: str
    better: Literal["higher", "lower"] = "higher"
    per_class: bool = True

    def key(self, class_name: str) -> str:
        """The name of this metric for one class against the rest.

        Examples
        --------
        >>> METRICS["sensitivity"].key("COVID-19")
        'sensitivity_covid_19'
        """
        return f"{self.name}_{slug(class_name)}"


_ALL = (
    Metric(
        "accuracy",
        "Accuracy",
        "Share of all images whose predicted class is right.",
        per_class=False,
    ),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean over the classes of the share recognised, so that a rare class counts as much as a common one.",
        per_class=False,
    ),
    Metric("sensitivity", "Sensitivity", "Share of the images of the class that are recognised as such."),
    Metric("specificity", "Specificity", "Share of all other images that are rightly not called the class."),
    Metric("ppv", "PPV", "Share of the images called the class that are of the class."),
    Metric("npv", "NPV", "Share of the images not called the class that are indeed not of the class."),
    Metric("f1", "F1 score", "Harmonic mean of sensitivity and PPV."),
    Metric(
        "roc_auc",
        "ROC AUC",
        "Chance that an image of the class scores higher than one of the rest; 0.5 is guessing.",
    ),
    Metric(
        "pr_auc",
        "PR AUC",
        "Average precision over all thresholds; guessing reaches the share of the class.",
    ),
    Metric(
        "brier",
        "Brier score",
        "Mean squared distance of the probabilities from the truth.",
        better="lower",
        per_class=False,
    ),
    Metric(
        "loss",
        "Loss",
        "Cross-entropy: how surprised the probabilities are by the truth.",
        better="lower",
        per_class=False,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""All metrics by name, in the order in which they are shown."""

_LOSSES = tuple(metric.name for metric in _ALL if metric.better == "lower")


def evaluate(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, Estimate]:
    """All metrics of some predictions, usually of one part.

    Of two classes, the figures are those of the positive class. Of more, they are macro averages of
    each class against the rest, and each class stands beside them under `Metric.key`; accuracy, loss
    and Brier score are of all classes at once, and balanced accuracy is the mean sensitivity.

    Accuracy, and sensitivity, specificity, PPV and NPV of a class, are proportions: Wilson's interval,
    with `n` the images they are a share of. ROC AUC of a class: DeLong's interval with patients as clusters
    (see `auc_interval`). All else, macro averages too: bootstrap over patients (see `estimates`, also for
    perfect figures). Both with `n` all images. Where images stand in several folds, shares are over rows and
    `n` counts each image once.

    A figure that does not exist is NaN: every one without rows, an AUC without both classes, a rate
    without images to be a share of, and the macro average of any such.

    Parameters
    ----------
    predictions : Predictions
        The rows to judge.
    rng : numpy.random.Generator
        Source of the bootstrap's resamples.
    resamples : int
        Number of resamples.

    Returns
    -------
    dict of str to Estimate
        In the order of `METRICS`; per class after that.

    Notes
    -----
    Loss is Keras' cross-entropy, natural logarithm, probabilities clipped to [1e-7, 1 - 1e-7]. Brier
    score is the mean of (p - y)^2 for two classes, in [0, 1], and of its sum over the classes for more,
    in [0, 2] (Brier, Mon. Weather Rev. 78, 1-3, 1950).
    """
    scores = Scores(predictions)
    figures = estimates(scores.values, predictions, rng, resamples, losses=_LOSSES)
    return figures | scores.proportions() | scores.areas()


def metrics_of_parts(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, dict[str, Estimate]]:
    """The metrics of each part that has rows, by part.

    Every part starts from a copy of `rng`, so that its figures do not depend on which others are there,
    and the curves of a part, from a generator of the same seed, carry the same intervals.
    """
    return {
        name: evaluate(predictions.part(name), copy.deepcopy(rng), resamples) for name in predictions.parts
    }


class Scores:
    """What the metrics need of the predictions, worked out once for all resamples."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self.right = predictions.labels == predictions.predicted
        self.contrasts = contrasts(predictions)
        self.binary = predictions.positive is not None
        self.losses = np.stack([_brier(predictions), _cross_entropy(predictions), self.right], axis=1)

    def values(self, weights: Floats) -> dict[str, Floats]:
        """Every metric, (b,) each, for weights (b, n) of the rows."""
        each = [contrast.values(weights) for contrast in self.contrasts]
        overall = each[0] if self.binary else _macro(each)
        recognised = overall["sensitivity"]
        if self.binary:
            recognised = (recognised + overall["specificity"]) / 2
        brier, loss, accuracy = ratio(weights @ self.losses, weights.sum(axis=1)[:, None]).T
        found = overall | {
            "accuracy": accuracy,
            "balanced_accuracy": recognised,
            "brier": brier,
            "loss": loss,
        }
        return {name: found[name] for name in METRICS} | self._per_class(each)

    def _per_class(self, each: list[dict[str, Floats]]) -> dict[str, Floats]:
        if self.binary:
            return {}
        return {
            self.key(name, contrast.name): value
            for contrast, values in zip(self.contrasts, each, strict=True)
            for name, value in values.items()
        }

    def proportions(self) -> dict[str, Estimate]:
        """The figures that are shares of images, with Wilson's intervals."""
        found = {"accuracy": self._share(np.ones_like(self.right), self.right)}
        for contrast in self.contrasts:
            agrees = contrast.actual == contrast.called
            for name, base in contrast.bases.items():
                found[self.key(name, contrast.name)] = self._share(base, agrees)
        return found

    def areas(self) -> dict[str, Estimate]:
        """The areas under ROC curves of single classes, with DeLong's intervals."""
        return {self.key("roc_auc", name): area for name, area in areas(self.predictions).items()}

    def key(self, metric: str, class_name: str) -> str:
        """What a metric of a class against the rest is called here."""
        return metric if self.binary else METRICS[metric].key(class_name)

    def _share(self, base: NDArray[np.bool_], hits: NDArray[np.bool_]) -> Estimate:
        return proportion(hits[base], self.predictions.images[base])


def _macro(each: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}


def _cross_entropy(predictions: Predictions) -> Floats:
    true = np.take_along_axis(predictions.probabilities, predictions.labels[:, None], axis=1)[:, 0]
    loss: Floats = -np.log(np.clip(true, _CLIP, 1 - _CLIP))
    return loss


def _brier(predictions: Predictions) -> Floats:
    truth = np.eye(len(predictions.classes))[predictions.labels]
    squares = (predictions.probabilities - truth) ** 2
    distance: Floats = squares[:, 1] if predictions.positive else squares.sum(axis=1)
    return distance


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Counts of true against predicted classes.

    Parameters
    ----------
    classes : tuple of str
        Of rows and of columns.
    counts : ndarray of int, shape (k, k)
        Rows are true labels, columns predicted ones.

    Raises
    ------
    ValueError
        If `counts` is not square over the classes, or negative somewhere.

    Examples
    --------
    >>> tutorial = ConfusionMatrix(("NORMAL", "COVID"), np.array([[22, 0], [1, 32]]))
    >>> tutorial.n, tutorial.shares.round(3).tolist()
    (55, [[0.4, 0.0], [0.018, 0.582]])
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    def __post_init__(self) -> None:
        side = len(self.classes)
        if self.counts.shape != (side, side) or (self.counts < 0).any():
            raise ValueError(f"expected counts of shape {(side, side)}, none negative, found {self.counts}")

    @property
    def n(self) -> int:
        """Rows counted."""
        return int(self.counts.sum())

    @property
    def shares(self) -> NDArray[np.float64]:
        """Counts divided by `n`, float64 (k, k); NaN without rows."""
        return self.counts / self.n if self.n else np.full(self.counts.shape, np.nan)


def confusion(predictions: Predictions) -> ConfusionMatrix:
    """Count the rows of `predictions` by true and predicted class; each fold's row counts."""
    side = len(predictions.classes)
    cells = predictions.labels * side + predictions.predicted
    return ConfusionMatrix(predictions.classes, np.bincount(cells, minlength=side * side).reshape(side, side))
