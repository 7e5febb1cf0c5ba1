"""Where images come from: one file per collection, registered here.

To add a source, write a file with a `Source` like those beside this one, and add it to `SOURCES`.
"""

from __future__ import annotations

from hilum.cohort.sources.cohen import COHEN
from hilum.cohort.sources.darkcovidnet import DARKCOVIDNET
from hilum.cohort.sources.folder import FOLDER
from hilum.cohort.sources.kermany import KERMANY
from hilum.cohort.sources.phantom import PHANTOM
from hilum.cohort.sources.source import Archive, Source
from hilum.cohort.sources.table import TABLE
from hilum.errors import SourceError, closest

__all__ = ["SOURCES", "Archive", "Source", "source"]

SOURCES: dict[str, Source] = {
    entry.name: entry
    for entry in (
        COHEN,
        KERMANY,
        DARKCOVIDNET,
        FOLDER,
        TABLE,
        PHANTOM,
    )
}


def source(name: str) -> Source:
    """Return the source of this name; raise `SourceError` if there is none."""
    try:
        return SOURCES[name]
    except KeyError:
        raise SourceError(
            f"there is no source {name!r}", expected=", ".join(SOURCES), remedy=closest(name, SOURCES)
        ) from None
