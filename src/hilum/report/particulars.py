"""What a run knows of itself that a paper about it should state: each in a sentence or two of plain text."""

from __future__ import annotations

import math

import pandas as pd

from hilum.audit import Reading
from hilum.evaluate import METRICS
from hilum.report import format as fmt
from hilum.report import words
from hilum.report.content import Content

__all__ = [
    "calibration",
    "counts",
    "differences",
    "eligibility",
    "external",
    "failures",
    "flow",
    "left_out",
    "limits",
    "metrics",
    "missing",
    "model",
    "output",
    "partitions",
    "people",
    "performance",
    "reference_standard",
    "robustness",
    "sample",
    "seed",
    "software",
    "sources",
]


def sources(content: Content) -> str:
    """Where the images come from, with their numbers."""
    counts = content.cohort["source"].value_counts()
    return "; ".join(f"{name}: {fmt.plural(int(n), 'image')}" for name, n in counts.items()) + "."


def eligibility(content: Content) -> str:
    """What the recipe takes, and what was left out."""
    kept = []
    for selection in content.recipe.cohort.select:
        label = f" as {selection.label}" if selection.label else ""
        where = ", ".join(f"{column} {' or '.join(values)}" for column, values in selection.where.items())
        limit = f", the first {fmt.count(selection.limit)}" if selection.limit else ""
        kept.append(f"{selection.source}{label}" + (f" where {where}" if where else "") + limit)
    return f"Taken: {'; '.join(kept)}. {left_out(content)}"


def left_out(content: Content) -> str:
    """Images left out, by reason."""
    reasons = content.exclusions["reason"].value_counts()
    if reasons.empty:
        return "No image was left out."
    return "Left out: " + ", ".join(f"{reason} ({fmt.count(n)})" for reason, n in reasons.items()) + "."


def reference_standard(content: Content) -> str:
    """What the classes are."""
    return (
        f"Classes: {', '.join(content.classes)}, as the sources label them. How the sources came to their"
        " labels, and how sure these are, is for the authors to state."
    )


def sample(content: Content) -> str:
    """Images, patients, and images of each class."""
    counts = content.cohort["label"].value_counts()
    each = ", ".join(f"{fmt.count(counts.get(name, 0))} {name}" for name in content.classes)
    summary = words.summary_counts(content.cohort, len(content.exclusions))
    return f"{summary} {each}. All that there was; no sample size was calculated."


def flow(content: Content) -> str:
    """How many images came in, and why others did not."""
    return f"{words.summary_counts(content.cohort, len(content.exclusions))} {left_out(content)}"


def missing(content: Content) -> str:
    """What became of images that could not be used."""
    rule = "Nothing is filled in: an image that cannot be used is left out with its reason."
    return f"{rule} {left_out(content)}"


def partitions(content: Content) -> str:
    """How the data were parted, and whether patients stand on both sides."""
    shared = content.splits_share_patients
    sides = (
        f"{fmt.plural(shared, 'patient')} stand on both sides"
        if shared
        else "No patient key stands on both sides"
    )
    return f"{words.design(content)['Split']} {counts(content)} {sides}."


def counts(content: Content) -> str:
    """Images of each class in each part."""
    table = content.predictions.table.drop_duplicates(["split", "image"])
    parts = []
    for part in reversed(content.parts):
        rows = table.loc[table["split"] == part, "label"].value_counts()
        each = ", ".join(f"{fmt.count(rows.get(name, 0))} {name}" for name in content.classes)
        parts.append(f"{part.capitalize()}: {each}")
    return "; ".join(parts) + "."


def model(content: Content) -> str:
    """Backbone, weights and head."""
    facts = words.design(content)
    return f"{facts['Backbone']} Weights: {facts['Weights']} Head: {facts['Head']}"


def seed(content: Content) -> str:
    """What makes chance repeatable."""
    return f"Seed {words.design(content)['Seed']} The chosen values stand in `recipe.yaml`."


def metrics(content: Content) -> str:
    """The measures, and how they get their intervals."""
    names = ", ".join(metric.title for name, metric in METRICS.items() if name in content.metrics["test"])
    intervals = "Wilson's for shares, DeLong's for ROC AUC of a class, else bootstrap over patients"
    return f"{names}. 95 % intervals: {intervals}."


