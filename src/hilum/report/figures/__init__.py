"""The figures of a report: what each is called, says and draws."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from matplotlib.figure import Figure

from hilum.report.content import Content
from hilum.report.figures import cohort, confusion, curves, history, practice

__all__ = ["PLATES", "Plate", "Section", "plates_of"]


class Section(StrEnum):
    """Where on the page a figure stands."""

    FIGURES = "figures"
    PRACTICE = "practice"


@dataclass(frozen=True)
class Plate:
    """One figure.

    Parameters
    ----------
    name : str
        Of its file, without the suffix.
    title : str
        What it shows.
    caption : str
        How to read it, in a sentence.
    applies : callable
        Whether there is anything to draw.
    draw : callable
    section : Section
    """

    name: str
    title: str
    caption: str
    applies: Callable[[Content], bool]
    draw: Callable[[Content], Figure]
    section: Section = Section.FIGURES


def _at_threshold(content: Content, other: str) -> tuple[float, float] | None:
    figures = content.metrics["test"]
    if content.threshold is None or "sensitivity" not in figures or other not in figures:
        return None
    return figures["sensitivity"].value, figures[other].value


def _has_epochs(content: Content) -> bool:
    return len(content.history) > 0


def _has_both(content: Content) -> bool:
    """Whether there are two classes, and test images of both."""
    return len(content.clinical.prevalence.points) > 0


def _has_test(content: Content) -> bool:
    return content.confusion.n > 0


PLATES = (
    Plate(
        "confusion",
        "Confusion matrix, shares",
        "Each cell: test images of the row's class that were taken for the column's, and their share of all."
        " The diagonal, from the upper left, is right.",
        _has_test,
        lambda content: confusion.draw_shares(content.confusion),
    ),
    Plate(
        "confusion_counts",
        "Confusion matrix, counts",
        "The same test images counted; beside each class the images that truly belong to it.",
        _has_test,
        lambda content: confusion.draw_counts(content.confusion),
    ),
    Plate(
        "roc",
        "ROC curve",
        "What every possible threshold would give on the test images; the further above the dotted line"
        " of chance, the better. In brackets: the area's 95 % interval.",
        lambda content: any(len(curve.thresholds) for curve in content.roc.values()),
        lambda content: curves.draw_roc(content.roc, _at_threshold(content, "specificity")),
    ),
    Plate(
        "pr",
        "Precision and recall",
        "How many alarms are right (precision) when so many of the sick are found (recall), for every"
        " possible threshold. AP: average precision, with its 95 % interval.",
        lambda content: any(len(curve.thresholds) for curve in content.pr.values()),
        lambda content: curves.draw_pr(content.pr, _at_threshold(content, "ppv")),
    ),
    Plate(
        "accuracy",
        "Accuracy per epoch",
        "Share of images classified right after each pass over the training images.",
        _has_epochs,
        lambda content: history.draw_accuracy(content.history),
    ),
    Plate(
        "loss",
        "Loss per epoch",
        "What training makes small. A validation line that turns upwards means learning by heart"
        " (overfitting).",
        _has_epochs,
        lambda content: history.draw_loss(content.history),
    ),
    Plate(
        "cohort",
        "Images per label and source",
        "If each label comes from its own source, telling the sources apart is enough to be right.",
        lambda content: len(content.cohort) > 0,
        lambda content: cohort.draw_counts(content.cohort, content.classes),
    ),
    Plate(
        "sizes",
        "Image sizes",
        "Width and height as stored. Sources that differ here can be told apart without any medicine.",
        lambda content: len(content.cohort) > 0,
        lambda content: cohort.draw_sizes(content.cohort),
    ),
    Plate(
        "prevalence",
        "Predictive values at other prevalences",
        "What an alarm and an all-clear are worth where more or fewer people are ill, with 95 % intervals, by"
        " Bayes' rule from the test images' sensitivity and specificity.",
        _has_both,
        lambda content: practice.draw_prevalence(content.clinical.prevalence),
        Section.PRACTICE,
    ),
    Plate(
        "decision",
        "Decision curve",
        "Patients found, less false alarms weighed by how sure one must be to act (threshold probability)."
        " Where the classifier's line is not the highest, it helps no one. At the test images' prevalence.",
        _has_both,
        lambda content: practice.draw_decision(content.clinical.decision),
        Section.PRACTICE,
    ),
    Plate(
        "reliability",
        "Reliability of the probabilities",
        "Of the test images that are given a probability, how many are truly of the class. Points below the"
        " dotted line: the classifier claims too much. Bars: 95 % intervals.",
        lambda content: bool(content.clinical.calibration),
        lambda content: practice.draw_reliability(content.clinical.calibration),
        Section.PRACTICE,
    ),
)
"""Every figure, in the order of the page."""


def plates_of(content: Content) -> Iterator[Plate]:
    """Figures for which `content` has something to draw."""
    return (plate for plate in PLATES if plate.applies(content))
