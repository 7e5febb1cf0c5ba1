"""What a classifier says of one file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Prediction"]


@dataclass(frozen=True)
class Prediction:
    """A predicted class with its probabilities, or the reason why there is none.

    Parameters
    ----------
    image : str
        The file, as it was named.
    predicted : str, optional
        The class.
    probability : mapping of str to float
        Of each class; they sum to 1.
    threshold : float, optional
        The positive class was predicted from this probability on; None with three classes or more.
    error : str, optional
        Why there is no prediction.
    remedy : str, optional
        What can be done about it.
    """

    image: str
    predicted: str | None = None
    probability: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None
    error: str | None = None
    remedy: str | None = None

    def __post_init__(self) -> None:
        if (self.predicted is None) == (self.error is None):
            msg = "a prediction has either a class or an error"
            raise ValueError(msg)

    def as_dict(self) -> dict[str, Any]:
        """Return the prediction as JSON lines hold it: without the keys that have no value."""
        if self.error is not None:
            reason = self.error if self.remedy is None else f"{self.error}. {self.remedy}"
            return {"image": self.image, "error": reason}
        return {
            "image": self.image,
            "predicted": self.predicted,
            "probability": dict(self.probability),
            "threshold": self.threshold,
        }
