"""``checklist.md``: the items of CLAIM 2024 and TRIPOD+AI, answered as far as the data of the report allow.

The items are paraphrased. Those of TRIPOD+AI carry their numbers; those of CLAIM do not, because its two
editions number them differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import pandas as pd

from hilum.auditing import Rating
from hilum.metrics import METRICS
from hilum.report import text as fmt
from hilum.report.content import Content

__all__ = ["AUTHORS", "ITEMS", "Item", "checklist"]

_UNKNOWN = "Not known of this classifier."


def _sources(content: Content) -> str:
    counts = content.cohort["source"].value_counts()
    return "; ".join(f"{name}: {fmt.plural(int(n), 'image')}" for name, n in counts.items()) + "."


def _eligibility(content: Content) -> str:
    if content.recipe is None:
        return _excluded(content)
    kept = []
    for selection in content.recipe.cohort.select:
        label = f" as {selection.label}" if selection.label else ""
        where = ", ".join(f"{column} {' or '.join(values)}" for column, values in selection.where.items())
        limit = f", the first {fmt.count(selection.limit)}" if selection.limit else ""
        kept.append(f"{selection.source}{label}" + (f" where {where}" if where else "") + limit)
    return f"Included: {'; '.join(kept)}. {_excluded(content)}"


def _excluded(content: Content) -> str:
    reasons = content.exclusions["reason"].value_counts()
    if reasons.empty:
        return "No image was excluded."
    return "Excluded: " + ", ".join(f"{reason} ({fmt.count(n)})" for reason, n in reasons.items()) + "."


def _reference_standard(content: Content) -> str:
    return (
        f"Classes: {', '.join(content.classes)}, as labelled by the sources. How the sources obtained their"
        " labels, and how reliable these are, is for the authors to state."
    )


def _sample(content: Content) -> str:
    counts = content.cohort["label"].value_counts()
    each = ", ".join(f"{fmt.count(counts.get(name, 0))} {name}" for name in content.classes)
    summary = fmt.summary_counts(content.cohort, len(content.exclusions))
    return f"{summary} {each}. All available images were used; no sample size was calculated."


def _flow(content: Content) -> str:
    return f"{fmt.summary_counts(content.cohort, len(content.exclusions))} {_excluded(content)}"


def _missing(content: Content) -> str:
    return f"No imputation: an unusable image is excluded, with the reason. {_excluded(content)}"


def _partitions(content: Content) -> str:
    shared = content.splits_share_patients
    sides = (
        f"{fmt.plural(shared, 'patient has', 'patients have')} images in both the training and the test part"
        if shared
        else "No patient has images in both the training and the test part"
    )
    return f"{_design(content, 'Split')} {_counts(content)} {sides}."


def _counts(content: Content) -> str:
    """Images of each class in each part."""
    table = content.predictions.table.drop_duplicates(["split", "image"])
    parts = []
    for part in reversed(content.parts):
        rows = table.loc[table["split"] == part, "label"].value_counts()
        each = ", ".join(f"{fmt.count(rows.get(name, 0))} {name}" for name in content.classes)
        parts.append(f"{part.capitalize()}: {each}")
    return "; ".join(parts) + "."


def _design(content: Content, *terms: str) -> str:
    facts = fmt.design(content)
    return " ".join(facts[term] for term in terms if term in facts) or _UNKNOWN


def _model(content: Content) -> str:
    return _design(content, "Backbone", "Weights", "Head")


def _seed(content: Content) -> str:
    if content.recipe is None:
        return _UNKNOWN
    return f"Seed {_design(content, 'Seed')} All settings are in `recipe.yaml`."


def _metrics(content: Content) -> str:
    names = ", ".join(metric.title for name, metric in METRICS.items() if name in content.metrics["test"])
    methods = "Wilson for proportions, DeLong for the ROC AUC of a class, bootstrap over patients otherwise"
    return f"{names}. 95 % CIs: {methods}."


def _output(content: Content) -> str:
    return f"A probability for each class. {fmt.threshold_rule(content)}"


def _differences(content: Content) -> str:
    tested, trained = (set(content.predictions.part(part).table["source"]) for part in ("test", "train"))
    if not trained:
        return "The sources of the training images are not known."
    if tested - trained:
        return f"Sources with test images only: {', '.join(sorted(tested - trained))}."
    return "None by design: the test images come from the sources of the training images (internal testing)."


def _people(content: Content) -> str:
    described = []
    if "age" in content.cohort:
        ages = pd.to_numeric(content.cohort["age"], errors="coerce").dropna()
        if len(ages):
            known = fmt.plural(len(ages), "image")
            described.append(f"Median age {ages.median():.0f} years, known for {known}")
    if "sex" in content.cohort and content.cohort["sex"].notna().any():
        sexes = content.cohort["sex"].value_counts()
        described.append("sex: " + ", ".join(f"{fmt.count(n)} {name}" for name, n in sexes.items()))
    return "; ".join(described) + "." if described else "Age and sex are not recorded in these data."


def _performance(content: Content) -> str:
    figures = content.metrics["test"]
    names = ("accuracy", "sensitivity", "specificity", "ppv", "npv", "roc_auc")
    shown = [name for name in names if name in figures]
    return "; ".join(f"{METRICS[name].title} {fmt.estimate(name, figures[name])}" for name in shown) + "."


def _calibration(content: Content) -> str:
    one = content.clinical.confidence or next(iter(content.clinical.calibration.values()), None)
    if one is None:
        return "Not computed: there are no test images."
    error = f"Expected calibration error {one.error.value:.3f}{fmt.interval_of(one.error, digits=3)}"
    if one.line.reason:
        return f"{error}. Slope and intercept are undefined: {one.line.reason}."
    slope, large = one.line.slope, one.line.in_the_large
    return (
        f"{error}. Slope {slope.value:.2f}{fmt.interval_of(slope, digits=3)}, calibration in the large"
        f" {large.value:.2f}{fmt.interval_of(large, digits=3)}. See `figures/reliability.png`."
    )


def _failures(content: Content) -> str:
    return (
        f"{fmt.plural(content.errors, 'error')} in {fmt.plural(content.confusion.n, 'test image')}; confusion"
        " matrix and errors in `report.html`, all images in `predictions.csv`."
    )


def _robustness(content: Content) -> str:
    if content.audit is None:
        return "Not audited; run `hilum audit`."
    asked = content.audit.asked.values()
    found = ", ".join(one.title for one in asked if one.answer.rating in (Rating.BROKEN, Rating.DOUBTFUL))
    return f"{content.audit.verdict.sentence} Probes with evidence against the result: {found or 'none'}."


def _external(content: Content) -> str:
    asked = None if content.audit is None else content.audit.asked.get("external")
    if asked is None or asked.answer.rating is Rating.CANNOT_TELL:
        return "None."
    return asked.answer.claim


def _software(content: Content) -> str:
    if content.environment is None:
        return _UNKNOWN
    versions = ", ".join(f"{name} {version}" for name, version in content.environment.versions.items())
    return f"hilum and `recipe.yaml`. {versions}. Device: {content.environment.device}."


def _full_model(content: Content) -> str:
    if content.recipe is None:
        return _UNKNOWN
    return "The folder `model/` of this run: backbone, head, preprocessing, threshold."


def _limits(content: Content) -> str:
    known = [*fmt.findings(content), *(content.recipe.caveats if content.recipe else ())]
    return " ".join(known) or "None is recorded in the recipe or visible in the tables; others may exist."


@dataclass(frozen=True)
class Item:
    """An item of a guideline, and its answer.

    Parameters
    ----------
    topic : str
    tripod : str
        Numbers in TRIPOD+AI; empty if it has no such item.
    claim : bool
        Whether CLAIM 2024 has this item.
    answer : callable
    """

    topic: str
    tripod: str
    claim: bool
    answer: Callable[[Content], str]

    @property
    def asked_by(self) -> str:
        """The guidelines that have this item."""
        return ", ".join(filter(None, (f"TRIPOD+AI {self.tripod}" * bool(self.tripod), "CLAIM" * self.claim)))


ITEMS = (
    Item("Sources of the data", "5a", True, _sources),
    Item("Inclusion and exclusion criteria", "6b", True, _eligibility),
    Item("Image preprocessing", "7", True, lambda content: _design(content, "Preprocessing")),
    Item("Outcome and reference standard", "8a", True, _reference_standard),
    Item("Predictors", "9b", False, lambda _: "The pixels of the image; no clinical data."),
    Item("Sample size", "10", True, _sample),
    Item("Missing data", "11", True, _missing),
    Item("Data partitions and their independence", "12a", True, _partitions),
    Item("Model, initial weights and training", "12c, 12g", True, _model),
    Item("Random seed and settings", "12c", True, _seed),
    Item("Performance metrics and their uncertainty", "12e", True, _metrics),
    Item("Model updating, such as recalibration", "12f, 24", False, lambda _: "None."),
    Item("Class imbalance", "13", False, lambda _: "No reweighting and no resampling."),
    Item("Output and threshold", "15", False, _output),
    Item("Differences between training and test data", "16", False, _differences),
    Item("Code and settings for reproduction", "18f", True, _software),
    Item("Flow of images", "20a", True, _flow),
    Item("Characteristics of the participants", "20b", True, _people),
    Item("Images and outcomes in each analysis", "21", False, _counts),
    Item("Full model", "22", True, _full_model),
    Item("Performance on the test images, with CIs", "23a", True, _performance),
    Item("Calibration on the test images", "23a", False, _calibration),
    Item("Failure analysis", "", True, _failures),
    Item("Robustness", "", True, _robustness),
    Item("External testing", "", True, _external),
    Item("Known limitations", "26", True, _limits),
)
"""Items that the report answers, wholly or in part."""

AUTHORS = (
    ("Title and structured abstract", "TRIPOD+AI 1, 2, CLAIM"),
    ("Clinical background, intended use and users, known health inequalities", "TRIPOD+AI 3a to 3c, CLAIM"),
    ("Objectives; retrospective or prospective study", "TRIPOD+AI 4, CLAIM"),
    ("Dates of the data; setting and number of centres; treatments received", "TRIPOD+AI 5b, 6a, 6c, CLAIM"),
    ("Image acquisition: devices and protocol", "CLAIM"),
    ("De-identification of the data", "CLAIM"),
    ("Annotation: readers, tools, agreement, blinding", "TRIPOD+AI 8a to 8c, CLAIM"),
    ("Justification of the sample size", "TRIPOD+AI 10, CLAIM"),
    ("Measures for fairness between groups", "TRIPOD+AI 14"),
    ("Ethics approval and consent", "TRIPOD+AI 17"),
    ("Funding, conflicts of interest, protocol, registration, data sharing", "TRIPOD+AI 18a to 18e, CLAIM"),
    ("Patient and public involvement", "TRIPOD+AI 19"),
    ("External test data, or the reason for their absence", "CLAIM"),
    ("Interpretation in the context of other studies; all limitations", "TRIPOD+AI 25, 26, CLAIM"),
    ("Use in care: poor or missing input, expertise of the users, next steps", "TRIPOD+AI 27a to 27c, CLAIM"),
)
"""Items that only the authors can answer."""

_HEAD = """# Reporting checklist

