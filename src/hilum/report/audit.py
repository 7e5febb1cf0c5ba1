"""What the report shows of an audit: the verdict, its decisive figures, and every probe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hilum.audit import Answer, Asked, Audit, Example, Examples, Grid, Picture, Reading
from hilum.report import format as fmt
from hilum.report.figures.audit import file_name
from hilum.report.gallery import Pixels, data_uri, jpeg
from hilum.report.tables import Cell

__all__ = ["MEANINGS", "WORDS", "Film", "Finding", "Panel", "figure_cell", "findings", "tally"]

WORDS = {Reading.SOUND: "Sound so far", Reading.DOUBTFUL: "Doubtful", Reading.BROKEN: "Broken"}
"""The verdict in a word or three, which claim no more than was tested."""

MEANINGS = {
    Reading.BROKEN: "the result does not mean what it seems to mean",
    Reading.DOUBTFUL: "something speaks against the result",
    Reading.SOUND: "looked, with enough images to see, and found nothing",
    Reading.CANNOT_TELL: "the data do not allow the question, or are too few",
}

EXAMPLE_PX = 160


@dataclass(frozen=True)
class Film:
    """An image beside others: its source is empty where it has no picture."""

    source: str
    caption: str
    name: str


@dataclass(frozen=True)
class Panel:
    """A picture as the page shows it: a drawn figure, rows of images or a table; the others are empty."""

    title: str
    figure: str = ""
    films: tuple[tuple[Film, ...], ...] = ()
    grid: Grid | None = None


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
    def sign(self) -> Panel | None:
        """The picture for its card: images that can be shown, or else a figure."""
        seen = (panel for panel in self.panels if panel.films and any(film.source for film in panel.films[0]))
        return next(seen, next((panel for panel in self.panels if panel.figure), None))


def findings(
    audit: Audit, figures: Mapping[str, bytes], examples: Mapping[Example, Pixels]
) -> dict[str, Finding]:
    """All probes by name, the gravest first, otherwise as they were asked.

    Parameters
    ----------
    audit : Audit
    figures : mapping of str to bytes
        PNG of its drawn pictures, as `hilum.report.figures.audit.drawn` names them.
    examples : mapping of Example to ndarray of uint8
    """
    found = {}
    for name, asked in sorted(audit.asked.items(), key=lambda item: -item[1].answer.reading.gravity):
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
    return Film(source, example.caption, name)


def figure_cell(answer: Answer) -> Cell:
    """A probe's figure; one that it has not says why."""
    figure = answer.figure
    n = f"n = {fmt.count(figure.n)}" if figure.n else ""
    if not math.isfinite(figure.value):
        return Cell(fmt.MISSING, n=n, reason=answer.reason)
    bounds = fmt.scaled_interval(answer.scale, figure)
    shown = "no interval" if bounds == fmt.MISSING else f"95{fmt.THIN}% interval {bounds}"
    return Cell(fmt.scaled(answer.scale, figure.value), shown, n)


def tally(audit: Audit) -> dict[Reading, int]:
    """How many probes are read so, the gravest reading first."""
    counts = Counter(answer.reading for answer in audit.answers.values())
    return dict(sorted(counts.items(), key=lambda item: -item[0].gravity))
