"""Networks in PyTorch, from gray pixels to features: building, converting to OpenVINO, and running them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.functional import avg_pool2d

from hilum.backbone.backbone import Facts
from hilum.backbone.openvino_runtime import convert, name_ends, save_graph, trim
from hilum.errors import BackboneError
from hilum.executor import Threads
from hilum.recipe.settings import BackboneSettings, MapPooling, Normalisation, Precision, WindowPooling

if TYPE_CHECKING:
    from hilum.backbone.backbone import Backbone

__all__ = [
    "REDUCED",
    "FeatureExtractor",
    "MapMean",
    "Network",
    "TorchEngine",
    "WindowMeans",
    "accelerated",
    "build_network",
    "pooling",
    "write_graph",
]


def build_network(settings: BackboneSettings, size: int | None, seed: int) -> tuple[Network, Facts]:
    """Build the network that a recipe states; see `hilum.backbone.open_backbone`."""
    from hilum.backbone.weights import find, load  # noqa: PLC0415  timm takes seconds to load

    record = find(settings.name)
    size = size or record.size
    extractor, weights = load(record, settings.weights, size, seed)
    unit = settings.normalisation is Normalisation.UNIT
    mean, std = ((0.0,) * 3, (1.0,) * 3) if unit else (weights.mean, weights.std)
    network = Network(extractor, pooling(settings.pooling, extractor.side), mean, std)
    pool = settings.pooling
    windows = 1 if isinstance(pool, MapPooling) else (extractor.side // pool.size) ** 2
    facts = Facts(
        name=record.name,
        size=size,
        normalisation=settings.normalisation,
        pooling=settings.pooling,
        weights=weights,
        features=extractor.channels * windows,
        parameters=extractor.parameters_count,
    )
    return network, facts


class FeatureExtractor(nn.Module):
    """A frozen network from three channels to its feature map.

    What follows the map (pooling, classifier) is removed: it is neither stored nor hashed.

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
        Names of the parts that were removed.
    channels, side : int
        Of the map at `size`.

    Raises
    ------
    BackboneError
        If the network does not take such images, or has no feature map.
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
        """Number of learned weights."""
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
    """Run on an empty image, and check what comes out."""
    try:
        with torch.inference_mode():
            values = forward(torch.zeros(1, 3, size, size))  # type: ignore[operator]
    except (AssertionError, RuntimeError, ValueError, TypeError, IndexError) as error:
        raise BackboneError(f"network {name} does not take images of {size} × {size} pixels") from error
    if not isinstance(values, torch.Tensor) or values.ndim != 4:
        raise BackboneError(
            f"network {name} has no feature map",
            expected="values of shape (n, channels, rows, columns)",
            found=f"shape {tuple(values.shape)}" if isinstance(values, torch.Tensor) else "several tensors",
            remedy="Choose a convolutional network; transformers that output tokens are not supported.",
        )
    return values


class MapMean(nn.Module):
    """Mean over the whole map: shape (n, channels, rows, columns) to (n, channels)."""

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Pool a feature map."""
        return values.mean(dim=(2, 3))


class WindowMeans(nn.Module):
    """Means over adjacent windows: Keras' ``AveragePooling2D(size)`` and ``Flatten``.

    Features are ordered by channel, then by window, row by row. (Keras orders them by window first. Either
    order leads to the same classifier, since a head is trained on it.)

    Parameters
    ----------
    size : int
        Side of a window in cells; cells that do not fill a window are left out.

    Examples
    --------
    >>> cells = torch.arange(49.0).reshape(1, 1, 7, 7)
    >>> WindowMeans(4)(cells)  # only rows and columns 0 to 3 count
    tensor([[12.]])
    >>> WindowMeans(2)(cells).shape
    torch.Size([1, 9])
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Pool a feature map."""
        return avg_pool2d(values, self.size, self.size).flatten(1)


def pooling(settings: MapPooling | WindowPooling, side: int) -> nn.Module:
    """Build the pooling that a recipe states, for a feature map of `side` × `side` cells.

    Raises
    ------
    BackboneError
        If a window is larger than the map.
    """
    if isinstance(settings, MapPooling):
        return MapMean()
    if settings.size > side:
        raise BackboneError(
            "a pooling window is larger than the feature map",
            expected=f"at most {side}",
            found=str(settings.size),
            remedy="Choose smaller windows, a larger input size, or pooling {kind: map}.",
        )
    return WindowMeans(settings.size)


class Network(nn.Module):
    """Gray pixels to features: normalise three equal channels, extract the feature map, and pool it.

    `mean` and `std` are those of pixels in [0, 1], per channel.
    """

    def __init__(
        self, extractor: FeatureExtractor, pool: nn.Module, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.extractor = extractor
        self.pool = pool
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32).reshape(1, 3, 1, 1))
        self.eval()

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """Return features, float32 (n, features), of pixels, float32 (n, 1, size, size) in [0, 1]."""
        values: torch.Tensor = self.pool(self.extractor((pixels - self.mean) / self.std))
        return values


def write_graph(path: Path, module: nn.Module, size: int) -> None:
    """Write a module as OpenVINO IR in float32: an XML file and, beside it, its tensors.

    What its pooling does not see is left out; see `hilum.backbone.openvino_runtime.trim`.

    Parameters
    ----------
    path : Path
        Of the XML file.
    module : torch.nn.Module
        From float32 (n, 1, size, size), which the graph names ``pixels``, to float32 (n, features).
    size : int
        Side of its input in pixels.
    """
    example = torch.zeros(1, 1, size, size)
    with warnings.catch_warnings(), torch.inference_mode():
        # Tracing is deprecated, but exporting takes four times as long for the same graph.
        warnings.simplefilter("ignore")
        traced = torch.jit.trace(module, example, check_trace=False)  # type: ignore[no-untyped-call]
        model = convert(traced, example_input=example, input=[-1, 1, size, size])
    trim(model)
    name_ends(model)
    save_graph(model, path)


REDUCED = {Precision.BFLOAT16: torch.bfloat16, Precision.FLOAT16: torch.float16}
"""PyTorch's types of the precisions besides float32."""

