"""A frozen network from gray pixels to features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from hilum.backbone.facts import Facts
from hilum.backbone.pooling import pooling
from hilum.backbone.trunk import Trunk, find
from hilum.backbone.weights import load
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation

__all__ = ["Network", "build_network"]


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


def build_network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    """Build the network that a recipe states; `hilum.backbone.open_backbone` says how, and what it raises."""
    record = find(settings.name)
    size = size or record.size
    trunk, weights = load(record, settings.weights, size, seed)
    unit = settings.normalisation is Normalisation.UNIT
    mean, std = ((0.0,) * 3, (1.0,) * 3) if unit else (weights.mean, weights.std)
    network = Network(trunk, pooling(settings.pooling, trunk.side), mean, std)
    windows = 1 if isinstance(settings.pooling, MapPooling) else (trunk.side // settings.pooling.size) ** 2
    facts = Facts(
        name=record.name,
        size=size,
        normalisation=settings.normalisation,
        pooling=settings.pooling,
        weights=weights,
        features=trunk.channels * windows,
        parameters=trunk.parameters_count,
    )
    return network, facts
