"""What the outer ring of the images tells of the label."""

from __future__ import annotations

from hilum.audit.answer import Answer
from hilum.audit.probe import Probe
from hilum.audit.remainder import Words, altered, answer
from hilum.audit.rules import explained
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_WORDS = Words(
    part="frame alone",
    claim="From a narrow frame of every image alone the model, trained in the same way, reaches AUC {part}; "
    "from the whole image {whole}.",
    telling="The frame holds no lung. What tells the label there (borders, letters, the way a film was cut) "
    "was in the images that the classifier learned from.",
    silent="It was not found that the films' borders give the label away.",
)


def ask(subject: Subject) -> Answer:
    """Black out all but the outer ring, and train again."""
    found = altered(subject, "frame")
    return answer(subject, found, explained(found), _WORDS, "frame")


PROBE = Probe(
    name="frame",
    title="Frame alone",
    question="Can the label be told from the outer 5 % of the image, where no lung is?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask,
)
