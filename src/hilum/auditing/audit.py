"""An audit: all answers and the verdict, and the file that keeps them."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.auditing.ablation import ALTERATIONS, transplanted
from hilum.auditing.probe import Answer, Example, Examples, Probe, Rating, Scale, cannot_tell, pictures
from hilum.auditing.probes import OWN
from hilum.auditing.subject import Subject
from hilum.auditing.verdict import Verdict, conclude
from hilum.errors import AuditError, HilumError
from hilum.files import write_json
from hilum.metrics import Estimate, evaluate

__all__ = ["ENTRY_POINTS", "SCHEMA_VERSION", "Asked", "Audit", "examine", "illustrated", "probes"]


ENTRY_POINTS = "hilum.probes"
"""Group of entry points under which an installed package offers a `Probe`."""


@cache
def probes() -> dict[str, Probe]:
    """All probes by name, in the order in which they are asked.

    Raises
    ------
    AuditError
        If an entry point gives something else than a probe, or takes a name that is taken.

    """
    known = {probe.name: probe for probe in OWN}
    for point in entry_points(group=ENTRY_POINTS):
        probe = point.load()
        if not isinstance(probe, Probe) or probe.name in known:
            raise AuditError(
                f"the entry point {point.name!r} of {ENTRY_POINTS} cannot be used",
                expected="a hilum.auditing.Probe with a name of its own",
                found=getattr(probe, "name", type(probe).__name__),
            )
        known[probe.name] = probe
    return known


def illustrated(example: Example, prepared: Callable[[str], NDArray[np.float32]]) -> NDArray[np.uint8]:
    """Draw an example.

    Parameters
    ----------
    example : Example
    prepared : callable
        From an image's name to its prepared square, float32 (side, side) in [0, 1].

    Returns
    -------
    ndarray of uint8, shape (side, side)

    Raises
    ------
    RadiographError
        If an image cannot be read.
    """
    square = prepared(example.image)
    if example.middle_of:
        square = transplanted(prepared(example.middle_of), square)
    if example.alteration:
        square = ALTERATIONS[example.alteration].apply(square)
    drawn: NDArray[np.uint8] = np.rint(255 * square.clip(0, 1)).astype(np.uint8)
    return drawn


SCHEMA_VERSION = 1
"""Of ``audit.json``."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question, and what came of it.

    Parameters
    ----------
    title, question, source : str
        The probe's.
    answer : Answer
    seconds : float
        How long it took; NaN when read back, since equal runs leave equal files.
    """

    title: str
    question: str
    source: str
    answer: Answer
    seconds: float = math.nan


@dataclass(frozen=True, eq=False)
class Audit:
    """What the audit found.

    Parameters
    ----------
    verdict : Verdict
    asked : mapping of str to Asked
        By the probe's name, in the order in which they were asked.
    """

    verdict: Verdict
    asked: Mapping[str, Asked]

    @property
    def answers(self) -> dict[str, Answer]:
        """The answers by the probe's name."""
        return {name: asked.answer for name, asked in self.asked.items()}

    @property
    def examples(self) -> tuple[Example, ...]:
        """All images that pictures show, each once."""
        shown = (
            example
            for answer in self.answers.values()
            for picture in answer.pictures
            if isinstance(picture, Examples)
            for row in picture.rows
            for example in row
        )
        return tuple(dict.fromkeys(shown))

    def write(self, path: Path) -> None:
        """Write ``audit.json``, whole or not at all."""
        write_json(
            path,
            {
                "schema_version": SCHEMA_VERSION,
                "verdict": self.verdict.rating,
                "sentence": self.verdict.sentence,
                "decisive": list(self.verdict.decisive),
                "probes": {name: _record(asked) for name, asked in self.asked.items()},
            },
        )

    @classmethod
    def read(cls, path: Path) -> Audit:
        """Read what `write` wrote.

        Raises
        ------
        AuditError
            If it is missing, damaged, or of another version.
        """
        try:
            values = json.loads(path.read_bytes())
            if values["schema_version"] != SCHEMA_VERSION:
                raise AuditError(
                    "the audit is of another version of hilum",
                    path=path,
                    expected=f"schema_version {SCHEMA_VERSION}",
                    found=str(values["schema_version"]),
                    remedy="`hilum audit RUN` makes it anew.",
                )
            verdict = Verdict(Rating(values["verdict"]), values["sentence"], tuple(values["decisive"]))
            return cls(verdict, {name: _asked(record) for name, record in values["probes"].items()})
        except FileNotFoundError as error:
            raise AuditError("no audit is here", path=path, remedy="`hilum audit RUN` makes one.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AuditError("the audit is damaged", path=path, found=str(error).splitlines()[0]) from error


def examine(subject: Subject, asking: Iterable[Probe] | None = None) -> Audit:
    """Ask all probes, and conclude.

    A probe that fails for a reason that hilum knows (too few patients, an image that is gone) answers
    ``cannot tell`` with it; it ends nothing.

    Parameters
    ----------
    subject : Subject
    asking : iterable of Probe, optional
        Those to ask; all otherwise.
    """
    asking = list(probes().values() if asking is None else asking)
    asked = {
        probe.name: _ask(probe, subject)
        for probe in subject.progress.track(asking, what="Auditing", total=len(asking))
    }
    answers = {name: one.answer for name, one in asked.items()}
    return Audit(conclude(answers, _result(subject)), asked)


def _ask(probe: Probe, subject: Subject) -> Asked:
    start = time.perf_counter()
    try:
        answer = probe.ask(subject)
    except HilumError as error:
        answer = cannot_tell(error.cause)
    if answer.rating.severity > probe.worst.severity:
        msg = f"{probe.name}: read as {answer.rating}, and can say {probe.worst} at most"
        raise ValueError(msg)
    return Asked(probe.title, probe.question, probe.source, answer, time.perf_counter() - start)


def _result(subject: Subject) -> Estimate:
    return evaluate(subject.predictions.part("test"), np.random.default_rng(subject.recipe.seed))["roc_auc"]


def _record(asked: Asked) -> dict[str, Any]:
    answer = asked.answer
    return {
        "rating": answer.rating,
        **asdict(answer.figure),
        "measure": answer.measure,
        "scale": answer.scale,
        "question": asked.question,
        "claim": answer.claim,
        "meaning": answer.meaning,
        "reason": answer.reason,
        "title": asked.title,
        "source": asked.source,
        "details": dict(answer.details),
        "pictures": [asdict(picture) for picture in answer.pictures],
    }


def _asked(record: Mapping[str, Any]) -> Asked:
    value, low, high = (
        math.nan if record[name] is None else record[name] for name in ("value", "low", "high")
    )
    answer = Answer(
        rating=Rating(record["rating"]),
        claim=record["claim"],
        meaning=record["meaning"],
        reason=record["reason"],
        measure=record["measure"],
        figure=Estimate(value, low, high, record["n"]),
        scale=Scale(record["scale"]),
        details=record["details"],
        pictures=pictures(record["pictures"]),
    )
    return Asked(record["title"], record["question"], record["source"], answer)
