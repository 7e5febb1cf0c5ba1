"""Finding files, reading them, and the one error that a file may give."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hilum.errors import (
    CorruptFileError,
    NotARadiographError,
    OversizedImageError,
    RadiographError,
    UnsupportedFormatError,
)
from hilum.radiograph import Limits, Radiograph, decode, find_images, raster, read

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path):
    for name in ("b.png", "a.DCM", "notes.txt", ".hidden.png", "sub/c.jpg", "sub/.d/e.png", "sub/[x].png"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    return tmp_path


def names(found: list[Path], folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in found]


def test_a_folder_is_searched_to_the_bottom_without_hidden_files(folder):
    found = names(find_images([folder]), folder)
    assert found == ["a.DCM", "b.png", "notes.txt", "sub/[x].png", "sub/c.jpg"]


def test_files_and_patterns_in_the_order_given_each_once(folder):
    found = find_images([folder / "sub/c.jpg", str(folder / "*.png"), folder / "b.png", str(folder / "s*")])
    assert names(found, folder) == ["sub/c.jpg", "b.png", "sub/[x].png"]
    assert names(find_images([str(folder / "**" / "*.jpg")]), folder) == ["sub/c.jpg"]


def test_a_name_that_looks_like_a_pattern(folder):
    assert names(find_images([folder / "sub/[x].png"]), folder) == ["sub/[x].png"]


def test_a_hidden_file_that_is_named_is_meant(folder):
    assert names(find_images([folder / ".hidden.png"]), folder) == [".hidden.png"]


@pytest.mark.parametrize(
    ("name", "what"),
    [("missing.png", "no such file or folder"), ("*.gif", "no file matches"), ("empty", "contains no files")],
)
def test_what_gives_nothing(name, what, folder):
    with pytest.raises(RadiographError, match=what):
        find_images([folder / name])


def test_a_folder_that_cannot_be_read_is_no_empty_folder(folder, monkeypatch):
    def refuse(place: object) -> None:
        raise PermissionError(13, "Permission denied", str(place))

    monkeypatch.setattr("os.scandir", refuse)
    with pytest.raises(RadiographError, match="cannot be read; found Permission denied"):
        find_images([folder])


def test_an_empty_path_is_not_the_working_folder():
    with pytest.raises(RadiographError, match="a path is empty"):
        find_images([""])


@pytest.fixture
def film(tmp_path, picture, encode):
    path = tmp_path / "FILM.JFIF"
    path.write_bytes(encode(picture))
    return path


def test_read_is_decode_of_the_bytes(film, picture):
    radiograph = read(str(film))
    assert isinstance(radiograph, Radiograph)
    np.testing.assert_array_equal(radiograph.pixels, decode(film.read_bytes(), film).pixels)
    np.testing.assert_array_equal(radiograph.pixels, picture / np.float32(255))


def test_missing_folder_pipe_and_device(tmp_path):
    with pytest.raises(RadiographError, match=r"nothing\.png: no such file"):
        read(tmp_path / "nothing.png")
    with pytest.raises(UnsupportedFormatError, match="not a file; expected an image file, found a folder"):
        read(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedFormatError, match="found a pipe"):
        read(tmp_path / "pipe")
    with pytest.raises(UnsupportedFormatError, match="found a device"):
        read("/dev/zero")
    with pytest.raises(RadiographError, match="its name is not valid"):
        read("a\0b")


def test_unreadable(film, monkeypatch):
    def refuse(*_args: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RadiographError, match="cannot be opened; found permission denied"):
        read(film)


def test_a_file_that_is_too_large_is_not_opened(tmp_path, monkeypatch):
    path = tmp_path / "huge.png"
    with path.open("wb") as file:
        file.truncate(10 << 30)  # sparse
    monkeypatch.setattr(Path, "open", None)
    with pytest.raises(OversizedImageError, match="expected at most 134,217,728 bytes, found 10,737,418,240"):
        read(path)


def test_limits(film):
    for limits in (Limits(pixels=1919), Limits(unpacked_bytes=7 * 1919)):
        with pytest.raises(OversizedImageError, match=r"at most 1,919 pixels, found 40 × 48. Scale"):
            read(film, limits)
    assert read(film, Limits(pixels=1920, unpacked_bytes=7 * 1920)).pixels.size == 1920


@pytest.mark.parametrize("shape", [(1, 1), (1, 10000), (10000, 1), (15, 400)])
def test_too_small(shape, encode):
    with pytest.raises(NotARadiographError, match=r"too small .* expected sides of at least 16"):
        decode(encode(np.arange(shape[0] * shape[1], dtype=np.uint64).reshape(shape).astype(np.uint8)), "x")


def test_constant(encode):
    with pytest.raises(NotARadiographError, match="every pixel has the same value"):
        decode(encode(np.full((50, 50), 7, np.uint8)), "x")


@pytest.mark.parametrize(
    ("raised", "error", "what"),
    [
        (MemoryError(), OversizedImageError, "too little memory"),
        (RecursionError(), CorruptFileError, "nested too deeply"),
        (KeyError("Doe^Jane"), CorruptFileError, "cannot be decoded; found KeyError"),
        (SyntaxError("broken PNG file"), CorruptFileError, "found SyntaxError"),
    ],
)
def test_every_exception_becomes_ours_and_quotes_nothing(raised, error, what, film, monkeypatch):
    def fail(*_args: object) -> None:
        raise raised

    monkeypatch.setattr(raster, "decode", fail)
    with pytest.raises(error, match=what) as caught:
        read(film)
    assert "Doe" not in str(caught.value)
    assert caught.value.path == film


def test_an_interrupt_is_not_an_error_of_the_file(film, monkeypatch):
    def interrupt(*_args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(raster, "decode", interrupt)
    with pytest.raises(KeyboardInterrupt):
        read(film)


def test_warnings_stay_inside_and_outside_they_are_as_before(film, monkeypatch):
    entered = threading.Barrier(2)
    original = raster.decode

    def warn(*args: object) -> Radiograph:
        entered.wait(5)
        warnings.warn("noise", stacklevel=1)
        return original(*args)

    monkeypatch.setattr(raster, "decode", warn)
    before = list(warnings.filters)
    with ThreadPoolExecutor(2) as pool:
        assert len(list(pool.map(read, [film, film]))) == 2
    assert list(warnings.filters) == before
    with pytest.raises(UserWarning, match="loud"):
        warnings.warn("loud", stacklevel=1)


MEASURE = """
import re, sys
from pathlib import Path
from hilum.radiograph import decode
from hilum.errors import RadiographError
content = Path(sys.argv[1]).read_bytes()
def peak():  # of this process alone: ru_maxrss would start from the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
before = peak()
try:
    result = str(decode(content, "x").pixels.shape)
