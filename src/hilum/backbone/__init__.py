"""From pixels to features: the networks, their weights, what runs them, and the feature cache.

`catalogue`, `hub` and `openvino_runtime` need no torch; names that do are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hilum.backbone.catalogue import EMBEDDED, Entry, canonical, entries
from hilum.exports import on_demand

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone, Weights, open_backbone
    from hilum.backbone.catalogue import is_local
    from hilum.backbone.engine import Engine, OpenVinoEngine, choose_engine
    from hilum.backbone.features import Features, Observer, View, extract, extract_views
    from hilum.backbone.store import FeatureStore, cache_folder
    from hilum.backbone.torch_engine import TorchEngine

__all__ = [
    "EMBEDDED",
    "Backbone",
    "Engine",
    "Entry",
    "FeatureStore",
    "Features",
    "Observer",
    "OpenVinoEngine",
    "TorchEngine",
    "View",
    "Weights",
    "cache_folder",
    "canonical",
    "choose_engine",
    "entries",
    "extract",
    "extract_views",
    "is_local",
    "open_backbone",
]


__getattr__, __dir__ = on_demand(
    __name__,
    {
        "Backbone": "backbone",
        "Engine": "engine",
        "FeatureStore": "store",
        "Features": "features",
        "Observer": "features",
        "OpenVinoEngine": "engine",
        "TorchEngine": "torch_engine",
        "View": "features",
        "Weights": "backbone",
        "cache_folder": "store",
        "choose_engine": "engine",
        "extract": "features",
        "extract_views": "features",
        "is_local": "catalogue",
        "open_backbone": "backbone",
    },
)
