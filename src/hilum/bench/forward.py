"""The arithmetic alone: a network's forward pass on one core, and a large matrix product on all."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hilum.backbone.openvino_runtime import PRECISION_HINTS, openvino, read_graph
from hilum.bench.operations import count_operations
from hilum.recipe.settings import Precision

__all__ = ["BATCHES", "OneCore", "operations_of", "product_rate", "timed"]


BATCHES = (1, 2, 4, 8, 16)
_SIDE = 4096  # of the matrices: 64 MiB each in float32, beyond any cache
_SEED = 0
_TRIED = 2  # passes of the largest batch, or as many images in smaller ones


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compile(model: Any, precision: Precision, threads: int) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision],
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
    }
    return openvino.Core().compile_model(model, "CPU", settings)


def _at(graph: Path, size: int, batch: int) -> Any:
    model = read_graph(graph)
    model.reshape([batch, 1, size, size])
    return model


def operations_of(graph: Path, size: int) -> int:
    """Count the floating-point operations of one image of `size` × `size` pixels."""
    return count_operations(_at(graph, size, 1))


class OneCore:
    """A network on one core, at the batch size that is fastest there.

    Parameters
    ----------
    graph : Path
        From float32 (n, 1, size, size) to features.
    size : int
    precision : Precision
    batches : tuple of int
        That are tried.
    """

    def __init__(
        self, graph: Path, size: int, precision: Precision, batches: tuple[int, ...] = BATCHES
    ) -> None:
        tried = [_Batch(graph, size, precision, batch) for batch in batches]
        self._best = min(tried, key=lambda each: each.seconds(_TRIED * max(batches)))
        self.batch = self._best.count

    def seconds(self, images: int) -> float:
        """Measure passes of as many images, or a few more: seconds an image."""
        return self._best.seconds(images)


class _Batch:
    """A network on one core that takes so many images at a time."""

    def __init__(self, graph: Path, size: int, precision: Precision, count: int) -> None:
        self.count = count
        self._compiled = _compile(_at(graph, size, count), precision, threads=1)
        self._images = np.random.default_rng(_SEED).random((count, 1, size, size), np.float32)
        self._compiled(self._images)

    def seconds(self, images: int) -> float:
        passes = -(-images // self.count)
        return timed(lambda: [self._compiled(self._images) for _ in range(passes)]) / (passes * self.count)


def product_rate(precision: Precision, threads: int, side: int = _SIDE) -> float:
    """Measure a large matrix product on `threads` cores: floating-point operations a second.

    The second matrix is constant, as a network's weights are.
    """
    random = np.random.default_rng(_SEED)
    left, right = (random.random((side, side), np.float32) for _ in range(2))
    ops = openvino.opset13
    parameter = ops.parameter([side, side], np.float32)
    model = openvino.Model([ops.matmul(parameter, ops.constant(right), False, False)], [parameter])
    compiled = _compile(model, precision, threads)
    compiled(left)
    return 2 * side**3 / timed(lambda: compiled(left))
