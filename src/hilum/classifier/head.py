"""A fitted head: arrays that turn features into probabilities, without torch or scikit-learn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.special import expit, softmax

from hilum.errors import BundleError
from hilum.files import hash_bytes, write_bytes

__all__ = ["Head", "Layer", "Output"]

SCHEMA = 1
METADATA_KEY = "hilum_head"
BLOCK_ROWS = 1024


class Output(StrEnum):
    """How a head's last units become probabilities."""

    SIGMOID = "sigmoid"
    """One unit, two classes: the probability of the second."""
    SOFTMAX = "softmax"
    """One unit per class."""

    @classmethod
    def for_classes(cls, classes: int) -> Output:
        """The output of a head with so many classes."""
        return cls.SIGMOID if classes == 2 else cls.SOFTMAX

    def units(self, classes: int) -> int:
        """Number of units of the last layer."""
        return 1 if self is Output.SIGMOID else classes

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.floating]:
        """Probabilities, shape (n, classes), of logits, shape (n, units)."""
        if self is Output.SIGMOID:
            return np.hstack([expit(-logits), expit(logits)])
        return np.asarray(softmax(logits, axis=1))


@dataclass(frozen=True, eq=False)
class Layer:
    """One affine map.

    Parameters
    ----------
    weight : ndarray of float32, shape (outputs, inputs)
    bias : ndarray of float32, shape (outputs,)

    Raises
    ------
    ValueError
        The shapes do not match, or the arrays are not finite float32.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, array, dimensions in (("weight", self.weight, 2), ("bias", self.bias, 1)):
            if array.dtype != np.float32 or array.ndim != dimensions or array.size == 0:
                raise ValueError(
                    f"{name}: expected {dimensions}-D float32, found {array.dtype} {array.shape}"
                )
            if not np.isfinite(array).all():
                raise ValueError(f"{name}: expected finite values")
        if len(self.bias) != len(self.weight):
            raise ValueError(f"bias: expected {len(self.weight)} values, found {len(self.bias)}")


@dataclass(frozen=True, eq=False)
class Head:
    """A stack of layers with ReLU between them.

    Parameters
    ----------
    layers : tuple of Layer
        First to last; a linear head has one.
    output : Output
    classes : tuple of str
        In the order of the probabilities' columns; of two, the second is the positive one.

    Raises
    ------
    ValueError
        The layers do not match each other, the output or the classes.

    Examples
    --------
    >>> weight, bias = np.array([[1, -1]], np.float32), np.zeros(1, np.float32)
    >>> head = Head((Layer(weight, bias),), Output.SIGMOID, ("NORMAL", "COVID-19"))
    >>> head.probabilities(np.array([[2, 2]], np.float32))
    array([[0.5, 0.5]], dtype=float32)
    """

    layers: tuple[Layer, ...]
    output: Output
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ValueError(f"classes: expected two or more, each once, found {self.classes}")
        if self.output is Output.SIGMOID and len(self.classes) != 2:
            raise ValueError(f"output: expected softmax for {len(self.classes)} classes, found sigmoid")
        if not self.layers:
            raise ValueError("layers: expected one or more, found none")
        found = [len(layer.weight) for layer in self.layers]
        expected = [layer.weight.shape[1] for layer in self.layers[1:]]
        expected.append(self.output.units(len(self.classes)))
        if found != expected:
            raise ValueError(f"layers: expected outputs {expected}, found {found}")

    @property
    def inputs(self) -> int:
        """Number of features."""
        return int(self.layers[0].weight.shape[1])

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(layer.weight.size + layer.bias.size for layer in self.layers)

    @property
    def content_hash(self) -> str:
        """SHA-256 of classes, output and every weight, as 64 hex digits."""
        arrays = [array for layer in self.layers for array in (layer.weight, layer.bias)]
        shapes = json.dumps([array.shape for array in arrays])
        return hash_bytes(self._description.encode(), shapes.encode(), *(a.tobytes() for a in arrays))

    def probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Each class's probability for every row.

        Sums are in float64, so that the result of a row does not depend on the other rows.

        Parameters
        ----------
        features : ndarray of float, shape (n, inputs)

        Returns
        -------
        ndarray of float32, shape (n, classes), range [0, 1]

        Raises
        ------
        ValueError
            Features of another length, or not finite.
        """
        if features.ndim != 2 or features.shape[1] != self.inputs:
            raise ValueError(f"features: expected shape (n, {self.inputs}), found {features.shape}")
        found = np.empty((len(features), len(self.classes)), np.float32)
        for start in range(0, len(features), BLOCK_ROWS):  # bounds the copy in float64
            rows = slice(start, start + BLOCK_ROWS)
            if not np.isfinite(features[rows]).all():
                raise ValueError("features: expected finite values")
            found[rows] = self.output.probabilities(self._logits(features[rows].astype(np.float64)))
        return found

    def write(self, path: Path) -> None:
        """Write safetensors ``0.weight``, ``0.bias``, ``1.weight``, …, atomically."""
        tensors = {
            f"{place}.{name}": np.ascontiguousarray(array)
            for place, layer in enumerate(self.layers)
            for name, array in (("weight", layer.weight), ("bias", layer.bias))
        }
        write_bytes(path, save(tensors, metadata={METADATA_KEY: self._description}))

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` wrote.

        Raises
        ------
        BundleError
            The file is missing, damaged, inconsistent or of another schema.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                description = _description(file.metadata())
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no iterator
            return cls(_layers(tensors), Output(description["output"]), tuple(description["classes"]))
        except FileNotFoundError as error:
            raise BundleError("the head is missing", path=path) from error
        except (SafetensorError, ValueError, TypeError, KeyError, OSError) as error:
            raise BundleError(f"the head cannot be read: {error}", path=path) from error

    @property
    def _description(self) -> str:
        # One metadata entry: safetensors writes several in no fixed order, and the bytes would differ.
        return json.dumps({"schema": SCHEMA, "output": self.output, "classes": self.classes})

    def _logits(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        *hidden, last = self.layers
        for layer in hidden:
            values = np.maximum(values @ layer.weight.T + layer.bias, 0)
        return np.asarray(values @ last.weight.T + last.bias)


def _description(metadata: dict[str, str] | None) -> dict[str, Any]:
    description = json.loads((metadata or {}).get(METADATA_KEY, "null"))
    if not isinstance(description, dict) or description.get("schema") != SCHEMA:
        raise ValueError(f"expected metadata {METADATA_KEY!r} of schema {SCHEMA}")
    classes = description["classes"]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"expected classes as a list of names, found {classes!r}")
    return description


def _layers(tensors: dict[str, NDArray[Any]]) -> tuple[Layer, ...]:
    places = range(len(tensors) // 2)
    expected = {f"{place}.{name}" for place in places for name in ("weight", "bias")}
    if set(tensors) != expected:
        raise ValueError(f"expected tensors {sorted(expected)}, found {sorted(tensors)}")
    return tuple(Layer(tensors[f"{place}.weight"], tensors[f"{place}.bias"]) for place in places)
