"""Where images come from: one file per known collection, one registry."""

from __future__ import annotations

from hilum.cohort.sources.registry import SOURCES, source
from hilum.cohort.sources.source import Archive, Source

__all__ = ["SOURCES", "Archive", "Source", "source"]
