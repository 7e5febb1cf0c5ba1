"""What all tests share: a cache of their own, and one small run made once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from filelock import FileLock

SMALL = (
    "cohort.select.0.options={images: 60}",
    "head={kind: dense, units: 8, epochs: 6}",
)
"""Settings that make the demo recipe a matter of seconds."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--bfloat16",
        choices=("yes", "no"),
        help="believe that the processor computes in bfloat16, or that it does not, whatever it does",
    )


@pytest.fixture(scope="session", autouse=True)
def _bfloat16(request: pytest.FixtureRequest):
    """Force what hilum takes the processor for. Without the instructions, OpenVINO computes in float32."""
    forced = request.config.getoption("--bfloat16")
    with pytest.MonkeyPatch.context() as patch:
        if forced is not None:
            from hilum.backbone import openvino_runtime
            from hilum.recipe.settings import Precision

            known = (Precision.FLOAT32, Precision.BFLOAT16)[: 2 if forced == "yes" else 1]
            patch.setattr(openvino_runtime, "precisions", lambda: known)
        yield


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Path:
    """Return a folder that all workers of this test run see."""
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(shared: Path):
    """Keep the tests out of the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HILUM_CACHE", str(shared / "cache"))
        yield


@pytest.fixture(scope="session")
def small_recipe():
    from hilum.recipe import Setting, load

    return load("demo", [Setting.parse(text) for text in SMALL])


@pytest.fixture(scope="session")
def demo_run(shared: Path, small_recipe):
    """Return a finished run on a small synthetic cohort, and its data folder."""
    from hilum.run.run import Run
    from hilum.run.train import train

    with FileLock(shared / "demo.lock"):
        if not (shared / "demo").exists():
            train(small_recipe, shared / "data", shared / "demo")
    return Run.open(shared / "demo"), shared / "data"


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real radiographs, or skip."""
    if not os.environ.get("HILUM_DATA"):
        pytest.skip("HILUM_DATA is not set")
    return Path(os.environ["HILUM_DATA"])
