"""Recipes: one YAML file that states a whole experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.recipe.loading import Setting, dump, load, opening_comment, shipped
    from hilum.recipe.settings import Recipe

__all__ = ["Recipe", "Setting", "dump", "load", "opening_comment", "shipped"]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Recipe": "settings",
        "Setting": "loading",
        "dump": "loading",
        "load": "loading",
        "opening_comment": "loading",
        "shipped": "loading",
    },
)
