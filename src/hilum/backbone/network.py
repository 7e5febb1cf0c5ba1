"""A frozen network from gray pixels to features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import timm
import torch
from torch import nn

from hilum.artifact import hash_bytes
from hilum.backbone.pooling import pooling
from hilum.backbone.trunk import Trunk, find
from hilum.backbone.weights import Weights, load
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

__all__ = ["Backbone", "Network", "open_backbone"]


class Network(nn.Module):
    """Gray pixels to features: normalise each of three equal channels, run the trunk, pool its map.

    Parameters
    ----------
    trunk : Trunk
    pool : torch.nn.Module
        From (n, channels, rows, columns) to (n, features).
    mean, std : sequence of float
        Of pixels in [0, 1], per channel.
    """

    def __init__(self, trunk: Trunk, pool: nn.Module, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.trunk = trunk
        self.pool = pool
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        values: torch.Tensor = self.pool(self.trunk((pixels - self.mean) / self.std))
        return values


@dataclass(frozen=True, eq=False)
class Backbone:
    """A frozen pretrained network, from pixels to features.

    Parameters
    ----------
    name : str
        timm's name of it.
    size : int
        Side of its input in pixels.
    normalisation : Normalisation
    pooling : MapPooling or WindowPooling
    weights : Weights
    features : int
        How many numbers it gives for an image.
    parameters : int
        How many learned weights lead to them.
    module : torch.nn.Module
        From float32 (n, 1, size, size) in [0, 1] to float32 (n, features).
    """

    name: str
    size: int
    normalisation: Normalisation
    pooling: MapPooling | WindowPooling
    weights: Weights
    features: int
    parameters: int
    module: Network

    @property
    def key(self) -> str:
        """A text for cache keys: equal keys mean equal features on one machine.

        timm's version is part of it, since the network's code decides too.
        """
        facts = (
            self.name,
            self.size,
            self.pooling.model_dump_json(),
            self.module.mean.flatten().tolist(),
            self.module.std.flatten().tolist(),
            self.weights.hash,
            self.weights.origin,
            timm.__version__,
        )
        return hash_bytes(*(str(fact).encode() for fact in facts))


def open_backbone(settings: BackboneSettings, size: int | None = None, seed: int = 0) -> Backbone:
    """Build the backbone that a recipe states.

    Parameters
    ----------
    settings : BackboneSettings
    size : int, optional
        Side of the input in pixels; without it, the one that the network's weights were trained for.
    seed : int
        Of random weights; not used otherwise.

    Raises
    ------
    BackboneError
        If there is no such network, or it gives no feature map that the pooling fits.
    WeightsError
        If its weights cannot be had, or do not fit it.

    Examples
    --------
    >>> backbone = open_backbone(BackboneSettings())
    >>> backbone.features, backbone.size, backbone.weights.licence
    (1280, 224, 'Apache-2.0')
    >>> backbone.module(torch.zeros(2, 1, 224, 224)).shape
    torch.Size([2, 1280])
    """
    record = find(settings.name)
    size = size or record.size
    trunk, weights = load(record, settings.weights, size, seed)
    unit = settings.normalisation is Normalisation.UNIT
    mean, std = ((0.0,) * 3, (1.0,) * 3) if unit else (weights.mean, weights.std)
    module = Network(trunk, pooling(settings.pooling, trunk.side), mean, std)
    windows = 1 if isinstance(settings.pooling, MapPooling) else (trunk.side // settings.pooling.size) ** 2
    return Backbone(
        name=record.name,
        size=size,
        normalisation=settings.normalisation,
        pooling=settings.pooling,
        weights=weights,
        features=trunk.channels * windows,
        parameters=trunk.parameters_count,
        module=module,
    )
