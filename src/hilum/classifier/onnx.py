"""A network as an ONNX file, run by OpenVINO: from prepared pixels to probabilities as one graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.backbone.openvino_runtime import Stream, compile_graph, openvino, read_graph
from hilum.classifier.classifier import check_probabilities
from hilum.classifier.inputs import to_square
from hilum.classifier.specification import ModelSpecification
from hilum.classifier.threshold import FALLBACK, Threshold
from hilum.errors import ClassifierError, did_you_mean
from hilum.radiograph import Radiograph

__all__ = ["OnnxClassifier"]

_ops = openvino.opset13
_FLOATS = {"f16", "f32", "f64", "bf16"}


@dataclass(frozen=True)
class OnnxClassifier:
    """An ONNX network with its specification.

    It takes images in full size, since its own library does.

    Parameters
    ----------
    path : Path
        The ONNX file; weights that it keeps in files beside it are found there.
    specification : ModelSpecification

    Raises
    ------
    ClassifierError
        If the file is no network, or its input or output differs from the specification.
    """

    path: Path
    specification: ModelSpecification
    side: int | None = field(default=None, init=False)
    _stream: Stream = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        model = _complete(_read(self.path), self.specification, self.path)
        try:
            stream = Stream(compile_graph(model))
        except RuntimeError as error:
            raise ClassifierError(
                "OpenVINO cannot run the network", path=self.path, found=_last_line(error)
            ) from error
        object.__setattr__(self, "_stream", stream)

    @classmethod
    def open(cls, path: Path | str, preprocessing: Path | str) -> OnnxClassifier:
        """Open an ONNX file with the YAML file that states its preprocessing; see `ModelSpecification`."""
        return cls(Path(path), ModelSpecification.read(preprocessing))

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in the order of the outputs; of two, the second is the positive one."""
        return tuple(self.specification.classes)

    @cached_property
    def threshold(self) -> Threshold | None:
        """As specified; 0.5 for two classes otherwise."""
        if len(self.classes) > 2:
            return None
        stated = self.specification.threshold
        if stated is None:
            return Threshold(FALLBACK, f"{FALLBACK}, as none is stated")
        return Threshold(stated, f"stated as {stated:g}")

    def prepare(self, radiograph: Radiograph) -> NDArray[np.float32]:
        """Return the square that the network takes, float32 (size, size) in [0, 1]."""
        return to_square(radiograph, self.specification)

    def run(self, inputs: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities of prepared images, float32 (classes,), in order.

        Raises
        ------
        ClassifierError
            If the network's outputs are not probabilities.
        """
        shape = (1, len(self.classes))
        for values in self._stream.run(inputs):
            yield check_probabilities(values[None], shape, self.path.name)[0]

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute the probabilities of radiographs, float32 (n, classes)."""
        found = list(self.run(self.prepare(radiograph) for radiograph in radiographs))
        return np.array(found, np.float32).reshape(-1, len(self.classes))


def _read(path: Path) -> Any:
    if not path.is_file():
        raise ClassifierError("no such model", path=path, remedy="Check the name.")
    try:
        return read_graph(path)
    except RuntimeError as error:
        raise ClassifierError(
            "this is no ONNX network that OpenVINO reads", path=path, found=_last_line(error)
        ) from error


def _last_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[-1][:200]


def _complete(model: Any, specification: ModelSpecification, path: Path) -> Any:
    """Add the value range before the network, and the classes' probabilities behind it.

    The result takes float32 (1, 1, size, size) in [0, 1], and gives float32 (1, classes). A batch of fixed
    size is filled with copies of the image.
    """
    if len(model.inputs) != 1:
        names = ", ".join(each.get_any_name() for each in model.inputs)
        raise ClassifierError("the network takes several inputs", path=path, expected="one", found=names)
    layout, batch = _check_input(model.inputs[0], specification, path)
    pixels = _ops.parameter([1, 1, specification.size, specification.size], np.float32, name="pixels")
    values = _scaled(pixels, specification, batch)
    if layout == "nhwc":
        values = _ops.transpose(values, np.array([0, 2, 3, 1]))
    values = _ops.convert(values, model.inputs[0].get_element_type().to_string())
    known = [each.get_names() for each in model.outputs]
    model.get_parameters()[0].output(0).replace(values.output(0))
    model = openvino.Model(model.get_results(), [pixels], "classifier")
    model.validate_nodes_and_infer_types()
    outputs = [_first_row(result.input_value(0)) for result in model.get_results()]
    chosen = _columns(outputs, known, specification, path)
    return openvino.Model([_probabilities(chosen, specification, path)], [pixels], "classifier")


def _check_input(given: Any, specification: ModelSpecification, path: Path) -> tuple[str, int]:
    """Return the layout, and the batch size: 1 unless another one is fixed."""
    kind = given.get_element_type().to_string()
    if kind not in _FLOATS:
        raise ClassifierError(
            "the network's input is of another type", path=path, expected="float", found=kind
        )
    shape = given.partial_shape
    if shape.rank.is_dynamic or shape.rank.get_length() != 4:
        raise ClassifierError(
            "the network takes no images", path=path, expected="an input of four dimensions", found=str(shape)
        )
    lengths = [None if each.is_dynamic else each.get_length() for each in shape]
    size, channels = specification.size, specification.channels
    fitting = {"nchw": [channels, size, size], "nhwc": [size, size, channels]}
    layouts = [specification.layout] if specification.layout else list(fitting)
    for layout in layouts:
        pairs = zip(lengths[1:], fitting[layout], strict=True)
        if all(found is None or found == wanted for found, wanted in pairs):
            return layout, lengths[0] or 1
    stated = " or ".join(f"({', '.join(map(str, ['n', *fitting[layout]]))})" for layout in layouts)
    raise ClassifierError(
        "the network's input differs from the preprocessing",
        path=path,
        expected=f"{stated}, as size {size} and channels {channels} state",
        found=str(shape),
    )


def _scaled(pixels: Any, specification: ModelSpecification, batch: int) -> Any:
    low, high = specification.range
    deviation = np.asarray(specification.std, np.float64)
    factor = (high - low) / deviation
    offset = (low - np.asarray(specification.mean, np.float64)) / deviation
    return _ops.add(
        _ops.multiply(pixels, _per_channel(factor, specification.channels, batch)),
        _per_channel(offset, specification.channels, batch),
    )


def _per_channel(values: NDArray[np.float64], channels: int, batch: int) -> Any:
    each = np.broadcast_to(values, channels)[None, :, None, None]
    return _ops.constant(np.broadcast_to(each, (batch, channels, 1, 1)).astype(np.float32))


def _first_row(tensor: Any) -> Any:
    """Flatten what the network gives for the first image, as float32 (1, columns)."""
    zero, one = np.array([0]), np.array([1])
    first = _ops.slice(_ops.convert(tensor, "f32"), zero, one, one, zero)
    return _ops.reshape(first, np.array([1, -1]), special_zero=False)


def _columns(outputs: list[Any], names: list[set[str]], specification: ModelSpecification, path: Path) -> Any:
    """Return the outputs that are asked for, (1, columns): all in order, or those of `outputs`."""
    wanted = specification.outputs
    if wanted is None:
        if len(outputs) > 1:
            named = ", ".join(min(each, default="?") for each in names)
            raise ClassifierError(
                "the network has several outputs", path=path, found=named, remedy="Choose with `outputs`."
            )
        return outputs[0]
    chosen = [
        _column(outputs, names, wanted[label], specification.columns or [], path)
        for label in specification.classes
        if label in wanted
    ]
    return chosen[0] if len(chosen) == 1 else _ops.concat(chosen, axis=1)


def _column(
    outputs: list[Any], names: list[set[str]], wanted: int | str, known: list[str], path: Path
) -> Any:
    if isinstance(wanted, str) and wanted not in known:
        for output, own in zip(outputs, names, strict=True):
            if wanted in own:
                return output
        choices = [*known, *(name for own in names for name in own)]
        raise ClassifierError(
            f"the network has no output {wanted!r}", path=path, remedy=did_you_mean(wanted, choices)
        )
    place = known.index(wanted) if isinstance(wanted, str) else wanted
    whole = outputs[0] if len(outputs) == 1 else _ops.concat(outputs, axis=1)
    count = _count(whole)
    if place < 0 or (count is not None and place >= count):
        raise ClassifierError(
            f"the network has no output {wanted!r}", path=path, found=f"{count} outputs, counted from 0"
        )
    one = np.array([1])
    return _ops.slice(whole, np.array([place]), np.array([place + 1]), one, one)


def _count(values: Any) -> int | None:
    """Number of columns, where the network fixes it."""
    columns = values.output(0).partial_shape[1]
    return None if columns.is_dynamic else int(columns.get_length())


def _probabilities(values: Any, specification: ModelSpecification, path: Path) -> Any:
    count, classes = _count(values), specification.classes
    output = specification.output
    single = len(classes) == 2 and (output == "sigmoid" or (output == "none" and count == 1))
    if count not in {None, 1 if single else len(classes)}:
        raise ClassifierError(
            "the network's outputs do not match the classes",
            path=path,
            expected=f"1, of {classes[1]}" if single else f"{len(classes)}, of {', '.join(classes)}",
            found=str(count),
            remedy="Name the output of each class, or of the positive one, with `outputs`.",
        )
    if output == "softmax":
        return _ops.softmax(values, axis=1)
    if output == "sigmoid":
        values = _ops.sigmoid(values)
    if not single:
        return values
    return _ops.concat([_ops.subtract(_ops.constant(np.float32(1)), values), values], axis=1)
