"""What the table tells of the label without any image: the source, and view, age, sex and the like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hilum.auditing.comparison import BaselineComparison, compare_with_baseline, forest_out_of_fold
from hilum.auditing.probe import Answer, Bar, Bars, Grid, Probe, Rating, cannot_tell
from hilum.auditing.rules import FEWEST_IMAGES, confounded, explained
from hilum.auditing.subject import Subject

__all__ = ["HEADER", "SOURCE", "alone", "bands", "by_label", "column"]


_BANDS = 10
_MOST_VALUES = 20
"""Numbers with more values than this are cut into bands."""
_DECIMALS = 9  # equal shares of different folds differ in the last bits
_UNKNOWN = "not known"


def column(subject: Subject, name: str) -> pd.Series:
    """Return a column of the table in `subject.rows`, numbered from 0; all missing where there is none."""
    table = subject.table.iloc[subject.rows].reset_index(drop=True)
    return table[name] if name in table else pd.Series(np.nan, index=table.index, name=name)


def bands(values: pd.Series) -> pd.Series:
    """Name the group of each value: the value itself, or of many numbers their tenth.

    Parameters
    ----------
    values : Series

    Returns
    -------
    Series of str
        Missing where the value is.

    Examples
    --------
    >>> bands(pd.Series(["PA", None])).tolist()
    ['PA', nan]
    >>> bands(pd.Series(range(100))).iloc[[0, 99]].tolist()
    ['0 to 9.9', '89.1 to 99']
    """
    if not pd.api.types.is_numeric_dtype(values):
        return values.astype("str")
    if values.nunique() <= _MOST_VALUES:
        return values.map(_shown, na_action="ignore").astype("str")
    cut = pd.qcut(values.astype("float64"), _BANDS, duplicates="drop")
    low, high = float(values.min()), float(values.max())
    names = [f"{_shown(max(one.left, low))} to {_shown(min(one.right, high))}" for one in cut.cat.categories]
    return cut.cat.rename_categories(names).astype("str")


def _shown(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def alone(subject: Subject, values: pd.Series, name: str) -> BaselineComparison | None:
    """Predict the label from one fact, and compare with the whole image on the same rows.

    Only rows where the fact is known take part: that it is known for one class alone tells of the table, not
    of the fact. The prediction is how often each label has the value among the other folds' rows.

    Parameters
    ----------
    subject : Subject
    values : Series, length rows
        Of `subject.rows`.
    name : str
        For the random numbers.

    Returns
    -------
    BaselineComparison or None
        None where the fact is known for too few images of a label.
    """
    groups = bands(values)
    known = groups.notna().to_numpy()
    labels = subject.labels[subject.rows]
    counts = np.bincount(labels[known], minlength=len(subject.classes))
    if counts.min() < FEWEST_IMAGES:
        return None
    return compare_with_baseline(subject, _frequencies(subject, groups, known), name, known)


def _frequencies(subject: Subject, groups: pd.Series, known: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of each label among the other folds' rows of the same group, and one more row that is average.

    Labels weigh as in all folds together, so that a fact that tells nothing predicts the same in each.
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
    """Count images by a fact's values and label: numbers in their order, names from the commonest on."""
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


_NAMES = ("format", "mode", "manufacturer", "model", "detector")
_NUMBERS = ("rows", "columns", "bits", "bytes", "spacing_mm", "kvp", "distance_mm")
_SHOWN = 5


def ask_header(subject: Subject) -> Answer:
    """Predict the label from all facts of the headers together, and from each by itself."""
    facts = _header_facts(subject)
    if facts.empty:
        return cannot_tell(
            "the headers say the same of every file", "Nothing in them could give the label away."
        )
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
        measure="AUC from the headers alone",
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
    """What the headers state and two files differ in, and what follows from it; a missing fact is one too."""
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
    """Numbers as they are, names as their place in the alphabet; NaN where missing."""
    columns = [
        pd.factorize(facts[name], sort=True)[0].astype(np.float64) if name in _NAMES else facts[name]
        for name in facts
    ]
    return np.stack([np.asarray(one, np.float64) for one in columns], axis=1)


