"""OpenVINO without its telemetry, in a pinned precision.

OpenVINO's Python package reports its use to a statistics service when it finds no refusal on file. hilum
runs where patients' images are, so the reporting package is kept from loading; OpenVINO then uses its
own silent stand-in. Its converter, half of what there is to import, is left to who converts.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PRECISION_HINTS",
    "Stream",
    "compile_graph",
    "convert",
    "openvino",
    "precisions",
    "read_graph",
    "save_graph",
]


sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None makes its import fail

sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
import openvino.opset13  # noqa: E402  after the lines above, or it has already reported

if sys.modules["openvino.tools.ovc"] is None:  # a program around this one may have imported it before
    del sys.modules["openvino.tools.ovc"]

from hilum.files import replacing  # noqa: E402
from hilum.recipe.settings import Precision  # noqa: E402

PRECISION_HINTS = {Precision.FLOAT32: "f32", Precision.BFLOAT16: "bf16", Precision.FLOAT16: "f16"}
"""OpenVINO's names, for ``INFERENCE_PRECISION_HINT``."""

_CAPABILITIES = {"BF16": Precision.BFLOAT16, "FP16": Precision.FLOAT16}


@cache
def _core() -> Any:
    return openvino.Core()


@cache
def precisions() -> tuple[Precision, ...]:
    """Return what the processor computes natively: float32, and behind it what is faster."""
    found = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return (Precision.FLOAT32, *(each for name, each in _CAPABILITIES.items() if name in found))


def compile_graph(model: Any, precision: Precision = Precision.FLOAT32) -> Any:
    """Compile a model, or the path of its XML file, for many images on the CPU.

    The precision is pinned: where the processor has bfloat16 OpenVINO would take it unasked, and figures
    would differ from machine to machine. Images pass side by side, each on few cores: threads that share an
    image wait for each other, and stand still when anything else runs.

    Parameters
    ----------
    model : openvino.Model or str
    precision : Precision
        One of `precisions`.

    Returns
    -------
    openvino.CompiledModel
    """
    hints = {"INFERENCE_PRECISION_HINT": PRECISION_HINTS[precision], "PERFORMANCE_HINT": "THROUGHPUT"}
    return _core().compile_model(model, "CPU", hints)


def convert(module: Any, **options: Any) -> Any:
    """Convert a traced PyTorch module to a model, with the options of `openvino.convert_model`."""
    from openvino.tools.ovc import convert_model  # noqa: PLC0415  see above

    return convert_model(module, **options)


def read_graph(path: Path) -> Any:
    """Read OpenVINO IR as a model that can be added to."""
    return _core().read_model(path)


def save_graph(model: Any, path: Path) -> None:
    """Write a model as OpenVINO IR in float32: `path`, and its tensors beside it as ``.bin``.

    The same model gives the same bytes: nodes are numbered, since OpenVINO names them by what the process
    did before.
    """
    model.set_friendly_name("hilum")
    for number, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{number}")
    with replacing(path) as temporary:
        openvino.save_model(model, temporary, compress_to_fp16=False)
        temporary.with_suffix(".bin").replace(path.with_suffix(".bin"))


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
