"""Exceptions of hilum, in one tree.

::

    HilumError
    ├── RadiographError          a file does not give a radiograph
    │   ├── UnsupportedFormatError   it is something else, or a format hilum does not read
    │   ├── CorruptFileError         it is damaged, cut short, or contradicts itself
    │   ├── OversizedImageError      its header declares more than the limits allow
    │   └── NotARadiographError      it is an image, but no single projection radiograph
    ├── CohortError              a table of images is not valid
    │   ├── SourceError              a collection is missing or laid out differently
    │   └── SplitError               rows cannot be split as asked
    ├── RecipeError              a recipe does not validate
    ├── BackboneError            a network is unknown or cannot be built
    │   └── WeightsError             its weights are missing, or do not fit it
    ├── FitError                 a head cannot be fitted on these rows
    ├── BundleError              a saved model is missing, damaged or altered
    ├── RunError                 a run folder is missing, damaged or incomplete
    │   └── RunExistsError           a finished run is already there
    ├── AuditError               a run cannot be audited, or its audit cannot be read
    ├── CacheError               the cache cannot be changed now
    ├── OfflineError             something must be downloaded and cannot be
    └── MissingLibraryError      a library is not installed that this needs

Every message says what went wrong, in which file, what was expected, what was found, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path

__all__ = [
    "AuditError",
    "BackboneError",
    "BundleError",
    "CacheError",
    "CohortError",
    "CorruptFileError",
    "FitError",
    "HilumError",
    "MissingLibraryError",
    "NotARadiographError",
    "OfflineError",
    "OversizedImageError",
    "RadiographError",
    "RecipeError",
    "RunError",
    "RunExistsError",
    "SourceError",
    "SplitError",
    "UnsupportedFormatError",
    "WeightsError",
    "closest",
    "did_you_mean",
    "extra_required",
]


class HilumError(Exception):
    """Base of all errors that hilum raises on purpose.

    Parameters
    ----------
    what : str
        What went wrong, as a short clause without a full stop.
    path : Path or str, optional
        The file or folder concerned.
    expected, found : str, optional
        What was expected there, and what was found.
    remedy : str, optional
        What the user can do, as a sentence.

    Examples
    --------
    >>> print(HilumError("no image data", path="a.png", expected="PNG", found="0 bytes"))
    a.png: no image data; expected PNG, found 0 bytes
    """

    def __init__(
        self,
        what: str,
        *,
        path: Path | str | None = None,
        expected: str | None = None,
        found: str | None = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.path = None if path is None else Path(path)
        self.expected = expected
        self.found = found
        self.remedy = remedy
        super().__init__(what)

    @property
    def cause(self) -> str:
        """The message without the path: what, expected and found."""
        facts = [
            f"{name} {value}"
            for name, value in (("expected", self.expected), ("found", self.found))
            if value is not None
        ]
        return f"{self.what}; {', '.join(facts)}" if facts else self.what

    def __str__(self) -> str:
        where = "" if self.path is None else f"{self.path}: "
        return f"{where}{self.cause}" + (f". {self.remedy}" if self.remedy else "")


class RadiographError(HilumError):
    """A file does not give a radiograph."""


class UnsupportedFormatError(RadiographError):
    """A file is no image, or of a format that hilum does not read."""


class CorruptFileError(RadiographError):
    """A file is damaged, cut short, or contradicts itself."""


class OversizedImageError(RadiographError):
    """A file's header declares more than the limits allow; nothing was unpacked."""


class NotARadiographError(RadiographError):
    """A file holds an image, but no single projection radiograph."""


class CohortError(HilumError):
    """A table of images is not valid."""


class SourceError(CohortError):
    """A collection is not on disk, or is laid out differently."""


class SplitError(CohortError):
    """The rows of a cohort cannot be split as asked."""


class RecipeError(HilumError):
    """A recipe does not validate."""


class BackboneError(HilumError):
    """A network is unknown or cannot be built."""


class WeightsError(BackboneError):
    """A network's weights are missing, or do not fit it."""


class FitError(HilumError):
    """A head cannot be fitted on the rows it was given."""


class BundleError(HilumError):
    """A saved model is missing, damaged or altered."""


class RunError(HilumError):
    """A run folder is missing, damaged or incomplete."""


class RunExistsError(RunError):
    """A finished run is already there, and overwriting was not asked for."""


class AuditError(HilumError):
    """A run cannot be audited, or its audit cannot be read."""


class CacheError(HilumError):
    """The cache cannot be changed now."""


class OfflineError(HilumError):
    """Something must be downloaded, and its home cannot be reached."""


class MissingLibraryError(HilumError):
    """A library is not installed that this needs."""


@contextmanager
def extra_required() -> Iterator[None]:
    """Say, where the block finds a library missing, how it is installed.

    Raises
    ------
    MissingLibraryError
        In place of Python's `ModuleNotFoundError`, except for a module of hilum's own.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in {"", "hilum"}:
            raise
        raise MissingLibraryError(
            f"{library} is not installed",
            remedy="`pip install 'hilum[train]'` brings all that training, evaluating and auditing need.",
        ) from error


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return the remedy for a misspelt name: the known one most like it; None where nothing is near.

    Examples
    --------
    >>> closest("kermani", ["cohen", "Kermany"])
    'Did you mean Kermany?'
    """
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return f"Did you mean {by_folded[near[0]]}?" if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return the remedy for a misspelt name among a few: the nearest known one, or all of them.

    Examples
    --------
    >>> did_you_mean("droput", ["dropout", "units"])
    'Did you mean dropout?'
    >>> did_you_mean("zzz", ["dropout", "units"])
    'Known: dropout, units.'
    """
    names = list(known)
    return closest(word, names) or f"Known: {', '.join(names)}."
