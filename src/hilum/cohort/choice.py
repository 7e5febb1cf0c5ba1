"""What a person may have meant by a name that is not there."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["closest"]


def closest(name: str, choices: Iterable[str]) -> str | None:
    """Suggest the choice most like `name`, as a sentence; None where nothing is near.

    Examples
    --------
    >>> closest("kermani", ["cohen", "kermany"])
    'Did you mean kermany?'
    """
    by_folded = {choice.casefold(): choice for choice in choices}
    near = get_close_matches(name.casefold(), by_folded, n=1)
    return f"Did you mean {by_folded[near[0]]}?" if near else None
