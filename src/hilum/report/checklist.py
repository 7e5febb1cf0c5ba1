"""What a paper about a run should state, by CLAIM and TRIPOD+AI, filled in as far as the run knows.

Items are in our words. TRIPOD+AI's carry their numbers; CLAIM's are named without, since two editions number
them differently.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from hilum.auditing import Rating
from hilum.metrics import METRICS
from hilum.report import text
from hilum.report import text as fmt
from hilum.report.content import Content

__all__ = [
    "AUTHORS",
    "ITEMS",
    "Item",
    "calibration",
    "checklist",
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
    summary = text.summary_counts(content.cohort, len(content.exclusions))
    return f"{summary} {each}. All that there was; no sample size was calculated."


def flow(content: Content) -> str:
    """How many images came in, and why others did not."""
    return f"{text.summary_counts(content.cohort, len(content.exclusions))} {left_out(content)}"


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
    return f"{text.design(content)['Split']} {counts(content)} {sides}."


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
    facts = text.design(content)
    return f"{facts['Backbone']} Weights: {facts['Weights']} Head: {facts['Head']}"


def seed(content: Content) -> str:
    """What makes chance repeatable."""
    return f"Seed {text.design(content)['Seed']} The chosen values stand in `recipe.yaml`."


def metrics(content: Content) -> str:
    """The measures, and how they get their intervals."""
    names = ", ".join(metric.title for name, metric in METRICS.items() if name in content.metrics["test"])
    intervals = "Wilson's for shares, DeLong's for ROC AUC of a class, else bootstrap over patients"
    return f"{names}. 95 % intervals: {intervals}."


def output(content: Content) -> str:
    """What the classifier gives."""
    return f"A probability for each class. {text.design(content)['Threshold']}"


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
    found = ", ".join(one.title for one in asked if one.answer.rating in (Rating.BROKEN, Rating.DOUBTFUL))
    return f"{content.audit.verdict.sentence} Speaking against the result: {found or 'none of the probes'}."


def external(content: Content) -> str:
    """What the audit found on another hospital's images."""
    asked = None if content.audit is None else content.audit.asked.get("external")
    if asked is None or asked.answer.rating is Rating.CANNOT_TELL:
        return "None in this run."
    return asked.answer.claim


def software(content: Content) -> str:
    """Versions and device."""
    versions = ", ".join(f"{name} {version}" for name, version in content.environment.versions.items())
    return f"{versions}. Device: {content.environment.device}."


def limits(content: Content) -> str:
    """What the report holds against the result."""
    known = [*text.findings(content), *content.recipe.caveats]
    return (
        " ".join(known)
        or "The recipe and the tables of these data name none; that does not prove that there are none."
    )


@dataclass(frozen=True)
class Item:
    """Something a paper should state, and the run's answer.

    Parameters
    ----------
    topic : str
    tripod : str
        Numbers in TRIPOD+AI; empty where it does not ask.
    claim : bool
        Whether CLAIM 2024 asks.
    answer : callable
        From the report's content to plain text.
    """

    topic: str
    tripod: str
    claim: bool
    answer: Callable[[Content], str]

    @property
    def asked_by(self) -> str:
        """Who asks, for people."""
        return ", ".join(
            filter(None, (f"TRIPOD+AI {self.tripod}" if self.tripod else "", "CLAIM" * self.claim))
        )


ITEMS = (
    Item("Sources of the data", "5a", True, sources),
    Item("Who and what was included and left out", "6b", True, eligibility),
    Item("Preprocessing of the images", "7", True, lambda content: text.design(content)["Preprocessing"]),
    Item("Outcome and its reference standard", "8a", True, reference_standard),
    Item("Predictors", "9b", False, lambda _: "The pixels of the image alone; no clinical facts."),
    Item("Sample size", "10", True, sample),
    Item("Missing data", "11", True, missing),
    Item("Partitions, and what is kept apart", "12a", True, partitions),
    Item("Model, initial weights and training", "12c, 12g", True, model),
    Item("Randomness and settings", "12c", True, seed),
    Item("Measures of performance and their uncertainty", "12e", True, metrics),
    Item("Recalibration or other updating of the model", "12f, 24", False, lambda _: "None."),
    Item("Handling of unequal classes", "13", False, lambda _: "None: no reweighting and no resampling."),
    Item("Output and threshold", "15", False, output),
    Item("Differences between training and test data", "16", False, differences),
    Item(
        "Code and settings to repeat it",
        "18f",
        True,
        lambda content: f"hilum and `recipe.yaml`. {software(content)}",
    ),
    Item("Flow of images", "20a", True, flow),
    Item("Characteristics of the people", "20b", True, people),
    Item("Images and outcomes in each analysis", "21", False, counts),
    Item(
        "The full model",
        "22",
        True,
        lambda _: "The folder `model/` of this run: network, head, preprocessing, threshold.",
    ),
    Item("Performance with intervals, on the test images", "23a", True, performance),
    Item("Calibration on the test images", "23a", False, calibration),
    Item("Analysis of failures", "", True, failures),
    Item("Robustness", "", True, robustness),
    Item("External testing", "", True, external),
    Item("Limitations that the run knows of", "26", True, limits),
)
"""What a run can answer, wholly or in part."""

