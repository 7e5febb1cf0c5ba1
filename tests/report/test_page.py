from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from hilum.auditing import (
    Answer,
    Asked,
    Audit,
    Bar,
    Bars,
    Example,
    Examples,
    Grid,
    Rating,
    Scale,
    Verdict,
    cannot_tell,
)
from hilum.metrics import Estimate, Predictions, confusion
from hilum.report import figures_of, write
from hilum.report.audit_figures import drawn_pictures
from hilum.report.page import MEANINGS, WORDS, findings, render, tally
from hilum.report.tables import answer_cell, headline

VOID = {"meta", "img", "br", "hr", "link", "input"}
NASTY = "<script>alert('x')</script> & 肺炎 $x_1$"
PIXEL = b"\x89PNG\r\n\x1a\n"


class Reader(HTMLParser):
    """Checks that tags balance, and gathers what a page holds."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"style", "script"} & set(self.open):
            self.text.append(data)

    @property
    def prose(self) -> str:
        return " ".join(" ".join(self.text).split()).replace("\u202f", " ")


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    return reader


@pytest.fixture(scope="session")
def page(content) -> Reader:
    return read(render(content, {"confusion": PIXEL, "cohort": PIXEL}))


def test_tags_balance_and_attributes_are_sound(page):
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert links
    assert {link.removeprefix("#") for link in links} - {"checklist.md"} <= set(ids)
    assert [tag for tag, _ in page.tags].count("h1") == 1


def test_the_page_needs_nothing_beside_it(page):
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    sources = [attributes["src"] for _, attributes in page.tags if "src" in attributes]
    assert all(source.startswith(("data:image/png;base64,", "data:image/jpeg;base64,")) for source in sources)


def test_every_image_says_what_it_shows(page):
    assert all(attributes.get("alt") for tag, attributes in page.tags if tag == "img")


def test_no_number_is_nan_and_no_value_is_none(page):
    assert not re.search(r"\b(nan|inf|None|NaT|<NA>)\b", page.prose)


def test_no_patient_is_named(content):
    html = render(content, {})
    assert "secret-patient" not in html
    assert content.predictions.table["patient"].str.startswith("secret-patient").all()


def test_the_result_stands_before_what_went_in(two_class):
    prose = read(render(two_class, {})).prose
    place = 0
    for text in (
        "COVID-19 or normal, as in the tutorial of 2020",
        "Research, not diagnosis.",
        "54 of 55 test images correct: accuracy 98.2 % (95 % CI 90.4–99.7 %)",
        "Comparison with published results",
        "Limitations",
        "23 patients have images in both",
        "Metrics on the test images",
        "All parts of the data",
        "Figures",
        "Errors, most confident first",
        "Correct predictions, least confident first",
        "Data and methods",
        "Excluded images",
        "Recipe",
        "Glossary",
    ):
        assert text in prose[place:]
        place = prose.index(text, place)


def test_every_test_image_is_shown_with_both_labels(content):
    page = read(render(content, {}))
    tiles = [
        attributes
        for tag, attributes in page.tags
        if tag == "li" and "tile" in (attributes.get("class") or "")
    ]
    assert len(tiles) == content.confusion.n
    wrong = content.confusion.n - int(content.confusion.counts.trace())
    assert [tile["class"] for tile in tiles] == ["tile wrong"] * wrong + ["tile right"] * (len(tiles) - wrong)
    assert page.prose.count("✗ error") == wrong


def test_many_correct_images_are_collapsed(two_class, three_class):
    assert "1,063 correct images" in read(render(three_class, {})).prose
    assert "correct images" not in read(render(two_class, {})).prose


def test_figures_are_shown_in_the_order_of_the_registry(two_class):
    page = read(render(two_class, {"sizes": PIXEL, "roc": PIXEL}))
    assert [a["alt"] for tag, a in page.tags if tag == "img" and "image/png" in a["src"]] == [
        "ROC curve",
        "Image sizes",
    ]


def test_synthetic_images_and_random_weights_are_announced(two_class, degenerate):
    loud, quiet = read(render(degenerate, {})).prose, read(render(two_class, {})).prose
    assert "Synthetic images." in loud
    assert "Random weights." in loud
    assert "Synthetic images." not in quiet
    assert "Random weights." not in quiet


def test_names_are_escaped(degenerate):
    html = render(degenerate, {})
    assert "<script>" not in html
    assert "<i>unreadable" not in html
    assert "&lt;script&gt;alert" in html


def test_all_exclusions_are_listed_with_their_reasons(two_class):
    page = read(render(two_class, {}))
    assert "127 excluded images" in page.prose
    assert "images/cut.jpg unreadable : cut short after 8 rows" in page.prose.replace(":", " :").replace(
        "  ", " "
    )


def test_of_many_exclusions_the_first_are_listed_and_all_counted(two_class, monkeypatch):
    monkeypatch.setattr("hilum.report.page.MOST_EXCLUDED", 10)
    prose = read(render(two_class, {})).prose
    assert "127 excluded images" in prose
    assert "The first 10;" in prose
    assert "images/cut.jpg" not in prose


def test_a_gallery_that_shows_some_counts_all(three_class, monkeypatch):
    monkeypatch.setattr("hilum.report.gallery.MOST", 20)
    html = render(three_class, {})
    prose = read(html).prose
    assert html.count('class="tile') == 40
    assert "1,124 test images: 61 errors, 1,063 correct. Shown: the 20 most confident errors" in prose


def test_without_test_images_nothing_is_claimed(degenerate):
    table = degenerate.predictions.table
    none = Predictions(table[table["split"] == "train"], degenerate.classes)
    content = replace(degenerate, predictions=none, confusion=confusion(none.part("test")))
    assert "No test images" in read(render(content, {})).prose


def test_the_headline_gives_each_class_and_a_constant_answer(two_class):
    shown = headline(two_class)
    assert shown.result == "54 of 55 test images correct"
    assert [sentence.replace("\u202f", " ") for sentence in shown.details] == [
        "Normal: 22 of 22 images correct.",
        "COVID-19: 32 of 33 images correct.",
        "For comparison: predicting COVID-19 for every image gives an accuracy of 60.0 %.",
    ]


def places(prose: str, *texts: str) -> list[int]:
    found = [prose.find(text) for text in texts]
    assert -1 not in found, dict(zip(texts, found, strict=True))
    return found


def test_the_verdict_is_the_first_thing_and_the_probes_follow_the_result(audited):
    prose = read(render(audited, {})).prose
    assert places(
        prose,
        "54 of 55 test images correct. Can this result be believed? Broken This result is not what it seems.",
        "With the lung region blacked out, a probe model still reaches AUC 0.987.",
        "Can the label be predicted without the lungs? 0.987 AUC from images without lungs; 95 % CI"
        " 0.973–0.997; n = 275",
        "80.0 % Swaps that follow the surroundings; 95 % CI 74.1–84.9 %; n = 200",
        "Performance after ablation",
        "whole image unchanged 0.994 0.986–0.999",
        "histogram only what is left",
        "54 of 55 test images correct: accuracy 98.2 %",
        "12 probes: 5 broken, 4 doubtful, 1 sound, 2 cannot tell.",
        "Limitations Of these data",
    ) == sorted(places(
        prose,
        "54 of 55 test images correct. Can this result be believed?", "With the lung region",
        "Can the label be predicted without", "80.0 % Swaps", "Performance after", "whole image unchanged",
        "histogram only what is left",
        "54 of 55 test images correct: accuracy 98.2 %", "12 probes: 5 broken", "Limitations Of these data",
    ))  # fmt: skip


def test_every_probe_tells_its_claim_meaning_reason_and_source(audited):
    page = read(render(audited, {}))
    rows = [a for tag, a in page.tags if tag == "details" and (a.get("class") or "").startswith("probe ")]
    assert [row["class"].split()[-1] for row in rows] == (
        ["broken"] * 5 + ["doubtful"] * 4 + ["sound"] + ["cannot-tell"] * 2
    )
    for asked in audited.audit.asked.values():
        answer = asked.answer
        texts = (
            asked.title,
            asked.question,
            answer.claim,
            answer.meaning,
            f"{answer.reason}. Method: {asked.source}.",
        )
        places(page.prose, *texts)


def test_every_kind_of_picture_of_the_audit_is_shown(audited):
    figures = {name: PIXEL for name, _ in drawn_pictures(audited.audit)}
    page = read(render(audited, figures))
    shown = [a["alt"] for tag, a in page.tags if tag == "img"]
    for title in (
        "The border, against the whole image",
        "Accuracy on 200 random splits",
        "Reliability",
    ):
        assert title in shown
    assert "surroundings from COVID-19" in shown
    places(
        page.prose, "Swapped", "Images per label and source Source COVID-19 Normal cohen 175 0 kermany 0 100"
    )


def test_an_example_without_pixels_is_named(audited):
    assert "(no picture)" in read(render(audited, {})).prose
    assert read(render(replace(audited, examples={}), {})).prose.count("a.jpeg (no picture)") == 8


@pytest.mark.parametrize(
    ("rating", "word"),
    [(Rating.SOUND, "Sound so far"), (Rating.DOUBTFUL, "Doubtful"), (Rating.BROKEN, "Broken")],
)
def test_each_verdict_has_its_word_and_its_shape(audited, rating, word):
    audit = replace(audited.audit, verdict=Verdict(rating, "A sentence of its own.", ()))
    page = read(render(replace(audited, audit=audit), {}))
    assert f"Can this result be believed? {word} A sentence of its own." in page.prose
    assert f"verdict {rating}" in [a.get("class") for tag, a in page.tags if tag == "section"]
    assert next(tag for tag, _ in page.tags if tag in {"svg", "table"}) == "svg"
    assert "card" not in [a.get("class") for _, a in page.tags]


def test_an_audit_without_probes_still_gives_its_verdict(audited):
    audit = Audit(Verdict(Rating.DOUBTFUL, "Too few to tell.", ("lungs_removed",)), {})
    prose = read(render(replace(audited, audit=audit), {})).prose
    assert "Doubtful Too few to tell." in prose
    assert "Performance after ablation" not in prose


def test_a_run_without_audit_says_so(two_class):
    prose = read(render(two_class, {})).prose
    assert "Not audited." in prose
    assert "Performance after ablation" not in prose
    assert "erdict" not in prose


def test_names_in_an_audit_are_escaped_and_figures_that_are_missing_are_not_nan(degenerate):
    nothing = Estimate(float("nan"), float("nan"), float("nan"), 0)
    answer = Answer(
        Rating.BROKEN, NASTY, NASTY, NASTY, NASTY, nothing,
        pictures=(
            Grid(NASTY, (NASTY,), ((NASTY,),)), Examples(NASTY, ((Example(NASTY, NASTY),),)),
            Bars(NASTY, NASTY, (Bar(NASTY, *[float("nan")] * 3, 0),)),
        ),
    )  # fmt: skip
    asked = {"lungs_removed": Asked(NASTY, NASTY, NASTY, answer)}
    audit = Audit(Verdict(Rating.BROKEN, NASTY, ("lungs_removed",)), asked)
    html = render(replace(degenerate, audit=audit), {"audit_lungs_removed_3": PIXEL})
    assert "<script>" not in html
    assert not re.search(r"\b(nan|None)\b", read(html).prose)


def test_three_classes_have_an_audit_too(three_class, audited):
    page = read(render(replace(three_class, audit=audited.audit), {}))
    assert "Broken" in page.prose


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
            ("0.987", "95 % CI 0.973–0.997", "n = 1,275"),
        ),
        (Estimate(0.8, 0.741, 0.849, 200), Scale.SHARE, ("80.0 %", "95 % CI 74.1–84.9 %", "n = 200")),
        (Estimate(-0.1, -0.2, 0.05, 9), Scale.AREA, ("−0.100", "95 % CI −0.200 to 0.050", "n = 9")),
        (Estimate(3, np.nan, np.nan, 9), Scale.NUMBER, ("3", "no interval", "n = 9")),
        (Estimate(np.nan, np.nan, np.nan, 0), Scale.AREA, ("–", "", "")),
    ],
)
def test_a_figure_is_written_with_its_unit_interval_and_n(figure, scale, shown):
    cell = answer_cell(answer(figure, scale))
    assert tuple(text.replace("\u202f", " ") for text in (cell.value, cell.interval, cell.n)) == shown


def test_a_figure_that_is_missing_says_why():
    assert answer_cell(cannot_tell("no other hospital was given")).reason == "no other hospital was given"
    assert answer_cell(answer(Estimate(0.5, 0.4, 0.6, 9))).reason == ""


def test_the_most_severe_come_first_in_the_order_they_were_asked(audited):
    found = findings(audited.audit, {}, {})
    assert set(found) == set(audited.audit.asked)
    assert list(found)[:5] == ["source", "header", "border", "lungs_removed", "region_swap"]
    severity = [one.asked.answer.rating.severity for one in found.values()]
    assert severity == sorted(severity, reverse=True)


def test_ratings_are_counted_the_most_severe_first(audited):
    assert list(tally(audited.audit).items()) == [
        (Rating.BROKEN, 5),
        (Rating.DOUBTFUL, 4),
        (Rating.SOUND, 1),
        (Rating.CANNOT_TELL, 2),
    ]


def test_every_rating_has_its_meaning_and_every_verdict_its_word():
    assert set(MEANINGS) == set(Rating)
    assert set(WORDS) == set(Rating) - {Rating.CANNOT_TELL}


def test_a_figure_belongs_to_its_place_among_the_pictures(audited):
    (bars, _) = findings(audited.audit, {"audit_border_1": b"hilum"}, {})["border"].panels
    assert bars.figure == "data:image/png;base64,aGlsdW0="
    assert findings(audited.audit, {"audit_border_2": b"hilum"}, {})["border"].panels[0].figure == ""


def test_an_example_has_its_pixels_or_its_name_alone():
    known, lost = Example("a/b/seen.png", "seen"), Example("a\\gone.png", "gone", "border")
    (panel,) = findings(
        audit_with(Examples("Rows", ((known, lost),))), {}, {known: np.zeros((9, 9), np.uint8)}
    )["one"].panels
    ((seen, gone),) = panel.films
    assert seen.source.startswith("data:image/jpeg;base64,")
    assert (seen.name, gone.source, gone.name, gone.caption) == ("seen.png", "", "gone.png", "gone")


def test_a_card_shows_images_or_else_its_figure_beside_the_whole_images(audited):
    bars = audited.audit.answers["lungs_removed"].pictures[0]
    example = Example("a.png", "a")
    audit = audit_with(Grid("t", ("a",), (("1",),)), bars, Examples("Rows", ((example,),)))
    (film,) = findings(audit, {}, {example: np.zeros((9, 9), np.uint8)})["one"].sign.films
    assert film.caption == "a"
    lines = findings(audit, {}, {})["one"].sign.strips.lines
    assert [(line.title, line.value) for line in lines] == [
        ("Images without lungs", "0.987"),
        ("Whole image", "0.994"),
    ]
    assert findings(audit_with(Grid("t", ("a",), (("1",),))), {}, {})["one"].sign is None


@pytest.mark.parametrize("across", [True, False])
def test_a_card_shows_an_altered_image_beside_what_it_was(across):
    whole = tuple(Example(f"{name}.png", f"{name} whole") for name in "abc")
    left = tuple(Example(f"{name}.png", f"{name} left", "lungs_removed") for name in "abc")
    rows = (whole, left) if across else tuple(zip(whole, left, strict=True))
    pixels = dict.fromkeys(whole + left, np.zeros((9, 9), np.uint8))
    films = findings(audit_with(Examples("Rows", rows)), {}, pixels)["one"].sign.films
    assert [film.caption for film in films] == ["a whole", "a left"]


def test_pixels_of_another_kind_are_refused(audited):
    example = Example("a.png", "a")
    with pytest.raises(ValueError, match=r"thumbnail of a.png: expected uint8"):
        replace(audited, examples={example: np.zeros((4, 4))})


class Listener:
    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    def track(self, items, *, what, total=None):
        for item in items:
            self.done[what] = self.done.get(what, 0) + 1
            yield item

    def say(self, message):
        raise AssertionError(message)


def files_of(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_the_page_and_its_figures(degenerate, tmp_path):
    listener = Listener()
    write(degenerate, tmp_path, listener)
    names = {spec.name for spec in figures_of(degenerate)}
    assert set(files_of(tmp_path)) == {
        "checklist.md",
        "report.html",
        "figures/predictions.pdf",
        *(f"figures/{name}.png" for name in names),
    }
    assert listener.done == {"Drawing figures": 5, "Drawing pages": 1}
    for name in names:
        with Image.open(tmp_path / "figures" / f"{name}.png") as image:
            assert min(image.size) >= 600


def test_the_same_content_gives_the_same_files(degenerate, tmp_path):
    write(degenerate, tmp_path / "a")
    write(degenerate, tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_the_page_stays_small(two_class, tmp_path):
    write(two_class, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 6e6
    assert (tmp_path / "figures" / "predictions.pdf").stat().st_size < 3e6


def test_the_audits_pictures_are_files_too(audited, tmp_path):
    write(audited, tmp_path)
    files = set(files_of(tmp_path))
    assert {"figures/audit.png", "figures/audit_splits_1.png", "figures/audit_calibration_1.png"} < files
    assert (tmp_path / "report.html").read_text().count("data:image/png") == len(
        [name for name in files if name.endswith(".png")]
    ) - 1  # performance after ablation is text on the page


def test_a_classifier_without_a_run_is_reported_without_the_missing_sections(foreign, tmp_path):
    write(foreign, tmp_path)
    page = read((tmp_path / "report.html").read_text())
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    assert {"verdict", "audit", "measures", "figures", "images", "data"} <= ids
    assert not {"published", "practice"} & ids
    assert "Evaluation of model.onnx" in page.prose
    assert "Not recorded for this classifier" in page.prose
    assert "Computing environment" not in page.prose
    assert "no other hospital's images were given" in page.prose
