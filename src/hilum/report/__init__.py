"""What a run shows people: figures, a gallery and one page; nothing here computes a result."""

from __future__ import annotations

from hilum.report.content import BackboneFacts, Content, Environment
from hilum.report.figures import PLATES, Plate, plates_of
from hilum.report.folder import write
from hilum.report.gallery import shown
from hilum.report.page import render

__all__ = [
    "PLATES",
    "BackboneFacts",
    "Content",
    "Environment",
    "Plate",
    "plates_of",
    "render",
    "shown",
    "write",
]
