"""VGG16 and VGG19 from their tensors, as an OpenVINO graph: the same as from timm, in a tenth of the time.

Loading torch and timm, and converting, takes seconds. Tests compare the features with those of the converted
network, bit by bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file

from hilum.backbone.backbone import Facts, Weights, hash_tensors
from hilum.backbone.catalogue import Entry, canonical, entries, local_file
from hilum.backbone.openvino_runtime import name_ends, openvino, trim
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation

__all__ = ["build_vgg"]

Tensors: TypeAlias = Mapping[str, NDArray[np.float32]]
Shapes: TypeAlias = Mapping[str, tuple[int, ...]]

_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions before each halving of the map."""
_WIDTHS = (64, 128, 256, 512, 512)
_HALVINGS = 32
_PREFIX = "features"


def build_vgg(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Any, Facts] | None:
    """Build a VGG network that a recipe states; None where it is another network, or anything does not fit.

    Random weights load torch, whose generator they come from; others do not.

    Returns
    -------
    openvino.Model
        As `hilum.backbone.network.write_graph` writes it.
    Facts
    """
    name = canonical(settings.name)
    if name not in _BLOCKS:
        return None
    entry = entries()[name]
    size = size or entry.size
    side, pool = size // _HALVINGS, settings.pooling
    window = side if isinstance(pool, MapPooling) else pool.size
    if not 1 <= window <= side:
        return None
    shapes = dict(_shapes(name))
    tensors, origin, licence = _tensors(settings.weights, entry, shapes, seed)
    if tensors is None:
        return None
    weights = Weights(origin, licence, hash_tensors(tensors), entry.mean, entry.std)
    unit = settings.normalisation is Normalisation.UNIT
    mean, std = ((0.0,) * 3, (1.0,) * 3) if unit else (weights.mean, weights.std)
    model = _graph(tensors, name, (mean, std), size, None if isinstance(pool, MapPooling) else window)
    facts = Facts(
        name=name,
        size=size,
        normalisation=settings.normalisation,
        pooling=pool,
        weights=weights,
        features=_WIDTHS[-1] * (1 if isinstance(pool, MapPooling) else (side // window) ** 2),
        parameters=sum(each.size for each in tensors.values()),
    )
    return model, facts


def _tensors(choice: str, entry: Entry, shapes: Shapes, seed: int) -> tuple[Tensors | None, str, str]:
    """Return the tensors, where they come from, and their licence."""
    if choice == "random":
        return _random(shapes, seed), f"random, seed {seed}", "none"
    if choice == "imagenet":
        path = local_file(entry)
        return None if path is None else _load(path, shapes), f"ImageNet, {entry.hub}", entry.licence
    path = Path(choice)
    return _load(path, shapes), f"file {path.name}", ""


def _layers(name: str) -> Iterator[tuple[int, int, bool]]:
    """Yield each convolution's position in timm's sequence, its outputs, and whether it ends a block."""
    place = 0
    for count, width in zip(_BLOCKS[name], _WIDTHS, strict=True):
        for number in range(count):
            yield place, width, number == count - 1
            place += 2  # a ReLU follows
        place += 1  # a pooling follows


def _shapes(name: str) -> Iterator[tuple[str, tuple[int, ...]]]:
    inputs = 3
    for place, width, _ in _layers(name):
        yield f"{_PREFIX}.{place}.weight", (width, inputs, 3, 3)
        yield f"{_PREFIX}.{place}.bias", (width,)
        inputs = width


def _random(shapes: Shapes, seed: int) -> Tensors:
    """Initialise as `hilum.backbone.weights.random_extractor` does."""
    import torch  # noqa: PLC0415  takes seconds to load

    generator = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, shape in shapes.items():
        values = torch.zeros(shape)
        if len(shape) > 1:
            torch.nn.init.kaiming_normal_(values, mode="fan_in", nonlinearity="relu", generator=generator)
        tensors[name] = values.numpy()
    return tensors


def _load(path: Path, shapes: Shapes) -> Tensors | None:
    """Return the tensors of a file; None where they do not fit, which `hilum.backbone.weights` reports."""
    try:
        found = load_file(path)
    except (SafetensorError, OSError):
        return None
    given = {name for name in found if not name.startswith(("pre_logits.", "head."))}
    if given != set(shapes) or any(found[name].shape != shape for name, shape in shapes.items()):
        return None
    tensors = {name: found[name] for name in shapes}
    fits = all(each.dtype == np.float32 and np.isfinite(each).all() for each in tensors.values())
    return tensors if fits else None


def _graph(
    tensors: Tensors,
    name: str,
    normalisation: tuple[tuple[float, ...], tuple[float, ...]],
    size: int,
    window: int | None,
) -> Any:
    ops = openvino.opset13
    pixels = ops.parameter([-1, 1, size, size], np.float32)
    mean, std = (ops.constant(np.array(each, np.float32).reshape(1, 3, 1, 1)) for each in normalisation)
    values = ops.divide(ops.subtract(pixels, mean), std)
    one, two, none = (1, 1), (2, 2), (0, 0)
    for place, width, ends_block in _layers(name):
        weight, bias = (tensors[f"{_PREFIX}.{place}.{kind}"] for kind in ("weight", "bias"))
        values = ops.convolution(values, ops.constant(weight), one, one, one, one)
        values = ops.relu(ops.add(values, ops.constant(bias.reshape(1, width, 1, 1))))
        if ends_block:
            values = ops.max_pool(values, two, one, none, none, two).output(0)
    if window is None:
        values = ops.reduce_mean(values, ops.constant(np.array((2, 3), np.int64)), keep_dims=False)
    else:
        sides = (window, window)
        values = ops.avg_pool(values, sides, none, none, sides, exclude_pad=False)
        values = ops.reshape(values, ops.constant(np.array((0, -1), np.int64)), special_zero=True)
    model = openvino.Model([values], [pixels])
    trim(model)
    name_ends(model)
    return model
