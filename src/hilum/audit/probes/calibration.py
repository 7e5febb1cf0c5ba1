"""Whether the run's probabilities keep their word, and what recalibration would bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.picture import Curves, Grid, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import miscalibrated
from hilum.audit.subject import Subject
from hilum.classifier.calibration import RECALIBRATIONS
from hilum.errors import FitError
from hilum.evaluate import Calibration, Predictions, calibration, evaluate, overall
from hilum.evaluate.estimate import scarcest

__all__ = ["PROBE"]

_NAME = "calibration"
_KINDS = {"as it is": "As it is", "platt": "Platt", "temperature": "Temperature", "isotonic": "Isotonic"}


def ask(subject: Subject) -> Answer:
    """Compare the probabilities of the test rows with what came true."""
    test = subject.predictions.part("test")
    if not len(test):
        return cannot_tell(
            "there are no test images", "Whether the probabilities mean what they say is open."
        )
    found = overall(test, subject.rng(_NAME))
    after = _after(subject, found)
    reading, reason = miscalibrated(found.error, found.by_chance, scarcest(test))
    shown: dict[str, Any] = {
        "measure": "expected calibration error",
        "figure": found.error,
        "scale": Scale.SHARE,
        "details": _details(found) | {"after": after},
        "pictures": (_curves(subject), _grid(after)),
    }
    if reading is Reading.CANNOT_TELL:
        return cannot_tell(reason, "Whether a probability can be read as a chance stays open.", **shown)
    return Answer(reading, *_words(found, reading), reason, **shown)


def _words(found: Calibration, reading: Reading) -> tuple[str, str]:
    points = 100 * found.error.value
    claim = f"On the test images the probabilities are off by {points:.1f} percentage points on average."
    if reading is Reading.DOUBTFUL:
        return claim, f"They must not be read as chances{_direction(found)}."
    return claim, "On images like these they were not found to mislead; of other hospitals' it says nothing."


def _direction(found: Calibration) -> str:
    slope = found.line.slope
    if slope.high < 1:
        return ": they are too near 0 and 1, surer than they may be"
    if slope.low > 1:
        return ": they are too near the middle, less sure than they could be"
    return ""


def _after(subject: Subject, found: Calibration) -> dict[str, dict[str, Any]]:
    """Error, Brier score and log loss on the test rows, before and after each recalibration."""
    test = subject.predictions.part("test")
    figures: dict[str, dict[str, Any]] = {"as it is": _figures(subject, test, found)}
    for name in RECALIBRATIONS:
        try:
            mapped = _recalibrated(subject.predictions, name)
        except FitError as error:
            figures[name] = {"reason": error.cause}
        else:
            figures[name] = _figures(subject, mapped, overall(mapped, subject.rng(_NAME)))
    return figures


def _figures(subject: Subject, test: Predictions, found: Calibration) -> dict[str, Any]:
    metrics = evaluate(test, subject.rng(_NAME), resamples=1)
    return {
        "error": found.error.value,
        "brier": metrics["brier"].value,
        "log_loss": metrics["loss"].value,
    }


def _recalibrated(predictions: Predictions, name: str) -> Predictions:
    """Map the test rows' probabilities; each fold's by what its own validation rows fitted."""
    validation, test = predictions.part("validation"), predictions.part("test")
    known, folds = (part.table["fold"].to_numpy() for part in (validation, test))
    mapped = test.probabilities
    for fold in np.unique(folds):
        rows, tested = known == fold, folds == fold
        fitted = RECALIBRATIONS[name](validation.labels[rows], validation.probabilities[rows])
        mapped[tested] = fitted.apply(mapped[tested])
    columns = {f"probability_{label}": mapped[:, code] for code, label in enumerate(test.classes)}
    return Predictions(test.table.assign(**columns), test.classes)


def _details(found: Calibration) -> dict[str, Any]:
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
        title="What the classifier says, and what is true",
        x_axis="Probability that the classifier gives",
        y_axis="Share of images for which it is true",
        lines={
            name: tuple((one.predicted, one.observed.value) for one in found.bins)
            for name, found in by_class.items()
        },
        diagonal=True,
    )


def _grid(after: Mapping[str, Mapping[str, Any]]) -> Grid:
    rows = (
        (_KINDS[name], f"{100 * row['error']:.1f} %", f"{row['brier']:.4f}", f"{row['log_loss']:.4f}")
        if "error" in row
        else (_KINDS[name], "–", "–", f"– ({row['reason']})")
        for name, row in after.items()
    )
    columns = ("Recalibrated on validation images", "Calibration error", "Brier score", "Log loss")
    return Grid("On the test images, before and after recalibration", columns, tuple(rows))


PROBE = Probe(
    name=_NAME,
    title="Calibration",
    question="Do the probabilities mean what they say?",
    source="Van Calster et al., BMC Medicine 17, 230 (2019); Guo et al., ICML (2017)",
    ask=ask,
    gravest=Reading.DOUBTFUL,
)
