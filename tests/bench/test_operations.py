"""Floating-point operations, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from hilum.backbone.openvino_runtime import openvino
from hilum.bench.operations import count_operations

ops = openvino.opset13


def constant(*shape):
    return ops.constant(np.ones(shape, np.float32))


def graph(make, *shape):
    image = ops.parameter(list(shape), np.float32)
    return openvino.Model([make(image)], [image])


def convolution(weights, step=1, pad=0):
    return lambda image: ops.convolution(image, weights, [step] * 2, [pad] * 2, [pad] * 2, [1] * 2)


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        # 8 maps of 8 × 8, each cell a window of 3 × 3 in 3 channels
        (convolution(constant(8, 3, 3, 3)), (1, 3, 10, 10), 2 * 8 * 8 * 8 * 3 * 3 * 3),
        # padded, every second cell, two images: 4 maps of 5 × 5
        (convolution(constant(4, 2, 3, 3), step=2, pad=1), (2, 2, 10, 10), 2 * 2 * 4 * 5 * 5 * 2 * 3 * 3),
        # 6 groups of one channel each, 6 maps of 8 × 8
        (
            lambda image: ops.group_convolution(
                image, constant(6, 1, 1, 3, 3), [1] * 2, [0] * 2, [0] * 2, [1] * 2
            ),
            (1, 6, 10, 10),
            2 * 6 * 8 * 8 * 3 * 3,
        ),
        (lambda rows: ops.matmul(rows, constant(5, 7), False, False), (3, 5), 2 * 3 * 7 * 5),
        (lambda rows: ops.matmul(rows, constant(7, 5), True, True), (5, 3), 2 * 3 * 7 * 5),
        (ops.relu, (1, 3, 10, 10), 0),
    ],
    ids=["convolution", "padded, with steps", "groups", "product", "transposed product", "nothing counted"],
)
def test_operations_by_hand(make, shape, expected):
    assert count_operations(graph(make, *shape)) == expected


def test_operations_of_all_layers_add_up():
    both = graph(
        lambda x: convolution(constant(2, 8, 1, 1))(convolution(constant(8, 3, 3, 3))(x)), 1, 3, 5, 5
    )
    assert count_operations(both) == 2 * 9 * (8 * 27 + 2 * 8)
