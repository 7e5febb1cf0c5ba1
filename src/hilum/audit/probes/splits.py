"""The experiment on a hundred other splits, and with patients kept apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hilum.audit import rules
from hilum.audit.answer import Answer
from hilum.audit.picture import Distribution, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.repetition import Scores, Trial, repeat
from hilum.audit.subject import Subject
from hilum.evaluate import Estimate
from hilum.recipe.settings import SplitBy, SplitSettings

__all__ = ["PROBE", "SPLITS"]

SPLITS = 100
_RANGE = (2.5, 97.5)
_MEANINGS = {
    Reading.SOUND: "The reported accuracy does not rest on a lucky split.",
    Reading.DOUBTFUL: "Another split, or patients kept apart, would have given a lower figure.",
    Reading.BROKEN: "The reported accuracy rests on patients whom the classifier has seen in training.",
}


def ask(subject: Subject) -> Answer:
    """See `PROBE`."""
    rule = _single(subject)
    own = _splits(subject, rule, "Other splits")
    apart = own
    if rule.by is not SplitBy.PATIENT:
        apart = _splits(subject, rule.model_copy(update={"by": SplitBy.PATIENT}), "Patients apart")
    reported = _reported(subject)
    cost = _difference(own.accuracy, apart.accuracy)
    reading, reason = rules.lucky(reported, own.accuracy, apart.accuracy, cost)
    low, high = np.percentile(own.accuracy, _RANGE)
    return Answer(
        reading=reading,
        claim=_claim(reported, own, cost),
        meaning=_MEANINGS[reading],
        reason=reason,
        measure=f"Mean accuracy of {len(own)} random splits, and the range that holds 95 % of them",
        figure=Estimate.around(float(own.accuracy.mean()), (float(low), float(high)), len(own)),
        scale=Scale.SHARE,
        details=_details(subject, rule, own, apart, cost),
        pictures=(_picture(subject, own, apart),),
    )


def _single(subject: Subject) -> SplitSettings:
    """The recipe's own rule, with one test part of the share that it tests at a time."""
    rule = subject.recipe.split
    if rule.folds is None and rule.by in {SplitBy.IMAGE, SplitBy.PATIENT}:
        return rule
    tested = subject.predictions.part("test").table
    share = len(tested) / tested["fold"].nunique() / len(subject.table)
    by = rule.by if rule.folds is not None else SplitBy.PATIENT
    return rule.model_copy(update={"by": by, "folds": None, "test": float(np.clip(share, 0.05, 0.5))})


def _splits(subject: Subject, rule: SplitSettings, what: str) -> Scores:
    seeds = subject.rng("splits").integers(2**31, size=SPLITS).tolist()
    labels = subject.labels[subject.rows]
    trials = [Trial(rule.model_copy(update={"seed": seed}), labels, seed) for seed in seeds]
    return repeat(subject, trials, what)


def _reported(subject: Subject) -> float:
    """Accuracy of the run; NaN if only a sample of its images is split anew, which is another task."""
    if len(subject.rows) < len(subject.table):
        return float("nan")
    test = subject.predictions.part("test")
    return float(np.mean(test.labels == test.predicted))


def _difference(own: NDArray[np.float64], apart: NDArray[np.float64]) -> Estimate:
    """What keeping patients apart costs, with a normal interval over the splits."""
    value = float(own.mean() - apart.mean())
    if own is apart:
        return Estimate(value, value, value, len(own))
    half = float(ndtri(0.975) * np.sqrt(own.var(ddof=1) / len(own) + apart.var(ddof=1) / len(apart)))
    return Estimate(value, value - half, value + half, len(own))


def _at_or_below(value: float, scores: NDArray[np.float64]) -> float:
    return float("nan") if np.isnan(value) else float(np.mean(scores <= value + rules.SAME))


def _claim(reported: float, own: Scores, cost: Estimate) -> str:
    low, high = np.percentile(own.accuracy, _RANGE)
    text = (
        f"Over {len(own)} random splits the accuracy is {own.accuracy.mean():.1%} on average,"
        f" and 95 % of them lie between {low:.1%} and {high:.1%}"
    )
    if not np.isnan(reported):
        reach = np.mean(own.accuracy >= reported - rules.SAME)
        text += f"; {reach:.0%} reach the reported {reported:.1%}"
    if cost.low > 0:
        text += f". With patients kept apart it is {cost.value * 100:.1f} points lower"
    return text + "."


def _details(
    subject: Subject, rule: SplitSettings, own: Scores, apart: Scores, cost: Estimate
) -> dict[str, Any]:
    reported = _reported(subject)
    return {
        "split_by": str(rule.by),
        "test_share": rule.test,
        "images": len(subject.rows),
        "splits": _summary(own),
        "patients_apart": _summary(apart),
        "patients_apart_cost": {"value": cost.value, "low": cost.low, "high": cost.high},
        "reported_accuracy": reported,
        "reported_percentile": _at_or_below(reported, own.accuracy),
        "published": [
            {
                "accuracy": one.value,
                "n": one.n,
                "backbone": one.backbone,
                "percentile": _at_or_below(one.value, own.accuracy),
            }
            for one in subject.recipe.published
            if one.metric == "accuracy"
        ],
    }


def _summary(scores: Scores) -> dict[str, Any]:
    return {
        "n": len(scores),
        "failed": scores.failed,
        "accuracy": _spread(scores.accuracy),
        "auc": _spread(scores.auc),
    }


def _spread(values: NDArray[np.float64]) -> dict[str, float]:
    low, high = np.percentile(values, _RANGE)
    return {"mean": float(values.mean()), "low": float(low), "high": float(high)}


def _picture(subject: Subject, own: Scores, apart: Scores) -> Distribution:
    values = {"random splits": tuple(own.accuracy.tolist())}
    if apart is not own:
        values["patients apart"] = tuple(apart.accuracy.tolist())
    reported = _reported(subject)
    marks = {} if np.isnan(reported) else {"this run": reported}
    for one in subject.recipe.published:
        if one.metric == "accuracy":
            marks[f"published, {one.backbone}" if one.backbone else "published"] = one.value
    return Distribution(
        f"Accuracy over {len(own)} random splits", "accuracy on the test images", values, marks
    )


PROBE = Probe(
    name="splits",
    title="One lucky split",
    question="Was the reported split a lucky one?",
    source="Bouckaert and Frank, Evaluating the Replicability of Significance Tests (PAKDD 2004);"
    " patients apart: Saeb et al., GigaScience 6 (2017)",
    ask=ask,
)
