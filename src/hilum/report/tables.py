"""The tables of the report, and the sentences beside them, with every number formatted as text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from hilum.auditing import Answer
from hilum.metrics import METRICS, SCREENING_PREVALENCE, Calibration, Estimate, OperatingPoint, wilson
from hilum.recipe.settings import Published
from hilum.report import text as fmt
from hilum.report.content import Content

__all__ = [
    "Cell",
    "Headline",
    "MetricRow",
    "PublishedRow",
    "Strip",
    "Table",
    "answer_cell",
    "calibration_sentences",
    "cell",
    "class_table",
    "counts_by_part",
    "counts_by_source",
    "exclusion_counts",
    "headline",
    "metric_rows",
    "part_table",
    "points_table",
    "predictive_value",
    "published_rows",
    "threshold_notes",
]


@dataclass(frozen=True)
class Cell:
    """A value with its interval and n, or the reason why it is missing."""

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
    """Position of a value and its interval between 0 and 1, in percent of the width."""

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
    """A published value beside that of this run."""

    title: str
    published: Cell
    network: str
    note: str
    same_network: bool
    ours: Cell


@dataclass(frozen=True)
class Headline:
    """The main result.

    Parameters
    ----------
    result : str
        ``"54 of 55 test images correct"``.
    value, interval : str
        Accuracy and its 95 % interval.
    details : tuple of str
        A sentence for each class, and the accuracy of a constant answer.
    """

    result: str
    value: str
    interval: str
    details: tuple[str, ...]


def headline(content: Content) -> Headline:
    """The main result in plain words."""
    counts, n = content.confusion.counts, content.confusion.n
    accuracy = content.metrics["test"].get("accuracy", Estimate(math.nan, math.nan, math.nan, 0))
    sums = counts.sum(axis=1)
    details = [
        f"{name}: {fmt.count(counts[place, place])} of {fmt.plural(int(total), 'image')} correct."
        for place, (name, total) in enumerate(zip(content.classes, sums, strict=True))
    ]
    if n:
        most = int(sums.argmax())
        details.append(
            f"For comparison: predicting {content.classes[most]} for every image gives an accuracy of"
            f" {fmt.share(sums[most] / n)}."
        )
    return Headline(
        f"{fmt.count(counts.trace())} of {fmt.plural(n, 'test image')} correct",
        fmt.value("accuracy", accuracy.value),
        fmt.interval("accuracy", accuracy),
        tuple(details),
    )


def cell(metric: str, figure: Estimate | None) -> Cell:
    """A metric as a cell."""
    if figure is None:
        return Cell(fmt.MISSING, reason="not measured")
    n = f"n = {fmt.count(figure.n)}"
    if not math.isfinite(figure.value):
        return Cell(fmt.MISSING, n=n, reason="a class has no image" if figure.n else "no such image")
    bounds = fmt.interval(metric, figure)
    return Cell(fmt.value(metric, figure.value), "no interval" if bounds == fmt.MISSING else bounds, n)


def answer_cell(answer: Answer) -> Cell:
    """A probe's value as a cell."""
    figure = answer.figure
    n = f"n = {fmt.count(figure.n)}" if figure.n else ""
    if not math.isfinite(figure.value):
        return Cell(fmt.MISSING, n=n, reason=answer.reason)
    bounds = fmt.scaled_interval(answer.scale, figure)
    shown = "no interval" if bounds == fmt.MISSING else f"95{fmt.THIN}% CI {bounds}"
    return Cell(fmt.scaled(answer.scale, figure.value), shown, n)


def metric_rows(content: Content) -> list[MetricRow]:
    """All metrics of the test images, in the order of the registry."""
    figures = content.metrics["test"]
    return [
        MetricRow(metric.title, metric.description, cell(name, figures[name]), _strip(name, figures[name]))
        for name, metric in METRICS.items()
        if name in figures
    ]


def _strip(metric: str, figure: Estimate) -> Strip | None:
    bounds = figure.value, figure.low, figure.high
    if METRICS[metric].better == "lower" or not all(map(math.isfinite, bounds)):
        return None
    return Strip(100 * figure.value, 100 * figure.low, 100 * (figure.high - figure.low))


def class_table(content: Content) -> Table | None:
    """Each class against all others, test images; None for two classes, which have the same values."""
    if len(content.classes) < 3:
        return None
    figures = content.metrics["test"]
    rows = (
        (metric.title, tuple(cell(name, figures.get(metric.key(label))) for label in content.classes))
        for name, metric in METRICS.items()
        if metric.per_class
    )
    return Table("Each class against all others, test images", content.classes, tuple(rows))


def part_table(content: Content) -> Table:
    """All metrics of every part."""
    figures = [content.metrics[part] for part in content.parts]
    rows = (
        (metric.title, tuple(cell(name, part.get(name)) for part in figures))
        for name, metric in METRICS.items()
        if any(name in part for part in figures)
    )
    columns = tuple(part.capitalize() for part in content.parts)
    return Table("All parts of the data", columns, tuple(rows))


def published_rows(content: Content) -> list[PublishedRow]:
    """Published values beside those of this run; the same backbone first."""
    return [_published_row(content, published) for published in content.published]


