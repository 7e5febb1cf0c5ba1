"""From a YAML file, or a shipped name, to a `Recipe`; and back to YAML."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

import yaml
from pydantic import ValidationError

from hilum.errors import RecipeError, did_you_mean
from hilum.recipe.document import parse
from hilum.recipe.explanation import explain
from hilum.recipe.setting import Setting
from hilum.recipe.settings import Recipe

__all__ = ["dump", "load", "opening_comment", "shipped"]


def shipped() -> dict[str, str]:
    """Return the recipes that come with hilum, name to YAML text."""
    folder = resources.files("hilum.recipe") / "shipped"
    files = sorted((entry for entry in folder.iterdir()), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in files
        if entry.name.endswith(".yaml")
    }


def opening_comment(text: str) -> str:
    r"""Return the comment that a recipe opens with, without its marks.

    Examples
    --------
    >>> opening_comment("# One.\n# Two.\nname: x")
    'One.\nTwo.'
    """
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").removeprefix(" "))
    return "\n".join(lines)


def load(recipe: str | Path, settings: Iterable[Setting] = ()) -> Recipe:
    """Load a recipe by shipped name or from a file, with `settings` in place of its own.

    Parameters
    ----------
    recipe : str or Path
        ``"tutorial-model-1"``, or a path to a YAML file.
    settings : iterable of Setting
        Replacements, in order.

    Returns
    -------
    Recipe

    Raises
    ------
    RecipeError
        If there is no such recipe, or it does not validate; the message names the key, its line and,
        for a misspelt key, the nearest known one.

    Examples
    --------
    >>> load("tutorial-model-1", [Setting(("head", "dropout"), 0.3)]).head.dropout
    0.3
    """
    path, text = _find(recipe)
    values = parse(text, path)
    if not isinstance(values, dict):
        raise RecipeError("not a recipe", path=path, expected="keys and values", found=type(values).__name__)
    for setting in settings:
        setting.apply(values)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise explain(error, path, text) from error


def _find(recipe: str | Path) -> tuple[Path, str]:
    known = shipped()
    if str(recipe) in known:
        return Path(f"{recipe}.yaml"), known[str(recipe)]
    path = Path(recipe)
    if path.suffix not in {".yaml", ".yml"} and not os.path.isfile(path):  # noqa: PTH113  False for any name
        raise RecipeError(f"no recipe is named {str(recipe)!r}", remedy=did_you_mean(str(recipe), known))
    try:
        return path, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError("the recipe cannot be read", path=path, found=str(error)) from error


def dump(recipe: Recipe) -> str:
    """Return the whole recipe as YAML, every default written out.

    Examples
    --------
    >>> "dropout: 0.2" in dump(load("tutorial-model-1"))
    True
    """
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)
