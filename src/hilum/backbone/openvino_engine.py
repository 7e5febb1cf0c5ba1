"""Networks on the CPU, with OpenVINO."""

from __future__ import annotations

from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs a network's graph with OpenVINO in float32, on the CPU.

    Every image passes alone, so that its features do not depend on its neighbours; several pass at a time,
    each on a core of its own.

    Parameters
    ----------
    backbone : Backbone
    """

    device = "cpu, OpenVINO"
    precision = "float32"

    def __init__(self, backbone: Backbone) -> None:
        self._backbone = backbone

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {version('openvino')}, {self.precision}"

    def run(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Compute features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        found = np.empty((len(pixels), self._backbone.features), np.float32)

        def keep(request: Any, row: int) -> None:
            found[row] = request.get_output_tensor(0).data[0]

        self._queue.set_callback(keep)
        for row in range(len(pixels)):
            self._queue.start_async({0: pixels[row : row + 1]}, row)
        self._queue.wait_all()
        return found

    @cached_property
    def _queue(self) -> Any:
        from hilum.backbone.openvino_runtime import (  # noqa: PLC0415  known images do not need it
            Haste,
            compile_float32,
            openvino,
            read_graph,
        )

        model = read_graph(self._backbone.graph)
        model.reshape([1, 1, self._backbone.size, self._backbone.size])
        return openvino.AsyncInferQueue(compile_float32(model, Haste.THROUGHPUT))
