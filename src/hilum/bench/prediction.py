"""Prediction: images a second over a folder, torchxrayvision's way and hilum's.

Every side runs twice a turn, over a few images and over many. The difference is the steady rate; the run over
many has the start of the process in it.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hilum.backbone import cache_folder
from hilum.backbone.openvino_runtime import precisions
from hilum.bench.baseline import TORCHXRAYVISION
from hilum.bench.models import make_model
from hilum.bench.process import Usage
from hilum.bench.sample import link, sample
from hilum.bench.spread import Spread, ratio
from hilum.bench.turns import Side, take_turns
from hilum.errors import BenchError
from hilum.progress import SILENT, Progress
from hilum.recipe.settings import Precision

__all__ = ["GOAL", "NETWORKS", "Prediction", "Rate", "bench_prediction", "steady"]


NETWORKS = ("densenet121", "efficientnet_lite0", "vgg16", "resnet50")
GOAL = 4.0
"""Times torchxrayvision's rate, on the same network."""
_THEIRS = "torchxrayvision"
_SAME = "densenet121"
_FEW = 10  # times fewer images in the short run


@dataclass(frozen=True)
class Rate:
    """How fast one side is.

    Parameters
    ----------
    side, network, precision : str
    whole : Spread
        Images a second of the whole process, its start included.
    steady : Spread
        Images a second once it runs.
    peak_bytes : Spread
    whole_faster, steady_faster : Spread, optional
        Over torchxrayvision's; None for another network.
    """

    side: str
    network: str
    precision: str
    whole: Spread
    steady: Spread
    peak_bytes: Spread
    whole_faster: Spread | None
    steady_faster: Spread | None


@dataclass(frozen=True)
class Prediction:
    """What was measured.

    Parameters
    ----------
    images, few : int
        Of the long and of the short run.
    rates : tuple of Rate
        torchxrayvision's first.
    """

    images: int
    few: int
    rates: tuple[Rate, ...]


@dataclass(frozen=True)
class _Runner:
    """A side, before it is known which folder it reads."""

    name: str
    network: str
    precision: str
    command: tuple[str, ...]
    suffix: tuple[str, ...] = ()

    def over(self, folder: Path) -> Side:
        return Side(f"{self.name}-{folder.name}", (*self.command, str(folder), *self.suffix))

    def used(self, used: dict[str, list[Usage]], folder: Path) -> list[Usage]:
        return used[f"{self.name}-{folder.name}"]


def bench_prediction(
    data: Path,
    *,
    images: int = 200,
    turns: int = 3,
    networks: Sequence[str] = NETWORKS,
    python: Path | None = None,
    progress: Progress = SILENT,
) -> Prediction:
    """Classify the same files with torchxrayvision and with hilum, in turn, on the CPU.

    Parameters
    ----------
    data : Path
        Folder of images; 8-bit JPEG and PNG files are taken evenly from it.
    images : int
        Of the long run.
    turns : int
    networks : sequence of str
        That hilum runs.
    python : Path, optional
        An interpreter with torchxrayvision; one is made otherwise.
    progress : Progress

    Raises
    ------
    BenchError
        If a side fails, or the images are too few to tell a rate.
    """
    files = sample(data, images)
    few = max(1, len(files) // _FEW)
    interpreter = TORCHXRAYVISION.interpreter(python, progress)
    with tempfile.TemporaryDirectory(prefix="hilum-bench-") as scratch:
        folder = Path(scratch)
        short, long = link(files[:: len(files) // few][:few], folder / "few"), link(files, folder / "many")
        runners = [_theirs(interpreter, folder), *_ours(networks, folder, progress)]
        sides = [runner.over(place) for place in (short, long) for runner in runners]
        used = take_turns(sides, turns, cache_folder() / "bench" / "logs", progress)
        rates = _rates(runners, [(r.used(used, short), r.used(used, long)) for r in runners], few, len(files))
        return Prediction(len(files), few, rates)


def steady(few: int, few_seconds: float, many: int, many_seconds: float) -> float:
    """Return images a second once a process runs, from a short and a long run of it.

    Raises
    ------
    BenchError
        If the long run took no longer.

    Examples
    --------
    >>> steady(10, 3.0, 110, 8.0)
    20.0
    """
    if many <= few or many_seconds <= few_seconds:
        raise BenchError(
            "the images are too few to tell a rate",
            expected=f"more than {few_seconds:.1f} s, which {few} took",
            found=f"{many_seconds:.1f} s for {many}",
            remedy="Take more with --images.",
        )
    return (many - few) / (many_seconds - few_seconds)


def _theirs(python: Path, folder: Path) -> _Runner:
    table = str(folder / "torchxrayvision.csv")
    return _Runner(
        _THEIRS, _SAME, Precision.FLOAT32, (str(python), str(TORCHXRAYVISION.script)), suffix=(table,)
    )


def _ours(networks: Sequence[str], folder: Path, progress: Progress) -> list[_Runner]:
    runners = []
    for network in networks:
        for precision in precisions():
            run = make_model(network, precision, folder, progress)
            command = (sys.executable, "-m", "hilum", "predict", "--csv", str(run))
            runners.append(_Runner(f"hilum-{network}-{precision}", network, precision, command))
    return runners


def _rates(
    runners: Sequence[_Runner], used: Sequence[tuple[list[Usage], list[Usage]]], few: int, many: int
) -> tuple[Rate, ...]:
    whole = [[many / turn.seconds for turn in long] for _, long in used]
    lasting = [
        [steady(few, one.seconds, many, other.seconds) for one, other in zip(short, long, strict=True)]
        for short, long in used
    ]
    return tuple(
        Rate(
            side="hilum" if place else _THEIRS,
            network=runner.network,
            precision=runner.precision,
            whole=Spread.of(whole[place]),
            steady=Spread.of(lasting[place]),
            peak_bytes=Spread.of([turn.peak_bytes for turn in used[place][1]]),
            whole_faster=ratio(whole[place], whole[0]) if runner.network == _SAME else None,
            steady_faster=ratio(lasting[place], lasting[0]) if runner.network == _SAME else None,
        )
        for place, runner in enumerate(runners)
    )
