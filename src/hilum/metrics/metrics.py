"""The registry of metrics, their values with intervals, and the confusion matrix."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hilum.metrics.auc import auc_estimates
from hilum.metrics.intervals import Estimate, bootstrap_estimates, proportion
from hilum.metrics.predictions import Floats, Predictions, one_vs_rest, ratio, slug

__all__ = ["METRICS", "ConfusionMatrix", "Metric", "Scores", "confusion", "evaluate", "metrics_of_parts"]

_CLIP = 1e-7  # Keras' epsilon


@dataclass(frozen=True)
class Metric:
    """Name and meaning of a metric.

    Parameters
    ----------
    name : str
        As in ``metrics.json``.
    title, description : str
        For people; the description is one sentence.
    per_class : bool
        Whether it is also given for each class, where there are three or more.
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
    Metric("accuracy", "Accuracy", "Share of all images that are classified correctly.", per_class=False),
    Metric(
        "balanced_accuracy",
        "Balanced accuracy",
        "Mean sensitivity over the classes, so that a rare class counts as much as a common one.",
        per_class=False,
    ),
    Metric("sensitivity", "Sensitivity", "Share of the images of the class that are predicted as the class."),
    Metric("specificity", "Specificity", "Share of all other images that are not predicted as the class."),
    Metric("ppv", "PPV", "Share of the images predicted as the class that are of the class."),
    Metric("npv", "NPV", "Share of the images not predicted as the class that are not of the class."),
    Metric("f1", "F1 score", "Harmonic mean of sensitivity and PPV."),
    Metric(
        "roc_auc",
        "ROC AUC",
        "Probability that an image of the class scores higher than one of the rest; 0.5 is guessing.",
    ),
    Metric(
        "pr_auc",
        "PR AUC",
        "Average precision over all thresholds; guessing reaches the prevalence of the class.",
    ),
    Metric(
        "brier",
        "Brier score",
        "Mean squared difference between the probabilities and the truth.",
        better="lower",
        per_class=False,
    ),
    Metric(
        "loss",
        "Loss",
        "Cross-entropy: mean negative log probability of the true class.",
        better="lower",
        per_class=False,
    ),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
"""All metrics by name, in the order in which they are shown; `Scores.values` computes each of them."""

_LOSSES = tuple(metric.name for metric in _ALL if metric.better == "lower")


def evaluate(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, Estimate]:
    """All metrics of some predictions, usually of one part.

    With two classes, the values are those of the positive class. With more, they are macro averages of each
    class against the rest, and the values of each class are added under `Metric.key`; accuracy, loss and
    Brier score are of all classes at once, and balanced accuracy is the mean sensitivity.

    Accuracy, and sensitivity, specificity, PPV and NPV of a class, are proportions: Wilson's interval, where
    `n` counts the images in the denominator. ROC AUC of a class: DeLong's interval with patients as clusters
    (see `auc_interval`). All else, macro averages included: bootstrap over patients (see
    `bootstrap_estimates`). For both, `n` counts all images. Where images have rows in several folds, shares
    are over rows and `n` counts each image once.

    An undefined value is NaN: all without rows, an AUC without both classes, a rate with an empty
    denominator, and the macro average of any of these.

    The result is in the order of `METRICS`, followed by the values per class.

    Notes
    -----
    Loss is Keras' cross-entropy, natural logarithm, probabilities clipped to [1e-7, 1 - 1e-7]. Brier
    score is the mean of (p - y)^2 for two classes, in [0, 1], and of its sum over the classes for more,
    in [0, 2] (Brier, Mon. Weather Rev. 78, 1-3, 1950).
    """
    scores = Scores(predictions)
    found = bootstrap_estimates(scores.values, predictions, rng, resamples, losses=_LOSSES)
    return found | scores.proportions() | scores.areas()


