"""A fitted head: plain arrays that turn features into probabilities, wherever they are read."""

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
    """One unit a class."""

    @classmethod
    def suited_to(cls, classes: int) -> Output:
        """Return what a head with so many classes ends in."""
        return cls.SIGMOID if classes == 2 else cls.SOFTMAX

    def units(self, classes: int) -> int:
        """Return how many units the last layer has."""
        return 1 if self is Output.SIGMOID else classes

    def probabilities(self, logits: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return probabilities, shape (n, classes), of the last units' values, shape (n, units)."""
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
        The arrays do not fit each other, are not float32, or hold NaN or infinity.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]

    def __post_init__(self) -> None:
        for name, array, dimensions in (("weight", self.weight, 2), ("bias", self.bias, 1)):
            if array.dtype != np.float32 or array.ndim != dimensions or array.size == 0:
                msg = f"{name}: expected {dimensions}-D float32, found {array.dtype} {array.shape}"
                raise ValueError(msg)
            if not np.isfinite(array).all():
                msg = f"{name}: expected finite values"
                raise ValueError(msg)
        if len(self.bias) != len(self.weight):
            msg = f"bias: expected {len(self.weight)} values, as weight has rows, found {len(self.bias)}"
            raise ValueError(msg)


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
        The layers do not follow each other, or do not end in the units that the classes need.

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
            msg = f"classes: expected two or more, each once, found {self.classes}"
            raise ValueError(msg)
        if self.output is Output.SIGMOID and len(self.classes) != 2:
            msg = f"output: expected softmax for {len(self.classes)} classes, found sigmoid"
            raise ValueError(msg)
        if not self.layers:
            msg = "layers: expected one or more, found none"
            raise ValueError(msg)
        given = [len(layer.weight) for layer in self.layers]
        wanted = [layer.weight.shape[1] for layer in self.layers[1:]]
        wanted.append(self.output.units(len(self.classes)))
        if given != wanted:
            msg = f"layers: expected outputs {wanted}, found {given}"
            raise ValueError(msg)

    @property
    def inputs(self) -> int:
        """How many features it takes."""
        return int(self.layers[0].weight.shape[1])

    @property
    def parameters(self) -> int:
        """How many weights and biases it has."""
        return sum(layer.weight.size + layer.bias.size for layer in self.layers)

    @property
    def content_hash(self) -> str:
        """SHA-256 over classes, output and every weight, as 64 hex digits."""
        arrays = [array for layer in self.layers for array in (layer.weight, layer.bias)]
        shapes = json.dumps([array.shape for array in arrays])
        return hash_bytes(self._description.encode(), shapes.encode(), *(a.tobytes() for a in arrays))

    def probabilities(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return each class's probability for every row.

        Sums are taken in float64, so that a row's result does not hang on the rows beside it.

        Parameters
        ----------
        features : ndarray of float, shape (n, inputs)

        Returns
        -------
        ndarray of float32, shape (n, classes), range [0, 1]

        Raises
        ------
        ValueError
            Features of another length, or NaN or infinity among them.
        """
        if features.ndim != 2 or features.shape[1] != self.inputs:
            msg = f"features: expected shape (n, {self.inputs}), found {features.shape}"
            raise ValueError(msg)
        found = np.empty((len(features), len(self.classes)), np.float32)
        for start in range(0, len(features), BLOCK_ROWS):  # a bounded copy in float64
            rows = slice(start, start + BLOCK_ROWS)
            if not np.isfinite(features[rows]).all():
                msg = "features: expected finite values"
                raise ValueError(msg)
            found[rows] = self.output.probabilities(self._logits(features[rows].astype(np.float64)))
        return found

    def write(self, path: Path) -> None:
        """Write it as safetensors: ``0.weight``, ``0.bias``, ``1.weight``, …, whole or not at all."""
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
            The file is missing, damaged, of another schema, or its parts do not fit each other.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                description = _description(file.metadata())
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no iterator
            return cls(_layers(tensors), Output(description["output"]), tuple(description["classes"]))
        except FileNotFoundError as error:
            raise BundleError("no head here", path=path) from error
        except (SafetensorError, ValueError, TypeError, KeyError, OSError) as error:
            raise BundleError(f"not a head that can be read: {error}", path=path) from error

    @property
    def _description(self) -> str:
        # One metadata entry, since safetensors keeps several in no fixed order and bytes would differ.
        return json.dumps({"schema": SCHEMA, "output": self.output, "classes": self.classes})

    def _logits(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        *hidden, last = self.layers
        for layer in hidden:
            values = np.maximum(values @ layer.weight.T + layer.bias, 0)
        return np.asarray(values @ last.weight.T + last.bias)


def _description(metadata: dict[str, str] | None) -> dict[str, Any]:
    description = json.loads((metadata or {}).get(METADATA_KEY, "null"))
    if not isinstance(description, dict) or description.get("schema") != SCHEMA:
        msg = f"expected metadata {METADATA_KEY!r} of schema {SCHEMA}"
        raise ValueError(msg)
    classes = description["classes"]
    if not isinstance(classes, list) or not all(isinstance(name, str) for name in classes):
        msg = f"expected classes as a list of names, found {classes!r}"
        raise ValueError(msg)
    return description


def _layers(tensors: dict[str, NDArray[Any]]) -> tuple[Layer, ...]:
    places = range(len(tensors) // 2)
    expected = {f"{place}.{name}" for place in places for name in ("weight", "bias")}
    if set(tensors) != expected:
        msg = f"expected tensors {sorted(expected)}, found {sorted(tensors)}"
        raise ValueError(msg)
    return tuple(Layer(tensors[f"{place}.weight"], tensors[f"{place}.bias"]) for place in places)
