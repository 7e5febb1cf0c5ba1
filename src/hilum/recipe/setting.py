"""One value that replaces a recipe's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hilum.errors import RecipeError
from hilum.recipe.document import Location, parse

__all__ = ["Setting"]


@dataclass(frozen=True)
class Setting:
    """One value that replaces a recipe's, as ``head.dropout=0.3`` on the command line.

    Parameters
    ----------
    location : tuple of str or int
        Keys from the top, numbers for places in a list.
    value : object
        The new value.

    Examples
    --------
    >>> Setting.parse("head.dropout=0.3")
    Setting(location=('head', 'dropout'), value=0.3)
    """

    location: Location
    value: Any

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Read ``key.key=value``; the value is YAML.

        Raises
        ------
        RecipeError
            If `text` is not of that form.
        """
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key.strip()):
            raise RecipeError("not a setting", expected="KEY.KEY=VALUE", found=repr(text))
        location = tuple(int(part) if part.isdigit() else part for part in key.strip().split("."))
        return cls(location, parse(value, Path("--set")))

    def apply(self, values: dict[str, Any]) -> None:
        """Put the value into nested `values`, in place; another ``kind`` starts its section anew."""
        target: Any = values
        for step in self.location[:-1]:
            target = self._enter(target, step)
        last = self.location[-1]
        if isinstance(target, list) and (not isinstance(last, int) or last >= len(target)):
            raise self._missing(last)
        if last == "kind" and isinstance(target, dict) and target.get(last, self.value) != self.value:
            target.clear()  # a kind's keys are its own
        target[last] = self.value

    def _enter(self, target: Any, step: str | int) -> Any:
        if isinstance(target, dict):
            inner = target.setdefault(step, {})
        elif isinstance(target, list) and isinstance(step, int) and step < len(target):
            inner = target[step]
        else:
            raise self._missing(step)
        if not isinstance(inner, dict | list):
            raise self._missing(step)
        return inner

    def _missing(self, step: str | int) -> RecipeError:
        key = ".".join(map(str, self.location))
        return RecipeError(f"cannot set {key}", expected="a section or list there", found=f"none at {step!r}")
