"""Probes of reliability: calibration, label errors, subgroups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.comparison import compare_with_baseline
from hilum.auditing.probe import Answer, Curves, Example, Examples, Grid, Probe, Rating, Scale, cannot_tell
from hilum.auditing.rules import Ruling, contradicted, miscalibrated, unequal
from hilum.auditing.subject import Subject
from hilum.classifier.calibration import RECALIBRATIONS
from hilum.errors import FitError
from hilum.metrics import (
    Calibration,
    Estimate,
    Predictions,
    Subgroup,
    calibration,
    evaluate,
    min_class_patients,
    newcombe,
    overall_calibration,
    subgroups,
    wilson,
)
from hilum.metrics.subgroups import MIN_IMAGES

__all__ = ["CALIBRATION", "LABELS", "SUBGROUPS"]


_NAME = "calibration"
_KINDS = {"none": "None", "platt": "Platt", "temperature": "Temperature", "isotonic": "Isotonic"}


def _ask_calibration(subject: Subject) -> Answer:
    test = subject.predictions.part("test")
    if not len(test):
        return cannot_tell("there are no test images", "Inconclusive for calibration.")
    found = overall_calibration(test, subject.rng(_NAME))
    after = _after(subject, found)
    rating, reason = miscalibrated(found.error, found.by_chance, min_class_patients(test))
    shown: dict[str, Any] = {
        "measure": "expected calibration error",
        "figure": found.error,
        "scale": Scale.SHARE,
        "details": _calibration_details(found) | {"after": after},
        "pictures": (_curves(subject), _calibration_grid(after)),
    }
    if rating is Rating.CANNOT_TELL:
        return cannot_tell(reason, "Inconclusive for calibration.", **shown)
    return Answer(rating, *_calibration_words(found, rating), reason, **shown)


def _calibration_words(found: Calibration, rating: Rating) -> tuple[str, str]:
    points = 100 * found.error.value
    claim = f"On the test images the expected calibration error is {points:.1f} percentage points."
    if rating is Rating.DOUBTFUL:
        return claim, f"The outputs are not probabilities of the disease{_direction(found)}."
    return (
        claim,
        "The probabilities are calibrated for images like these, not necessarily in other hospitals.",
    )


def _direction(found: Calibration) -> str:
    slope = found.line.slope
    if slope.high < 1:
        return ": they are overconfident, too close to 0 and 1"
    if slope.low > 1:
        return ": they are underconfident, too close to 0.5"
    return ""


def _after(subject: Subject, found: Calibration) -> dict[str, dict[str, Any]]:
    """Calibration error, Brier score and log loss on the test rows, before and after recalibration."""
    test = subject.predictions.part("test")
    figures: dict[str, dict[str, Any]] = {"none": _figures(subject, test, found)}
    for name in RECALIBRATIONS:
        try:
            mapped = _recalibrated(subject.predictions, name)
        except FitError as error:
            figures[name] = {"reason": error.cause}
        else:
            figures[name] = _figures(subject, mapped, overall_calibration(mapped, subject.rng(_NAME)))
    return figures


def _figures(subject: Subject, test: Predictions, found: Calibration) -> dict[str, Any]:
    metrics = evaluate(test, subject.rng(_NAME), resamples=1)
    return {
        "error": found.error.value,
        "brier": metrics["brier"].value,
        "log_loss": metrics["loss"].value,
    }


def _recalibrated(predictions: Predictions, name: str) -> Predictions:
    """Recalibrate the test rows of each fold by a map fitted on its validation rows."""
    validation, test = predictions.part("validation"), predictions.part("test")
    known, folds = (part.table["fold"].to_numpy() for part in (validation, test))
    mapped = test.probabilities
    for fold in np.unique(folds):
        rows, tested = known == fold, folds == fold
        fitted = RECALIBRATIONS[name](validation.labels[rows], validation.probabilities[rows])
        mapped[tested] = fitted.apply(mapped[tested])
    columns = {f"probability_{label}": mapped[:, code] for code, label in enumerate(test.classes)}
    return Predictions(test.table.assign(**columns), test.classes)


def _calibration_details(found: Calibration) -> dict[str, Any]:
    line = asdict(found.line)
    return {
        "error_by_chance": found.by_chance,
        "brier": asdict(found.brier),
        **line,
        "bins": [asdict(one) for one in found.bins],
    }


def _curves(subject: Subject) -> Curves:
    by_class = calibration(subject.predictions.part("test"), subject.rng(_NAME))
    return Curves(
        title="Calibration",
        x_axis="Predicted probability",
        y_axis="Observed share",
        lines={
            name: tuple((one.predicted, one.observed.value) for one in found.bins)
            for name, found in by_class.items()
        },
        diagonal=True,
    )


def _calibration_grid(after: Mapping[str, Mapping[str, Any]]) -> Grid:
    rows = (
        (_KINDS[name], f"{100 * row['error']:.1f} %", f"{row['brier']:.4f}", f"{row['log_loss']:.4f}")
        if "error" in row
        else (_KINDS[name], "–", "–", f"– ({row['reason']})")
        for name, row in after.items()
    )
    columns = ("Recalibration on validation images", "Calibration error", "Brier score", "Log loss")
    return Grid("Test images before and after recalibration", columns, tuple(rows))


CALIBRATION = Probe(
    name=_NAME,
    title="Calibration",
    question="Do the predicted probabilities agree with the observed frequencies?",
    source="Van Calster et al., BMC Medicine 17, 230 (2019); Guo et al., ICML (2017)",
    ask=_ask_calibration,
    priority=16,
    worst=Rating.DOUBTFUL,
)


_LABELS_SHOWN = 8
_A_ROW = 4


def _ask_labels(subject: Subject) -> Answer:
    flagged = _flagged(subject)
    count, n = len(flagged), len(subject.rows)
    share = Estimate.around(count / n, wilson(count, n), n)
    rating, reason = contradicted(share, compare_with_baseline(subject, subject.reference, "labels").whole)
    found = [_found(subject, row) for row in flagged]
    return Answer(
        rating=rating,
        claim=f"The probe model contradicts {len(found)} of {share.n} labels ({share.value:.1%}).",
        meaning=_meaning(rating, len(found)),
        reason=reason,
        measure="Share of labels that the probe model contradicts",
        figure=share,
        scale=Scale.SHARE,
        details={"images": found},
        pictures=_pictures(found),
    )


def _flagged(subject: Subject) -> NDArray[np.intp]:
    """Positions in `subject.rows` of likely label errors by confident learning, least probable first."""
    from cleanlab.filter import find_label_issues  # noqa: PLC0415  takes a third of a second

    labels, probabilities = subject.labels[subject.rows], subject.reference.astype(np.float64)
    flagged = find_label_issues(labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1)
    return np.asarray(flagged, dtype=np.intp)


def _found(subject: Subject, row: int) -> dict[str, str | float]:
    probabilities, label = subject.reference[row], subject.labels[subject.rows[row]]
    return {
        "image": str(subject.table["image"].iloc[subject.rows[row]]),
        "label": subject.classes[label],
        "suggested": subject.classes[int(probabilities.argmax())],
        "probability": float(probabilities[label]),
    }


def _meaning(rating: Rating, count: int) -> str:
    if not count:
        return "Systematic label errors, which the images agree with, cannot be found in this way."
    if rating is Rating.DOUBTFUL:
        return "A radiologist should review the list before the labels are used to evaluate a classifier."
    return "An image on the list may be mislabelled or merely difficult."


def _pictures(found: list[dict[str, str | float]]) -> tuple[Examples, ...]:
    shown = [
        Example(str(one["image"]), f"label {one['label']}, predicted {one['suggested']}")
        for one in found[:_LABELS_SHOWN]
    ]
    rows = tuple(tuple(shown[start : start + _A_ROW]) for start in range(0, len(shown), _A_ROW))
    return (Examples("Labels to review, least probable first", rows),) if rows else ()


LABELS = Probe(
    name="labels",
    title="Labels",
    question="Do the labels agree with the images?",
    source="Northcutt, Jiang and Chuang 2021, doi:10.1613/jair.1.12125 (cleanlab)",
    ask=_ask_labels,
    priority=15,
    worst=Rating.DOUBTFUL,
)


_FACTS = ("source", "view", "sex", "age")
_SUBGROUPS_SHOWN = 12


def _ask_subgroups(subject: Subject) -> Answer:
    predictions = subject.predictions.part("test")
    facts = subject.table.set_index("image")[[name for name in _FACTS if name in subject.table]]
    tested = [group for group in subgroups(predictions, facts, subject.rng("subgroups")) if not group.too_few]
    if not tested:
        return cannot_tell(
            f"no group and its complement have {MIN_IMAGES} test images of one label each",
            "Inconclusive: differences between groups of patients could not be tested.",
        )
    gaps = [_gap(group, predictions) for group in tested]
    rulings = [unequal(gap, group.corrected) for gap, group in zip(gaps, tested, strict=True)]
    order = sorted(range(len(tested)), key=lambda at: (-rulings[at][0].severity, -gaps[at].value))
    worst = order[0]
    claim, meaning = _subgroups_words(tested, tested[worst], rulings[worst])
    return Answer(
        rating=rulings[worst][0],
        claim=claim,
        meaning=meaning,
        reason=rulings[worst][1],
        measure=f"Difference in {_metric(tested[worst])}, {_group(tested[worst])} against the others",
        figure=gaps[worst],
        scale=Scale.SHARE,
        details={"groups": [_subgroups_details(tested[at], gaps[at]) for at in order]},
        pictures=(_subgroups_grid([tested[at] for at in order[:_SUBGROUPS_SHOWN]]),),
    )


def _gap(group: Subgroup, predictions: Predictions) -> Estimate:
    """The difference between two proportions, with Newcombe's interval.

    Source: Newcombe 1998, Stat. Med. 17, 873-890, method 10.

    Patients count as trials, since images of one patient are correlated.
    """
    high, low = sorted((group.figure, group.others), key=lambda one: -one.value)
    share = len(set(predictions.patients)) / len(set(predictions.images))
    wide, narrow = (
        Estimate.around(one.value, wilson(one.value * one.n * share, one.n * share), one.n)
        for one in (high, low)
    )
    return newcombe(wide, narrow)


def _group(group: Subgroup) -> str:
    return f"{group.column} {group.value}"


def _metric(group: Subgroup) -> str:
    return group.metric.replace("_", " of ", 1)


def _subgroups_words(tested: Sequence[Subgroup], worst: Subgroup, ruling: Ruling) -> tuple[str, str]:
    if ruling[0] is Rating.SOUND:
        columns = ", ".join(dict.fromkeys(group.column for group in tested))
        return (
            f"None of {len(tested)} comparisons by {columns} shows a significant difference.",
            "Groups with few test images were not compared, and small differences cannot be excluded.",
        )
    return (
        f"{_metric(worst).capitalize()} is {worst.figure.value:.0%} for {_group(worst)} "
        f"and {worst.others.value:.0%} for the others.",
        "The overall figures do not hold for every group of patients.",
    )


def _subgroups_details(group: Subgroup, gap: Estimate) -> dict[str, str | float | int]:
    return {
        "column": group.column,
        "value": group.value,
        "metric": group.metric,
        "figure": group.figure.value,
        "n": group.figure.n,
        "others": group.others.value,
        "others_n": group.others.n,
        "gap": gap.value,
        "p": group.corrected,
    }


def _subgroups_grid(groups: Sequence[Subgroup]) -> Grid:
    rows = tuple(
        (
            _group(group),
            _metric(group),
            f"{group.figure.value:.0%} of {group.figure.n}",
            f"{group.others.value:.0%} of {group.others.n}",
            "under 0.001" if group.corrected < 0.001 else f"{group.corrected:.3f}",
        )
        for group in groups
    )
    columns = ("Group", "Metric", "In the group", "Others", "p, corrected")
    return Grid("Groups of test images, largest differences first", columns, rows)


SUBGROUPS = Probe(
    name="subgroups",
    title="Subgroups",
    question="Is the performance the same in every group of patients?",
    source="Seyyed-Kalantari et al. 2021, doi:10.1038/s41591-021-01595-0",
    ask=_ask_subgroups,
    priority=14,
)