def _header_words(together: BaselineComparison, rating: Rating) -> tuple[str, str]:
    part, whole = together.part.value, together.whole.value
    if rating is Rating.SOUND:
        return (
            f"From the files' headers alone the label is told with AUC {part:.3f}, "
            f"from the whole image with {whole:.3f}.",
            "It was not found that size, format or equipment give the label away.",
        )
    if rating is Rating.CANNOT_TELL:
        return "Cannot tell what the files' headers give away.", "The comparison needs more patients."
    return (
        f"The files' headers alone, without one pixel, tell the label with AUC {part:.3f}.",
        "The labels' files were made in different ways, and what an image went through shows in its pixels "
        "too: a network can learn that instead of the disease.",
    )


def _header_bars(together: BaselineComparison, singles: dict[str, BaselineComparison]) -> Bars:
    bars = [Bar.of("all of the header", together.part)]
    bars += [Bar.of(name.replace("_", " "), single.part) for name, single in singles.items()]
    bars.append(Bar.of("whole image", together.whole))
    return Bars("The label from the files' headers, without one pixel", "AUC", tuple(bars), reference=0.5)


HEADER = Probe(
    name="header",
    title="Header alone",
    question="Can the label be told from the files' headers, without one pixel?",
    source="DeGrave, Janizek and Lee 2021, doi:10.1038/s42256-021-00338-7",
    ask=ask_header,
)


_DECIDING = ("view", "projection", "age", "sex")
_TOLD = ("location", "modality")
"""Told and not read: in a collection of case reports most places have one patient, and so one label."""


def ask_source(subject: Subject) -> Answer:
    """Predict the label from each fact of the table by itself."""
    names = column(subject, "source").unique()
    source = alone(subject, column(subject, "source"), "source")
    if source is None:
        return cannot_tell("a label has too few images to be predicted from anything")
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
        measure=f"AUC from the {decisive} alone",
        figure=comparison.part,
        details={"sources": len(names), "facts": _details({"source": source} | facts)},
        pictures=(
            _source_bars({"source": source} | facts),
            by_label(subject, column(subject, "source"), "Sources"),
        ),
    )


def _source_facts(subject: Subject) -> dict[str, BaselineComparison]:
    """The facts that vary, and are known for images of every label."""
    varied = {
        name: values
        for name in (*_DECIDING, *_TOLD)
        if len((values := column(subject, name)).dropna().drop_duplicates()) > 1
    }
    comparisons = {name: alone(subject, values, f"source {name}") for name, values in varied.items()}
    return {name: comparison for name, comparison in comparisons.items() if comparison is not None}


def _source_words(
    decisive: str, comparison: BaselineComparison, rating: Rating, names: tuple[str, ...]
) -> tuple[str, str]:
    part, whole = comparison.part.value, comparison.whole.value
    if rating is Rating.CANNOT_TELL:
        return "Cannot tell what the source gives away.", "Too little is known to compare with."
    if decisive != "source":
        return (
            f"The {decisive} alone, without any image, tells the label with AUC {part:.3f}.",
            f"The classifier may read the {decisive} instead of the disease; these data would not show it.",
        )
    if len(names) == 1:
        return (
            f"All images come from one source, {names[0]}, so the source cannot give the label away.",
            "A collection may itself hold many hospitals, which this table does not tell apart.",
        )
    if rating is Rating.SOUND:
        return (
            f"The source alone tells the label with AUC {part:.3f}, the whole image with {whole:.3f}.",
            "It was not found that the source gives the label away.",
        )
    return (
        f"The source alone, without any image, tells the label with AUC {part:.3f}.",
        "Whatever tells the sources apart, such as camera, file format or the patients' age, tells the "
        "labels apart too, lungs or not.",
    )


def _besides(facts: Mapping[str, BaselineComparison]) -> str:
    """Tell of a fact that was not read, where it says much of the label."""
    for name in _TOLD:
        if name in facts and explained(facts[name])[0].severity > Rating.SOUND.severity:
            part, whole = facts[name].part.value, facts[name].whole.value
            return (
                f" The {name} alone tells the label with AUC {part:.3f}, the whole image with {whole:.3f} on"
                " the same rows: look at what each place brings."
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
    return Bars("The label from one fact, without any image", "AUC", (*bars, whole), reference=0.5)


SOURCE = Probe(
    name="source",
    title="Source alone",
    question="Can the label be told from where an image comes from, without looking at it?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask_source,
)
