"""The tables of the report, cell by cell, every number already in words."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from hilum.metrics import METRICS, SCREENING_PREVALENCE, Calibration, Estimate, Metric, OperatingPoint, wilson
from hilum.recipe.settings import Published
from hilum.report import text as fmt
from hilum.report.content import Content

__all__ = [
    "Cell",
    "MetricRow",
    "PublishedRow",
    "Strip",
    "Table",
    "alarms",
    "class_table",
    "counts_by_part",
    "counts_by_source",
    "exclusion_counts",
    "metric_rows",
    "notes",
    "part_table",
    "points_table",
    "probabilities",
    "published_rows",
]


@dataclass(frozen=True)
class Cell:
    """A figure: what it is, its interval, its n, and why it is missing."""

    value: str
    interval: str = ""
    n: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """A table with named rows and columns."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]


@dataclass(frozen=True)
class Strip:
    """Where a figure and its interval lie between 0 and 1, in percent of the strip's width."""

    at: float
    low: float
    width: float


@dataclass(frozen=True)
class MetricRow:
    """One metric of the test images."""

    title: str
    explanation: str
    cell: Cell
    strip: Strip | None


@dataclass(frozen=True)
class PublishedRow:
    """A published figure beside ours."""

    title: str
    published: Cell
    network: str
    note: str
    same_network: bool
    ours: Cell


def cell(metric: str, figure: Estimate | None) -> Cell:
    """A figure as a cell; one that is undefined says why."""
    if figure is None:
        return Cell(fmt.MISSING, reason="not measured")
    n = f"n = {fmt.count(figure.n)}"
    if not math.isfinite(figure.value):
        return Cell(fmt.MISSING, n=n, reason=_reason(figure.n))
    bounds = fmt.interval(metric, figure)
    return Cell(fmt.value(metric, figure.value), "no interval" if bounds == fmt.MISSING else bounds, n)


def _reason(n: int) -> str:
    return "a class has no image" if n else "no such image"


def metric_rows(content: Content) -> list[MetricRow]:
    """The metrics of the test images, in the registry's order."""
    figures = content.metrics["test"]
    return [
        MetricRow(metric.title, metric.description, cell(name, figures[name]), _strip(name, figures[name]))
        for name, metric in METRICS.items()
        if name in figures
    ]


def _strip(metric: str, figure: Estimate) -> Strip | None:
    if METRICS[metric].better == "lower" or not all(
        map(math.isfinite, (figure.value, figure.low, figure.high))
    ):
        return None
    return Strip(100 * figure.value, 100 * figure.low, 100 * (figure.high - figure.low))


def class_table(content: Content) -> Table | None:
    """Each class against the rest, on the test images; None for two classes, where one says it all."""
    if len(content.classes) < 3:
        return None
    figures = content.metrics["test"]
    shown = [metric for metric in METRICS.values() if metric.per_class]
    return Table(
        "Each class against the others, test images",
        content.classes,
        tuple(
            (metric.title, tuple(_class_cell(figures, metric, label) for label in content.classes))
            for metric in shown
        ),
    )


def _class_cell(figures: Mapping[str, Estimate], metric: Metric, label: str) -> Cell:
    return cell(metric.name, figures.get(metric.key(label)))


def part_table(content: Content) -> Table:
    """All parts side by side: what the classifier learned from, and what it never saw."""
    names = [name for name in METRICS if any(name in content.metrics[part] for part in content.parts)]
    return Table(
        "The same measures on all parts of the data",
        tuple(part.capitalize() for part in content.parts),
        tuple(
            (
                METRICS[name].title,
                tuple(cell(name, content.metrics[part].get(name)) for part in content.parts),
            )
            for name in names
        ),
    )


def published_rows(content: Content) -> list[PublishedRow]:
    """What the recipe's source reports beside ours, figures of the same network first."""
    return [_published_row(content, published) for published in content.published]


_OF_ONE_CLASS = {"sensitivity", "specificity", "ppv", "npv"}
"""Proportions of images, unless they are means over classes."""


def _published_row(content: Content, published: Published) -> PublishedRow:
    metric = METRICS.get(fmt.base_of(published.metric))
    return PublishedRow(
        title=metric.title if metric else published.metric,
        published=_published_cell(published, two_classes=len(content.classes) == 2),
        network=published.backbone or "",
        note=published.note,
        same_network=published.backbone == content.backbone.name,
        ours=cell(published.metric, content.metrics["test"].get(published.metric)),
    )


def _published_cell(published: Published, *, two_classes: bool) -> Cell:
    value = fmt.value(published.metric, published.value)
    if published.n is None:
        return Cell(value, "no interval", "n not stated")
    n = f"n = {fmt.count(published.n)}"
    counted = {"accuracy"} | (_OF_ONE_CLASS if two_classes else set())
    if published.metric not in counted:
        return Cell(value, "no interval", n)
    low, high = wilson(round(published.value * published.n), published.n)
    figure = Estimate.around(published.value, (low, high), published.n)
    return Cell(value, fmt.interval(published.metric, figure), n)


def counts_by_source(cohort: pd.DataFrame, classes: Sequence[str]) -> Table:
    """Images, and patients, of each label and source."""
    sources = tuple(sorted(cohort["source"].unique()))
    groups = cohort.groupby(["label", "source"])["patient"]
    images, patients = groups.size().to_dict(), groups.nunique().to_dict()
    rows = tuple(
        (label, tuple(_counted(images, patients, (label, source)) for source in sources)) for label in classes
    )
    return Table("Images (and patients) by label and source", sources, rows)


def _counted(images: Mapping[Any, int], patients: Mapping[Any, int], key: tuple[str, str]) -> Cell:
    if key not in images:
        return Cell("0")
    return Cell(fmt.count(images[key]), fmt.plural(patients[key], "patient"))


def counts_by_part(content: Content) -> Table:
    """Images of each label in each part; with folds an image trains several times and is counted once."""
    rows = content.predictions.table
    images = rows.groupby(["label", "split"])["image"].nunique().to_dict()
    parts = [part for part in reversed(content.parts) if (rows["split"] == part).any()]
    return Table(
        "Images by label and part",
        tuple(part.capitalize() for part in parts),
        tuple(
            (label, tuple(Cell(fmt.count(images.get((label, part), 0))) for part in parts))
            for label in content.classes
        ),
    )


def exclusion_counts(exclusions: pd.DataFrame) -> Sequence[tuple[str, str, str]]:
    """Reason, source and number of the images left out, the most frequent first."""
    sizes = exclusions.groupby(["reason", "source"]).size().sort_values(ascending=False, kind="stable")
    rows = sizes.reset_index().itertuples(index=False, name=None)
    return [(str(reason), str(source), fmt.count(n)) for reason, source, n in rows]


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
    ppv = curve.at(SCREENING_PREVALENCE).ppv
    place = f"At {100 * SCREENING_PREVALENCE:.0f}{fmt.THIN}% prevalence"
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
