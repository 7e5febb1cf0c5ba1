"""Leaving out of a graph what its pooling does not see.

Windows that do not tile a map leave its last rows and columns out: of the tutorial's 7 × 7 cells the head
sees 4 × 4. What only led to the others need not be computed; the features stay the same. Going back from
the end, each layer needs so many rows and columns of what comes before it, from the top left; where it gets
more, they are cut off.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from hilum.backbone.openvino_runtime import openvino

__all__ = ["trim"]

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
