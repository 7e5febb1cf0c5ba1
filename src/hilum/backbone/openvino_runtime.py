"""OpenVINO graphs: reading, writing, trimming and compiling them, and running images through them.

OpenVINO's Python package reports its use to a statistics service unless the user has opted out. hilum
runs where patients' images are, so the reporting package is kept from loading; OpenVINO then uses its own
silent substitute. Its converter, half of what there is to import, is imported only by `convert`.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "PRECISION_HINTS",
    "Stream",
    "compile_graph",
    "convert",
    "name_ends",
    "openvino",
    "precisions",
    "read_graph",
    "save_graph",
    "trim",
]


sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]  # None makes its import fail
sys.modules.setdefault("openvino.tools.ovc", None)  # type: ignore[arg-type]
import openvino.opset13  # noqa: E402  after the lines above, or it has already reported

if sys.modules["openvino.tools.ovc"] is None:  # the calling program may have imported it before
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
    """Return what the processor computes natively: float32, then the faster ones."""
    found = _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return (Precision.FLOAT32, *(each for name, each in _CAPABILITIES.items() if name in found))


def compile_graph(model: Any, precision: Precision = Precision.FLOAT32) -> Any:
    """Compile a model, or the path of its XML file, for many images on the CPU.

    The precision is pinned: where the processor has bfloat16, OpenVINO would use it by default, and results
    would differ between machines. Images are computed in parallel, each on few cores: threads that share an
    image wait for each other, and stall when anything else runs.
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


_WORTH = 0.04
"""Least share of the rows and columns to remove; below it, the copy costs more than it saves."""

_SLIDING = frozenset({"Convolution", "GroupConvolution", "MaxPool", "AvgPool"})
_ELEMENTWISE = frozenset({"Relu", "Clamp", "Add", "Multiply", "Subtract", "Divide"})
_SPATIAL = (2, 3)

Extent: TypeAlias = tuple[int, int]
"""Rows and columns."""


def trim(model: Any) -> None:
    """Remove, in place, the rows and columns of feature maps on which no output depends.

    Pooling windows need not cover the whole map. Where branches join again, the maps before them stay whole.

    Parameters
    ----------
    model : openvino.Model
        With maps of shape (n, channels, rows, columns), rows and columns known.
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
            model.validate_nodes_and_infer_types()  # later maps may be small enough now


def _extent(output: Any) -> Extent | None:
    """Return the rows and columns of a feature map; None for any other tensor."""
    shape = output.get_partial_shape()
    if shape.rank.is_dynamic or len(shape) != 4 or any(shape[axis].is_dynamic for axis in _SPATIAL):
        return None
    return shape[2].get_length(), shape[3].get_length()


def _asked(node: Any, index: int, extent: Extent, needed: dict[Any, Extent]) -> Extent:
    """Return how much of an input of `node` is needed for the needed part of its output."""
    kind = node.get_type_name()
    output = node.output(0) if node.get_output_size() else None
    if index or output not in needed or (kind in _SLIDING and not _is_plain(node)):
        return extent
    if kind in _SLIDING:
        first, second = (_back(node, axis, needed[output][axis]) for axis in range(2))
        return min(first, extent[0]), min(second, extent[1])
    return needed[output] if kind in _ELEMENTWISE and _is_alone(node) else extent


def _is_plain(node: Any) -> bool:
    return bool(node.get_attributes().get("auto_pad", "explicit") == "explicit")


def _is_alone(node: Any) -> bool:
    """Whether `node` has one map as input, and its other inputs are the same for all cells."""
    others = [_extent(value) for value in node.input_values()[1:]]
    return all(extent is None or extent == (1, 1) for extent in others)


def _back(node: Any, axis: int, count: int) -> int:
    """Return how many rows (or columns) of the input the first `count` of the output depend on."""
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
    cut = openvino.opset13.slice(source, begin, end, step, np.array(_SPATIAL, np.int64))
    node.input(0).replace_source_output(cut.output(0))


def name_ends(model: Any) -> None:
    """Name the input and the output of a network."""
    model.inputs[0].tensor.set_names({"pixels"})
    model.outputs[0].tensor.set_names({"features"})


_REQUESTS_EACH = 2  # for each stream: one is computed while the next one is ready


class Stream:
    """Runs images through a graph as they come; outputs are in the order of the images.

    Each image is computed alone, so that its output does not depend on other images.

    Parameters
    ----------
    compiled : openvino.CompiledModel
        From float32 (1, 1, size, size) to float32 (1, outputs).
    """

    def __init__(self, compiled: Any) -> None:
        streams = compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS")
        self._queue = openvino.AsyncInferQueue(compiled, _REQUESTS_EACH * streams)
        self._queue.set_callback(_keep)

    def run(self, images: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the output of each image.

        Parameters
        ----------
        images : iterable of ndarray of float32, shape (size, size), range [0, 1]
            Taken as room allows, so that memory does not grow with their number.

        Yields
        ------
        ndarray of float32, shape (outputs,)
        """
        pending: deque[Future[NDArray[np.float32]]] = deque()
        most = 2 * len(self._queue)
        try:
            for image in images:
                pending.append(Future())
                self._queue.start_async({0: image[None, None]}, pending[-1])
                while pending and (pending[0].done() or len(pending) > most):
                    yield pending.popleft().result()
            self._queue.wait_all()  # raises the error of a request
            while pending:
                yield pending.popleft().result()
        finally:
            self._queue.wait_all()


def _keep(request: Any, output: Future[NDArray[np.float32]]) -> None:
    output.set_result(request.get_output_tensor(0).data[0].copy())