def metrics_of_parts(
    predictions: Predictions, rng: np.random.Generator, resamples: int = 2000
) -> dict[str, dict[str, Estimate]]:
    """The metrics of each part that has rows, by part.

    Every part starts from a copy of `rng`, so that its intervals do not depend on the other parts, and the
    curves of a part, from a generator of the same seed, have the same intervals.
    """
    return {
        name: evaluate(predictions.part(name), copy.deepcopy(rng), resamples) for name in predictions.parts
    }


class Scores:
    """What the metrics need of the predictions, computed once for all resamples."""

    def __init__(self, predictions: Predictions) -> None:
        self.predictions = predictions
        self.correct = predictions.labels == predictions.predicted
        self.one_vs_rest = one_vs_rest(predictions)
        self.binary = predictions.positive is not None
        self._per_row = np.stack([_brier(predictions), _cross_entropy(predictions), self.correct], axis=1)

    def values(self, weights: Floats) -> dict[str, Floats]:
        """Every metric, (b,) each, for weights (b, n) of the rows."""
        each = [one.values(weights) for one in self.one_vs_rest]
        found = dict(each[0]) if self.binary else _macro(each)
        recall = found["sensitivity"]
        found["balanced_accuracy"] = (recall + found["specificity"]) / 2 if self.binary else recall
        means = ratio(weights @ self._per_row, weights.sum(axis=1)[:, None]).T
        found["brier"], found["loss"], found["accuracy"] = means
        return {name: found[name] for name in METRICS} | self._per_class(each)

    def _per_class(self, each: list[dict[str, Floats]]) -> dict[str, Floats]:
        if self.binary:
            return {}
        return {
            self.key(name, one.name): value
            for one, values in zip(self.one_vs_rest, each, strict=True)
            for name, value in values.items()
        }

    def proportions(self) -> dict[str, Estimate]:
        """The metrics that are shares of images, with Wilson's intervals."""
        images = self.predictions.images
        found = {"accuracy": proportion(self.correct, images)}
        for one in self.one_vs_rest:
            correct = one.actual == one.predicted
            for name, rows in one.denominators.items():
                found[self.key(name, one.name)] = proportion(correct[rows], images[rows])
        return found

    def areas(self) -> dict[str, Estimate]:
        """The ROC AUC of each class, with DeLong's interval."""
        return {self.key("roc_auc", name): area for name, area in auc_estimates(self.predictions).items()}

    def key(self, metric: str, class_name: str) -> str:
        """The name of a metric of a class against the rest."""
        return metric if self.binary else METRICS[metric].key(class_name)


def _macro(each: list[dict[str, Floats]]) -> dict[str, Floats]:
    return {name: np.mean([values[name] for values in each], axis=0) for name in each[0]}


def _cross_entropy(predictions: Predictions) -> Floats:
    true = np.take_along_axis(predictions.probabilities, predictions.labels[:, None], axis=1)[:, 0]
    loss: Floats = -np.log(np.clip(true, _CLIP, 1 - _CLIP))
    return loss


def _brier(predictions: Predictions) -> Floats:
    truth = np.eye(len(predictions.classes))[predictions.labels]
    squares = (predictions.probabilities - truth) ** 2
    return squares[:, 1] if predictions.positive else squares.sum(axis=1)


@dataclass(frozen=True, eq=False)
class ConfusionMatrix:
    """Counts of true against predicted classes.

    Parameters
    ----------
    classes : tuple of str
        Of rows and of columns.
    counts : ndarray of int, shape (k, k)
        Rows are true labels, columns predicted ones.

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
    def shares(self) -> Floats:
        """Counts divided by `n`, float64 (k, k); NaN without rows."""
        return self.counts / self.n if self.n else np.full(self.counts.shape, np.nan)


def confusion(predictions: Predictions) -> ConfusionMatrix:
    """Count rows by true and predicted class; an image in several folds counts in each."""
    side = len(predictions.classes)
    cells = predictions.labels * side + predictions.predicted
    return ConfusionMatrix(predictions.classes, np.bincount(cells, minlength=side * side).reshape(side, side))