except RadiographError as error:
    result = type(error).__name__
print(result, (peak() - before) // 1024)
"""


def measured(content: bytes, folder: Path) -> tuple[str, int]:
    """Return the outcome and the MiB that decoding adds, in a process of its own."""
    path = folder / "file"
    path.write_bytes(content)
    out = subprocess.run([sys.executable, "-c", MEASURE, path], capture_output=True, text=True, check=True)
    result, mib = out.stdout.rsplit(maxsplit=1)
    return result, int(mib)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_memory_of_the_largest_pictures(tmp_path, picture, encode, dicom):
    """What the limits admit adds less than 512 MB, and what they do not adds nearly nothing."""
    large = np.tile(picture, (200, 160))  # 8000 × 7680: 61 megapixels
    assert measured(encode(large, compress_level=1), tmp_path) == ("(8000, 7680)", pytest.approx(400, abs=88))
    result, mib = measured(dicom(large.astype(np.uint16) * 16, BitsStored=12), tmp_path)
    assert (result, mib < 512) == ("(8000, 7680)", True)
    result, mib = measured(encode(np.tile(picture, (220, 170)), compress_level=1), tmp_path)
    assert (result, mib < 20) == ("OversizedImageError", True)


def test_5000_mutants():
    """Damaged files of every kind end in a radiograph or a typed error, quickly and within little memory."""
    out = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "mutants.py", "--count", "5000", "--seed", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    report = json.loads(out.stdout)
    assert report["broken"] == []
    assert sum(report["outcomes"].values()) == 5000
    assert report["outcomes"]["Radiograph"] > 500
    assert report["outcomes"]["CorruptFileError"] > 500


@pytest.mark.real
def test_real_images_are_read_or_rejected_with_a_cause(real_data):
    files = [path for path in sorted(real_data.rglob("*")) if path.is_file() and path.suffix != ".csv"]
    chosen = np.random.default_rng(0).choice(len(files), min(300, len(files)), replace=False)
    for path in (files[index] for index in chosen):
        try:
            pixels = read(path).pixels
        except RadiographError as error:
            pytest.fail(f"rejected: {error}")
        assert pixels.std() > 0.02, path


@pytest.mark.real
def test_a_real_chest_film_has_dark_lungs_and_a_bright_spine(real_data):
    pixels = read(real_data / "dicom" / "RG1_J2KI.dcm").pixels
    rows, columns = pixels.shape
    assert (rows, columns) == (1955, 1841)
    upper = pixels[int(rows * 0.3) : int(rows * 0.4)]
    spine = upper[:, int(columns * 0.46) : int(columns * 0.54)].mean()
    right = upper[:, int(columns * 0.2) : int(columns * 0.35)].mean()
    left = upper[:, int(columns * 0.65) : int(columns * 0.8)].mean()
    assert spine > right + 0.1
    assert spine > left + 0.1
