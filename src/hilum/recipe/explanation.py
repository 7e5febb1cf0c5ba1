"""What pydantic finds wrong with a recipe, as one error that points at the key."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hilum.errors import RecipeError, did_you_mean
from hilum.recipe.document import Location, line_of
from hilum.recipe.settings import Recipe

__all__ = ["explain"]


def explain(error: ValidationError, path: Path, text: str) -> RecipeError:
    """Return the first of pydantic's findings with its key, line and remedy, and the count of the others."""
    findings = error.errors()
    first = findings[0]
    location = _without_tags(first["loc"])
    remedy = None
    if first["type"] == "extra_forbidden":
        remedy = did_you_mean(str(location[-1]), _known_keys(first["loc"][:-1]))
    line = line_of(text, location)
    where = "" if line is None else f" (line {line})"
    more = len(findings) - 1
    what = f"{'.'.join(map(str, location)) or 'recipe'}{where}: {_words(first)}"
    return RecipeError(
        what + (f" (and {more} more)" if more else ""),
        path=path,
        found=None if first["type"] in {"missing", "extra_forbidden"} else repr(first["input"])[:80],
        remedy=remedy,
    )


def _words(finding: Mapping[str, Any]) -> str:
    known = {"extra_forbidden": "unknown key", "missing": "this key is required"}
    return known.get(finding["type"], str(finding["msg"]).removeprefix("Value error, "))


_TAGS = {"map", "windows", "dense", "linear", "fixed", "sensitivity"}


def _without_tags(location: Location) -> Location:
    """Drop the names of union members, which pydantic puts between keys."""
    return tuple(step for step in location if step not in _TAGS)


def _known_keys(location: Location) -> list[str]:
    """Return the keys of the section at `location`, tags of union members included."""
    models: list[type[BaseModel]] = [Recipe]
    for step in location:
        if isinstance(step, int):
            continue
        if step in _TAGS:
            models = [model for model in models if model.model_fields["kind"].default == step]
            continue
        models = [inner for model in models for inner in _models_in(model.model_fields[step].annotation)]
    return sorted({key for model in models for key in model.model_fields})


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
