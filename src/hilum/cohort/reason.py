"""Why a row of a collection is not in use."""

from __future__ import annotations

from enum import StrEnum

__all__ = ["Reason"]


class Reason(StrEnum):
    """The closed set of reasons, in words for a report; the row's `detail` says the rest."""

    CT = "CT"
    """A computed tomography, not a projection."""
    LATERAL_VIEW = "lateral view"
    MISSING_FILE = "missing file"
    """The collection lists an image that is not on disk."""
    UNREADABLE = "unreadable"
    """The file gives no radiograph."""
    DUPLICATE = "duplicate"
    """The same bytes as an earlier image, or the same file listed twice; `detail` names the earlier one."""
    NO_LABEL = "no label"
    UNCERTAIN_LABEL = "uncertain label"
    """The collection itself marks the label as open."""
    NOT_SELECTED = "not selected"
    BEYOND_LIMIT = "beyond the limit"
