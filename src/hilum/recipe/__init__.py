"""Recipes: one YAML file that states a whole experiment."""

from __future__ import annotations

from hilum.recipe.loading import dump, load, opening_comment, shipped
from hilum.recipe.setting import Setting
from hilum.recipe.settings import Recipe

__all__ = ["Recipe", "Setting", "dump", "load", "opening_comment", "shipped"]
