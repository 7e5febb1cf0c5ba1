"""All sources, by name."""

from __future__ import annotations

from hilum.cohort.sources.cohen import COHEN
from hilum.cohort.sources.darkcovidnet import DARKCOVIDNET
from hilum.cohort.sources.folder import FOLDER
from hilum.cohort.sources.kermany import KERMANY
from hilum.cohort.sources.phantom import PHANTOM
from hilum.cohort.sources.source import Source
from hilum.cohort.sources.table import TABLE
from hilum.errors import SourceError, closest

__all__ = ["SOURCES", "source"]


SOURCES: dict[str, Source] = {one.name: one for one in (COHEN, KERMANY, DARKCOVIDNET, FOLDER, TABLE, PHANTOM)}


def source(name: str) -> Source:
    """Find a source by name.

    Raises
    ------
    SourceError
        If there is none of that name.
    """
    try:
        return SOURCES[name]
    except KeyError:
        raise SourceError(
            f"there is no source {name!r}", expected=", ".join(SOURCES), remedy=closest(name, SOURCES)
        ) from None
