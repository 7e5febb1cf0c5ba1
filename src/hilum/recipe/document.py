"""A recipe's YAML text: its values, and the line of each key."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from hilum.errors import RecipeError

__all__ = ["Location", "line_of", "parse"]

Location = tuple[str | int, ...]


class _Loader(yaml.SafeLoader):
    """YAML in which a key may stand once; PyYAML alone keeps the last in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key, _ in node.value:
            name = self.construct_object(key, deep=True)
            if name in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {name!r} stands twice", key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)


def parse(text: str, path: Path) -> Any:
    """Return the values that YAML `text` states; `path` names it in errors.

    Raises
    ------
    RecipeError
        If it is not valid YAML, or a key stands twice in one section.
    """
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader
    except (yaml.YAMLError, RecursionError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" at line {mark.line + 1}"
        raise RecipeError(
            f"not valid YAML{where}", path=path, found=getattr(error, "problem", None) or str(error)
        ) from error


def line_of(text: str, location: Location) -> int | None:
    """Return the line (from 1) of the deepest key of `location` that stands in `text`, or None."""
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
