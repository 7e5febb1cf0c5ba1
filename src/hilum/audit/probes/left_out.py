"""Training without a source, and testing on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.contest import CHANCE
from hilum.audit.picture import Bar, Bars
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import FEWEST_IMAGES, FEWEST_PATIENTS_OF_SOURCE, unseen
from hilum.audit.subject import Subject
from hilum.classifier.fit import fit
from hilum.cohort.split.validation import apart
from hilum.evaluate import Estimate, Predictions
from hilum.evaluate.contrast import contrasts
from hilum.evaluate.estimate import estimates
from hilum.evaluate.interval import Floats

__all__ = ["PROBE"]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Source:
    """A source that can be left out: which of `Subject.rows` are its own, which are free of its patients."""

    name: str
    inside: Mask
    outside: Mask


def ask(subject: Subject) -> Answer:
    """Fit the head without each source in turn, and compare with cross-validation on the same images."""
    sources = _sources(subject)
    if not sources:
        return cannot_tell(
            _why_none(subject), "Whether the result holds for a hospital that is not in the data stays open."
        )
    found = subject.reference.copy()
    for source in subject.progress.track(sources, what="Leaving a source out", total=len(sources)):
        found[source.inside] = _predicted_without(subject, source)
    figures = _compare(subject, found, sources)
    there, drop = figures["there"], figures["drop"]
    reading, reason = unseen(there, drop, figures["lost"])
    claim, meaning = _words(there, figures["here"], reading)
    return Answer(
        reading=reading,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure="AUC on sources that the training left out",
        figure=there,
        details={
            "reference": asdict(figures["here"]),
            "drop": asdict(drop),
            "lost": asdict(figures["lost"]),
            "sources": _by_source(figures, sources),
        },
        pictures=(_bars(figures, sources),),
    )


def _sources(subject: Subject) -> list[_Source]:
    names = subject.table["source"].to_numpy(object)[subject.rows]
    patients = subject.patients[subject.rows]
    found = []
    for name in dict.fromkeys(names):
        inside = names == name
        source = _Source(str(name), inside, ~np.isin(patients, patients[inside]))
        if (_enough(subject, inside) >= 2) and (_enough(subject, source.outside) == len(subject.classes)):
            found.append(source)
    return found


def _enough(subject: Subject, rows: Mask) -> int:
    """Count the labels of which `rows` hold enough."""
    labels, patients = subject.labels[subject.rows], subject.patients[subject.rows]
    masks = [rows & (labels == code) for code in range(len(subject.classes))]
    return sum(
        mask.sum() >= FEWEST_IMAGES and len(set(patients[mask])) >= FEWEST_PATIENTS_OF_SOURCE
        for mask in masks
    )


def _why_none(subject: Subject) -> str:
    table = subject.table.iloc[subject.rows]
    if table["source"].nunique() == 1:
        return "there is one source alone"
    if (table.groupby("source")["label"].nunique() == 1).all():
        return "every source holds one label alone"
    return (
        f"no source holds {FEWEST_IMAGES} images of two labels, from {FEWEST_PATIENTS_OF_SOURCE} patients "
        "each, while others hold every label"
    )


def _predicted_without(subject: Subject, source: _Source) -> NDArray[np.float32]:
    """Probabilities of the source's rows, by a head fitted on the others."""
    table = subject.table.iloc[subject.rows].reset_index(drop=True)
    features = subject.features[subject.rows]
    train, validation = apart(table, np.flatnonzero(source.outside), subject.recipe.split)
    fitted = fit(
        features,
        subject.labels[subject.rows],
        table["patient"].to_numpy(object),
        train,
        validation,
        subject.head,
        subject.classes,
        subject.recipe.seed,
    )
    return fitted.head.probabilities(features[source.inside])


def _compare(subject: Subject, found: NDArray[np.float32], sources: list[_Source]) -> dict[str, Estimate]:
    """AUC on the sources left out (`there`) and by cross-validation (`here`), each source by its images."""
    asked = np.any([source.inside for source in sources], axis=0)
    out, reference = (
        Predictions(subject.predicted(one).table[asked], subject.classes)
        for one in (found, subject.reference)
    )
    masks = [source.inside[asked] for source in sources]
    shares = np.array([mask.sum() for mask in masks]) / sum(mask.sum() for mask in masks)

    def values(weights: Floats) -> dict[str, Floats]:
        single = {
            f"{side} {source.name}": _auc(predictions, weights * mask)
            for side, predictions in (("there", out), ("here", reference))
            for source, mask in zip(sources, masks, strict=True)
        }
        columns = np.stack(list(single.values()))
        there, here = shares @ columns[: len(sources)], shares @ columns[len(sources) :]
        above = np.where(here > CHANCE, here - CHANCE, np.nan)
        return {"there": there, "here": here, "drop": here - there, "lost": (here - there) / above} | single

    return estimates(values, out, subject.rng("left_out"), 2000, losses=("drop", "lost"))


def _auc(predictions: Predictions, weights: Floats) -> Floats:
    """Mean over the classes that the weighted rows hold."""
    areas = np.stack([side.roc_auc(weights) for side in contrasts(predictions)])
    known = ~np.isnan(areas)
    total = np.where(known, areas, 0).sum(axis=0)
    mean: Floats = np.divide(
        total, known.sum(axis=0), out=np.full_like(total, np.nan), where=known.any(axis=0)
    )
    return mean


def _words(there: Estimate, here: Estimate, reading: Reading) -> tuple[str, str]:
    claim = (
        f"On sources that the training left out the AUC is {there.value:.3f}, "
        f"on the same images with their source in the training {here.value:.3f}."
    )
    return claim, {
        Reading.SOUND: "No loss was found on these sources; others may differ.",
        Reading.DOUBTFUL: "Part of what it learned belongs to the sources; expect less elsewhere.",
        Reading.BROKEN: "Most of what it learned belongs to the sources and does not carry over.",
        Reading.CANNOT_TELL: "More images of several sources are needed.",
    }[reading]


def _by_source(figures: dict[str, Estimate], sources: list[_Source]) -> dict[str, Any]:
    return {
        source.name: {
            "n": int(source.inside.sum()),
            "auc": figures[f"there {source.name}"].value,
            "reference": figures[f"here {source.name}"].value,
        }
        for source in sources
    }


def _bars(figures: dict[str, Estimate], sources: list[_Source]) -> Bars:
    bars = [Bar.of("left out", figures["there"]), Bar.of("in the training", figures["here"])]
    bars += [Bar.of(f"{source.name} left out", figures[f"there {source.name}"]) for source in sources]
    return Bars("On sources that the training left out", "AUC", tuple(bars), reference=CHANCE)


PROBE = Probe(
    name="left_out",
    title="Sources left out",
    question="Does it hold for a source that it has never seen?",
    source="Zech et al. 2018, doi:10.1371/journal.pmed.1002683",
    ask=ask,
)
