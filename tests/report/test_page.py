from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from hilum.auditing import Answer, Asked, Audit, Bar, Bars, Example, Examples, Grid, Rating, Verdict
from hilum.metrics import Estimate, Predictions, confusion
from hilum.report.audit_figures import drawn
from hilum.report.page import headline, render

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
        "54 of 55 test images right: 98.2 % (95 % interval 90.4–99.7 %)",
        "Published, and here",
        "Why to doubt it",
        "23 patients have images on both sides of the split",
        "Measures on the test images",
        "The same measures on all parts",
        "Figures",
        "Wrong, the surest first",
        "Right, the least sure first",
        "What went in",
        "Left out",
        "The whole recipe",
        "Words",
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
    assert page.prose.count("✗ wrong") == wrong


def test_many_right_images_are_folded_away(two_class, three_class):
    assert "1,063 right images" in read(render(three_class, {})).prose
    assert "right images" not in read(render(two_class, {})).prose


def test_figures_are_shown_in_the_plates_order(two_class):
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
    assert "127 images left out, one by one" in page.prose
    assert "images/cut.jpg unreadable : cut short after 8 rows" in page.prose.replace(":", " :").replace(
        "  ", " "
    )


def test_of_many_exclusions_the_first_are_listed_and_all_counted(two_class, monkeypatch):
    monkeypatch.setattr("hilum.report.page.MOST_LEFT_OUT", 10)
    prose = read(render(two_class, {})).prose
    assert "127 images left out, one by one" in prose
    assert "The first 10; all are in" in prose
    assert "images/cut.jpg" not in prose


def test_a_gallery_that_shows_some_counts_all(three_class, monkeypatch):
    monkeypatch.setattr("hilum.report.gallery.MOST", 20)
    html = render(three_class, {})
    prose = read(html).prose
    assert html.count('class="tile') == 40
    assert "1,124 test images: 61 wrong, 1,063 right. Shown: the 20 surest wrong ones" in prose


def test_without_test_images_nothing_is_claimed(degenerate):
    table = degenerate.predictions.table
    none = Predictions(table[table["split"] == "train"], degenerate.classes)
    content = replace(degenerate, predictions=none, confusion=confusion(none.part("test")))
    assert "No test images: nothing was measured" in read(render(content, {})).prose


def test_the_headline_tells_each_class_and_what_guessing_gives(two_class):
    told = headline(two_class)
    assert told.result == "54 of 55 test images right"
    assert [sentence.replace("\u202f", " ") for sentence in told.details] == [
        "Of 22 Normal images, 22 recognised.",
        "Of 33 COVID-19 images, 32 recognised.",
        "Always answering COVID-19 would get 60.0 % right.",
    ]


def places(prose: str, *texts: str) -> list[int]:
    found = [prose.find(text) for text in texts]
    assert -1 not in found, dict(zip(texts, found, strict=True))
    return found


def test_the_verdict_is_the_first_thing_and_the_probes_follow_the_result(audited):
    prose = read(render(audited, {})).prose
    assert places(
        prose,
        "54 of 55 test images right. Can this result be believed? Broken This result does not mean",
        "With the middle of every image blacked out a classifier still reaches AUC 0.987.",
        "Does the classifier need the lungs? 0.987 AUC from images without their middle; 95 % interval"
        " 0.973–0.997; n = 275",
        "80.0 % Swaps in which the frame decides; 95 % interval 74.1–84.9 %; n = 200",
        "What is left of the result when …",
        "… the whole image is there nothing taken away 0.994 0.986–0.999",
        "… only the source is left",
        "54 of 55 test images right: 98.2 %",
        "5 broken, 4 doubtful, 1 sound, 2 cannot tell of 12 questions",
        "Why to doubt it",
    ) == sorted(places(
        prose,
        "54 of 55 test images right. Can this result be believed?", "With the middle of every",
        "Does the classifier need", "80.0 % Swaps", "What is left", "… the whole image", "… only the source",
        "54 of 55 test images right: 98.2 %", "5 broken, 4 doubtful", "Why to doubt it",
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
            f"{answer.reason}. Source: {asked.source}.",
        )
        places(page.prose, *texts)


def test_every_kind_of_picture_of_the_audit_is_shown(audited):
    figures = {name: PIXEL for name, _ in drawn(audited.audit)}
    page = read(render(audited, figures))
    shown = [a["alt"] for tag, a in page.tags if tag == "img"]
    for title in (
        "The frame alone, against the whole image",
        "Accuracy on 200 random splits",
        "Said and true",
    ):
        assert title in shown
    assert "frame from COVID-19" in shown
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
    audit = Audit(Verdict(Rating.DOUBTFUL, "Too few to tell.", ("middle",)), {})
    prose = read(render(replace(audited, audit=audit), {})).prose
    assert "Doubtful Too few to tell." in prose
    assert "What is left" not in prose


def test_a_run_that_nobody_audited_says_so_quietly(two_class):
    prose = read(render(two_class, {})).prose
    assert "Nobody has asked yet whether this result can be believed: hilum audit RUN does." in prose
    assert "What is left" not in prose
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
    asked = {"middle": Asked(NASTY, NASTY, NASTY, answer)}
    audit = Audit(Verdict(Rating.BROKEN, NASTY, ("middle",)), asked)
    html = render(replace(degenerate, audit=audit), {"audit_middle_3": PIXEL})
    assert "<script>" not in html
    assert not re.search(r"\b(nan|None)\b", read(html).prose)


def test_three_classes_have_an_audit_too(three_class, audited):
    page = read(render(replace(three_class, audit=audited.audit), {}))
    assert "Broken" in page.prose
