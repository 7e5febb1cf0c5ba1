"""What pydantic finds wrong with a recipe, as one error that points at the key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hilum.errors import RecipeError, closest, did_you_mean
from hilum.recipe.document import Location, line_of
from hilum.recipe.settings import Recipe

__all__ = ["explain"]


def explain(error: ValidationError, path: Path, text: str) -> RecipeError:
    """Return the first of pydantic's findings with its key, line and remedy, and the count of the others."""
    findings = error.errors()
    first = findings[0]
    location = _location(first)
    line = line_of(text, location)
    where = "" if line is None else f" (line {line})"
    more = len(findings) - 1
    what = f"{'.'.join(map(str, location)) or 'recipe'}{where}: {_words(first)}"
    return RecipeError(
        what + (f" (and {more} more)" if more else ""),
        path=path,
        found=_found(first),
        remedy=_remedy(first, location),
    )


_WITHOUT_VALUE = {
    "extra_forbidden": "unknown key",
    "missing": "this key is required",
    "union_tag_not_found": "this key is required",
}


def _words(finding: Mapping[str, Any]) -> str:
    if finding["type"] == "union_tag_invalid":
        return f"Input should be one of {finding['ctx']['expected_tags']}"
    return _WITHOUT_VALUE.get(finding["type"], str(finding["msg"]).removeprefix("Value error, "))


def _found(finding: Mapping[str, Any]) -> str | None:
    if finding["type"] in _WITHOUT_VALUE:
        return None
    value = finding["input"].get("kind") if finding["type"] == "union_tag_invalid" else finding["input"]
    return repr(value)[:80]


def _remedy(finding: Mapping[str, Any], location: Location) -> str | None:
    """Tell the known key or value nearest to the one found; of a missing kind, all that there are."""
    if finding["type"] == "extra_forbidden":
        return did_you_mean(str(location[-1]), _known_keys(finding["loc"][:-1]))
    if finding["type"] == "union_tag_not_found":
        return f"Known: {', '.join(model.model_fields['kind'].default for model in _models(finding['loc']))}."
    context, value = finding.get("ctx", {}), _found(finding)
    choices = str(context.get("expected_tags", context.get("expected", "")))
    return closest(str(value).strip("'"), re.findall(r"'([^']+)'", choices))


_TAGS = {"map", "windows", "dense", "linear", "fixed", "sensitivity"}


def _location(finding: Mapping[str, Any]) -> Location:
    """Return the key, without the names of union members that pydantic puts between keys."""
    location = tuple(step for step in finding["loc"] if step not in _TAGS)
    return (*location, "kind") if finding["type"].startswith("union_tag") else location


def _known_keys(location: Location) -> list[str]:
    """Return the keys of the section at `location`, tags of union members included."""
    return sorted({key for model in _models(location) for key in model.model_fields})


def _models(location: Location) -> list[type[BaseModel]]:
    """Return what the section at `location` may be."""
    models: list[type[BaseModel]] = [Recipe]
    for step in location:
        if isinstance(step, int):
            continue
        if step in _TAGS:
            models = [model for model in models if model.model_fields["kind"].default == step]
            continue
        models = [inner for model in models for inner in _models_in(model.model_fields[step].annotation)]
    return models


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models_in(part)]
