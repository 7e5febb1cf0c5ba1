"""timm's networks, cut off after their feature map."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import timm
import torch
from timm.models import get_pretrained_cfg
from torch import nn

from hilum.backbone.catalogue import canonical
from hilum.errors import BackboneError, closest

__all__ = ["Record", "Trunk", "create", "find"]


@dataclass(frozen=True)
class Record:
    """What timm knows of a network and its default weights.

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
        Whether the file at `url` is of another framework's format.
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
    """Look a network up in timm.

    Parameters
    ----------
    name : str
        timm's name, with or without a tag, or an alias of `hilum.backbone.catalogue`.

    Raises
    ------
    BackboneError
        If timm has no such network or tag; names like it are suggested.
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
    """Build a network of timm with the random weights of a seed, leaving the global generator as it was."""
    logging.getLogger("timm").setLevel(logging.ERROR)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network: nn.Module = timm.create_model(name, **arguments)
    return network


class Trunk(nn.Module):
    """A frozen network from three channels to its feature map.

    What comes after the map (pooling, classifier) is cut off: it is neither kept nor hashed.

    Parameters
    ----------
    network : torch.nn.Module
        A network of timm, which becomes part of this.
    name : str
        For messages.
    size : int
        Side of its input in pixels.

    Attributes
    ----------
    dropped : tuple of str
        Names of the parts that were cut off.
    channels, side : int
        Of the map at `size`.

    Raises
    ------
    BackboneError
        If the network does not take such images, or gives no map.
    """

    def __init__(self, network: nn.Module, name: str, size: int) -> None:
        super().__init__()
        self.network = network.eval().requires_grad_(requires_grad=False)
        self._channels_last = str(getattr(network, "output_fmt", "")).endswith("NHWC")
        self.dropped = _drop_unused(self.network, name, size)
        shape = _probe(self, name, size).shape
        self.channels, self.side = shape[1], shape[2]

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return the map, shape (n, channels, side, side), of normalised pixels, shape (n, 3, size, size)."""
        values: torch.Tensor = self.network.forward_features(pixels)  # type: ignore[operator]
        return values.permute(0, 3, 1, 2) if self._channels_last else values

    @property
    def parameters_count(self) -> int:
        """How many weights are learned."""
        return sum(each.numel() for each in self.parameters())


def _drop_unused(network: nn.Module, name: str, size: int) -> tuple[str, ...]:
    """Replace the parts that a forward pass to the map never calls."""
    called: set[nn.Module] = set()

    def note(module: nn.Module, _inputs: object) -> None:
        called.add(module)

    hooks = [module.register_forward_pre_hook(note) for module in network.modules()]
    try:
        _probe(network.forward_features, name, size)
    finally:
        for hook in hooks:
            hook.remove()
    unused = [part for part, module in network.named_children() if called.isdisjoint(module.modules())]
    for part in unused:
        setattr(network, part, nn.Identity())
    return tuple(unused)


def _probe(forward: object, name: str, size: int) -> torch.Tensor:
    """Run on an empty image, to see what comes out."""
    try:
        with torch.inference_mode():
            values = forward(torch.zeros(1, 3, size, size))  # type: ignore[operator]
    except (AssertionError, RuntimeError, ValueError, TypeError, IndexError) as error:
        raise BackboneError(f"network {name} does not take images of {size} × {size} pixels") from error
    if not isinstance(values, torch.Tensor) or values.ndim != 4:
        raise BackboneError(
            f"network {name} gives no feature map",
            expected="values of shape (n, channels, rows, columns)",
            found=f"shape {tuple(values.shape)}" if isinstance(values, torch.Tensor) else "several tensors",
            remedy="Choose a convolutional network; transformers that give tokens are not supported.",
        )
    return values
