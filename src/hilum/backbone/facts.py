"""What there is to know of a backbone without building it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version

from hilum.artifact import hash_bytes
from hilum.recipe.settings import MapPooling, Normalisation, WindowPooling

__all__ = ["Facts", "Weights"]


@dataclass(frozen=True)
class Weights:
    """What there is to say of a network's weights.

    Parameters
    ----------
    origin : str
        Where they come from, in words for a report.
    licence : str
        Theirs; empty where unknown.
    hash : str
        SHA-256 over the names, shapes and bytes of the tensors up to the map.
    mean, std : tuple of float
        What they expect to be subtracted and divided by, per channel, of pixels in [0, 1].
    """

    origin: str
    licence: str
    hash: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Facts:
    """A frozen pretrained network, in figures and words.

    Parameters
    ----------
    name : str
        timm's name of it.
    size : int
        Side of its input in pixels.
    normalisation : Normalisation
    pooling : MapPooling or WindowPooling
    weights : Weights
    features : int
        How many numbers it gives for an image.
    parameters : int
        How many learned weights lead to them.
    """

    name: str
    size: int
    normalisation: Normalisation
    pooling: MapPooling | WindowPooling
    weights: Weights
    features: int
    parameters: int

    @property
    def key(self) -> str:
        """A text for cache keys: equal keys mean equal features on one machine.

        timm's version is part of it, since the network's code decides too.
        """
        facts = (
            self.name,
            self.size,
            self.pooling.model_dump_json(),
            self.normalisation,
            self.weights.mean,
            self.weights.std,
            self.weights.hash,
            self.weights.origin,
            version("timm"),
        )
        return hash_bytes(*(str(fact).encode() for fact in facts))
