"""What a paper about a run should state, by CLAIM and TRIPOD+AI, filled in as far as the run knows.

Items are in our words. TRIPOD+AI's carry their numbers; CLAIM's are named without, since two editions number
them differently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hilum.report import particulars, words
from hilum.report.content import Content

__all__ = ["AUTHORS", "ITEMS", "Item", "checklist"]


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
    Item("Sources of the data", "5a", True, particulars.sources),
    Item("Who and what was included and left out", "6b", True, particulars.eligibility),
    Item("Preparation of the images", "7", True, lambda content: words.design(content)["Preparation"]),
    Item("Outcome and its reference standard", "8a", True, particulars.reference_standard),
    Item("Predictors", "9b", False, lambda _: "The pixels of the image alone; no clinical facts."),
    Item("Sample size", "10", True, particulars.sample),
    Item("Missing data", "11", True, particulars.missing),
    Item("Partitions, and what is kept apart", "12a", True, particulars.partitions),
    Item("Model, initial weights and training", "12c, 12g", True, particulars.model),
    Item("Randomness and settings", "12c", True, particulars.seed),
    Item("Measures of performance and their uncertainty", "12e", True, particulars.metrics),
    Item("Recalibration or other updating of the model", "12f, 24", False, lambda _: "None."),
    Item("Handling of unequal classes", "13", False, lambda _: "None: no reweighting and no resampling."),
    Item("Output and threshold", "15", False, particulars.output),
    Item("Differences between training and test data", "16", False, particulars.differences),
    Item(
        "Code and settings to repeat it",
        "18f",
        True,
        lambda content: f"hilum and `recipe.yaml`. {particulars.software(content)}",
    ),
    Item("Flow of images", "20a", True, particulars.flow),
    Item("Characteristics of the people", "20b", True, particulars.people),
    Item("Images and outcomes in each analysis", "21", False, particulars.counts),
    Item(
        "The full model",
        "22",
        True,
        lambda _: "The folder `model/` of this run: network, head, preparation, threshold.",
    ),
    Item("Performance with intervals, on the test images", "23a", True, particulars.performance),
    Item("Calibration on the test images", "23a", False, particulars.calibration),
    Item("Analysis of failures", "", True, particulars.failures),
    Item("Robustness", "", True, particulars.robustness),
    Item("External testing", "", True, particulars.external),
    Item("Limitations that the run knows of", "26", True, particulars.limits),
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
