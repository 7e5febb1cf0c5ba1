"""Build a network and put it on the shelf: ``python -m hilum.backbone SETTINGS SIZE SEED``, each as JSON."""

from __future__ import annotations

import json
import sys

from hilum.backbone.backbone import open_backbone
from hilum.recipe.settings import BackboneSettings


def _main(settings: str, size: str, seed: str) -> None:
    import torch  # noqa: F401, PLC0415  so that it is built here, not in yet another process

    open_backbone(BackboneSettings.model_validate_json(settings), json.loads(size), json.loads(seed))


if __name__ == "__main__":
    _main(*sys.argv[1:])
