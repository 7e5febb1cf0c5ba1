"""Building a network in a process of its own.

PyTorch and timm take half a gigabyte, which work on a CPU does not need once the graph is there; when that
process ends, it goes back to the system.
"""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress

from hilum.backbone.accelerator import accelerator
from hilum.recipe.settings import BackboneSettings

__all__ = ["build_apart"]


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