def output(content: Content) -> str:
    """What the classifier gives."""
    return f"A probability for each class. {words.design(content)['Threshold']}"


def differences(content: Content) -> str:
    """Whether test images come from elsewhere."""
    tables = {part: content.predictions.part(part).table for part in ("train", "test")}
    parts = {part: set(table["source"].unique()) for part, table in tables.items()}
    alone = parts["test"] - parts["train"]
    if alone:
        return f"Sources that only test: {', '.join(sorted(alone))}."
    return "None by design: test images come from the sources of the training images (internal testing)."


def people(content: Content) -> str:
    """Age and sex, where known."""
    described = []
    if (
        "age" in content.cohort
        and (ages := pd.to_numeric(content.cohort["age"], errors="coerce")).notna().any()
    ):
        described.append(
            f"Median age {ages.median():.0f} years, known for {fmt.count(ages.notna().sum())} images"
        )
    if "sex" in content.cohort and content.cohort["sex"].notna().any():
        sexes = content.cohort["sex"].value_counts()
        described.append("sex: " + ", ".join(f"{fmt.count(n)} {name}" for name, n in sexes.items()))
    return "; ".join(described) + "." if described else "Age and sex are not in these data."


def performance(content: Content) -> str:
    """The main figures of the test images."""
    figures = content.metrics["test"]
    shown = [
        name
        for name in ("accuracy", "sensitivity", "specificity", "ppv", "npv", "roc_auc")
        if name in figures
    ]
    return "; ".join(f"{METRICS[name].title} {fmt.estimate(name, figures[name])}" for name in shown) + "."


def calibration(content: Content) -> str:
    """Calibration error, slope and intercept of the test images."""
    one = content.clinical.confidence or next(iter(content.clinical.calibration.values()), None)
    if one is None:
        return "Not worked out: there are no test images."
    error = f"Expected calibration error {one.error.value:.3f}" + _bounds(one.error.low, one.error.high)
    if one.line.reason:
        return f"{error}. Slope and intercept are not defined: {one.line.reason}."
    slope, large = one.line.slope, one.line.in_the_large
    return (
        f"{error}. Slope {slope.value:.2f}{_bounds(slope.low, slope.high)}, calibration in the large"
        f" {large.value:.2f}{_bounds(large.low, large.high)}. Reliability curve: `figures/reliability.png`."
    )


def _bounds(low: float, high: float) -> str:
    return "" if math.isnan(low) else f" (95 % interval {low:.3f} to {high:.3f})"


def failures(content: Content) -> str:
    """How many test images are wrong."""
    wrong = content.confusion.n - int(content.confusion.counts.trace())
    return (
        f"{fmt.count(wrong)} of {fmt.plural(content.confusion.n, 'test image')} wrong; confusion matrix and"
        " wrong images in `report.html`, every image in `predictions.csv`."
    )


def robustness(content: Content) -> str:
    """The audit's verdict."""
    if content.audit is None:
        return "Not audited; `hilum audit` asks what the result rests on."
    asked = content.audit.asked.values()
    found = ", ".join(one.title for one in asked if one.answer.reading in (Reading.BROKEN, Reading.DOUBTFUL))
    return f"{content.audit.verdict.sentence} Speaking against the result: {found or 'none of the probes'}."


def external(content: Content) -> str:
    """What the audit found on another hospital's images."""
    asked = None if content.audit is None else content.audit.asked.get("external")
    if asked is None or asked.answer.reading is Reading.CANNOT_TELL:
        return "None in this run."
    return asked.answer.claim


def software(content: Content) -> str:
    """Versions and device."""
    versions = ", ".join(f"{name} {version}" for name, version in content.environment.versions.items())
    return f"{versions}. Device: {content.environment.device}."


def limits(content: Content) -> str:
    """What the report holds against the result."""
    known = [*words.findings(content), *content.recipe.caveats]
    return (
        " ".join(known)
        or "The recipe and the tables of these data name none; that does not prove that there are none."
    )
