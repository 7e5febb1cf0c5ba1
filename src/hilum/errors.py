"""The exceptions of hilum, in one tree.

::

    HilumError
    ├── RadiographError          a file yields no radiograph
    │   ├── UnsupportedFormatError   it is not an image, or in a format that hilum does not read
    │   ├── CorruptFileError         it is damaged, truncated or inconsistent
    │   ├── OversizedImageError      its header declares more pixels or bytes than the limits allow
    │   └── NotARadiographError      it is an image, but not a single projection radiograph
    ├── CohortError              a table of images is invalid
    │   ├── SourceError              a collection is missing or has an unexpected layout
    │   └── SplitError               the rows cannot be split as requested
    ├── RecipeError              a recipe is invalid
    ├── BackboneError            a network is unknown or cannot be built
    │   └── WeightsError             its weights are missing or do not fit it
    ├── FitError                 a head cannot be fitted to these rows
    ├── BundleError              a saved model is missing, damaged or altered
    ├── ClassifierError          another's classifier cannot be opened, or returns no probabilities
    ├── RunError                 a run folder is missing, damaged or incomplete
    │   └── RunExistsError           the folder already holds a finished run
    ├── AuditError               a run cannot be audited, or its audit cannot be read
    ├── CacheError               the cache cannot be changed now
    ├── OfflineError             a download is needed but its server cannot be reached
    └── MissingLibraryError      an optional library is not installed

Each message says what went wrong, in which file, what was expected, what was found, and what to do.
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
    "ClassifierError",
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

    `what` is a short clause without a full stop; `remedy` is a sentence that says what the user can do.

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
    """A file yields no radiograph."""


class UnsupportedFormatError(RadiographError):
    """A file is not an image, or in a format that hilum does not read."""


class CorruptFileError(RadiographError):
    """A file is damaged, truncated or inconsistent."""


class OversizedImageError(RadiographError):
    """A file's header declares more than the limits allow; nothing was decoded."""


class NotARadiographError(RadiographError):
    """A file holds an image, but not a single projection radiograph."""


class CohortError(HilumError):
    """A table of images is invalid."""


class SourceError(CohortError):
    """A collection is missing or has an unexpected layout."""


class SplitError(CohortError):
    """The rows of a cohort cannot be split as requested."""


class RecipeError(HilumError):
    """A recipe is invalid."""


class BackboneError(HilumError):
    """A network is unknown or cannot be built."""


class WeightsError(BackboneError):
    """A network's weights are missing or do not fit it."""


class FitError(HilumError):
    """A head cannot be fitted to the rows it was given."""


class BundleError(HilumError):
    """A saved model is missing, damaged or altered."""


class ClassifierError(HilumError):
    """A classifier made elsewhere cannot be opened, or does not return probabilities."""


class RunError(HilumError):
    """A run folder is missing, damaged or incomplete."""


class RunExistsError(RunError):
    """The folder already holds a finished run, and overwriting was not requested."""


class AuditError(HilumError):
    """A run cannot be audited, or its audit cannot be read."""


class CacheError(HilumError):
    """The cache cannot be changed now."""


class OfflineError(HilumError):
    """A download is needed, but its server cannot be reached."""


class MissingLibraryError(HilumError):
    """An optional library is not installed."""


@contextmanager
def extra_required() -> Iterator[None]:
    """Turn a missing third-party module into a `MissingLibraryError` that says how to install it."""
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
    """Return a remedy that names the known word nearest to a misspelt one; None if none is near.

    >>> closest("kermani", ["cohen", "Kermany"])
    'Did you mean Kermany?'
    """
    by_folded = {name.casefold(): name for name in known}
    near = get_close_matches(word.casefold(), by_folded, n=1)
    return f"Did you mean {by_folded[near[0]]}?" if near else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a remedy that names the nearest known word, or all of them if none is near.

    >>> did_you_mean("droput", ["dropout", "units"])
    'Did you mean dropout?'
    >>> did_you_mean("zzz", ["dropout", "units"])
    'Known: dropout, units.'
    """
    names = list(known)
    return closest(word, names) or f"Known: {', '.join(names)}."
