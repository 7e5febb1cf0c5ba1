"""A bundle's graph, from prepared images to probabilities: writing it, and running it with OpenVINO."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hilum.backbone import openvino_runtime
from hilum.backbone.openvino_runtime import Stream, compile_graph, openvino, read_graph, save_graph
from hilum.recipe.settings import Precision

if TYPE_CHECKING:
    from hilum.classifier import Head, Layer, Output

__all__ = ["GRAPH_FILES", "Inference", "write_graph"]

GRAPH_FILES = ("graph.xml", "graph.bin")

_FEATURES = "features"  # as `hilum.backbone` names a network's output
_ops = openvino.opset13


def write_graph(folder: Path, backbone: Path, head: Head) -> None:
    """Write a backbone with a head behind it as OpenVINO IR, in float32.

    The input is ``pixels``, float32 (n, 1, size, size) in [0, 1]; the output is ``probabilities``, float32
    (n, classes).

    Parameters
    ----------
    folder : Path
    backbone : Path
        A graph from ``pixels`` to ``features``.
    head : Head
    """
    model = read_graph(backbone)
    (values,) = model.outputs[0].node.input_values()
    for layer in head.layers[:-1]:
        values = _ops.relu(_dense(values, layer))
    values = _dense(values, head.layers[-1])
    whole = openvino.Model([_probabilities(values, head.output)], model.get_parameters())
    whole.outputs[0].tensor.set_names({"probabilities"})
    save_graph(whole, folder / GRAPH_FILES[0])


def _dense(values: Any, layer: Layer) -> Any:
    product = _ops.matmul(values, _ops.constant(layer.weight), transpose_a=False, transpose_b=True)
    return _ops.add(product, _ops.constant(layer.bias[None]))


def _probabilities(values: Any, output: Output) -> Any:
    from hilum.classifier import Output  # noqa: PLC0415  loads scipy, which predicting does not need

    if output is Output.SOFTMAX:
        return _ops.softmax(values, axis=1)
    positive = _ops.sigmoid(values)
    return _ops.concat([_ops.subtract(_ops.constant(np.float32(1)), positive), positive], axis=1)


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
        backbone, head = _parts(folder / GRAPH_FILES[0])
        has_precision = precision in openvino_runtime.precisions()
        self.precision = precision if has_precision else Precision.FLOAT32
        self._stream = Stream(compile_graph(backbone, self.precision))
        self._head = compile_graph(head)

    def run(self, images: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Classify prepared images, in their order; a bounded number is taken ahead.

        Parameters
        ----------
        images : iterable of ndarray of float32, shape (size, size), range [0, 1]

        Yields
        ------
        ndarray of float32, shape (classes,)
        """
        for features in self._stream.run(images):
            yield self._head(features[None])[0][0].copy()


def _parts(path: Path) -> tuple[Any, Any]:
    """Read a graph as two, since only the backbone may run in a reduced precision.

    Returns
    -------
    backbone : openvino.Model
        From float32 (1, 1, size, size) to float32 (1, features).
    head : openvino.Model
        From float32 (n, features) to float32 (n, classes).
    """
    model = read_graph(path)
    features = next(
        output
        for node in model.get_ordered_ops()
        for output in node.outputs()
        if _FEATURES in output.get_names()
    )
    entrance = openvino.opset13.parameter(features.partial_shape, np.float32)
    for place in features.get_target_inputs():
        place.replace_source_output(entrance.output(0))
    head = openvino.Model(model.outputs, [entrance])
    backbone = openvino.Model([features], model.get_parameters())
    _, *shape = backbone.inputs[0].partial_shape
    backbone.reshape([1, *shape])
    return backbone, head
