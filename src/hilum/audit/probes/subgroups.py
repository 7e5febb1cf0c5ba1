"""Whether every group of patients gets the same sensitivity and specificity."""

from __future__ import annotations

from collections.abc import Sequence

from hilum.audit.answer import Answer, cannot_tell
from hilum.audit.picture import Grid, Scale
from hilum.audit.probe import Probe
from hilum.audit.reading import Reading
from hilum.audit.rules import Ruling, unequal
from hilum.audit.subject import Subject
from hilum.evaluate import Estimate, Predictions, newcombe, wilson
from hilum.evaluate.subgroup import FEWEST, Subgroup, subgroups

__all__ = ["PROBE"]

_FACTS = ("source", "view", "sex", "age")
_SHOWN = 12


def ask(subject: Subject) -> Answer:
    """Compare each group of the test images with the others; the gravest difference decides."""
    predictions = subject.predictions.part("test")
    facts = subject.table.set_index("image")[[name for name in _FACTS if name in subject.table]]
    tested = [group for group in subgroups(predictions, facts, subject.rng("subgroups")) if not group.too_few]
    if not tested:
        return cannot_tell(
            f"no group and its opposite hold {FEWEST} test images of one label each",
            "Whether some patients are served worse stays open.",
        )
    gaps = [_gap(group, predictions) for group in tested]
    rulings = [unequal(gap, group.corrected) for gap, group in zip(gaps, tested, strict=True)]
    order = sorted(range(len(tested)), key=lambda at: (-rulings[at][0].gravity, -gaps[at].value))
    worst = order[0]
    claim, meaning = _words(tested, tested[worst], rulings[worst])
    return Answer(
        reading=rulings[worst][0],
        claim=claim,
        meaning=meaning,
        reason=rulings[worst][1],
        measure=f"Gap in {_metric(tested[worst])}, {_group(tested[worst])} against the others",
        figure=gaps[worst],
        scale=Scale.SHARE,
        details={"groups": [_details(tested[at], gaps[at]) for at in order]},
        pictures=(_grid([tested[at] for at in order[:_SHOWN]]),),
    )


def _gap(group: Subgroup, predictions: Predictions) -> Estimate:
    """The distance between the two proportions, with Newcombe's interval of their Wilson intervals.

    Patients count as trials, since images of one patient are alike (Newcombe 1998, Stat. Med. 17, 873-890,
    method 10). Both together are about `n` images.
    """
    high, low = sorted((group.figure, group.others), key=lambda one: -one.value)
    share = len(set(predictions.patients)) / len(set(predictions.images))
    wide, narrow = (
        Estimate.around(one.value, wilson(one.value * one.n * share, one.n * share), one.n)
        for one in (high, low)
    )
    return newcombe(wide, narrow)


def _group(group: Subgroup) -> str:
    return f"{group.column} {group.value}"


def _metric(group: Subgroup) -> str:
    return group.metric.replace("_", " of ", 1)


def _words(tested: Sequence[Subgroup], worst: Subgroup, ruling: Ruling) -> tuple[str, str]:
    if ruling[0] is Reading.SOUND:
        columns = ", ".join(dict.fromkeys(group.column for group in tested))
        return (
            f"In {len(tested)} comparisons by {columns} none was found to differ more than chance explains.",
            "Groups with few test images were not compared, and small differences would not show.",
        )
    return (
        f"{_metric(worst).capitalize()} is {worst.figure.value:.0%} for {_group(worst)} "
        f"and {worst.others.value:.0%} for the others.",
        "The figures of the whole are not what every group of patients gets.",
    )


def _details(group: Subgroup, gap: Estimate) -> dict[str, str | float | int]:
    return {
        "column": group.column,
        "value": group.value,
        "metric": group.metric,
        "figure": group.figure.value,
        "n": group.figure.n,
        "others": group.others.value,
        "others_n": group.others.n,
        "gap": gap.value,
        "p": group.corrected,
    }


def _grid(groups: Sequence[Subgroup]) -> Grid:
    rows = tuple(
        (
            _group(group),
            _metric(group),
            f"{group.figure.value:.0%} of {group.figure.n}",
            f"{group.others.value:.0%} of {group.others.n}",
            "under 0.001" if group.corrected < 0.001 else f"{group.corrected:.3f}",
        )
        for group in groups
    )
    columns = ("Group", "Metric", "In the group", "Others", "p, corrected")
    return Grid("Groups of test images, the widest gaps first", columns, rows)


PROBE = Probe(
    name="subgroups",
    title="Subgroups",
    question="Does every group of patients get the same?",
    source="Seyyed-Kalantari et al. 2021, doi:10.1038/s41591-021-01595-0",
    ask=ask,
)
