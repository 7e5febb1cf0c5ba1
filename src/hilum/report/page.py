"""The report as one self-contained HTML file, and the folder of files that belong to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from hilum.auditing import CHANCE, Asked, Audit, Bars, Example, Examples, Grid, Picture, Rating
from hilum.executor import LOCAL
from hilum.files import write_bytes, write_text
from hilum.progress import SILENT, Progress
from hilum.report import audit_figures, tables
from hilum.report import text as fmt
from hilum.report.checklist import checklist
from hilum.report.content import Content, Pixels
from hilum.report.figures import Section, figures_of
from hilum.report.gallery import Tile, choice, data_uri, jpeg, tiles, write_album
from hilum.report.style import draw, png, style
from hilum.report.tables import Cell

__all__ = ["MEANINGS", "WORDS", "Film", "Finding", "Panel", "Sign", "findings", "render", "tally", "write"]

WORDS = {Rating.SOUND: "Sound so far", Rating.DOUBTFUL: "Doubtful", Rating.BROKEN: "Broken"}
"""Headings of the verdicts; none claims more than was tested."""

MEANINGS = {
    Rating.BROKEN: "the result does not measure what it claims to measure",
    Rating.DOUBTFUL: "there is evidence against the result",
    Rating.SOUND: "the probe had enough images and found nothing",
    Rating.CANNOT_TELL: "the data do not allow the question, or are too few for an answer",
}

SHOWN_WRONG = 48
"""Errors that are visible at once; the others are in a collapsed block."""
SHOWN_RIGHT = 72
MOST_EXCLUDED = 1000
"""Excluded images that the page lists by name."""
THUMBNAIL_PX = 128
EXAMPLE_PX = 160
CARD_FILMS = 3


@dataclass(frozen=True)
class Film:
    """An example image of the audit; `source` is empty if its pixels are not available."""

    source: str
    caption: str
    name: str
    altered: bool


@dataclass(frozen=True)
class Sign:
    """The small illustration of a card: images, or bars as strips."""

    films: tuple[Film, ...] = ()
    strips: audit_figures.Chart | None = None


@dataclass(frozen=True)
class Panel:
    """A picture of the audit as the page shows it: an image file, rows of examples, or a table."""

    title: str
    figure: str = ""
    films: tuple[tuple[Film, ...], ...] = ()
    grid: Grid | None = None

    @property
    def selected(self) -> tuple[Film, ...]:
        """The examples for a card: an altered image beside its original, or the first ones."""
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
    """A probe with its value as text and its pictures."""

    name: str
    asked: Asked
    cell: Cell
    panels: tuple[Panel, ...]

    @property
    def sign(self) -> Sign | None:
        """Illustration for a card: examples if there are pixels, otherwise its AUC and the whole image's."""
        films = next((panel.selected for panel in self.panels if panel.selected), ())
        if films:
            return Sign(films=films)
        bars = next((one for one in self.asked.answer.pictures if isinstance(one, Bars)), None)
        if bars is None or bars.reference != CHANCE or not bars.bars:
            return None
        parts = [bar for bar in bars.bars if not audit_figures.is_whole(bar)]
        wholes = [bar for bar in bars.bars if audit_figures.is_whole(bar)]
        return Sign(strips=audit_figures.strips(replace(bars, bars=(*parts[:1], *wholes[:1]))))


def findings(
    audit: Audit, figures: Mapping[str, bytes], examples: Mapping[Example, Pixels]
) -> dict[str, Finding]:
    """All probes by name, the most severe first; `figures` are PNG files by `audit_figures.file_name`."""
    found = {}
    for name, asked in sorted(audit.asked.items(), key=lambda item: -item[1].answer.rating.severity):
        panels = (
            _panel(picture, figures.get(audit_figures.file_name(name, place), b""), examples)
            for place, picture in enumerate(asked.answer.pictures, start=1)
        )
        found[name] = Finding(name, asked, tables.answer_cell(asked.answer), tuple(panels))
    return found


def _panel(picture: Picture, image: bytes, examples: Mapping[Example, Pixels]) -> Panel:
    if isinstance(picture, Grid):
        return Panel(picture.title, grid=picture)
    if isinstance(picture, Examples):
        rows = (tuple(_film(example, examples.get(example)) for example in row) for row in picture.rows)
        return Panel(picture.title, films=tuple(rows))
    return Panel(picture.title, figure=data_uri("image/png", image) if image else "")


