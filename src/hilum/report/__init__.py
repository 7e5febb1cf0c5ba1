"""What a run shows people: figures, a gallery and one page; nothing here computes a result."""

from __future__ import annotations

from hilum.report.content import BackboneFacts, Content, Environment
from hilum.report.figures import FIGURES, FigureSpec, figures_of
from hilum.report.gallery import shown
from hilum.report.page import render, write

__all__ = [
    "FIGURES",
    "BackboneFacts",
    "Content",
    "Environment",
    "FigureSpec",
    "figures_of",
    "render",
    "shown",
    "write",
]
