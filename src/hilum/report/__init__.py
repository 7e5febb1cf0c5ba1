"""The report of a classifier: figures, a gallery of test images and one HTML page. It computes no results."""

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
