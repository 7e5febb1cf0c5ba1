from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Audit, Bars, Example, Rating, Scale, Verdict
from hilum.metrics import Estimate
from hilum.report.audit_figures import chart, remains


def without(audit: Audit, *names: str) -> Audit:
    return replace(audit, asked={name: one for name, one in audit.asked.items() if name not in names})


def changed(audit: Audit, name: str, **facts) -> Audit:
    asked = audit.asked[name]
    return replace(audit, asked=audit.asked | {name: replace(asked, answer=replace(asked.answer, **facts))})


def test_the_whole_image_comes_first_then_what_is_left_of_it(audited):
    left = remains(audited.audit)
    assert [(bar.label, bar.value) for bar in left.bars] == [
        ("the whole image is there", 0.994),
        ("the middle is blacked out", 0.987),
        ("only the rim is left", 0.968),
        ("only 8 × 8 dots are left", 0.951),
        ("only the brightness is left", 0.914),
        ("only the file's facts are left", 0.998),
        ("only the source is left", 1.0),
    ]
    assert left.reference == 0.5
    assert left.bars[1].n == 275


def test_nothing_is_left_where_no_probe_took_anything_away(audited):
    taken = ("middle", "frame", "thumbnail", "histogram", "header", "source")
    assert remains(without(audited.audit, *taken)) is None
    assert chart(without(audited.audit, *taken), {}) is None
    assert remains(Audit(Verdict(Rating.DOUBTFUL, "", ()), {})) is None


@pytest.mark.parametrize(
    "facts", [{"figure": Estimate(np.nan, np.nan, np.nan, 0)}, {"scale": Scale.SHARE}]
)  # fmt: skip
def test_a_figure_that_is_no_area_has_no_line(audited, facts):
    labels = [bar.label for bar in remains(changed(audited.audit, "frame", **facts)).bars]
    assert "only the rim is left" not in labels
    assert len(labels) == 6


def test_without_the_whole_image_only_parts_are_shown(audited):
    audit = audited.audit
    for name in audit.asked:
        kept = tuple(one for one in audit.answers[name].pictures if not isinstance(one, Bars))
        audit = changed(audit, name, pictures=kept)
    assert remains(audit).bars[0].label == "the middle is blacked out"


def test_lines_lie_where_their_figures_are(audited):
    shown = chart(audited.audit, {})
    assert shown.chance == pytest.approx(100 / 6)  # from 0.4 to 1
    middle = shown.lines[1]
    assert (middle.value, middle.interval) == ("0.987", "0.973–0.997")
    assert middle.at == pytest.approx(100 * 0.587 / 0.6)
    assert middle.low == pytest.approx(100 * 0.573 / 0.6)
    assert middle.width == pytest.approx(100 * 0.024 / 0.6)
    assert shown.marks[0] == ("0.4", 0)
    assert shown.marks[-1] == ("1.0", pytest.approx(100))
    assert [line.rating for line in shown.lines[:2]] == [None, Rating.BROKEN]


def test_the_axis_reaches_down_to_the_lowest_interval(audited):
    shown = chart(changed(audited.audit, "frame", figure=Estimate(0.35, 0.22, 0.5, 30)), {})
    assert shown.marks[0] == ("0.2", 0)
    assert min(line.low for line in shown.lines) == pytest.approx(100 * 0.02 / 0.8)


def test_one_n_is_told_once_and_several_line_by_line(audited):
    assert chart(audited.audit, {}).n == "n = 275 images"
    mixed = chart(changed(audited.audit, "frame", figure=Estimate(0.9, 0.8, 1.0, 30)), {})
    assert mixed.n == ""
    assert [line.n.replace("\u202f", " ") for line in mixed.lines][2] == "n = 30"


def test_each_line_shows_what_the_classifier_saw(audited):
    pixels = {
        Example("cohen/images/a.jpeg", "COVID-19, as it is"): np.zeros((4, 4), np.uint8),
        Example("cohen/images/a.jpeg", "COVID-19, the rim", "frame"): np.full((4, 4), 255, np.uint8),
        Example("x.png", "two", middle_of="y.png", alteration="middle"): np.zeros((4, 4), np.uint8),
    }
    films = [bool(line.film) for line in chart(audited.audit, pixels).lines]
    assert films == [True, False, True, False, False, False, False]
