"""A frozen network, ready to run: built once, and afterwards known by its facts and its graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hilum.backbone import shelf
from hilum.backbone.apart import build_apart
from hilum.backbone.facts import Facts
from hilum.recipe.settings import BackboneSettings

if TYPE_CHECKING:
    from hilum.backbone.network import Network

__all__ = ["Backbone", "open_backbone"]


@dataclass(frozen=True, eq=False)
class Backbone(Facts):
    """A frozen pretrained network, from pixels to features.

    Parameters
    ----------
    graph : Path
        Itself as an OpenVINO graph, from float32 ``pixels`` (n, 1, size, size) in [0, 1] to features.
    build : callable
        Gives the same as a PyTorch module, which most work on known images never needs.

    See Also
    --------
    Facts : The other parameters.
    """

    graph: Path
    build: Callable[[], Network] = field(repr=False)

    @cached_property
    def module(self) -> Network:
        """From float32 (n, 1, size, size) in [0, 1] to float32 (n, features)."""
        return self.build()


def open_backbone(settings: BackboneSettings, size: int | None = None, seed: int = 0) -> Backbone:
    """Open the backbone that a recipe states.

    A network is built, and converted to a graph, the first time; later only its files are looked at. Other
    weights, another size or another version of a library make it another network.

    Parameters
    ----------
    settings : BackboneSettings
    size : int, optional
        Side of the input in pixels; without it, the one that the network's weights were trained for.
    seed : int
        Of random weights; not used otherwise.

    Raises
    ------
    BackboneError
        If there is no such network, or it gives no feature map that the pooling fits.
    WeightsError
        If its weights cannot be had, or do not fit it.

    Examples
    --------
    >>> backbone = open_backbone(BackboneSettings())
    >>> backbone.features, backbone.size, backbone.weights.licence
    (1280, 224, 'Apache-2.0')
    """

    def build() -> Network:
        return _network(settings, size, seed)[0]

    place = shelf.place_of(settings, size, seed)
    facts = None if place is None else shelf.facts_at(place)
    if place is not None and facts is None:
        build_apart(settings, size, seed)
        facts = shelf.facts_at(place)
    if place is None or facts is None:
        network, facts = _network(settings, size, seed)
        place = shelf.put(place, network, facts)

        def build() -> Network:
            return network

    return Backbone(**vars(facts), graph=place / shelf.GRAPH, build=build)


def _network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    from hilum.backbone.network import build_network  # noqa: PLC0415  torch and timm take seconds to load

    return build_network(settings, size, seed)
