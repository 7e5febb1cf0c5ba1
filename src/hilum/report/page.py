"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from hilum.auditing import CHANCE, Answer, Asked, Audit, Bars, Example, Examples, Grid, Picture, Rating
from hilum.files import write_bytes, write_text
from hilum.metrics import Estimate
from hilum.progress import SILENT, Progress
from hilum.report import audit_figures, tables, text
from hilum.report import text as fmt
from hilum.report.audit_figures import Chart, draw, drawn, file_name, is_whole, strips
from hilum.report.checklist import checklist
from hilum.report.content import Content
from hilum.report.figures import Section, figures_of
from hilum.report.gallery import Pixels, Tile, choice, data_uri, jpeg, tiles, write_album
from hilum.report.style import encode
from hilum.report.tables import Cell

__all__ = [
    "MEANINGS",
    "WORDS",
    "Film",
    "Finding",
    "Headline",
    "Panel",
    "Sign",
    "figure_cell",
    "findings",
    "headline",
    "render",
    "tally",
    "write",
]


WORDS = {Rating.SOUND: "Sound so far", Rating.DOUBTFUL: "Doubtful", Rating.BROKEN: "Broken"}
"""The verdict in a word or three, which claim no more than was tested."""

MEANINGS = {
    Rating.BROKEN: "the result does not mean what it seems to mean",
    Rating.DOUBTFUL: "something speaks against the result",
    Rating.SOUND: "looked, with enough images to see, and found nothing",
    Rating.CANNOT_TELL: "the data do not allow the question, or are too few",
}

EXAMPLE_PX = 160
CARD_FILMS = 3


@dataclass(frozen=True)
class Film:
    """An image beside others: its source is empty where it has no picture."""

    source: str
    caption: str
    name: str
    altered: bool


@dataclass(frozen=True)
class Sign:
    """The small picture of a card: images, or figures as strips."""

    films: tuple[Film, ...] = ()
    strips: Chart | None = None


@dataclass(frozen=True)
class Panel:
    """A picture as the page shows it: a drawn figure, rows of images or a table; the others are empty."""

    title: str
    figure: str = ""
    films: tuple[tuple[Film, ...], ...] = ()
    grid: Grid | None = None

    @property
    def telling(self) -> tuple[Film, ...]:
        """Of the images those that a card has room for: an altered one beside what it was, or the first."""
        seen = [film for row in self.films for film in row if film.source]
        altered = next((film for film in seen if film.altered), None)
        if altered is None:
            return tuple(seen[:CARD_FILMS])
        row = next(row for row in self.films if altered in row)
        if not all(film.altered for film in row):
            return tuple(film for film in row if film.source)[:CARD_FILMS]
        return (*[film for film in seen if film.name == altered.name and not film.altered][:1], altered)


@dataclass(frozen=True, eq=False)
class Finding:
    """A probe, what it found, and its pictures."""

    name: str
    asked: Asked
    cell: Cell
    panels: tuple[Panel, ...]

    @property
    def answer(self) -> Answer:
        """The probe's answer."""
        return self.asked.answer

    @property
    def sign(self) -> Sign | None:
        """The picture for its card: images that can be shown, or else its own figure beside the whole's."""
        films = next((panel.telling for panel in self.panels if panel.telling), ())
        if films:
            return Sign(films=films)
        bars = next((one for one in self.answer.pictures if isinstance(one, Bars)), None)
        if bars is None or bars.reference != CHANCE or not bars.bars:
            return None
        return Sign(strips=strips(_brief(bars)))


def _brief(bars: Bars) -> Bars:
    """What is left, which stands first, and the whole image."""
    wholes = [bar for bar in bars.bars if is_whole(bar)]
    return replace(bars, bars=(*[bar for bar in bars.bars if not is_whole(bar)][:1], *wholes[:1]))


