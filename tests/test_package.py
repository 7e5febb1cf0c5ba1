"""The door is light, and what it promises is there."""

from __future__ import annotations

import subprocess
import sys

import pytest

import hilum

HEAVY = ("torch", "timm", "openvino", "sklearn", "matplotlib", "pandas", "fastapi", "uvicorn")


@pytest.mark.parametrize(
    "door",
    ["import hilum", "from hilum.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"],
)
def test_the_door_loads_no_heavy_library(door):
    code = f"import sys\n{door}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_prediction_loads_no_torch(demo_run):
    run, data = demo_run
    image = next((data / "phantom").rglob("*.png"))
    code = (
        "import sys\nfrom hilum.bundle import Bundle\n"
        f"Bundle.load({str(run.path)!r}).predict({str(image)!r})\n"
        "print([name for name in ('torch', 'timm', 'sklearn', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_public_name_is_there_and_listed():
    for name in hilum.__all__:
        assert getattr(hilum, name).__doc__
    assert set(hilum.__all__) <= set(dir(hilum))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        hilum.trian  # noqa: B018
