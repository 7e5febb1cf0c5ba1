"""The arithmetic alone: a network's forward pass on one core, and a large matrix product on all."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hilum.backbone.openvino_runtime import openvino, read_graph
from hilum.bench.operations import count_operations
from hilum.recipe.engine import Precision

__all__ = ["BATCHES", "OneCore", "operations_of", "product_rate", "timed"]

BATCHES = (1, 2, 4, 8, 16)
_SIDE = 4096  # of the matrices: 64 MiB each in float32, beyond any cache
_NAMES = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16", Precision.FLOAT16: "f16"}
_SEED = 0


def timed(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _compile(model: Any, precision: Precision, threads: int) -> Any:
    settings = {
        "INFERENCE_PRECISION_HINT": _NAMES[precision],
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
        tried = {}
        for batch in batches:
            compiled = _compile(_at(graph, size, batch), precision, threads=1)
            images = np.random.default_rng(_SEED).random((batch, 1, size, size), np.float32)
            compiled(images)
            tried[batch] = (timed(lambda: compiled(images)) / batch, compiled, images)  # noqa: B023  called here
        self.batch = min(tried, key=lambda batch: tried[batch][0])
        _, self._compiled, self._images = tried[self.batch]

    def seconds(self) -> float:
        """Measure one pass: seconds an image."""
        return timed(lambda: self._compiled(self._images)) / self.batch


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
