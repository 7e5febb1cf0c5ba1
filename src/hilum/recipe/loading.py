"""Reading a recipe from a YAML file or by its shipped name, changing its values, and writing it back."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from itertools import takewhile
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from hilum.errors import RecipeError, closest, did_you_mean
from hilum.recipe.settings import Recipe

__all__ = ["Setting", "dump", "line_number", "load", "opening_comment", "parse_yaml", "shipped"]

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Setting:
    """A new value for one key of a recipe, as ``head.dropout=0.3`` on the command line.

    Parameters
    ----------
    location : tuple of str or int
        Keys from the top, and indices of lists.
    value : object

    Examples
    --------
    >>> Setting.parse("head.dropout=0.3")
    Setting(location=('head', 'dropout'), value=0.3)
    """

    location: Location
    value: Any

    @classmethod
    def parse(cls, text: str) -> Setting:
        """Read ``key.key=value``, where the value is YAML; anything else raises `RecipeError`."""
        key, equals, value = text.partition("=")
        if not equals or not re.fullmatch(r"[\w-]+(\.[\w-]+)*", key.strip()):
            raise RecipeError("not a setting", expected="KEY.KEY=VALUE", found=repr(text))
        location = tuple(int(part) if part.isdigit() else part for part in key.strip().split("."))
        return cls(location, parse_yaml(value, Path("--set")))

    def apply(self, values: dict[str, Any]) -> None:
        """Set the value in nested `values`, in place; another ``kind`` clears its section."""
        target: Any = values
        for step in self.location[:-1]:
            target = self._enter(target, step)
        last = self.location[-1]
        if isinstance(target, list) and (not isinstance(last, int) or last >= len(target)):
            raise self._missing(last)
        if last == "kind" and isinstance(target, dict) and target.get(last, self.value) != self.value:
            target.clear()  # the keys belong to the kind
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


def load(recipe: str | Path, settings: Iterable[Setting] = ()) -> Recipe:
    """Load a recipe by its shipped name or from a file, and apply `settings` in order.

    Parameters
    ----------
    recipe : str or Path
        ``"tutorial-model-1"``, or the path of a YAML file.
    settings : iterable of Setting

    Raises
    ------
    RecipeError
        If there is no such recipe, or it is not valid; the message names the key, its line and, for a
        misspelt key, the closest known one.

    Examples
    --------
    >>> load("tutorial-model-1", [Setting(("head", "dropout"), 0.3)]).head.dropout
    0.3
    """
    path, text = _find(recipe)
    values = parse_yaml(text, path)
    if not isinstance(values, dict):
        raise RecipeError("not a recipe", path=path, expected="keys and values", found=type(values).__name__)
    for setting in settings:
        setting.apply(values)
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        raise _explained(error, path, text) from error


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
    """The whole recipe as YAML, with every default.

    Examples
    --------
    >>> "dropout: 0.2" in dump(load("tutorial-model-1"))
    True
    """
    return yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=100)


def shipped() -> dict[str, str]:
    """The recipes that come with hilum: name to YAML text."""
    folder = resources.files("hilum.recipe") / "shipped"
    texts = {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8")
        for entry in folder.iterdir()
        if entry.name.endswith(".yaml")
    }
    return dict(sorted(texts.items()))


def opening_comment(text: str) -> str:
    r"""The comment at the top of a recipe, without its ``#``.

    Examples
    --------
    >>> opening_comment("# One.\n# Two.\nname: x")
    'One.\nTwo.'
    """
    lines = takewhile(lambda line: line.startswith("#"), text.splitlines())
    return "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines)


class _Loader(yaml.SafeLoader):
    """Refuses a repeated key, of which PyYAML silently keeps the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} is repeated", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def parse_yaml(text: str, path: Path) -> Any:
    """The values of YAML `text`; `path` names it in errors."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" at line {mark.line + 1}"
        raise RecipeError(
            f"not valid YAML{where}", path=path, found=getattr(error, "problem", None) or str(error)
        ) from error


def line_number(text: str, location: Location) -> int | None:
    """The line (from 1) of the deepest key of `location` in `text`, or None."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    line = None
    for step in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line + 1
        elif isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == step), None)
            if found is None:
                break
            line, node = found[0].start_mark.line + 1, found[1]
    return line


def _explained(error: ValidationError, path: Path, text: str) -> RecipeError:
    """The first of pydantic's findings with its key, line and remedy, and the number of others."""
    findings = error.errors()
    first = findings[0]
    location = _location(first)
    line = line_number(text, location)
    where = "" if line is None else f" (line {line})"
    more = len(findings) - 1
    what = f"{'.'.join(map(str, location)) or 'recipe'}{where}: {_problem(first)}"
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


def _problem(finding: Mapping[str, Any]) -> str:
    if finding["type"] == "union_tag_invalid":
        return f"Input should be one of {finding['ctx']['expected_tags']}"
    return _WITHOUT_VALUE.get(finding["type"], str(finding["msg"]).removeprefix("Value error, "))


def _found(finding: Mapping[str, Any]) -> str | None:
    if finding["type"] in _WITHOUT_VALUE:
        return None
    value = finding["input"].get("kind") if finding["type"] == "union_tag_invalid" else finding["input"]
    return repr(value)[:80]


def _remedy(finding: Mapping[str, Any], location: Location) -> str | None:
    """The known key or value closest to the one found; for a missing kind, all kinds."""
    if finding["type"] == "extra_forbidden":
        return did_you_mean(str(location[-1]), _known_keys(finding["loc"][:-1]))
    if finding["type"] == "union_tag_not_found":
        return f"Known: {', '.join(model.model_fields['kind'].default for model in _models(finding['loc']))}."
    context, value = finding.get("ctx", {}), _found(finding)
    choices = str(context.get("expected_tags", context.get("expected", "")))
    return closest(str(value).strip("'"), re.findall(r"'([^']+)'", choices))


_TAGS = {"map", "windows", "dense", "linear", "fixed", "sensitivity"}


def _location(finding: Mapping[str, Any]) -> Location:
    """The key, without the union tags that pydantic puts between keys."""
    location = tuple(step for step in finding["loc"] if step not in _TAGS)
    return (*location, "kind") if finding["type"].startswith("union_tag") else location


def _known_keys(location: Location) -> list[str]:
    """The keys of the section at `location`, which includes union tags."""
    return sorted({key for model in _models(location) for key in model.model_fields})


def _models(location: Location) -> list[type[BaseModel]]:
    """The possible models of the section at `location`."""
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
