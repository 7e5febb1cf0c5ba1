"""The networks that hilum lists, with their facts; readable without torch.

The facts are measured, not typed: ``tools/catalogue.py`` builds each network with timm, reads timm's own
record of its weights, and writes ``catalogue.json``. Every other network of timm works by its name too.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

__all__ = ["ALIASES", "EMBEDDED", "Entry", "canonical", "entries"]

EMBEDDED = "efficientnet_lite0"
"""The network whose ImageNet weights come with hilum, as a package."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "densenet-121": "densenet121",
        "efficientnetb0": "efficientnet_b0",
        "inceptionv3": "inception_v3",
        "mobilenetv2": "mobilenetv2_100",
        "resnet50v2": "resnetv2_50",
        "xception": "legacy_xception",
    }
)
"""Other names of networks, mostly Keras', to timm's. ResNet50V2's counterpart is a pre-activation ResNet-50
with other weights; Xception's is the same network with Keras' own weights."""


@dataclass(frozen=True)
class Entry:
    """A network and its ImageNet weights.

    Parameters
    ----------
    name : str
        timm's name.
    title : str
        For people.
    parameters : int
        Of the part that hilum runs: up to the feature map, without the classifier.
    features : int
        Channels of the feature map; whole-map pooling gives as many features.
    map : int
        Side of the feature map in cells, at `size`.
    size : int
        Side in pixels of the input that the weights were trained for.
    mean, std : tuple of float
        What the weights expect to be subtracted and divided by, per channel, of pixels in [0, 1].
    licence : str
        Of the weights, as timm's record states it; empty where it states none.
    hub : str
        Repository of the weights on the Hugging Face hub; empty where there is none.
    url : str
        File of the weights elsewhere, where they are on no hub.
    paper : str
        Where the network was published.

    Examples
    --------
    >>> entry = entries()["vgg16"]
    >>> entry.features, entry.map, entry.size
    (512, 7, 224)
    """

    name: str
    title: str
    parameters: int
    features: int
    map: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    hub: str
    url: str
    paper: str

    def __post_init__(self) -> None:
        if min(self.parameters, self.features, self.map, self.size) < 1:
            msg = f"{self.name}: expected positive counts and sizes"
            raise ValueError(msg)
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            msg = f"{self.name}: expected three means and three positive deviations"
            raise ValueError(msg)

    @property
    def origin(self) -> str:
        """Where the ImageNet weights come from, in words."""
        if self.name == EMBEDDED:
            return "comes with hilum"
        return f"hub: {self.hub}" if self.hub else self.url

    @classmethod
    def parse(cls, facts: Mapping[str, Any]) -> Entry:
        """Make an entry of what JSON holds."""
        return cls(**{**facts, "mean": tuple(facts["mean"]), "std": tuple(facts["std"])})


@cache
def entries() -> Mapping[str, Entry]:
    """All entries by name, the embedded one first."""
    text = files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    return MappingProxyType({facts["name"]: Entry.parse(facts) for facts in json.loads(text)})


def canonical(name: str) -> str:
    """Return timm's name of a network that may be named otherwise; an unknown name as it is.

    Examples
    --------
    >>> canonical("ResNet50V2"), canonical("vgg16"), canonical("who_knows")
    ('resnetv2_50', 'vgg16', 'who_knows')
    """
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)
