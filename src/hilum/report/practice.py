"""What the report says of other thresholds, of other places, and of the probabilities themselves."""

from __future__ import annotations

import math

from hilum.evaluate import Calibration, Estimate, OperatingPoint
from hilum.evaluate.prevalence import SCREENING
from hilum.report import format as fmt
from hilum.report.content import Content
from hilum.report.tables import Cell, Table, cell

__all__ = ["alarms", "notes", "points_table", "probabilities"]

_RATES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}


def points_table(content: Content) -> Table | None:
    """Thresholds chosen on validation images, and their figures on the test images; None without any."""
    points = content.clinical.points
    if not points:
        return None
    rows = tuple((_capital(point.aim), (_threshold(point), *_rates(point))) for point in points)
    return Table("Thresholds chosen on the validation images, judged on the test images",
                 ("Threshold", *_RATES.values()), rows)  # fmt: skip


def _threshold(point: OperatingPoint) -> Cell:
    if not math.isfinite(point.threshold):
        return Cell(fmt.MISSING, reason="could not be chosen")
    return Cell("never" if point.threshold > 1 else fmt.value("brier", point.threshold))


def _rates(point: OperatingPoint) -> list[Cell]:
    figures: dict[str, Estimate] = {rate: getattr(point, rate) for rate in _RATES}
    return [cell(rate, figure) for rate, figure in figures.items()]


def notes(content: Content) -> list[str]:
    """What stands against the choice of a threshold, in sentences; the same for several is said once."""
    aims: dict[str, list[str]] = {}
    for point in content.clinical.points:
        if point.note:
            aims.setdefault(point.note, []).append(point.aim)
    return [f"{_capital(', '.join(named))}: {note}." for note, named in aims.items()]


def alarms(content: Content) -> str | None:
    """Say what an alarm is worth where few are ill; None where that is not known."""
    curve = content.clinical.prevalence
    if not curve.points:
        return None
    ppv = curve.at(SCREENING).ppv
    place = f"At {100 * SCREENING:.0f}{fmt.THIN}% prevalence"
    if math.isnan(ppv.value):
        return f"{place} too there would be no alarm: the classifier raised none."
    bounds = f" (95{fmt.THIN}% interval {100 * ppv.low:.0f} to {100 * ppv.high:.0f})"
    return (
        f"{place} {100 * ppv.value:.0f} of 100 alarms are true{bounds}, if the classifier does there as on"
        f" these test images, of which {fmt.share(curve.cohort)} are {content.classes[1]}."
    )


def probabilities(content: Content) -> list[str]:
    """Say how far probabilities keep their word, in sentences; none without test images."""
    clinical = content.clinical
    if clinical.confidence is not None:
        return _kept("The highest probability of a test image is", clinical.confidence)
    return [
        sentence
        for name, one in clinical.calibration.items()
        for sentence in _kept(f"The probabilities of {name} are", one)
    ]


def _kept(subject: str, calibration: Calibration) -> list[str]:
    error, line = calibration.error, calibration.line
    bounds = (
        ""
        if math.isnan(error.low)
        else f" (95{fmt.THIN}% interval {100 * error.low:.1f} to {100 * error.high:.1f})"
    )
    first = f"{subject} off by {100 * error.value:.1f} percentage points on average{bounds}."
    if line.reason:
        return [first, f"Calibration slope and intercept are not defined: {line.reason}."]
    slope = f"{line.slope.value:.2f} (95{fmt.THIN}% interval {line.slope.low:.2f} to {line.slope.high:.2f})"
    return [first, f"The calibration slope is {slope}{_direction(line.slope)}."]


def _direction(slope: Estimate) -> str:
    if slope.high < 1:
        return ": probabilities lie nearer 0 and 1 than they should"
    if slope.low > 1:
        return ": probabilities lie nearer the middle than they need to"
    return "; 1 is calibrated"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
