"""Probes without pixels: what file headers, the source and other facts of the table predict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing.comparison import BaselineComparison, compare_with_baseline, forest_out_of_fold
from hilum.auditing.probe import Answer, Bar, Bars, Grid, Probe, Rating, cannot_tell
from hilum.auditing.rules import MIN_IMAGES, confounded, explained
from hilum.auditing.subject import Subject
from hilum.radiograph import Header

__all__ = ["HEADER", "SOURCE"]


_BANDS = 10
_MAX_VALUES = 20
"""Numbers with more distinct values are cut into bands."""
_DECIMALS = 9  # equal shares of different folds differ in their last bits
_UNKNOWN = "unknown"


def column(subject: Subject, name: str) -> pd.Series:
    """Return a column of the table for `subject.rows`; all missing if there is no such column."""
    table = subject.table.iloc[subject.rows].reset_index(drop=True)
    return table[name] if name in table else pd.Series(np.nan, index=table.index, name=name)


def bands(values: pd.Series) -> pd.Series:
    """Name the group of each value: the value itself, or the decile of a number with many values.

    Examples
    --------
    >>> bands(pd.Series(["PA", None])).tolist()
    ['PA', nan]
    >>> bands(pd.Series(range(100))).iloc[[0, 99]].tolist()
    ['0 to 9.9', '89.1 to 99']
    """
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    if values.nunique() <= _MAX_VALUES:
        return values.map(_shown, na_action="ignore").astype("str")
    cut = pd.qcut(values.astype("float64"), _BANDS, duplicates="drop")
    low, high = float(values.min()), float(values.max())
    names = [f"{_shown(max(one.left, low))} to {_shown(min(one.right, high))}" for one in cut.cat.categories]
    return cut.cat.rename_categories(names).astype("str")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def alone(subject: Subject, values: pd.Series, name: str) -> BaselineComparison | None:
    """Predict the label from one fact, and compare with the whole image on the same rows.

    Only rows with a known value take part, since missingness is a property of the table. The prediction is
    the frequency of each label among the rows of the other folds with the same value.

    Parameters
    ----------
    subject : Subject
    values : Series
        One value for each of `subject.rows`.
    name : str
        Random stream of the resamples.

    Returns
    -------
    BaselineComparison or None
        None if too few images of a label have a known value.
    """
    groups = bands(values)
    known = groups.notna().to_numpy()
    labels = subject.labels[subject.rows]
    counts = np.bincount(labels[known], minlength=len(subject.classes))
    if counts.min() < MIN_IMAGES:
        return None
    return compare_with_baseline(subject, _frequencies(subject, groups, known), name, known)


def _frequencies(subject: Subject, groups: pd.Series, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Frequency of each label among the other folds' rows of the same group, with one average row added.

    Labels are weighted to their overall frequency, so that an uninformative fact predicts the same in each
    fold.
    """
    codes, values = pd.factorize(groups)
    truth = np.eye(len(subject.classes))[subject.labels[subject.rows]]
    average = truth[known].mean(axis=0)
    found = np.tile(average, (len(codes), 1))
    for fold in subject.folds:
        train = np.concatenate([fold.train, fold.validation])
        train, test = train[known[train]], fold.test[known[fold.test]]
        weights = average * len(train) / np.maximum(truth[train].sum(axis=0), 1)
        counts = np.zeros((len(values), len(average)))
        np.add.at(counts, codes[train], truth[train] * weights)
        counts += average
        found[test] = (counts / counts.sum(axis=1, keepdims=True))[codes[test]]
    return found.round(_DECIMALS)


def by_label(subject: Subject, values: pd.Series, title: str, most: int = 10) -> Grid:
    """Count images by value and label: numbers in ascending order, names by frequency."""
    groups = bands(values).fillna(_UNKNOWN)
    labels = np.asarray(subject.classes, object)[subject.labels[subject.rows]]
    counts = pd.crosstab(groups.to_numpy(object), labels).reindex(columns=list(subject.classes), fill_value=0)
    counts = counts.loc[_order(values, groups)]
    lines = zip(counts.index, counts.to_numpy(), strict=True)
    rows = [(str(value), *map(str, line)) for value, line in lines]
    if len(rows) > most + 1:
        others = counts.iloc[most:].sum().tolist()
        rows = [*rows[:most], (f"{len(counts) - most} others", *map(str, others))]
    return Grid(title, ("", *subject.classes), tuple(rows))


