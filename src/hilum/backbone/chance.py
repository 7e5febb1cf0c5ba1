"""Networks with random weights, without drawing those of the parts that are cut off.

Of VGG16's 138 million weights 15 million lead to its map. The network is laid out without memory first, cut,
and only then filled: He's normal distribution for convolutions (He et al. 2015, arXiv:1502.01852), which
keeps the spread of the values from layer to layer.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hilum.backbone.trunk import Trunk, create
from hilum.errors import BackboneError

__all__ = ["random_trunk"]

_NORMS = (_BatchNorm, nn.LayerNorm, nn.GroupNorm)
_LINEAR_DEVIATION = 0.01
_PARAMETERS = frozenset({"weight", "bias"})


def random_trunk(name: str, size: int, seed: int) -> Trunk:
    """Build a network with the random weights of a seed, up to its map.

    A network of layers besides convolutions, linear layers and norms is built whole, and filled by timm.

    Parameters
    ----------
    name : str
        timm's name of it.
    size : int
        Side of its input in pixels.
    seed : int

    Raises
    ------
    BackboneError
        If the network gives no feature map at this size.
    """
    try:
        with torch.device("meta"):
            trunk = Trunk(create(name), name, size)
    except (BackboneError, RuntimeError, NotImplementedError):  # some networks compute as they are laid out
        trunk = None
    if trunk is None or not all(map(_is_known, trunk.modules())):
        return Trunk(create(name, seed=seed), name, size)
    trunk.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(seed)
    for module in trunk.modules():
        _fill(module, generator)
    return trunk


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
