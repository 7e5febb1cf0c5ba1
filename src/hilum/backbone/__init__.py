"""From pixels to features: the networks, their weights, what runs them, and the feature cache.

`catalogue`, `hub` and `openvino_runtime` need no torch; names that do are loaded when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from hilum.backbone.catalogue import EMBEDDED, Entry, canonical, entries

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone, open_backbone
    from hilum.backbone.engine import Engine
    from hilum.backbone.facts import Weights
    from hilum.backbone.features import Features, extract
    from hilum.backbone.hub import is_local
    from hilum.backbone.openvino_engine import OpenVinoEngine
    from hilum.backbone.store import FeatureStore, cache_folder
    from hilum.backbone.torch_engine import TorchEngine

__all__ = [
    "EMBEDDED",
    "Backbone",
    "Engine",
    "Entry",
    "FeatureStore",
    "Features",
    "OpenVinoEngine",
    "TorchEngine",
    "Weights",
    "cache_folder",
    "canonical",
    "entries",
    "extract",
    "is_local",
    "open_backbone",
]

_HOMES = {
    "Backbone": "backbone",
    "Engine": "engine",
    "FeatureStore": "store",
    "Features": "features",
    "OpenVinoEngine": "openvino_engine",
    "TorchEngine": "torch_engine",
    "Weights": "facts",
    "cache_folder": "store",
    "extract": "features",
    "is_local": "hub",
    "open_backbone": "backbone",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