def _order(values: pd.Series, groups: pd.Series) -> list[str]:
    if pd.api.types.is_numeric_dtype(values):
        return groups.loc[values.sort_values().index].drop_duplicates().tolist()
    return groups.value_counts().index.tolist()


_OF_THE_STUDY = ("view", "modality")  # compared by the probe `source`
_FIELDS = [field for field in fields(Header) if field.name not in _OF_THE_STUDY]
_NAMES = tuple(field.name for field in _FIELDS if str(field.type).startswith("str"))
_NUMBERS = tuple(field.name for field in _FIELDS if field.name not in _NAMES)
_SHOWN = 5


def _ask_header(subject: Subject) -> Answer:
    facts = _header_facts(subject)
    if facts.empty:
        return cannot_tell("all headers are identical", "Headers without differences cannot predict a label.")
    together = compare_with_baseline(subject, forest_out_of_fold(subject, _matrix(facts)), "header")
    rating, reason = explained(together)
    singles = {str(name): alone(subject, facts[name], f"header {name}") for name in facts}
    ranked = sorted(
        ((name, single) for name, single in singles.items() if single is not None),
        key=lambda pair: -pair[1].part.value,
    )
    claim, meaning = _header_words(together, rating)
    shown = ranked[0][0] if ranked else str(facts.columns[0])
    return Answer(
        rating=rating,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure="AUC, file headers only",
        figure=together.part,
        details={
            "whole": together.whole.value,
            "explained": together.explained.value,
            "facts": {name: single.part.value for name, single in ranked},
        },
        pictures=(
            _header_bars(together, dict(ranked[:_SHOWN])),
            by_label(subject, facts[shown], f"Images by {shown.replace('_', ' ')}"),
        ),
    )


def _header_facts(subject: Subject) -> pd.DataFrame:
    """Facts of the headers that vary, and quantities derived from them; a missing value is a value too."""
    facts = pd.DataFrame({name: column(subject, name) for name in (*_NAMES, *_NUMBERS)})
    numbers = facts[list(_NUMBERS)].astype("float64")
    facts = facts.assign(
        **numbers,
        aspect=numbers["columns"] / numbers["rows"],
        pixels=numbers["columns"] * numbers["rows"],
        bytes_per_pixel=numbers["bytes"] / (numbers["columns"] * numbers["rows"]),
    )
    return facts[[name for name in facts if len(facts[name].drop_duplicates()) > 1]]


def _matrix(facts: pd.DataFrame) -> np.ndarray:
    """Numbers as they are, names as their alphabetical rank; NaN where missing."""
    columns = [
        pd.factorize(facts[name], sort=True)[0].astype(np.float64) if name in _NAMES else facts[name]
        for name in facts
    ]
    return np.stack([np.asarray(one, np.float64) for one in columns], axis=1)


def _header_words(together: BaselineComparison, rating: Rating) -> tuple[str, str]:
    part, whole = together.part.value, together.whole.value
    if rating is Rating.SOUND:
        return (
            f"From file headers alone the label is predicted with AUC {part:.3f}, from the whole image with"
            f" {whole:.3f}.",
            "No evidence was found that size, format or equipment predicts the label.",
        )
    if rating is Rating.CANNOT_TELL:
        return "Inconclusive for file headers.", "The comparison needs more patients."
    return (
        f"File headers alone, without any pixel, predict the label with AUC {part:.3f}.",
        "The files of the labels were produced in different ways. Processing leaves traces in the pixels too,"
        " and a network can learn them instead of the disease.",
    )


def _header_bars(together: BaselineComparison, singles: dict[str, BaselineComparison]) -> Bars:
    bars = [Bar.of("all header facts", together.part)]
    bars += [Bar.of(name.replace("_", " "), single.part) for name, single in singles.items()]
    bars.append(Bar.of("whole image", together.whole))
    return Bars("Prediction of the label from file headers", "AUC", tuple(bars), reference=0.5)


HEADER = Probe(
    name="header",
    title="Headers only",
    question="Can the label be predicted from file headers, without any pixel?",
    source="DeGrave, Janizek and Lee 2021, doi:10.1038/s42256-021-00338-7",
    ask=_ask_header,
    priority=5,
    core=True,
    caption="file headers only",
    note="size, format and equipment, no pixels",
)


