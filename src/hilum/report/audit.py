"""What the report shows of an audit: the verdict, its decisive figures, and every probe."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hilum.audit import CHANCE, Answer, Asked, Audit, Bars, Example, Examples, Grid, Picture, Reading
from hilum.report import format as fmt
from hilum.report.figures.audit import file_name
from hilum.report.gallery import Pixels, data_uri, jpeg
from hilum.report.remains import Chart, is_whole, strips
from hilum.report.tables import Cell

__all__ = ["MEANINGS", "WORDS", "Film", "Finding", "Panel", "Sign", "figure_cell", "findings", "tally"]

WORDS = {Reading.SOUND: "Sound so far", Reading.DOUBTFUL: "Doubtful", Reading.BROKEN: "Broken"}
"""The verdict in a word or three, which claim no more than was tested."""

MEANINGS = {
    Reading.BROKEN: "the result does not mean what it seems to mean",
    Reading.DOUBTFUL: "something speaks against the result",
    Reading.SOUND: "looked, with enough images to see, and found nothing",
    Reading.CANNOT_TELL: "the data do not allow the question, or are too few",
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
    return Film(source, example.caption, name, bool(example.alteration or example.middle_of))


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