AUTHORS = (
    ("Title and structured abstract", "TRIPOD+AI 1, 2, CLAIM"),
    ("Clinical background, intended use and users, known health inequalities", "TRIPOD+AI 3a to 3c, CLAIM"),
    ("Objectives, and whether the study looks back or ahead", "TRIPOD+AI 4, CLAIM"),
    ("Dates of the data; setting and number of centres; treatments received", "TRIPOD+AI 5b, 6a, 6c, CLAIM"),
    ("How images were taken: devices and protocol", "CLAIM"),
    ("De-identification of the data: not known to the run", "CLAIM"),
    (
        "How labels were made: by whom, with which tools, how far readers agreed, whether blinded",
        "TRIPOD+AI 8a to 8c, CLAIM",
    ),
    ("Why the study size is enough", "TRIPOD+AI 10, CLAIM"),
    ("What was done about fairness between groups of people", "TRIPOD+AI 14"),
    ("Approval by an ethics committee, and consent", "TRIPOD+AI 17"),
    (
        "Funding, conflicts of interest, protocol, registration, sharing of the data",
        "TRIPOD+AI 18a to 18e, CLAIM",
    ),
    ("Involvement of patients and the public", "TRIPOD+AI 19"),
    ("Test on data of another place, or why there is none", "CLAIM"),
    ("Interpretation beside other studies; all limitations", "TRIPOD+AI 25, 26, CLAIM"),
    ("Use in care: poor or missing input, skill of the users, next steps", "TRIPOD+AI 27a to 27c, CLAIM"),
)
"""What a run does not know."""

_HEAD = """# What a paper about this run should state

Run of the recipe `{name}`: {title}

The items of CLAIM 2024 and TRIPOD+AI that a run can answer, filled in from it, and below them those that
are the authors'. The items are in our words: submit the originals. TRIPOD+AI's carry their numbers, CLAIM's
none. An item answered here may ask for more than the run knows.

- TRIPOD+AI: Collins, G. S. et al. BMJ 385, e078378 (2024). https://doi.org/10.1136/bmj-2023-078378
- CLAIM 2024: Tejani, A. S. et al. Radiology: Artificial Intelligence 6, e240300 (2024).
  https://doi.org/10.1148/ryai.240300
"""


def checklist(content: Content) -> str:
    """Give ``checklist.md``.

    Parameters
    ----------
    content : Content

    References
    ----------
    Collins, G. S. et al. TRIPOD+AI statement: updated guidance for reporting clinical prediction models that
    use regression or machine learning methods. BMJ 385, e078378 (2024).
    Tejani, A. S. et al. Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 update.
    Radiol. Artif. Intell. 6, e240300 (2024).
    """
    recipe = content.recipe
    synthetic = "\n**The radiographs are synthetic: made by a program, not taken of people.**\n"
    answered = ((item.topic, item.asked_by, item.answer(content)) for item in ITEMS)
    open_ = ((topic, asked_by, "") for topic, asked_by in AUTHORS)
    return "\n".join(
        [
            _HEAD.format(name=_plain(recipe.name), title=_plain(recipe.title))
            + synthetic * content.synthetic,
            "## Answered by the run\n",
            *_table(("Item", "Asked by", "Of this run"), answered),
            "\n## For the authors\n",
            *_table(("Item", "Asked by", "To be filled in"), open_),
            "",
        ]
    )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield f"| {' | '.join(map(_plain, row))} |"


def _plain(text: str) -> str:
    """Keep a cell a cell, and text text: no line ends, bars or tags."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
