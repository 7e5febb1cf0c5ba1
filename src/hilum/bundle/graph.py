"""One graph from prepared pixels to probabilities: the backbone's, with the head behind it.

Any OpenVINO runtime can run it whole. hilum runs the backbone in the precision that the bundle states, and
the head in float32: it costs nothing, and decides.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hilum.backbone.openvino_runtime import openvino, read_graph, save_graph
from hilum.classifier import Head, Layer, Output

__all__ = ["GRAPH_FILES", "read_parts", "write_graph"]

GRAPH_FILES = ("graph.xml", "graph.bin")

_ops = openvino.opset13
_FEATURES = "features"  # as `hilum.backbone.graph` names its output


def write_graph(folder: Path, backbone: Path, head: Head) -> None:
    """Write the graph as OpenVINO IR, in float32.

    Its input is ``pixels``, float32 (n, 1, size, size) in [0, 1]; its output ``probabilities``, float32
    (n, classes).

    Parameters
    ----------
    folder : Path
    backbone : Path
        Its graph, from that input to features.
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


def read_parts(folder: Path) -> tuple[Any, Any]:
    """Read the graph in its two parts.

    Returns
    -------
    backbone : openvino.Model
        From float32 (1, 1, size, size) to float32 (1, features).
    head : openvino.Model
        From float32 (n, features) to float32 (n, classes).
    """
    backbone, head = (read_graph(folder / GRAPH_FILES[0]) for _ in range(2))
    backbone = openvino.Model([_features(backbone)], backbone.get_parameters())
    _, *shape = backbone.inputs[0].partial_shape
    backbone.reshape([1, *shape])
    found = _features(head)
    given = _ops.parameter(found.partial_shape, np.float32)
    for place in found.get_target_inputs():
        place.replace_source_output(given.output(0))
    return backbone, openvino.Model(head.outputs, [given])


def _features(model: Any) -> Any:
    return next(
        output
        for node in model.get_ordered_ops()
        for output in node.outputs()
        if _FEATURES in output.get_names()
    )


def _dense(values: Any, layer: Layer) -> Any:
    product = _ops.matmul(values, _ops.constant(layer.weight), transpose_a=False, transpose_b=True)
    return _ops.add(product, _ops.constant(layer.bias[None]))


def _probabilities(values: Any, output: Output) -> Any:
    if output is Output.SOFTMAX:
        return _ops.softmax(values, axis=1)
    positive = _ops.sigmoid(values)
    return _ops.concat([_ops.subtract(_ops.constant(np.float32(1)), positive), positive], axis=1)
