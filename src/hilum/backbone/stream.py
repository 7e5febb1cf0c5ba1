"""Images through a compiled OpenVINO graph, one after the other, several at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.openvino_runtime import openvino

__all__ = ["Stream"]

_REQUESTS_EACH = 2  # for each stream: one that is computed, and one that waits so that no core does


class Stream:
    """Feeds a graph with images as they come, and gives its outputs in their order.

    Every image passes alone, so that its output does not depend on its neighbours.

    Parameters
    ----------
    compiled : openvino.CompiledModel
        From float32 (1, 1, size, size) to float32 (1, outputs).
    """

    def __init__(self, compiled: Any) -> None:
        streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._queue = openvino.AsyncInferQueue(compiled, _REQUESTS_EACH * streams)
        self._queue.set_callback(_keep)

    def run(self, squares: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the output of each image.

        Parameters
        ----------
        squares : iterable of ndarray of float32, shape (size, size), range [0, 1]
            Taken as room allows, so that memory does not grow with their number.

        Yields
        ------
        ndarray of float32, shape (outputs,)
        """
        pending: deque[Future[NDArray[np.float32]]] = deque()
        most = 2 * len(self._queue)
        try:
            for square in squares:
                pending.append(Future())
                self._queue.start_async({0: square[None, None]}, pending[-1])
                while pending and (pending[0].done() or len(pending) > most):
                    yield pending.popleft().result()
            self._queue.wait_all()  # raises what went wrong in a request
            while pending:
                yield pending.popleft().result()
        finally:
            self._queue.wait_all()


def _keep(request: Any, output: Future[NDArray[np.float32]]) -> None:
    output.set_result(request.get_output_tensor(0).data[0].copy())