_DECIDING = ("view", "projection", "age", "sex")
_REPORTED = ("location", "modality")
"""Reported but not scored: in collections of case reports most places have one patient, and so one label."""


def _ask_source(subject: Subject) -> Answer:
    names = column(subject, "source").unique()
    source = alone(subject, column(subject, "source"), "source")
    if source is None:
        return cannot_tell(f"a label has fewer than {MIN_IMAGES} images")
    facts = _source_facts(subject)
    deciding = {name: fact for name, fact in facts.items() if name in _DECIDING}
    decisive, (rating, reason) = confounded(source, deciding)
    comparison = ({"source": source} | facts)[decisive]
    claim, meaning = _source_words(decisive, comparison, rating, tuple(names))
    if rating is Rating.SOUND:
        meaning += _besides(facts)
    return Answer(
        rating=rating,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure=f"AUC, {decisive} only",
        figure=comparison.part,
        details={"sources": len(names), "facts": _details({"source": source} | facts)},
        pictures=(
            _source_bars({"source": source} | facts),
            by_label(subject, column(subject, "source"), "Sources"),
        ),
    )


def _source_facts(subject: Subject) -> dict[str, BaselineComparison]:
    """Facts that vary and are known for enough images of every label."""
    varied = {
        name: values
        for name in (*_DECIDING, *_REPORTED)
        if len((values := column(subject, name)).dropna().drop_duplicates()) > 1
    }
    comparisons = {name: alone(subject, values, f"source {name}") for name, values in varied.items()}
    return {name: comparison for name, comparison in comparisons.items() if comparison is not None}


def _source_words(
    decisive: str, comparison: BaselineComparison, rating: Rating, names: tuple[str, ...]
) -> tuple[str, str]:
    part, whole = comparison.part.value, comparison.whole.value
    if rating is Rating.CANNOT_TELL:
        return "Inconclusive for the source.", "The comparison needs more patients."
    if decisive != "source":
        return (
            f"The {decisive} alone, without any image, predicts the label with AUC {part:.3f}.",
            f"The classifier may use the {decisive} instead of the disease; these data cannot show the"
            " difference.",
        )
    if len(names) == 1:
        return (
            f"All images come from one source, {names[0]}, so the source cannot predict the label.",
            "A source can itself combine several hospitals, which this table does not distinguish.",
        )
    if rating is Rating.SOUND:
        return (
            f"The source alone predicts the label with AUC {part:.3f}, the whole image with {whole:.3f}.",
            "No evidence was found that the source predicts the label.",
        )
    return (
        f"The source alone, without any image, predicts the label with AUC {part:.3f}.",
        "Everything that differs between the sources, such as equipment, file format or the patients' age,"
        " also"
        " separates the labels.",
    )


def _besides(facts: Mapping[str, BaselineComparison]) -> str:
    """Mention a fact that is not scored but predicts the label."""
    for name in _REPORTED:
        if name in facts and explained(facts[name])[0].severity > Rating.SOUND.severity:
            part, whole = facts[name].part.value, facts[name].whole.value
            return (
                f" The {name} alone predicts the label with AUC {part:.3f}, the whole image with {whole:.3f}"
                " on the"
                " same rows; this is reported but not scored."
            )
    return ""


def _details(comparisons: Mapping[str, BaselineComparison]) -> dict[str, Any]:
    return {
        name: {
            "auc": comparison.part.value,
            "low": comparison.part.low,
            "high": comparison.part.high,
            "n": comparison.part.n,
            "whole": comparison.whole.value,
            "explained": comparison.explained.value,
        }
        for name, comparison in comparisons.items()
    }


def _source_bars(comparisons: Mapping[str, BaselineComparison]) -> Bars:
    bars = tuple(Bar.of(name, comparison.part) for name, comparison in comparisons.items())
    whole = Bar.of("whole image", comparisons["source"].whole)
    return Bars("Prediction of the label from one fact", "AUC", (*bars, whole), reference=0.5)


SOURCE = Probe(
    name="source",
    title="Source only",
    question="Can the label be predicted from the origin of an image, without the image?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=_ask_source,
    priority=6,
    core=True,
    caption="source only",
    note="the origin of the image, no image",
)