def findings(
    audit: Audit, figures: Mapping[str, bytes], examples: Mapping[Example, Pixels]
) -> dict[str, Finding]:
    """All probes by name, the worst first, otherwise as they were asked.

    Parameters
    ----------
    audit : Audit
    figures : mapping of str to bytes
        PNG of its drawn pictures, as `hilum.report.audit_figures.drawn` names them.
    examples : mapping of Example to ndarray of uint8
    """
    found = {}
    for name, asked in sorted(audit.asked.items(), key=lambda item: -item[1].answer.rating.severity):
        panels = (
            _panel(picture, figures.get(file_name(name, place), b""), examples)
            for place, picture in enumerate(asked.answer.pictures, start=1)
        )
        found[name] = Finding(name, asked, figure_cell(asked.answer), tuple(panels))
    return found


def _panel(picture: Picture, png: bytes, examples: Mapping[Example, Pixels]) -> Panel:
    if isinstance(picture, Grid):
        return Panel(picture.title, grid=picture)
    if isinstance(picture, Examples):
        rows = (tuple(_film(example, examples.get(example)) for example in row) for row in picture.rows)
        return Panel(picture.title, films=tuple(rows))
    return Panel(picture.title, figure=data_uri("image/png", png) if png else "")


def _film(example: Example, pixels: Pixels | None) -> Film:
    name = example.image.replace("\\", "/").rsplit("/", 1)[-1]
    source = "" if pixels is None else data_uri("image/jpeg", jpeg(pixels, EXAMPLE_PX))
    return Film(source, example.caption, name, bool(example.ablation or example.lungs_of))


def figure_cell(answer: Answer) -> Cell:
    """A probe's figure; one that it has not says why."""
    figure = answer.figure
    n = f"n = {fmt.count(figure.n)}" if figure.n else ""
    if not math.isfinite(figure.value):
        return Cell(fmt.MISSING, n=n, reason=answer.reason)
    bounds = fmt.scaled_interval(answer.scale, figure)
    shown = "no interval" if bounds == fmt.MISSING else f"95{fmt.THIN}% interval {bounds}"
    return Cell(fmt.scaled(answer.scale, figure.value), shown, n)


def tally(audit: Audit) -> dict[Rating, int]:
    """How many probes are read so, the worst rating first."""
    counts = Counter(answer.rating for answer in audit.answers.values())
    return dict(sorted(counts.items(), key=lambda item: -item[0].severity))


SHOWN_WRONG = 48
"""Wrong images that a reader sees without opening anything; the others are one touch away."""
SHOWN_RIGHT = 72
MOST_LEFT_OUT = 1000
"""Images left out that the page names one by one."""
THUMBNAIL_PX = 128


@dataclass(frozen=True)
class Headline:
    """The result in plain words.

    Parameters
    ----------
    result : str
        ``"54 of 55 test images right"``.
    value, interval : str
        The share right, and its 95 % interval.
    details : tuple of str
        A sentence for each class, and what guessing would give.
    """

    result: str
    value: str
    interval: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class PagePicture:
    """A figure or thumbnail as the page shows it."""

    source: str
    title: str
    text: str = ""


def render(content: Content, figures: Mapping[str, bytes]) -> str:
    """Give the whole report as HTML.

    Parameters
    ----------
    content : Content
    figures : mapping of str to bytes
        A figure's name and its PNG.
    """
    album = tiles(content)
    wrong = [tile for tile in album if not tile.right]
    right = [tile for tile in album if tile.right]
    hits, total = int(content.confusion.counts.trace()), content.confusion.n
    return (
        _templates()
        .get_template("report.html")
        .render(
            content=content,
            recipe=content.recipe,
            headline=headline(content),
            **_audited(content, figures),
            **_practice(content, figures),
            published=tables.published_rows(content),
            findings=text.findings(content),
            independence=text.independence(content),
            metrics=tables.metric_rows(content),
            class_table=tables.class_table(content),
            part_table=tables.part_table(content),
            figures=_figures(content, figures, Section.FIGURES),
            wrong=wrong,
            right=right,
            counts={"all": total, "wrong": total - hits, "right": hits},
            choice=choice(total - hits, hits),
            shown_wrong=SHOWN_WRONG,
            shown_right=SHOWN_RIGHT,
            source_table=tables.counts_by_source(content.cohort, content.classes),
            counts_table=tables.counts_by_part(content),
            exclusions=tables.exclusion_counts(content.exclusions),
            excluded=content.exclusions.head(MOST_LEFT_OUT).to_dict("records"),
            left_out=len(content.exclusions),
            summary=text.summary_counts(content.cohort, len(content.exclusions)),
            design=text.design(content),
            glossary=text.glossary(content),
        )
    )


