"""The audit: all probes and their answers, the verdict, and ``audit.json``."""

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

from hilum.auditing.ablation import ABLATIONS, swap_regions
from hilum.auditing.probe import Answer, Example, Examples, Probe, Rating, Scale, cannot_tell, pictures
from hilum.auditing.probes import PROBES
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
    """Return all probes by name, in the order in which they run: our own, then those of installed packages.

    Raises
    ------
    AuditError
        If an entry point is no `Probe`, or has the name of another probe.
    """
    known = {probe.name: probe for probe in PROBES}
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
        From an image's name to its pixels, stretched to a square: float32 (side, side) in [0, 1].

    Returns
    -------
    ndarray of uint8, shape (side, side)

    Raises
    ------
    RadiographError
        If an image cannot be read.
    """
    pixels = prepared(example.image)
    if example.lungs_of:
        pixels = swap_regions(prepared(example.lungs_of), pixels)
    if example.ablation:
        pixels = ABLATIONS[example.ablation].apply(pixels)
    drawn: NDArray[np.uint8] = np.rint(255 * pixels.clip(0, 1)).astype(np.uint8)
    return drawn


SCHEMA_VERSION = 2
"""Version of ``audit.json``."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A probe with its answer, as ``audit.json`` keeps it.

    Parameters
    ----------
    title, question, source, caption, note : str
        See `Probe`.
    answer : Answer
    seconds : float
        Duration; NaN when read from a file, so that equal audits leave equal files.
    """

    title: str
    question: str
    source: str
    answer: Answer
    caption: str = ""
    note: str = ""
    seconds: float = math.nan


@dataclass(frozen=True, eq=False)
class Audit:
    """The verdict and every probe's answer.

    Parameters
    ----------
    verdict : Verdict
    asked : mapping of str to Asked
        By the probe's name, in the order in which the probes ran.
    """

    verdict: Verdict
    asked: Mapping[str, Asked]

    @property
    def answers(self) -> dict[str, Answer]:
        """Answers by the probe's name."""
        return {name: asked.answer for name, asked in self.asked.items()}

    @property
    def examples(self) -> tuple[Example, ...]:
        """The images that the answers show, each once."""
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
        """Write ``audit.json`` atomically."""
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
        """Read ``audit.json``.

        Raises
        ------
        AuditError
            If it is missing, damaged, or of another version.
        """
        try:
            values = json.loads(path.read_bytes())
            if values["schema_version"] != SCHEMA_VERSION:
                raise AuditError(
                    "the audit was written by another version of hilum",
                    path=path,
                    expected=f"schema_version {SCHEMA_VERSION}",
                    found=str(values["schema_version"]),
                    remedy="Run `hilum audit RUN` again.",
                )
            verdict = Verdict(Rating(values["verdict"]), values["sentence"], tuple(values["decisive"]))
            return cls(verdict, {name: _asked(record) for name, record in values["probes"].items()})
        except FileNotFoundError as error:
            raise AuditError("there is no audit", path=path, remedy="Run `hilum audit RUN`.") from error
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise AuditError("the audit is damaged", path=path, found=str(error).splitlines()[0]) from error


def examine(subject: Subject, asking: Iterable[Probe] | None = None) -> Audit:
    """Run probes, and conclude.

    All probes together read each file once. A probe that raises a `HilumError`, such as too few patients,
    answers *cannot tell*.

    Parameters
    ----------
    subject : Subject
    asking : iterable of Probe, optional
        All probes by default.
    """
    if asking is None:
        subject.images.survey(subject.rows)
    known = {probe.name: probe for probe in (probes().values() if asking is None else asking)}
    tracked = subject.progress.track(known.values(), what="Auditing", total=len(known))
    asked = {probe.name: _ask(probe, subject) for probe in tracked}
    answers = {name: one.answer for name, one in asked.items()}
    test, rng = subject.predictions.part("test"), np.random.default_rng(subject.seed)
    return Audit(conclude(answers, known, evaluate(test, rng)["roc_auc"]), asked)


def _ask(probe: Probe, subject: Subject) -> Asked:
    start = time.perf_counter()
    try:
        answer = probe.ask(subject)
    except HilumError as error:
        answer = cannot_tell(error.cause)
    if answer.rating.severity > probe.worst.severity:
        msg = f"{probe.name}: rated {answer.rating}, can be {probe.worst} at most"
        raise ValueError(msg)
    seconds = time.perf_counter() - start
    return Asked(probe.title, probe.question, probe.source, answer, probe.caption, probe.note, seconds)


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
        "caption": asked.caption,
        "note": asked.note,
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
    words = {name: record[name] for name in ("title", "question", "source", "caption", "note")}
    return Asked(**words, answer=answer)
