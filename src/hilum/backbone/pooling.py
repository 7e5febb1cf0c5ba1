"""From a feature map to features."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from hilum.errors import BackboneError
from hilum.recipe.settings import MapPooling, WindowPooling

__all__ = ["MapMean", "WindowMeans", "pooling"]


class MapMean(nn.Module):
    """Mean over the whole map: shape (n, channels, rows, columns) to (n, channels)."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Pool."""
        return values.mean(dim=(2, 3))


class WindowMeans(nn.Module):
    """Means over windows side by side: Keras' ``AveragePooling2D(size)`` and ``Flatten``.

    Features are ordered channel by channel, in each window by window, row by row. (Keras orders them window
    by window. A head is trained on the one order or the other, and either gives the same classifier.)

    Parameters
    ----------
    size : int
        Side of a window in cells; cells that fill no window are left out.

    Examples
    --------
    >>> cells = torch.arange(49.0).reshape(1, 1, 7, 7)
    >>> WindowMeans(4)(cells)  # only rows and columns 0 to 3 count
    tensor([[12.]])
    >>> WindowMeans(2)(cells).shape
    torch.Size([1, 9])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Pool."""
        return avg_pool2d(values, self.size, self.size).flatten(1)


def pooling(settings: MapPooling | WindowPooling, side: int) -> nn.Module:
    """Build the pooling that a recipe states.

    Parameters
    ----------
    settings : MapPooling or WindowPooling
    side : int
        Of the map, in cells.

    Raises
    ------
    BackboneError
        If a window is larger than the map.
    """
    if isinstance(settings, MapPooling):
        return MapMean()
    if settings.size > side:
        raise BackboneError(
            "a pooling window is larger than the feature map",
            expected=f"at most {side}",
            found=str(settings.size),
            remedy="Choose smaller windows, a larger input size, or pooling {kind: map}.",
        )
    return WindowMeans(settings.size)
