"""How many floating-point operations a network does, counted in its OpenVINO graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from types import MappingProxyType
from typing import Any

__all__ = ["count_operations"]


def count_operations(model: Any) -> int:
    """Count the additions and multiplications of a graph's convolutions and matrix products.

    A multiplication and the addition of its product are two. All else (activations, pooling, sums of
    branches) is a small share and is not counted. Zeros that pad a picture count as pixels.

    Parameters
    ----------
    model : openvino.Model
        Of static shapes.

    Returns
    -------
    int
        For one run of the graph.
    """
    return sum(_COUNTERS[op.get_type_name()](op) for op in model.get_ops() if op.get_type_name() in _COUNTERS)


def _shape(port: Any) -> list[int]:
    return list(port.get_shape())


def _convolution(op: Any) -> int:
    """Every output sums over its window in all input channels; weights are (output, input, rows, columns)."""
    return 2 * prod(_shape(op.output(0))) * prod(_shape(op.input_value(1))[1:])


def _group_convolution(op: Any) -> int:
    """Only over the channels of its group; weights are (groups, output, input, rows, columns)."""
    return 2 * prod(_shape(op.output(0))) * prod(_shape(op.input_value(1))[2:])


def _matmul(op: Any) -> int:
    shape = _shape(op.input_value(0))
    inner = shape[-2] if op.get_attributes()["transpose_a"] else shape[-1]
    return 2 * prod(_shape(op.output(0))) * inner


_COUNTERS: Mapping[str, Callable[[Any], int]] = MappingProxyType(
    {"Convolution": _convolution, "GroupConvolution": _group_convolution, "MatMul": _matmul}
)
