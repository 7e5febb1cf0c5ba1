"""A frozen network, ready to run: built once, and afterwards known by its facts and its graph."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from hilum.backbone.catalogue import canonical, entries, local_file
from hilum.backbone.engine import accelerator
from hilum.backbone.store import cache_folder
from hilum.files import hash_bytes, hash_file, write_json
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

if TYPE_CHECKING:
    from hilum.backbone.network import Network

__all__ = [
    "FACTS",
    "GRAPH",
    "Backbone",
    "Facts",
    "Weights",
    "build_apart",
    "facts_at",
    "open_backbone",
    "place_of",
    "put",
]


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


def build_apart(settings: BackboneSettings, size: int | None, seed: int) -> None:
    """Have another process build a network and put it on the shelf.

    Where PyTorch is loaded already, or will be for an accelerator, this does nothing. What goes wrong is not
    told: the shelf stays empty then, and building here tells it.

    Parameters
    ----------
    settings, size, seed
        As `hilum.backbone.open_backbone` takes them.
    """
    if accelerator() is not None or _torch_is_loaded():
        return
    words = (sys.executable, "-m", "hilum.backbone", settings.model_dump_json(), json.dumps(size), str(seed))
    with suppress(OSError):
        subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)  # noqa: S603  our own module


def _torch_is_loaded() -> bool:
    return "torch" in sys.modules


GRAPH = "graph.xml"
_TENSORS = "graph.bin"
FACTS = "facts.json"
"""What vouches for a graph; its time is when it was last asked for."""
_LIBRARIES = ("hilum", "openvino", "timm", "torch")


def place_of(settings: BackboneSettings, size: int | None, seed: int) -> Path | None:
    """Return the folder of a network, there or not; None where its weights' bytes are not at hand."""
    weights = _identity(settings, seed)
    if weights is None:
        return None
    stated = settings.model_copy(update={"name": canonical(settings.name), "weights": ""})
    facts = (stated.model_dump_json(), size, weights, *map(version, _LIBRARIES))
    name = hash_bytes(*(str(fact).encode() for fact in facts))
    return cache_folder() / "networks" / name[:32]


def _identity(settings: BackboneSettings, seed: int) -> str | None:
    if settings.weights == "random":
        return f"random, seed {seed}"
    if settings.weights == "imagenet":
        entry = entries().get(canonical(settings.name))
        path = None if entry is None else local_file(entry)
    else:
        path = Path(settings.weights)  # its name too is among the facts
    return f"{path.name} {hash_file(path)}" if path is not None and path.is_file() else None


def facts_at(place: Path) -> Facts | None:
    """Return the facts of the network at `place`; None where it is not there, or damaged."""
    try:
        kept = json.loads((place / FACTS).read_bytes())
        if any(hash_file(place / name) != digest for name, digest in kept["files"].items()):
            return None
        facts = TypeAdapter(Facts).validate_python(kept["facts"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    with suppress(OSError):  # a read-only folder
        os.utime(place / FACTS)
    return facts


def put(place: Path | None, network: Network, facts: Facts) -> Path:
    """Keep a network, and return where its graph is.

    Parameters
    ----------
    place : Path, optional
        As `place_of` gives it. Without it, or where nothing can be written there, the graph lives in a
        temporary folder as long as the process.
    network : Network
    facts : Facts
    """
    if place is not None:
        try:
            return _fill(place, network, facts)
        except OSError:  # a read-only or full disk costs time, no result
            pass
    folder = Path(tempfile.mkdtemp(prefix="hilum-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _fill(folder, network, facts)


def _fill(folder: Path, network: Network, facts: Facts) -> Path:
    """Write the graph, then the facts that vouch for it; a kill leaves a graph that nobody vouches for."""
    from hilum.backbone.network import write_graph  # noqa: PLC0415  torch takes seconds to load

    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder / GRAPH, network, facts.size)
    files = {name: hash_file(folder / name) for name in (GRAPH, _TENSORS)}
    write_json(folder / FACTS, {"facts": TypeAdapter(Facts).dump_python(facts, mode="json"), "files": files})
    return folder


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

    place = place_of(settings, size, seed)
    facts = None if place is None else facts_at(place)
    if place is not None and facts is None:
        build_apart(settings, size, seed)
        facts = facts_at(place)
    if place is None or facts is None:
        network, facts = _network(settings, size, seed)
        place = put(place, network, facts)

        def build() -> Network:
            return network

    return Backbone(**vars(facts), graph=place / GRAPH, build=build)


def _network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    from hilum.backbone.network import build_network  # noqa: PLC0415  torch and timm take seconds to load

    return build_network(settings, size, seed)
