"""Opening a frozen network: built once, and afterwards read from the cache as facts and a graph."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray
from pydantic import TypeAdapter, ValidationError

from hilum.backbone.cache import NETWORK_NOTE, cache_folder
from hilum.backbone.catalogue import canonical, entries, local_file
from hilum.backbone.engine import accelerator
from hilum.files import hash_bytes, hash_file, write_json
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, WindowPooling

if TYPE_CHECKING:
    from hilum.backbone.network import Network

__all__ = ["Backbone", "Facts", "Weights", "build", "hash_tensors", "open_backbone", "prepare_backbone"]

_GRAPH = "graph.xml"
_TENSORS = "graph.bin"
_LIBRARIES = ("hilum", "openvino", "timm", "torch")
_building: dict[Path, subprocess.Popen[bytes]] = {}
"""Processes that build networks, by the folders in which these will be."""
_BUILD = "import sys; from hilum.backbone.backbone import build; build(*sys.argv[1:])"


@dataclass(frozen=True)
class Weights:
    """The facts of a network's weights.

    Parameters
    ----------
    origin : str
        Where they come from, in words for a report.
    licence : str
        Empty where unknown.
    hash : str
        SHA-256 over the names, shapes and bytes of the tensors up to the feature map.
    mean, std : tuple of float
        Subtracted from, and divided into, each channel of pixels in [0, 1].
    """

    origin: str
    licence: str
    hash: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class Facts:
    """The facts of a frozen pretrained network.

    Parameters
    ----------
    name : str
        timm's name.
    size : int
        Side of the input in pixels.
    features : int
        Features per image.
    parameters : int
        Number of learned weights that lead to them.
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

        timm's version is part of it, since features depend on the network's code too.
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


@dataclass(frozen=True, eq=False)
class Backbone(Facts):
    """A frozen pretrained network, from pixels to features.

    Parameters
    ----------
    graph : Path
        OpenVINO IR, from ``pixels``, float32 (n, 1, size, size) in [0, 1], to ``features``.
    build : callable
        Builds the same as a PyTorch module.

    See Also
    --------
    Facts : The other parameters.
    """

    graph: Path
    build: Callable[[], Network] = field(repr=False)

    @cached_property
    def module(self) -> Network:
        """From float32 (n, 1, size, size) to float32 (n, features); loads torch."""
        return self.build()


def open_backbone(settings: BackboneSettings, size: int | None = None, seed: int = 0) -> Backbone:
    """Open the backbone that a recipe states.

    A network is built, and converted to a graph, the first time; afterwards it is read from the cache. Other
    weights, another size or another version of a library make another network.

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
        If there is no such network, or it has no feature map that fits the pooling.
    WeightsError
        If its weights are not available, or do not fit it.

    Examples
    --------
    >>> backbone = open_backbone(BackboneSettings())
    >>> backbone.features, backbone.size, backbone.weights.licence
    (1280, 224, 'Apache-2.0')
    """

    def build_module() -> Network:
        return _network(settings, size, seed)[0]

    folder = _folder(settings, size, seed)
    if folder is not None:
        _wait(folder)
    facts = None if folder is None else _read(folder)
    if folder is not None and facts is None and settings.weights != "random":
        facts = _from_tensors(folder, settings, size, seed)
    if folder is not None and facts is None and accelerator() is None and not _torch_is_loaded():
        _start(folder, settings, size, seed)
        _wait(folder)
        facts = _read(folder)
    if folder is None or facts is None:
        network, facts = _network(settings, size, seed)
        folder = _write(folder, network, facts)

        def build_module() -> Network:
            return network

    return Backbone(**vars(facts), graph=folder / _GRAPH, build=build_module)


def _network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    from hilum.backbone.network import build_network  # noqa: PLC0415  torch and timm take seconds to load

    return build_network(settings, size, seed)


def _from_tensors(folder: Path, settings: BackboneSettings, size: int | None, seed: int) -> Facts | None:
    """Write a network that needs no timm to a folder of the cache; None where it is another one."""
    from hilum.backbone.openvino_runtime import save_graph  # noqa: PLC0415  loads OpenVINO
    from hilum.backbone.vgg import build_vgg  # noqa: PLC0415  see above

    found = build_vgg(settings, size, seed)
    if found is None:
        return None
    model, facts = found
    try:
        _fill(folder, lambda path: save_graph(model, path), facts)
    except OSError:  # a read-only or full disk
        return None
    return facts


