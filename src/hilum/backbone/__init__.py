"""From prepared images to features: the networks, their weights, the engines that run them, and the cache.

Names are loaded when they are first used; those that need torch load it then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone as Backbone
    from hilum.backbone.backbone import Weights as Weights
    from hilum.backbone.backbone import open_backbone as open_backbone
    from hilum.backbone.backbone import prepare_backbone as prepare_backbone
    from hilum.backbone.cache import FeatureStore as FeatureStore
    from hilum.backbone.cache import cache_folder as cache_folder
    from hilum.backbone.catalogue import EMBEDDED as EMBEDDED
    from hilum.backbone.catalogue import Entry as Entry
    from hilum.backbone.catalogue import canonical as canonical
    from hilum.backbone.catalogue import entries as entries
    from hilum.backbone.catalogue import is_local as is_local
    from hilum.backbone.engine import Engine as Engine
    from hilum.backbone.engine import OpenVinoEngine as OpenVinoEngine
    from hilum.backbone.engine import choose_engine as choose_engine
    from hilum.backbone.features import Features as Features
    from hilum.backbone.features import Observer as Observer
    from hilum.backbone.features import View as View
    from hilum.backbone.features import extract as extract
    from hilum.backbone.features import extract_views as extract_views
    from hilum.backbone.network import TorchEngine as TorchEngine

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "backbone": ["Backbone", "Weights", "open_backbone", "prepare_backbone"],
        "catalogue": ["EMBEDDED", "Entry", "canonical", "entries", "is_local"],
        "engine": ["Engine", "OpenVinoEngine", "choose_engine"],
        "features": ["Features", "Observer", "View", "extract", "extract_views"],
        "cache": ["FeatureStore", "cache_folder"],
        "network": ["TorchEngine"],
    },
)
