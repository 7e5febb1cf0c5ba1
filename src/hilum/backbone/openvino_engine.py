"""Networks on the CPU, with OpenVINO."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from functools import cached_property
from importlib.metadata import version
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hilum.recipe.engine import Precision

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone
    from hilum.backbone.stream import Stream

__all__ = ["OpenVinoEngine"]


class OpenVinoEngine:
    """Runs a network's graph with OpenVINO, on the CPU.

    Parameters
    ----------
    backbone : Backbone
    precision : Precision
        One that the processor has.
    """

    device = "cpu, OpenVINO"

    def __init__(self, backbone: Backbone, precision: Precision = Precision.FLOAT32) -> None:
        self.precision = precision
        self._backbone = backbone

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {version('openvino')}, {self.precision}"

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images; see `hilum.backbone.Engine`."""
        rest = iter(squares)
        for first in rest:  # where all images are known, the network is not needed
            yield from self._stream.run(chain([first], rest))

    @cached_property
    def _stream(self) -> Stream:
        from hilum.backbone.openvino_runtime import compile_graph, read_graph  # noqa: PLC0415  see `run`
        from hilum.backbone.stream import Stream  # noqa: PLC0415

        model = read_graph(self._backbone.graph)
        model.reshape([1, 1, self._backbone.size, self._backbone.size])
        return Stream(compile_graph(model, self.precision))