_BATCH = 64


class TorchEngine:
    """Runs a network with PyTorch, channels last; in a reduced precision by autocast.

    Kernels may sum in another order for another batch size, so every batch has the same number of images; the
    last is filled up with empty ones. On the CPU a batch is one image, and each core computes batches of its
    own: threads that share a batch wait for each other, and stall when anything else runs.

    Parameters
    ----------
    backbone : Backbone
    where : str
        PyTorch's name of a device.
    precision : Precision
    batch : int, optional
        Images per batch.
    """

    def __init__(
        self,
        backbone: Backbone,
        where: str,
        precision: Precision = Precision.FLOAT32,
        batch: int | None = None,
    ) -> None:
        self.device = f"{where}, PyTorch"
        self.precision = precision
        self.batch = batch or (1 if where == "cpu" else _BATCH)
        self._backbone = backbone
        self._where = where
        self._workers = (os.cpu_count() or 1) if where == "cpu" else 1

    @property
    def key(self) -> str:
        """Equal keys mean equal features of one network on one machine."""
        return f"{self.device} {torch.__version__}, {self.precision}, {self.batch} a pass"

    def run(self, images: Iterable[NDArray[np.float32]]) -> Generator[NDArray[np.float32], None, None]:
        """Compute the features of prepared images; see `hilum.backbone.Engine`."""
        executor = Threads(self._workers, ahead=2)  # one batch is computed while the next one is ready
        # By default, cuDNN would compute in TF32, and choose its kernels by timing them.
        with torch.backends.cudnn.flags(benchmark=False, deterministic=True, allow_tf32=False):
            for values in executor.map(self._compute, _batches(images, self.batch)):
                yield from values

    @cached_property
    def _module(self) -> nn.Module:
        return self._backbone.module.eval().to(self._where, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

    def _compute(self, images: list[NDArray[np.float32]]) -> NDArray[np.float32]:
        if self._where == "cpu":
            torch.set_num_threads(1)  # of this thread
        full = torch.zeros(self.batch, 1, *images[0].shape, pin_memory=self._where == "cuda")
        np.stack(images, out=full.numpy()[: len(images), 0])
        reduced = REDUCED.get(self.precision)
        with torch.inference_mode(), torch.autocast(self._where, reduced, enabled=reduced is not None):
            values = self._module(full.to(self._where, non_blocking=True))
        found: NDArray[np.float32] = values[: len(images)].float().cpu().numpy()
        return found


def accelerated(where: str) -> tuple[Precision, ...]:
    """Return what ``"cuda"`` or ``"mps"`` computes natively: float32, then the faster ones."""
    if where == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False):
        return Precision.FLOAT32, Precision.BFLOAT16, Precision.FLOAT16
    return Precision.FLOAT32, Precision.FLOAT16


def _batches(images: Iterable[NDArray[np.float32]], count: int) -> Iterator[list[NDArray[np.float32]]]:
    rest = iter(images)
    while batch := list(islice(rest, count)):
        yield batch
