"""Recipes: one YAML file that states a whole experiment."""

from __future__ import annotations

from hilum.recipe.settings import Recipe

__all__ = ["Recipe"]
