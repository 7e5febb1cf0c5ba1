from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hilum.auditing import Answer, Asked, Audit, Example, Examples, Grid, Rating, Scale, Verdict, cannot_tell
from hilum.metrics import Estimate
from hilum.report.page import MEANINGS, WORDS, figure_cell, findings, tally


def answer(figure: Estimate, scale: Scale = Scale.AREA, pictures=()) -> Answer:
    return Answer(Rating.SOUND, "Claim.", "", "the rule", "what", figure, scale, pictures=pictures)


def audit_with(*pictures) -> Audit:
    found = answer(Estimate(0.5, 0.4, 0.6, 9), pictures=pictures)
    return Audit(Verdict(Rating.SOUND, "", ()), {"one": Asked("One", "?", "", found)})


@pytest.mark.parametrize(
    ("figure", "scale", "shown"),
    [
        (
            Estimate(0.987, 0.973, 0.997, 1275),
            Scale.AREA,
            ("0.987", "95 % interval 0.973–0.997", "n = 1,275"),
        ),
        (Estimate(0.8, 0.741, 0.849, 200), Scale.SHARE, ("80.0 %", "95 % interval 74.1–84.9 %", "n = 200")),
        (Estimate(-0.1, -0.2, 0.05, 9), Scale.AREA, ("−0.100", "95 % interval −0.200 to 0.050", "n = 9")),
        (Estimate(3, np.nan, np.nan, 9), Scale.NUMBER, ("3", "no interval", "n = 9")),
        (Estimate(np.nan, np.nan, np.nan, 0), Scale.AREA, ("–", "", "")),
    ],
)
def test_a_figure_is_written_with_its_unit_interval_and_n(figure, scale, shown):
    cell = figure_cell(answer(figure, scale))
    assert tuple(text.replace("\u202f", " ") for text in (cell.value, cell.interval, cell.n)) == shown


def test_a_figure_that_is_missing_says_why():
    assert figure_cell(cannot_tell("no other hospital was given")).reason == "no other hospital was given"
    assert figure_cell(answer(Estimate(0.5, 0.4, 0.6, 9))).reason == ""


def test_the_gravest_come_first_and_others_stay_as_they_were_asked(audited):
    found = findings(audited.audit, {}, {})
    assert set(found) == set(audited.audit.asked)
    assert list(found)[:5] == ["source", "header", "frame", "middle", "swap"]
    severity = [one.answer.rating.severity for one in found.values()]
    assert severity == sorted(severity, reverse=True)


def test_readings_are_counted_the_gravest_first(audited):
    assert list(tally(audited.audit).items()) == [
        (Rating.BROKEN, 5),
        (Rating.DOUBTFUL, 4),
        (Rating.SOUND, 1),
        (Rating.CANNOT_TELL, 2),
    ]


def test_every_reading_has_its_meaning_and_every_verdict_its_word():
    assert set(MEANINGS) == set(Rating)
    assert set(WORDS) == set(Rating) - {Rating.CANNOT_TELL}


def test_a_figure_belongs_to_its_place_among_the_pictures(audited):
    (bars, _) = findings(audited.audit, {"audit_frame_1": b"hilum"}, {})["frame"].panels
    assert bars.figure == "data:image/png;base64,aGlsdW0="
    assert findings(audited.audit, {"audit_frame_2": b"hilum"}, {})["frame"].panels[0].figure == ""


def test_an_example_has_its_pixels_or_its_name_alone():
    known, lost = Example("a/b/seen.png", "seen"), Example("a\\gone.png", "gone", "frame")
    (panel,) = findings(
        audit_with(Examples("Rows", ((known, lost),))), {}, {known: np.zeros((9, 9), np.uint8)}
    )["one"].panels
    ((seen, gone),) = panel.films
    assert seen.source.startswith("data:image/jpeg;base64,")
    assert (seen.name, gone.source, gone.name, gone.caption) == ("seen.png", "", "gone.png", "gone")


def test_a_card_shows_images_or_else_its_figure_beside_the_whole_images(audited):
    bars = audited.audit.answers["middle"].pictures[0]
    example = Example("a.png", "a")
    audit = audit_with(Grid("t", ("a",), (("1",),)), bars, Examples("Rows", ((example,),)))
    (film,) = findings(audit, {}, {example: np.zeros((9, 9), np.uint8)})["one"].sign.films
    assert film.caption == "a"
    lines = findings(audit, {}, {})["one"].sign.strips.lines
    assert [(line.title, line.value) for line in lines] == [
        ("Images without their middle", "0.987"),
        ("Whole image", "0.994"),
    ]
    assert findings(audit_with(Grid("t", ("a",), (("1",),))), {}, {})["one"].sign is None


@pytest.mark.parametrize("across", [True, False])
def test_a_card_shows_an_altered_image_beside_what_it_was(across):
    whole = tuple(Example(f"{name}.png", f"{name} whole") for name in "abc")
    left = tuple(Example(f"{name}.png", f"{name} left", "middle") for name in "abc")
    rows = (whole, left) if across else tuple(zip(whole, left, strict=True))
    pixels = dict.fromkeys(whole + left, np.zeros((9, 9), np.uint8))
    films = findings(audit_with(Examples("Rows", rows)), {}, pixels)["one"].sign.films
    assert [film.caption for film in films] == ["a whole", "a left"]


def test_pixels_of_another_kind_are_refused(audited):
    example = Example("a.png", "a")
    with pytest.raises(ValueError, match=r"thumbnail of a.png: expected uint8"):
        replace(audited, examples={example: np.zeros((4, 4))})
