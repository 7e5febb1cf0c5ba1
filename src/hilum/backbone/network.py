"""A frozen network from gray pixels to features."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import nn
from torch.nn.functional import avg_pool2d

from hilum.backbone.backbone import Facts
from hilum.backbone.openvino_runtime import convert, openvino, save_graph
from hilum.backbone.weights import FeatureExtractor, find, load
from hilum.errors import BackboneError
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

__all__ = ["MapMean", "Network", "WindowMeans", "build_network", "pooling", "trim", "write_graph"]


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


class Network(nn.Module):
    """Gray pixels to features: normalise each of three equal channels, run the extractor, pool its map.

    Parameters
    ----------
    extractor : FeatureExtractor
    pool : torch.nn.Module
        From (n, channels, rows, columns) to (n, features).
    mean, std : sequence of float
        Of pixels in [0, 1], per channel.
    """

    def __init__(
        self, extractor: FeatureExtractor, pool: nn.Module, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.extractor = extractor
        self.pool = pool
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        values: torch.Tensor = self.pool(self.extractor((pixels - self.mean) / self.std))
        return values


def build_network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    """Build the network that a recipe states; `hilum.backbone.open_backbone` says how, and what it raises."""
    record = find(settings.name)
    size = size or record.size
    extractor, weights = load(record, settings.weights, size, seed)
    unit = settings.normalisation is Normalisation.UNIT
    mean, std = ((0.0,) * 3, (1.0,) * 3) if unit else (weights.mean, weights.std)
    network = Network(extractor, pooling(settings.pooling, extractor.side), mean, std)
    windows = (
        1 if isinstance(settings.pooling, MapPooling) else (extractor.side // settings.pooling.size) ** 2
    )
    facts = Facts(
        name=record.name,
        size=size,
        normalisation=settings.normalisation,
        pooling=settings.pooling,
        weights=weights,
        features=extractor.channels * windows,
        parameters=extractor.parameters_count,
    )
    return network, facts


_ops = openvino.opset13

_WORTH = 0.04
"""Share of the rows and columns that must go, or the copy costs more than it saves."""

_SLIDING = frozenset({"Convolution", "GroupConvolution", "MaxPool", "AvgPool"})
_EACH_FOR_ITSELF = frozenset({"Relu", "Clamp", "Add", "Multiply", "Subtract", "Divide"})
_SPATIAL = (2, 3)

Extent: TypeAlias = tuple[int, int]
"""Rows and columns."""


def trim(model: Any) -> None:
    """Cut off, in place, what no feature depends on.

    Networks whose branches join again are left as they are from there back to the input.

    Parameters
    ----------
    model : openvino.Model
        Its maps of shape (n, channels, rows, columns), rows and columns known.
    """
    needed: dict[Any, Extent] = {}
    for node in reversed(model.get_ordered_ops()):
        for place in node.inputs():
            source = place.get_source_output()
            extent = _extent(source)
            if extent is None:
                continue
            asked = _asked(node, place.get_index(), extent, needed)
            known = needed.get(source, (0, 0))
            needed[source] = max(known[0], asked[0]), max(known[1], asked[1])
    for node in model.get_ordered_ops():
        if node.get_type_name() in _SLIDING:
            _cut(node, needed[node.input_value(0)])
            model.validate_nodes_and_infer_types()  # what comes behind may be small enough now


def _extent(output: Any) -> Extent | None:
    """Return rows and columns of a map; None of what is none."""
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic or len(shape) != 4 or any(shape[axis].is_dynamic for axis in _SPATIAL):
        return None
    return shape[2].get_length(), shape[3].get_length()


def _asked(node: Any, index: int, extent: Extent, needed: dict[Any, Extent]) -> Extent:
    """Return how much of an input of `node` is needed for what is needed of its output."""
    kind = node.get_type_name()
    output = node.output(0) if node.get_output_size() else None
    if index or output not in needed or (kind in _SLIDING and not _is_plain(node)):
        return extent
    if kind in _SLIDING:
        first, second = (_back(node, axis, needed[output][axis]) for axis in range(2))
        return min(first, extent[0]), min(second, extent[1])
    return needed[output] if kind in _EACH_FOR_ITSELF and _is_alone(node) else extent


def _is_plain(node: Any) -> bool:
    return bool(node.get_attributes().get("auto_pad", "explicit") == "explicit")


def _is_alone(node: Any) -> bool:
    """Whether `node` has one map, and what else it takes is the same everywhere."""
    others = [_extent(value) for value in node.input_values()[1:]]
    return all(extent is None or extent == (1, 1) for extent in others)


def _back(node: Any, axis: int, count: int) -> int:
    """Return how many rows, or columns, of the input lead to the first `count` of the output."""
    facts = node.get_attributes()
    kernel = facts["kernel"] if "kernel" in facts else list(node.input_value(1).get_shape())[-2:]
    reach = (kernel[axis] - 1) * facts.get("dilations", (1, 1))[axis]
    return int((count - 1) * facts["strides"][axis] + reach + 1 - facts["pads_begin"][axis])


def _cut(node: Any, needed: Extent) -> None:
    source = node.input_value(0)
    rows, columns = _extent(source) or needed
    if needed[0] > rows * (1 - _WORTH) and needed[1] > columns * (1 - _WORTH):
        return
    begin, end, step = (np.array(each, np.int64) for each in ((0, 0), needed, (1, 1)))
    cut = _ops.slice(source, begin, end, step, np.array(_SPATIAL, np.int64))
    node.input(0).replace_source_output(cut.output(0))


def write_graph(path: Path, module: nn.Module, size: int) -> None:
    """Write a module as OpenVINO IR in float32: an XML file and, beside it, its tensors.

    What its pooling does not see is left out; see `hilum.backbone.network`.

    Parameters
    ----------
    path : Path
        Of the XML file.
    module : torch.nn.Module
        From float32 (n, 1, size, size), which the graph names ``pixels``, to float32 (n, features).
    size : int
        Side of its input in pixels.
    """
    example = torch.zeros(1, 1, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        # OpenVINO traces; PyTorch would rather export, which takes four times as long for the same graph.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = convert(traced, example_input=example, input=[-1, 1, size, size])
    trim(model)
    model.inputs[0].tensor.set_names({"pixels"})
    model.outputs[0].tensor.set_names({"features"})
    save_graph(model, path)
