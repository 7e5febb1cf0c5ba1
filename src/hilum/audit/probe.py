"""One question that the audit asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from hilum.audit.answer import Answer
from hilum.audit.reading import Reading
from hilum.audit.subject import Subject

__all__ = ["Probe"]


@dataclass(frozen=True)
class Probe:
    """A question, and the experiment that answers it.

    Parameters
    ----------
    name : str
        In ``audit.json`` and on the command line: lower case letters, digits, ``_``.
    title : str
        In tables: two to four words.
    question : str
        In words that a student understands.
    source : str
        Whose idea it is: a citation.
    ask : callable
        From a subject to an answer. A `HilumError` that it raises becomes ``cannot tell`` with its cause.
    gravest : Reading
        The worst that its answer can say of a result, by what the probe can show.

    Raises
    ------
    ValueError
        If the name is not as stated.

    Examples
    --------
    >>> from hilum.audit import cannot_tell
    >>> Probe("weather", "Weather", "Did it rain?", "Nobody", lambda subject: cannot_tell("no window")).name
    'weather'
    """

    name: str
    title: str
    question: str
    source: str
    ask: Callable[[Subject], Answer]
    gravest: Reading = Reading.BROKEN

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            msg = f"name: expected lower case letters, digits and _, found {self.name!r}"
            raise ValueError(msg)
