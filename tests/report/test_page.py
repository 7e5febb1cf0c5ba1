from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from hilum.evaluate import Predictions, confusion
from hilum.report.page import headline, render

VOID = {"meta", "img", "br", "hr", "link", "input"}
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
    assert {link.removeprefix("#") for link in links} <= set(ids)
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
        "COVID-19 or normal, as the tutorial of 2020 trains it",
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


def test_the_place_of_the_verdict_is_empty_until_somebody_fills_it(two_class):
    from hilum.report.page import _templates

    child = _templates().from_string(
        '{% extends "report.html" %}{% block verdict %}<p>VERDICT</p>{% endblock %}'
    )
    assert "verdict" in child.blocks
    assert "erdict" not in render(two_class, {})
