"""Forty hostile files among ten good ones: ten predictions, forty causes, no traceback, bounded memory."""

from __future__ import annotations

import io
import json
import shutil
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    RLELossless,
    generate_uid,
)

PNG = b"\x89PNG\r\n\x1a\n"
LAUNCHER = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(done.returncode)
"""
"""A small process between: a child's peak begins with that of the process it was forked from."""
MOST_MEMORY = 1.5e9


def encoded(form, mode="L", size=(64, 64), **options):
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(stream, form, **options)
    return stream.getvalue()


def frames(form):
    stream = io.BytesIO()
    pages = [Image.new("L", (64, 64), level) for level in (10, 200)]
    pages[0].save(stream, form, save_all=True, append_images=pages[1:])
    return stream.getvalue()


def chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_that_declares(columns, rows):
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0))
    return PNG + head + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def dicom(syntax=ExplicitVRLittleEndian, pixels=None, **changes):
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = ComputedRadiographyImageStorage, generate_uid()
    ds.Modality, ds.PhotometricInterpretation = "CR", "MONOCHROME2"
    ds.Rows = ds.Columns = 64
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.SamplesPerPixel, ds.PixelRepresentation = 1, 0
    ds.PixelData = np.arange(4096, dtype="<u2").tobytes() if pixels is None else pixels
    ds["PixelData"].VR = "OW" if syntax != RLELossless else "OB"
    for name, value in changes.items():
        if value is None:
            delattr(ds, name)
        else:
            setattr(ds, name, value)
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    stream = io.BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def zipped(name, content):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr(name, content)
    return stream.getvalue()


def rle_bomb():
    """Return one segment of 2 MB that says 128 zeros in every two bytes."""
    segment = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 1_000_000
    return encapsulate([segment])


def hostile():
    """Return forty files, name to content."""
    jpeg, png = encoded("JPEG"), encoded("PNG")
    plain = dicom()
    return {
        "empty.png": b"",
        "one-byte.jpg": b"\xff",
        "page.png": b"<!DOCTYPE html><html><body>404</body></html>",
        "archive.jpg": zipped("a.png", png),
        "paper.png": b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n%%EOF",
        "drawing.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        "notes.txt": b"patient seen on Tuesday",
        "table.csv": b"image,label\na.png,1\n",
        "program.dcm": b"MZ" + bytes(200),
        "script.png": b"#!/bin/sh\nrm -rf ~\n",
        "vector.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "entities.png": b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        "cut10.jpg": jpeg[: len(jpeg) // 10],
        "cut50.jpg": jpeg[: len(jpeg) // 2],
        "cut99.jpg": jpeg[: len(jpeg) * 99 // 100],
        "cut.png": png[: len(png) // 2],
        "signature.png": PNG,
        "crc.png": png[:60] + bytes([png[60] ^ 255]) + png[61:],
        "bomb.png": png_that_declares(50_000, 50_000),
        "overflow.png": png_that_declares(2**31 - 1, 2**31 - 1),
        "zero.png": png_that_declares(0, 64),
        "animated.gif": frames("GIF"),
        "animated.webp": frames("WEBP"),
        "animated.png": frames("PNG"),
        "pages.tif": frames("TIFF"),
        "loop.tif": b"II*\0\x08\0\0\0" + struct.pack("<HI", 0, 8),
        "constant.png": constant(),
        "dot.png": encoded("PNG", size=(1, 1)),
        "line.png": encoded("PNG", size=(1, 10_000)),
        "cut.dcm": plain[: len(plain) // 2],
        "empty-pixels.dcm": dicom(pixels=b""),
        "no-pixels.dcm": dicom(PixelData=None),
        "short.dcm": dicom(pixels=bytes(100)),
        "overflow.dcm": dicom(Rows=65_535, Columns=65_535),
        "ct.dcm": dicom(SOPClassUID=CTImageStorage, Modality="CT"),
        "cine.dcm": dicom(NumberOfFrames=2, pixels=bytes(2 * 8192)),
        "deflated-bomb.dcm": deflated_bomb(),
        "rle-bomb.dcm": dicom(syntax=RLELossless, pixels=rle_bomb(), Rows=60_000, Columns=60_000),
        "report.dcm": dicom(SOPClassUID="1.2.840.10008.5.1.4.1.1.88.11", Modality="SR", PixelData=None),
        "nested.dcm": nested(1_000),
    }


def constant():
    stream = io.BytesIO()
    Image.new("L", (64, 64), 128).save(stream, "PNG")
    return stream.getvalue()


def deflated_bomb():
    """A deflated data set that is zeros without end: 100 MB in 100 kB."""
    whole = dicom(syntax=DeflatedExplicitVRLittleEndian)
    start = whole.index(b"1.2.840.10008.1.2.1.99") + 22
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return whole[:start] + packer.compress(bytes(100_000_000)) + packer.flush()


def nested(depth):
    """Sequences in sequences, before the pixels."""
    tag = struct.pack("<HH", 0x0008, 0x1140)
    opened = tag + b"SQ\0\0" + struct.pack("<I", 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    closed = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    plain = dicom(PixelData=None)
    return plain + opened * depth + closed * depth


@pytest.fixture
def folder(demo_run, tmp_path):
    _, data = demo_run
    folder = tmp_path / "inbox"
    folder.mkdir()
    for number, path in enumerate(sorted((data / "phantom").rglob("*.png"))[:10]):
        shutil.copy(path, folder / f"good{number}.png")
    files = hostile()
    assert len(files) == 40
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_a_hostile_folder(demo_run, folder):
    words = [sys.executable, "-m", "hilum", "predict", str(demo_run[0].path), str(folder), "--json"]
    done = subprocess.run(
        [sys.executable, "-c", LAUNCHER, *words], capture_output=True, text=True, check=False
    )
    *errors, most_memory = done.stderr.splitlines()
    assert done.returncode == 1
    assert not any("Traceback" in line for line in errors)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    lines = {line["image"].rpartition("/")[2]: line for line in found}
    assert len(lines) == 50
    predicted = {name for name, line in lines.items() if "predicted" in line}
    assert predicted == {f"good{number}.png" for number in range(10)}
    assert all(line["error"] for name, line in lines.items() if name not in predicted)
    assert int(most_memory) * 1024 < MOST_MEMORY
