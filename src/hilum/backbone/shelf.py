"""Networks that were built before: their facts and their graph, in the cache folder.

Building a network takes seconds of imports alone. What work on known images needs of it is kept, under a name
that is made of all that decides it: the settings, the weights' bytes, the versions of the libraries.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from hilum.artifact import hash_bytes, hash_file, write_json
from hilum.backbone.catalogue import canonical, entries
from hilum.backbone.facts import Facts
from hilum.backbone.local import local_file
from hilum.backbone.store import cache_folder
from hilum.recipe.settings import BackboneSettings

if TYPE_CHECKING:
    from hilum.backbone.network import Network

__all__ = ["FACTS", "GRAPH", "facts_at", "place_of", "put"]

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
    from hilum.backbone.graph import write_graph  # noqa: PLC0415  torch takes seconds to load

    folder.mkdir(parents=True, exist_ok=True)
    write_graph(folder / GRAPH, network, facts.size)
    files = {name: hash_file(folder / name) for name in (GRAPH, _TENSORS)}
    write_json(folder / FACTS, {"facts": TypeAdapter(Facts).dump_python(facts, mode="json"), "files": files})
    return folder
