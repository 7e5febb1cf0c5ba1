"""The contract of a source: a known collection, and how its folder becomes a cohort."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from hilum.cohort.cohort import Cohort
from hilum.cohort.sources.listing import split_exclusions
from hilum.errors import CohortError, SourceError, closest
from hilum.progress import SILENT, Progress

__all__ = ["Archive", "Source"]


@dataclass(frozen=True)
class Archive:
    """Where a collection can be downloaded as one zip file.

    Parameters
    ----------
    url : str
    sha256 : str or None
        Of the zip file, as its publisher states it; None where none is published.
    inside : str
        Folder of the zip file that holds the layout; ``*`` stands for one folder of any name.
    keep : tuple of str
        What to unpack from there: files and folders.
    """

    url: str
    sha256: str | None
    inside: str
    keep: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A collection of images and how to read it.

    Parameters
    ----------
    name : str
        As recipes call it; also its folder below the data folder.
    title, home, licence, citation : str
        For people: what it is, its page, the terms of use, what to cite.
    layout : str
        The expected folders and files, in words.
    marker : str
        A path whose presence shows the layout; empty where options say what to read.
    rows : callable
        ``rows(folder, **options)`` lists everything that the collection names, as `listing` describes.
    options : tuple of str
        Names of the options that `rows` takes.
    archive : Archive, optional
        Where it can be downloaded.
    prepare : callable, optional
        ``prepare(data, progress, **options)`` makes what `rows` reads, where hilum makes it itself.
    """

    name: str
    title: str
    home: str
    licence: str
    citation: str
    layout: str
    marker: str
    rows: Callable[..., pd.DataFrame]
    options: tuple[str, ...] = ()
    archive: Archive | None = None
    prepare: Callable[..., None] | None = None

    def is_present(self, data: Path) -> bool:
        """Whether the collection's layout is found; False for what only options can find."""
        return bool(self.marker) and self._found(data) is not None

    def locate(self, data: Path) -> Path:
        """Find the folder that has the layout: ``data/name``, or `data` itself.

        Raises
        ------
        SourceError
            If neither has it.
        """
        folder = self._found(data)
        if folder is None:
            raise self.missing(data)
        return folder

    def _found(self, data: Path) -> Path | None:
        return next((one for one in (data / self.name, data) if (one / self.marker).exists()), None)

    def read(self, data: Path, progress: Progress = SILENT, **options: Any) -> Cohort:
        """Read all rows of the collection, with a reason for each that cannot be used.

        Parameters
        ----------
        data : Path
            The data folder; images of the cohort are relative to it.
        progress : Progress
        **options
            What this source takes: see `options` and `layout`.

        Returns
        -------
        Cohort

        Raises
        ------
        SourceError
            If the collection is not there, is laid out differently, or an option is unknown.
        """
        self._check(options)
        folder = self.locate(data) if self.marker else data
        try:
            if self.prepare is not None:
                self.prepare(data, progress, **options)
            return split_exclusions(self.rows(folder, **options), self.name, data, folder)
        except SourceError:
            raise
        except CohortError as error:
            raise SourceError(
                f"{self.name}: {error.what}",
                path=error.path or folder,
                expected=error.expected,
                found=error.found,
                remedy=error.remedy,
            ) from error

    def missing(self, data: Path) -> SourceError:
        """Make the error that says where the collection belongs and how to get it."""
        found = sorted(path.name for path in data.iterdir())[:8] if data.is_dir() else None
        remedy = f"Run `hilum cohort fetch {self.name}`, or copy it from {self.home}"
        return SourceError(
            f"the collection {self.name!r} is not here",
            path=data,
            expected=f"{self.layout}, in {self.name}/ or in the folder itself",
            found="no such folder" if found is None else ", ".join(found) or "an empty folder",
            remedy=remedy if self.archive else "Name the data folder that holds it",
        )

    def _check(self, options: dict[str, Any]) -> None:
        for name in options:
            if name not in self.options:
                raise SourceError(
                    f"the source {self.name!r} takes no option {name!r}",
                    expected=", ".join(self.options) or "no options",
                    remedy=closest(name, self.options),
                )
