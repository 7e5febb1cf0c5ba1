"""What 64 dots tell of the label."""

from __future__ import annotations

from hilum.audit.answer import Answer
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.remainder import Words, altered, answer
from hilum.audit.rules import coarse
from hilum.audit.subject import Subject

__all__ = ["PROBE"]

_WORDS = Words(
    part="thumbnail of 8 × 8 dots",
    claim="From the 64 dots of an 8 × 8 thumbnail the model, trained in the same way, reaches AUC {part}; "
    "from the whole image {whole}.",
    telling="What it needs is so coarse that nothing fine in the lungs is part of it. Large, dense opacities "
    "show in so few dots; so does the way a film was exposed and cut.",
    silent="The result needs more than the coarse shades of the image.",
)


def ask(subject: Subject) -> Answer:
    """Reduce every image to 8 × 8 dots, and train again."""
    found = altered(subject, "thumbnail")
    return answer(subject, found, coarse(found), _WORDS, "thumbnail")


PROBE = Probe(
    name="thumbnail",
    title="Thumbnail",
    question="Can the label be told from 8 × 8 dots?",
    source="after Maguolo and Nanni 2021, doi:10.1016/j.inffus.2021.04.008",
    ask=ask,
    gravest=Reading.DOUBTFUL,
)
