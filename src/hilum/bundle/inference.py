"""From prepared images to probabilities: the backbone in the bundle's precision, the head in float32."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.openvino_runtime import compile_graph, precisions
from hilum.backbone.stream import Stream
from hilum.bundle.parts import read_parts
from hilum.recipe.engine import Precision

__all__ = ["Inference"]


class Inference:
    """Runs a bundle's graph.

    Parameters
    ----------
    folder : Path
        Where the graph is.
    precision : Precision
        Of the backbone; float32, which is more exact, where the processor does not have it.
    """

    def __init__(self, folder: Path, precision: Precision) -> None:
        backbone, head = read_parts(folder)
        self.precision = precision if precision in precisions() else Precision.FLOAT32
        self._stream = Stream(compile_graph(backbone, self.precision))
        self._head = compile_graph(head)

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Classify prepared images, in their order; a bounded number is taken ahead.

        Parameters
        ----------
        squares : iterable of ndarray of float32, shape (size, size), range [0, 1]

        Yields
        ------
        ndarray of float32, shape (classes,)
        """
        for features in self._stream.run(squares):
            yield self._head(features[None])[0][0].copy()
