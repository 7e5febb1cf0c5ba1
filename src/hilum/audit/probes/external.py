"""The run's own classifier on the images of another hospital."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from hilum.audit import rules
from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.picture import Bar, Bars, Grid
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.subject import External, Subject
from hilum.evaluate import METRICS, Estimate, Predictions
from hilum.evaluate.comparison import Drop, drop
from hilum.evaluate.elsewhere import FalseAlarms, answers_by_source, false_alarms

__all__ = ["PROBE"]

Drops = Mapping[str, Drop]

_SHOWN = ("roc_auc", "accuracy", "sensitivity", "specificity")
_MEANINGS = {
    Reading.SOUND: "What the classifier has learned holds for these images too.",
    Reading.DOUBTFUL: "Part of what it has learned belongs to the images that it was trained on.",
    Reading.BROKEN: "What it has learned belongs to the images that it was trained on, not to the disease.",
    Reading.CANNOT_TELL: "With more images of the other hospital the drop would be known more closely.",
}


def ask(subject: Subject) -> Answer:
    """See `PROBE`."""
    external = subject.external
    if external is None:
        return cannot_tell(
            "no images of another hospital were given",
            "Whether the result holds elsewhere stays open; `hilum audit RUN --external COHORT` tests it.",
        )
    drops = drop(subject.predictions.part("test"), external.predictions, subject.rng("external"))
    name = _figure(drops, external.predictions)
    reading, reason = rules.transported(drops, name)
    return Answer(
        reading=reading,
        claim=_claim(external, drops[name], _title(name, subject.classes)),
        meaning=_MEANINGS[reading],
        reason=reason,
        measure=f"Drop of {_title(name, subject.classes)} in another hospital",
        figure=drops[name].difference,
        details={
            "external": external.name,
            "metric": name,
            "metrics": {key: asdict(one) for key, one in drops.items()},
            "false_alarms": _record(false_alarms(external.predictions)),
            "by_source": answers_by_source(external.predictions).to_dict("records"),
        },
        pictures=(_bars(external, drops, subject.classes), _grid(external.predictions)),
    )


def _figure(drops: Drops, external: Predictions) -> str:
    """Name the metric that tells most: an AUC where there are labels to tell apart."""
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
    """Say a metric's name in words."""
    keys = {metric.key(label): (metric, label) for metric in METRICS.values() for label in classes}
    metric, label = keys[name] if name in keys else (METRICS[name], None)
    return metric.title if label is None else f"{metric.title} for {label}"


def _claim(external: External, found: Drop, title: str) -> str:
    alarms = false_alarms(external.predictions)
    if "AUC" not in title and alarms.share.n:
        return f"{_alarm_sentence(alarms)}."
    here, there = found.internal.value, found.external.value
    title = title if "AUC" in title else title.lower()
    text = (
        f"On images of another hospital its {title} is {there:.2f}, against {here:.2f} on its own test images"
    )
    return f"{text}. {_alarm_sentence(alarms)}." if alarms.share.n else f"{text}."


def _alarm_sentence(alarms: FalseAlarms) -> str:
    return (
        f"Of {alarms.share.n} images of another hospital that are {alarms.label}"
        f" it calls {alarms.count} {alarms.called or 'something else'} ({alarms.share.value:.1%})"
    )


def _record(alarms: FalseAlarms) -> dict[str, Any]:
    values = asdict(alarms)
    share = values.pop("share")
    return values | {**share, "share": share["value"]}


def _grid(external: Predictions) -> Grid:
    table = answers_by_source(external).rename(columns={"n": "images"})
    hidden = "" if external.positive is None else f"mean probability of {external.classes[0]}"
    shown = [str(name) for name in table if name != hidden]
    rows = ((_text(row[name]) for name in shown) for row in table.to_dict("records"))
    return Grid("Predictions by source", tuple(shown), tuple(map(tuple, rows)))


def _text(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _bars(external: External, drops: Drops, classes: tuple[str, ...]) -> Bars:
    names = [name for name in _SHOWN if not np.isnan(drops[name].external.value)]
    if not names or set(names) == {"accuracy"}:
        names = [_figure(drops, external.predictions), *names]
    bars = [
        Bar.of(f"{_title(name, classes)}, {where}", estimate)
        for name in names
        for where, estimate in _sides(external, drops[name])
    ]
    return Bars("On its own test images, and elsewhere", "value", tuple(bars))


def _sides(external: External, found: Drop) -> tuple[tuple[str, Estimate], ...]:
    return ("own test", found.internal), (external.name, found.external)


PROBE = Probe(
    name="external",
    title="Another hospital",
    question="Does it hold in another hospital?",
    source="Zech et al., PLoS Medicine 15 (2018) e1002683;"
    " DeGrave et al., Nature Machine Intelligence 3 (2021)",
    ask=ask,
)