def prepare_backbone(settings: BackboneSettings, size: int | None = None, seed: int = 0) -> None:
    """Start building a network in another process, where needed, before `open_backbone` asks for it.

    This process need not load torch then; where it has, or will for an accelerator, nothing is started.
    Errors are not reported here: the network is missing from the cache then, and `open_backbone` reports
    them.
    """
    folder = _folder(settings, size, seed)
    if folder is None or (folder / NETWORK_NOTE).is_file():
        return
    if accelerator() is None and not _torch_is_loaded():
        _start(folder, settings, size, seed)


def _start(folder: Path, settings: BackboneSettings, size: int | None, seed: int) -> None:
    if folder not in _building:
        command = (sys.executable, "-c", _BUILD, settings.model_dump_json(), json.dumps(size), str(seed))
        with suppress(OSError):
            _building[folder] = subprocess.Popen(  # noqa: S603  our own code
                command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )


def _wait(folder: Path) -> None:
    if process := _building.pop(folder, None):
        process.wait()


def _torch_is_loaded() -> bool:
    return "torch" in sys.modules


def build(settings: str, size: str, seed: str) -> None:
    """Build a network and write it to the cache; the arguments of `open_backbone`, as JSON."""
    stated = BackboneSettings.model_validate_json(settings), json.loads(size), json.loads(seed)
    folder = _folder(*stated)
    if folder is None or _from_tensors(folder, *stated) is None:
        _write(folder, *_network(*stated))


def _folder(settings: BackboneSettings, size: int | None, seed: int) -> Path | None:
    """Return a network's folder in the cache, existing or not; None where its weights are not available."""
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
        path = Path(settings.weights)  # its name, too, is among the facts
    if path is None or not path.is_file():
        return None
    status = path.stat()
    return f"{path.name} {_hash_once(path, status.st_mtime_ns, status.st_size)}"


@cache
def _hash_once(path: Path, modified_ns: int, size: int) -> str:
    """Hash a large file once in a process."""
    del modified_ns, size
    return hash_file(path)


def _read(folder: Path) -> Facts | None:
    """Return the facts of the network in a folder; None where it is missing or damaged."""
    try:
        kept = json.loads((folder / NETWORK_NOTE).read_bytes())
        if any(hash_file(folder / name) != digest for name, digest in kept["files"].items()):
            return None
        facts = TypeAdapter(Facts).validate_python(kept["facts"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, ValidationError):
        return None
    with suppress(OSError):  # a read-only folder
        os.utime(folder / NETWORK_NOTE)
    return facts


def _write(folder: Path | None, network: Network, facts: Facts) -> Path:
    """Write a network into a folder of the cache; where that fails, into a temporary one of this process."""
    from hilum.backbone.network import write_graph  # noqa: PLC0415  torch takes seconds to load

    def write(path: Path) -> None:
        write_graph(path, network, facts.size)

    if folder is not None:
        with suppress(OSError):  # a read-only or full disk costs time, not results
            return _fill(folder, write, facts)
    folder = Path(tempfile.mkdtemp(prefix="hilum-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _fill(folder, write, facts)


def _fill(folder: Path, write: Callable[[Path], None], facts: Facts) -> Path:
    """Write the graph, then the facts with its hash; a kill leaves a graph without facts, to be ignored."""
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / _GRAPH)
    files = {name: hash_file(folder / name) for name in (_GRAPH, _TENSORS)}
    write_json(
        folder / NETWORK_NOTE, {"facts": TypeAdapter(Facts).dump_python(facts, mode="json"), "files": files}
    )
    return folder


def hash_tensors(tensors: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 over the names, shapes and bytes of tensors, of which only one is copied at a time."""
    return hash_bytes(
        *(
            hash_bytes(name.encode(), str(each.shape).encode(), each.tobytes()).encode()
            for name, each in tensors.items()
        )
    )