def _film(example: Example, pixels: Pixels | None) -> Film:
    name = example.image.replace("\\", "/").rsplit("/", 1)[-1]
    source = "" if pixels is None else data_uri("image/jpeg", jpeg(pixels, EXAMPLE_PX))
    return Film(source, example.caption, name, bool(example.ablation or example.lungs_of))


def tally(audit: Audit) -> dict[Rating, int]:
    """Number of probes with each rating, the most severe first."""
    counts = Counter(answer.rating for answer in audit.answers.values())
    return dict(sorted(counts.items(), key=lambda item: -item[0].severity))


@dataclass(frozen=True)
class PagePicture:
    """A figure as the page shows it."""

    source: str
    title: str
    text: str = ""


def render(content: Content, figures: Mapping[str, bytes]) -> str:
    """Make the page; `figures` are PNG files by name, and a figure without one is left out."""
    album = tiles(content)
    page = _templates().get_template("report.html")
    return page.render(
        content=content,
        recipe=content.recipe,
        headline=tables.headline(content),
        **_audited(content, figures),
        predictive_value=tables.predictive_value(content),
        calibration_sentences=tables.calibration_sentences(content),
        points=tables.points_table(content),
        threshold_notes=tables.threshold_notes(content),
        practice_figures=_figures(content, figures, Section.PRACTICE),
        published=tables.published_rows(content),
        findings=fmt.findings(content),
        independence=fmt.independence(content),
        omissions=fmt.omissions(content),
        metrics=tables.metric_rows(content),
        class_table=tables.class_table(content),
        part_table=tables.part_table(content),
        figures=_figures(content, figures, Section.FIGURES),
        wrong=[tile for tile in album if not tile.right],
        right=[tile for tile in album if tile.right],
        choice=choice(content.errors, content.confusion.n - content.errors),
        shown_wrong=SHOWN_WRONG,
        shown_right=SHOWN_RIGHT,
        source_table=tables.counts_by_source(content.cohort, content.classes),
        counts_table=tables.counts_by_part(content),
        exclusions=tables.exclusion_counts(content.exclusions),
        excluded=content.exclusions.head(MOST_EXCLUDED).to_dict("records"),
        summary=fmt.summary_counts(content.cohort, len(content.exclusions)),
        design=fmt.design(content),
        glossary=fmt.glossary(content),
    )


def _audited(content: Content, figures: Mapping[str, bytes]) -> dict[str, Any]:
    if content.audit is None:
        return {"verdict": None}
    verdict = content.audit.verdict
    found = findings(content.audit, figures, content.examples)
    return {
        "verdict": verdict,
        "verdict_word": WORDS[verdict.rating],
        "decisive": [found[name] for name in verdict.decisive if name in found],
        "ablation": audit_figures.ablation_chart(content.audit, content.examples),
        "ablation_title": audit_figures.ABLATION_TITLE,
        "ablation_caption": audit_figures.ABLATION_CAPTION,
        "probes": list(found.values()),
        "tally": tally(content.audit),
        "meanings": MEANINGS,
    }


def _figures(content: Content, figures: Mapping[str, bytes], section: Section) -> list[PagePicture]:
    return [
        PagePicture(data_uri("image/png", figures[spec.name]), spec.title, spec.caption)
        for spec in figures_of(content)
        if spec.name in figures and spec.section is section
    ]


def _thumbnail(tile: Tile) -> str:
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

    Each file is written whole or not at all, the page last, and equal content gives equal bytes. `folder` is
    created if necessary.
    """
    drawings = [(spec.name, partial(spec.draw, content)) for spec in figures_of(content)]
    drawings += [
        (name, partial(audit_figures.draw_picture, picture))
        for name, picture in audit_figures.drawn_pictures(content.audit)
    ]
    with style():
        tracked = progress.track(drawings, what="Drawing figures", total=len(drawings))
        images = (draw(drawing()) for _, drawing in tracked)
        names = [name for name, _ in drawings]
        figures = dict(
            zip(names, LOCAL.map(png, images), strict=True)
        )  # encoded in threads while others are drawn
        write_album(content, folder / "figures" / "predictions.pdf", progress)
    for name, data in figures.items():
        write_bytes(folder / "figures" / f"{name}.png", data)
    write_text(folder / "checklist.md", checklist(content))
    write_text(folder / "report.html", render(content, figures))
