"""The report as one HTML file that needs nothing beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined

from hilum.evaluate import Estimate
from hilum.report import audit, practice, remains, tables, words
from hilum.report import format as fmt
from hilum.report.content import Content
from hilum.report.figures import Section, plates_of
from hilum.report.gallery import Tile, choice, data_uri, jpeg, tiles

__all__ = ["Headline", "headline", "render"]

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
class Picture:
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
            findings=words.findings(content),
            independence=words.independence(content),
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
            summary=words.summary_counts(content.cohort, len(content.exclusions)),
            design=words.design(content),
            glossary=words.glossary(content),
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
    found = audit.findings(content.audit, figures, content.examples)
    return {
        "verdict": verdict,
        "verdict_word": audit.WORDS[verdict.reading],
        "decisive": [found[name] for name in verdict.decisive if name in found],
        "left": remains.chart(content.audit, content.examples),
        "left_title": remains.TITLE,
        "left_caption": remains.CAPTION,
        "probes": list(found.values()),
        "tally": audit.tally(content.audit),
        "meanings": audit.MEANINGS,
    }


def _practice(content: Content, figures: Mapping[str, bytes]) -> dict[str, Any]:
    """What the page says of other thresholds and other places."""
    return {
        "alarms": practice.alarms(content),
        "probabilities": practice.probabilities(content),
        "points": practice.points_table(content),
        "threshold_notes": practice.notes(content),
        "practice_figures": _figures(content, figures, Section.PRACTICE),
    }


def _figures(content: Content, figures: Mapping[str, bytes], section: Section) -> list[Picture]:
    return [
        Picture(data_uri("image/png", figures[plate.name]), plate.title, plate.caption)
        for plate in plates_of(content)
        if plate.name in figures and plate.section is section
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
