"""Recipes: one YAML file that states a whole experiment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.recipe.loading import Setting as Setting
    from hilum.recipe.loading import dump as dump
    from hilum.recipe.loading import load as load
    from hilum.recipe.loading import opening_comment as opening_comment
    from hilum.recipe.loading import shipped as shipped
    from hilum.recipe.settings import Recipe as Recipe

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "loading": ["Setting", "dump", "load", "opening_comment", "shipped"],
        "settings": ["Recipe"],
    },
)