{subject}

The items of CLAIM 2024 and TRIPOD+AI that the report can answer, and those that only the authors can answer.
The items are paraphrased: submit the original checklists. Items of TRIPOD+AI carry their numbers, those of
CLAIM do not. An answer below may not cover the whole item.

- TRIPOD+AI: Collins, G. S. et al. BMJ 385, e078378 (2024). https://doi.org/10.1136/bmj-2023-078378
- CLAIM 2024: Tejani, A. S. et al. Radiology: Artificial Intelligence 6, e240300 (2024).
  https://doi.org/10.1148/ryai.240300
"""


def checklist(content: Content) -> str:
    """Text of ``checklist.md``, in Markdown.

    References
    ----------
    Collins, G. S. et al. TRIPOD+AI statement: updated guidance for reporting clinical prediction models that
    use regression or machine learning methods. BMJ 385, e078378 (2024).
    Tejani, A. S. et al. Checklist for Artificial Intelligence in Medical Imaging (CLAIM): 2024 update.
    Radiol. Artif. Intell. 6, e240300 (2024).
    """
    recipe = f"Recipe `{_plain(content.name)}`: " if content.recipe else ""
    synthetic = "\n**The radiographs are synthetic: a program generated them.**\n" * content.synthetic
    answered = ((item.topic, item.asked_by, item.answer(content)) for item in ITEMS)
    open_ = ((topic, asked_by, "") for topic, asked_by in AUTHORS)
    return "\n".join(
        [
            _HEAD.format(subject=f"{recipe}{_plain(content.title)}") + synthetic,
            "## Answered from the report\n",
            *_table(("Item", "Guideline", "Answer"), answered),
            "\n## For the authors\n",
            *_table(("Item", "Guideline", "To be completed"), open_),
            "",
        ]
    )


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterable[str]:
    yield f"| {' | '.join(columns)} |"
    yield "|" + " --- |" * len(columns)
    for row in rows:
        yield f"| {' | '.join(map(_plain, row))} |"


def _plain(text: str) -> str:
    """Escape what would end a cell or start a tag."""
    return " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
