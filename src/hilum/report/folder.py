"""The report on disk: the page, and its figures one by one."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from hilum.artifact import write_bytes, write_text
from hilum.progress import SILENT, Progress
from hilum.report.album import write_album
from hilum.report.checklist import checklist
from hilum.report.content import Content
from hilum.report.figures import plates_of
from hilum.report.figures.audit import draw, drawn
from hilum.report.page import render
from hilum.report.style import encode

__all__ = ["write"]


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
    drawings = [(plate.name, partial(plate.draw, content)) for plate in plates_of(content)]
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