def headline(content: Content) -> Headline:
    """Say the result: how many test images are right, of each class, and what guessing would give."""
    counts, n = content.confusion.counts, content.confusion.n
    accuracy = content.metrics["test"].get("accuracy", _UNKNOWN)
    sums = counts.sum(axis=1)
    details = [
        f"Of {fmt.plural(int(total), name + ' image')}, {fmt.count(counts[place, place])} recognised."
        for place, (name, total) in enumerate(zip(content.classes, sums, strict=True))
    ]
    if n:
        most = int(sums.argmax())
        details.append(
            f"Always answering {content.classes[most]} would get {fmt.share(sums[most] / n)} right."
        )
    return Headline(
        f"{fmt.count(counts.trace())} of {fmt.plural(n, 'test image')} right",
        fmt.value("accuracy", accuracy.value),
        fmt.interval("accuracy", accuracy),
        tuple(details),
    )


_UNKNOWN = Estimate(float("nan"), float("nan"), float("nan"), 0)


def _audited(content: Content, figures: Mapping[str, bytes]) -> dict[str, Any]:
    """What the page says of the audit."""
    if content.audit is None:
        return {"verdict": None}
    verdict = content.audit.verdict
    found = findings(content.audit, figures, content.examples)
    return {
        "verdict": verdict,
        "verdict_word": WORDS[verdict.rating],
        "decisive": [found[name] for name in verdict.decisive if name in found],
        "left": audit_figures.chart(content.audit, content.examples),
        "left_title": audit_figures.REMAINS_TITLE,
        "left_caption": audit_figures.CAPTION,
        "probes": list(found.values()),
        "tally": tally(content.audit),
        "meanings": MEANINGS,
    }


def _practice(content: Content, figures: Mapping[str, bytes]) -> dict[str, Any]:
    """What the page says of other thresholds and other places."""
    return {
        "alarms": tables.alarms(content),
        "probabilities": tables.probabilities(content),
        "points": tables.points_table(content),
        "threshold_notes": tables.notes(content),
        "practice_figures": _figures(content, figures, Section.PRACTICE),
    }


def _figures(content: Content, figures: Mapping[str, bytes], section: Section) -> list[PagePicture]:
    return [
        PagePicture(data_uri("image/png", figures[spec.name]), spec.title, spec.caption)
        for spec in figures_of(content)
        if spec.name in figures and spec.section is section
    ]


def _thumbnail(tile: Tile) -> str:
    """Source of a test image's thumbnail; empty if there is none."""
    return "" if tile.thumbnail is None else data_uri("image/jpeg", jpeg(tile.thumbnail, THUMBNAIL_PX))


@cache
def _templates() -> Templates:
    templates = Templates(
        loader=PackageLoader("hilum.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters.update(
        count=fmt.count, plural=fmt.plural, share=fmt.share, duration=fmt.duration, thumbnail=_thumbnail
    )
    return templates


def write(content: Content, folder: Path, progress: Progress = SILENT) -> None:
    """Write ``figures/*.png``, ``figures/predictions.pdf``, ``checklist.md`` and ``report.html``.

    Each file is whole or absent, the page comes last, and the same content gives the same bytes.

    Parameters
    ----------
    content : Content
    folder : Path
        Made if it is not there.
    progress : Progress
        Hears of figures and of the gallery's pages.
    """
    drawings = [(spec.name, partial(spec.draw, content)) for spec in figures_of(content)]
    drawings += [(name, partial(draw, picture)) for name, picture in drawn(content.audit)]
    figures = {
        name: encode(drawing())
        for name, drawing in progress.track(drawings, what="Drawing figures", total=len(drawings))
    }
    for name, png in figures.items():
        write_bytes(folder / "figures" / f"{name}.png", png)
    write_album(content, folder / "figures" / "predictions.pdf", progress)
    write_text(folder / "checklist.md", checklist(content))
    write_text(folder / "report.html", render(content, figures))