def _published_row(content: Content, published: Published) -> PublishedRow:
    metric = METRICS.get(fmt.base_of(published.metric))
    return PublishedRow(
        title=metric.title if metric else published.metric,
        published=_published_cell(published, two_classes=len(content.classes) == 2),
        network=published.backbone or "",
        note=published.note,
        same_network=content.backbone is not None and published.backbone == content.backbone.name,
        ours=cell(published.metric, content.metrics["test"].get(published.metric)),
    )


def _published_cell(published: Published, *, two_classes: bool) -> Cell:
    """With a Wilson interval where the value is a proportion of `n` images, not a mean over classes."""
    value = fmt.value(published.metric, published.value)
    if published.n is None:
        return Cell(value, "no interval", "n not stated")
    n = f"n = {fmt.count(published.n)}"
    of_one_class = {"sensitivity", "specificity", "ppv", "npv"}
    if published.metric not in {"accuracy"} | (of_one_class if two_classes else set()):
        return Cell(value, "no interval", n)
    bounds = wilson(round(published.value * published.n), published.n)
    return Cell(
        value, fmt.interval(published.metric, Estimate.around(published.value, bounds, published.n)), n
    )


def counts_by_source(cohort: pd.DataFrame, classes: Sequence[str]) -> Table:
    """Numbers of images and patients by label and source."""
    sources = tuple(sorted(cohort["source"].unique()))
    groups = cohort.groupby(["label", "source"])["patient"]
    images, patients = groups.size().to_dict(), groups.nunique().to_dict()

    def counted(key: tuple[str, str]) -> Cell:
        if key not in images:
            return Cell("0")
        return Cell(fmt.count(images[key]), fmt.plural(patients[key], "patient"))

    rows = tuple((label, tuple(counted((label, source)) for source in sources)) for label in classes)
    return Table("Images and patients by label and source", sources, rows)


def counts_by_part(content: Content) -> Table:
    """Numbers of images by label and part; an image that trains in several folds counts once."""
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
    """Reason, source and number of excluded images, the most frequent first."""
    sizes = exclusions.groupby(["reason", "source"]).size().sort_values(ascending=False, kind="stable")
    rows = sizes.reset_index().itertuples(index=False, name=None)
    return [(str(reason), str(source), fmt.count(n)) for reason, source, n in rows]


_RATES = {"sensitivity": "Sensitivity", "specificity": "Specificity", "ppv": "PPV", "npv": "NPV"}


def points_table(content: Content) -> Table | None:
    """Operating points chosen on the validation images, measured on the test images; None without any."""
    points = content.clinical.points
    if not points:
        return None
    rows = tuple(
        (fmt.capital(point.aim), (_threshold(point), *(cell(rate, getattr(point, rate)) for rate in _RATES)))
        for point in points
    )
    caption = "Thresholds chosen on the validation images, performance on the test images"
    return Table(caption, ("Threshold", *_RATES.values()), rows)


def _threshold(point: OperatingPoint) -> Cell:
    if not math.isfinite(point.threshold):
        return Cell(fmt.MISSING, reason="could not be chosen")
    return Cell("never predicted" if point.threshold > 1 else fmt.value("brier", point.threshold))


def threshold_notes(content: Content) -> list[str]:
    """Reservations about the choice of thresholds; the same for several is stated once."""
    aims: dict[str, list[str]] = {}
    for point in content.clinical.points:
        if point.note:
            aims.setdefault(point.note, []).append(point.aim)
    return [f"{fmt.capital(', '.join(named))}: {note}." for note, named in aims.items()]


def predictive_value(content: Content) -> str | None:
    """PPV at a screening prevalence, as a sentence; None if it is not known."""
    curve = content.clinical.prevalence
    if not curve.points:
        return None
    ppv = curve.at(SCREENING_PREVALENCE).ppv
    place = f"At a prevalence of {100 * SCREENING_PREVALENCE:.0f}{fmt.THIN}%"
    if math.isnan(ppv.value):
        return (
            f"{place} the PPV is undefined: the classifier predicts {content.classes[1]} for no test image."
        )
    return (
        f"{place}, {100 * ppv.value:.0f} of 100 positive predictions are correct"
        f"{fmt.interval_of(ppv, digits=0, factor=100)}, given the sensitivity and specificity on these test"
        f" images, {fmt.share(curve.cohort)} of which are {content.classes[1]}."
    )


def calibration_sentences(content: Content) -> list[str]:
    """Calibration error and slope, in sentences; none without test images."""
    clinical = content.clinical
    if clinical.confidence is not None:
        return _calibrated("probability of the predicted class", clinical.confidence)
    return [
        sentence
        for name, one in clinical.calibration.items()
        for sentence in _calibrated(f"probability of {name}", one)
    ]


def _calibrated(subject: str, calibration: Calibration) -> list[str]:
    error, line = calibration.error, calibration.line
    first = (
        f"The expected calibration error of the {subject} is {100 * error.value:.1f} percentage points"
        f"{fmt.interval_of(error, digits=1, factor=100)}."
    )
    if line.reason:
        return [first, f"Calibration slope and intercept are undefined: {line.reason}."]
    slope = f"{line.slope.value:.2f}{fmt.interval_of(line.slope, digits=2)}"
    return [first, f"The calibration slope is {slope}: {_direction(line.slope)}."]


def _direction(slope: Estimate) -> str:
    if slope.high < 1:
        return "the probabilities are too extreme"
    if slope.low > 1:
        return "the probabilities are not extreme enough"
    return "compatible with 1, a calibrated classifier"
