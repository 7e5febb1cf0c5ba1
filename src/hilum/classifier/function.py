"""A Python function as a classifier."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hilum.classifier.classifier import check_probabilities
from hilum.classifier.threshold import FALLBACK, Threshold
from hilum.errors import ClassifierError, closest
from hilum.radiograph import Radiograph

__all__ = ["FunctionClassifier"]


@dataclass(frozen=True)
class FunctionClassifier:
    """A function from one image to probabilities.

    Parameters
    ----------
    function : callable
        Takes float32 (rows, columns) in [0, 1], 0 black, in full size; returns the probability of each class,
        or, for two classes, that of the positive one alone. It is called for one image at a time.
    classes : tuple of str
        Two or more; of two, the second is the positive one.
    threshold : Threshold, optional
        Decision threshold; 0.5 for two classes otherwise.
    name : str
        For messages.

    Examples
    --------
    >>> model = FunctionClassifier(lambda pixels: pixels.mean(), ("dark", "bright"))
    >>> next(model.run([np.full((20, 20), 0.25, np.float32)])).tolist()
    [0.75, 0.25]
    """

    function: Callable[[NDArray[np.float32]], Any]
    classes: tuple[str, ...]
    threshold: Threshold | None = None
    name: str = "the function"
    side: int | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if len(self.classes) < 2 or len(set(self.classes)) < len(self.classes):
            raise ClassifierError(
                "the classes of the function are not two or more distinct names",
                found=", ".join(self.classes) or "none",
                remedy="Name them in the order of its values: --classes Normal,COVID-19.",
            )
        if self.threshold is None and len(self.classes) == 2:
            object.__setattr__(self, "threshold", Threshold(FALLBACK, f"{FALLBACK}, as none is stated"))

    @classmethod
    def load(
        cls, name: str, classes: Sequence[str], threshold: Threshold | None = None
    ) -> FunctionClassifier:
        """Import a function by its name, ``module:function``, from the working folder too.

        Raises
        ------
        ClassifierError
            If it cannot be imported, or is no function.
        """
        module_name, colon, function_name = name.partition(":")
        if not (colon and module_name and function_name):
            raise ClassifierError("not the name of a function", expected="MODULE:FUNCTION", found=name)
        module = _imported(module_name)
        function = getattr(module, function_name, None)
        if not callable(function):
            raise ClassifierError(
                f"the module {module_name} has no function {function_name}",
                path=getattr(module, "__file__", None),
                remedy=closest(function_name, vars(module)),
            )
        return cls(function, tuple(classes), threshold, name)

    def prepare(self, radiograph: Radiograph) -> NDArray[np.float32]:
        """Return the pixels."""
        return radiograph.pixels

    def run(self, inputs: Iterable[NDArray[np.float32]]) -> Iterator[NDArray[np.float32]]:
        """Yield the probabilities of images, float32 (classes,), in order.

        Raises
        ------
        ClassifierError
            If the function raises, or returns something else than probabilities.
        """
        for pixels in inputs:
            try:
                values = np.asarray(self.function(pixels), np.float64).reshape(-1)
            except Exception as error:
                cause = str(error).strip().splitlines()
                raise ClassifierError(
                    f"the function {self.name} failed",
                    found=": ".join([type(error).__name__, *cause[:1]]),
                ) from error
            if len(values) == 1 and len(self.classes) == 2:
                values = np.array([1 - values[0], values[0]])
            yield check_probabilities(values[None], (1, len(self.classes)), f"the function {self.name}")[0]

    def predict(self, radiographs: Iterable[Radiograph]) -> NDArray[np.float32]:
        """Compute the probabilities of radiographs, float32 (n, classes)."""
        found = list(self.run(self.prepare(radiograph) for radiograph in radiographs))
        return np.array(found, np.float32).reshape(-1, len(self.classes))


def _imported(name: str) -> Any:
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except Exception as error:  # whatever the user's module raises
        raise ClassifierError(
            f"the module {name} cannot be imported", found=f"{type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(here)
