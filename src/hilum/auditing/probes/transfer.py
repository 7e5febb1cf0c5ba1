"""Probes of transfer: sources that the training leaves out, and another hospital."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.auditing import rules
from hilum.auditing.comparison import CHANCE
from hilum.auditing.probe import Answer, Bar, Bars, Grid, Probe, Rating, cannot_tell
from hilum.auditing.rules import MIN_IMAGES, MIN_PATIENTS_OF_SOURCE, unseen
from hilum.auditing.subject import External, Subject
from hilum.metrics import (
    METRICS,
    Estimate,
    FalsePositives,
    PerformanceDrop,
    Predictions,
    bootstrap_estimates,
    false_positives,
    one_vs_rest,
    performance_drop,
    predictions_by_source,
)
from hilum.metrics.predictions import Floats

__all__ = ["EXTERNAL", "LEFT_OUT"]


Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Source:
    """A source that can be left out: the mask of its `Subject.rows`, and of those without its patients."""

    name: str
    inside: Mask
    outside: Mask


def _ask_left_out(subject: Subject) -> Answer:
    sources = _sources(subject)
    if not sources:
        return cannot_tell(
            _why_none(subject), "Inconclusive: transfer to another source could not be tested."
        )
    found = subject.reference.copy()
    for source in subject.progress.track(sources, what="Leaving a source out", total=len(sources)):
        train, test = np.flatnonzero(source.outside), np.flatnonzero(source.inside)
        found[test] = subject.predict_held_out(train, test)
    figures = _compare(subject, found, sources)
    there, drop = figures["there"], figures["drop"]
    rating, reason = unseen(there, drop, figures["lost"])
    claim, meaning = _words(there, figures["here"], rating)
    return Answer(
        rating=rating,
        claim=claim,
        meaning=meaning,
        reason=reason,
        measure="AUC on sources left out of training",
        figure=there,
        details={
            "reference": asdict(figures["here"]),
            "drop": asdict(drop),
            "lost": asdict(figures["lost"]),
            "sources": _by_source(figures, sources),
        },
        pictures=(_left_out_bars(figures, sources),),
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
    """Count the labels with enough images and patients among `rows`."""
    labels, patients = subject.labels[subject.rows], subject.patients[subject.rows]
    masks = [rows & (labels == code) for code in range(len(subject.classes))]
    return sum(
        mask.sum() >= MIN_IMAGES and len(set(patients[mask])) >= MIN_PATIENTS_OF_SOURCE for mask in masks
    )


def _why_none(subject: Subject) -> str:
    table = subject.table.iloc[subject.rows]
    if table["source"].nunique() == 1:
        return "there is only one source"
    if (table.groupby("source")["label"].nunique() == 1).all():
        return "every source holds images of one label only"
    return (
        f"no source has {MIN_IMAGES} images of {MIN_PATIENTS_OF_SOURCE} patients for each of two labels while"
        " the other sources have every label"
    )


def _compare(subject: Subject, found: NDArray[np.float32], sources: list[_Source]) -> dict[str, Estimate]:
    """AUC on sources left out (`there`) and in cross-validation (`here`), weighted by images."""
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

    return bootstrap_estimates(values, out, subject.rng("left_out"), 2000, losses=("drop", "lost"))


def _auc(predictions: Predictions, weights: Floats) -> Floats:
    """Mean over the classes that are present among the weighted rows."""
    areas = np.stack([side.roc_auc(weights) for side in one_vs_rest(predictions)])
    known = ~np.isnan(areas)
    total = np.where(known, areas, 0).sum(axis=0)
    mean: Floats = np.divide(
        total, known.sum(axis=0), out=np.full_like(total, np.nan), where=known.any(axis=0)
    )
    return mean


def _words(there: Estimate, here: Estimate, rating: Rating) -> tuple[str, str]:
    claim = (
        f"On sources left out of training the probe model's AUC is {there.value:.3f}; on the same images with"
        f" their source in the training data {here.value:.3f}."
    )
    return claim, {
        Rating.SOUND: "No loss was found on these sources; others can differ.",
        Rating.DOUBTFUL: "Part of the performance is specific to the sources; expect less elsewhere.",
        Rating.BROKEN: "Most of the performance is specific to the sources and does not transfer.",
        Rating.CANNOT_TELL: "More images of several sources are needed.",
    }[rating]


def _by_source(figures: dict[str, Estimate], sources: list[_Source]) -> dict[str, Any]:
    return {
        source.name: {
            "n": int(source.inside.sum()),
            "auc": figures[f"there {source.name}"].value,
            "reference": figures[f"here {source.name}"].value,
        }
        for source in sources
    }


def _left_out_bars(figures: dict[str, Estimate], sources: list[_Source]) -> Bars:
    bars = [Bar.of("left out", figures["there"]), Bar.of("in training", figures["here"])]
    bars += [Bar.of(f"{source.name} left out", figures[f"there {source.name}"]) for source in sources]
    return Bars("Sources left out of training", "AUC", tuple(bars), reference=CHANCE)


LEFT_OUT = Probe(
    name="left_out",
    title="Sources left out",
    question="Does the performance hold on a source that is not in the training data?",
    source="Zech et al. 2018, doi:10.1371/journal.pmed.1002683",
    ask=_ask_left_out,
    priority=7,
)


Drops = Mapping[str, PerformanceDrop]

_METRICS = ("roc_auc", "accuracy", "sensitivity", "specificity")
_MEANINGS = {
    Rating.SOUND: "The performance transfers to these images.",
    Rating.DOUBTFUL: "Part of the performance is specific to the training data.",
    Rating.BROKEN: "The performance is specific to the training data.",
    Rating.CANNOT_TELL: "More images of the other hospital are needed.",
}


def _ask_external(subject: Subject) -> Answer:
    external = subject.external
    if external is None:
        return cannot_tell(
            "no images of another hospital were given",
            "Transfer to another hospital was not tested; `hilum audit RUN --external COHORT` does.",
        )
    drops = performance_drop(subject.predictions.part("test"), external.predictions, subject.rng("external"))
    name = _figure(drops, external.predictions)
    rating, reason = rules.transported(drops, name)
    return Answer(
        rating=rating,
        claim=_claim(external, drops[name], _title(name, subject.classes)),
        meaning=_MEANINGS[rating],
        reason=reason,
        measure=f"Drop of {_title(name, subject.classes)} in another hospital",
        figure=drops[name].difference,
        details={
            "external": external.name,
            "metric": name,
            "metrics": {key: asdict(one) for key, one in drops.items()},
            "false_alarms": _record(false_positives(external.predictions)),
            "by_source": predictions_by_source(external.predictions).to_dict("records"),
        },
        pictures=(_external_bars(external, drops, subject.classes), _grid(external.predictions)),
    )


def _figure(drops: Drops, external: Predictions) -> str:
    """Name the metric to report: an AUC where there are images of several labels."""
    classes = external.classes
    names = ["roc_auc", *(METRICS["roc_auc"].key(name) for name in reversed(classes))]
    for name in names:
        if name in drops and not np.isnan(drops[name].difference.value):
            return name
    commonest = int(np.bincount(external.labels, minlength=len(classes)).argmax())
    if external.positive is None:
        return METRICS["sensitivity"].key(classes[commonest])
    return "sensitivity" if commonest == 1 else "specificity"


def _title(name: str, classes: tuple[str, ...]) -> str:
    """Return the title of a metric by its key."""
    keys = {metric.key(label): (metric, label) for metric in METRICS.values() for label in classes}
    metric, label = keys[name] if name in keys else (METRICS[name], None)
    return metric.title if label is None else f"{metric.title} for {label}"


def _claim(external: External, found: PerformanceDrop, title: str) -> str:
    alarms = false_positives(external.predictions)
    if "AUC" not in title and alarms.share.n:
        return f"{_alarm_sentence(alarms)}."
    here, there = found.internal.value, found.external.value
    title = title if "AUC" in title else title.lower()
    text = f"On images of another hospital the {title} is {there:.2f}; on own test images {here:.2f}"
    return f"{text}. {_alarm_sentence(alarms)}." if alarms.share.n else f"{text}."


def _alarm_sentence(alarms: FalsePositives) -> str:
    return (
        f"Of {alarms.share.n} images of another hospital with the label {alarms.label}, the classifier"
        f" predicts {alarms.called or 'another label'} for {alarms.count} ({alarms.share.value:.1%})"
    )


def _record(alarms: FalsePositives) -> dict[str, Any]:
    values = asdict(alarms)
    share = values.pop("share")
    return values | {**share, "share": share["value"]}


def _grid(external: Predictions) -> Grid:
    table = predictions_by_source(external).rename(columns={"n": "images"})
    hidden = "" if external.positive is None else f"mean probability of {external.classes[0]}"
    shown = [str(name) for name in table if name != hidden]
    rows = ((_text(row[name]) for name in shown) for row in table.to_dict("records"))
    return Grid("Predictions by source", tuple(shown), tuple(map(tuple, rows)))


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _external_bars(external: External, drops: Drops, classes: tuple[str, ...]) -> Bars:
    names = [name for name in _METRICS if not np.isnan(drops[name].external.value)]
    if not names or set(names) == {"accuracy"}:
        names = [_figure(drops, external.predictions), *names]
    bars = [
        Bar.of(f"{_title(name, classes)}, {where}", estimate)
        for name in names
        for where, estimate in _sides(external, drops[name])
    ]
    return Bars("Own test images and another hospital", "value", tuple(bars))


def _sides(external: External, found: PerformanceDrop) -> tuple[tuple[str, Estimate], ...]:
    return ("own test", found.internal), (external.name, found.external)


EXTERNAL = Probe(
    name="external",
    title="Another hospital",
    question="Does the performance hold in another hospital?",
    source="Zech et al., PLoS Medicine 15 (2018) e1002683;"
    " DeGrave et al., Nature Machine Intelligence 3 (2021)",
    ask=_ask_external,
    priority=4,
)
