"""What is left to tell of the label when the lungs are blacked out."""

from __future__ import annotations

from hilum.audit.answer import Answer
from hilum.audit.probe import Probe
from hilum.audit.remainder import Words, altered, answer
from hilum.audit.rules import explained
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_WORDS = Words(
    part="middle blacked out",
    claim="With the middle of every image blacked out, the model, trained in the same way, still reaches "
    "AUC {part}; with the whole image {whole}.",
    telling="It does not need the lungs to tell these labels apart, so its result does not show that it "
    "reads them.",
    silent="It was not found that what lies around the lungs gives the label away.",
)


def ask(subject: Subject) -> Answer:
    """Black out the part that holds the lungs, and train again."""
    found = altered(subject, "middle")
    return answer(subject, found, explained(found), _WORDS, "middle")


PROBE = Probe(
    name="middle",
    title="Middle blacked out",
    question="Can the label be told when the lungs are blacked out?",
    source="Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask,
)
