"""Weights from their home on the network."""

from __future__ import annotations

import re
from pathlib import Path

import huggingface_hub.constants
import pooch
import requests
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

from hilum.artifact import hash_file
from hilum.backbone.local import WEIGHTS_FILE, in_hub_cache, url_cache
from hilum.errors import OfflineError, WeightsError

__all__ = ["fetch_from_hub", "fetch_from_url"]

_CONNECT_TIMEOUT_S = 4.0
_READ_TIMEOUT_S = 30.0


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
    cached = in_hub_cache(repository)
    if cached is not None:
        return cached
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
            f"the hub does not give {WEIGHTS_FILE} of {repository}", found=type(error).__name__
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
    path = url_cache(url)
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


def _download(url: str, path: Path) -> None:
    pooch.get_logger().setLevel("WARNING")
    downloader = pooch.HTTPDownloader(timeout=(_CONNECT_TIMEOUT_S, _READ_TIMEOUT_S))
    try:
        pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, downloader=downloader)
    except (requests.RequestException, OSError) as error:
        raise OfflineError("the download failed", found=f"{type(error).__name__} at {url}") from error
