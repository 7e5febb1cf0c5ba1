"""The package as installed: light imports, optional libraries, public names."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

import hilum

HEAVY = ("torch", "timm", "openvino", "sklearn", "matplotlib", "pandas", "numpy", "pydantic", "rich")


@pytest.mark.parametrize(
    "statement",
    ["import hilum", "from hilum.cli import main\ntry: main(['--help'])\nexcept SystemExit: pass"],
)
def test_import_and_help_load_no_heavy_library(statement):
    code = f"import sys\n{statement}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    assert python(code).splitlines()[-1] == "[]"


def python(code: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_of_training() -> list[str]:
    """Return the modules that the extra `train` brings and a plain installation lacks."""
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    extra = {re.split(r"[^\w-]", line)[0] for line in project["optional-dependencies"]["train"]}
    homes = metadata.packages_distributions().items()
    found = {name: {one.lower() for one in distributions} & extra for name, distributions in homes}
    assert set().union(*found.values()) == extra
    return [name for name, distributions in found.items() if distributions]


WITHOUT = """
import sys
sys.modules.update(dict.fromkeys(sys.argv[1].split(","), None))
"""


def test_prediction_needs_only_what_a_plain_installation_has(demo_run, picture_files):
    code = """
import hilum
print([prediction.error for prediction in hilum.predict(sys.argv[2], sys.argv[3:])])
"""
    blocked = modules_of_training()
    assert {"torch", "timm", "pandas", "sklearn", "scipy", "matplotlib"} <= set(blocked)
    output = python(WITHOUT + code, ",".join(blocked), str(demo_run[0].path), *map(str, picture_files))
    assert output.splitlines()[-1] == "[None, None, None]"


def test_prediction_of_a_raster_file_loads_no_more_than_it_must(demo_run, picture_files):
    run, _ = demo_run
    heavy = (
        "torch",
        "timm",
        "sklearn",
        "scipy",
        "matplotlib",
        "pandas",
        "pydicom",
        "gdcm",
        "yaml",
        "requests",
    )
    code = (
        f"import sys\nimport hilum\nlist(hilum.predict({str(run.path)!r}, [{str(picture_files[0])!r}]))\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    assert python(code).splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "command", [["train", "demo"], ["audit", "run"], ["cohort", "list"], ["report", "run"]]
)
def test_a_command_of_training_names_the_extra_where_it_is_missing(command):
    code = WITHOUT + "from hilum.cli import main\nmain(sys.argv[2:])"
    words = [sys.executable, "-c", code, ",".join(modules_of_training()), *command]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(r"Error: \w+ is not installed\. `pip install 'hilum\[train\]'`.*\n", done.stderr)


@pytest.mark.parametrize("command", [["recipes"], ["backbones"], ["train", "--help"]])
def test_what_needs_no_extra_works_without_it(command):
    code = WITHOUT + "from hilum.cli import main\nmain(sys.argv[2:])"
    assert python(code, ",".join(modules_of_training()), *command)


@pytest.mark.parametrize("name", ["train", "audit", "Cohort"])
def test_in_python_too_the_extra_is_named(name):
    code = WITHOUT + (
        "import hilum\ntry: getattr(hilum, sys.argv[2])\nexcept hilum.HilumError as error: print(error)"
    )
    assert "pandas is not installed. `pip install 'hilum[train]'`" in python(code, "pandas", name)


@pytest.fixture(scope="module")
def picture_files(tmp_path_factory) -> list[Path]:
    """A PNG, a JPEG and a DICOM file that the network reads alike."""
    folder = tmp_path_factory.mktemp("pictures")
    y, x = np.mgrid[:60, :64]
    gray = np.rint(127 + 60 * np.sin(x / 9) + 60 * np.cos(y / 7)).astype(np.uint8)
    Image.fromarray(gray).save(folder / "a.png")
    Image.fromarray(gray).save(folder / "b.jpg")
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = uid.DigitalXRayImageStorageForPresentation, uid.generate_uid()
    ds.Modality, ds.PhotometricInterpretation, ds.SamplesPerPixel = "DX", "MONOCHROME2", 1
    ds.Rows, ds.Columns = gray.shape
    ds.BitsAllocated = ds.BitsStored = 8
    ds.HighBit, ds.PixelRepresentation, ds.PixelData = 7, 0, gray.tobytes()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    ds.save_as(folder / "c.dcm", enforce_file_format=True)
    return [folder / name for name in ("a.png", "b.jpg", "c.dcm")]


def test_every_public_name_is_there_and_listed():
    for name in hilum.__all__:
        assert getattr(hilum, name).__doc__
    assert set(hilum.__all__) <= set(dir(hilum))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="trian"):
        hilum.trian  # noqa: B018
