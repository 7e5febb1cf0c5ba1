"""Read randomly damaged files: nothing may crash, hang, exhaust memory or raise an undocumented exception.

``python -m benchmarks.mutants --count 100000 --seed 0`` prints a table of outcomes, and exits with 1 if a
mutant caused a signal, an exception other than `RadiographError`, more than 5 s of processor time, or more
than 1 GiB of memory in any process.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from io import BytesIO
from pathlib import Path

import gdcm
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate

from hilum.errors import RadiographError
from hilum.radiograph import decode

PNG = b"\x89PNG\r\n\x1a\n"
SECONDS, MEMORY_KIB = 5.0, 1 << 20
EXTREMES = (b"\0", b"\xff", b"\xff\xff\xff\xff", b"\x7f\xff", b"\0\0\0\0", b"\x80\0", b"\xff\xff\xff\x7f")


def picture(rows: int = 40, columns: int = 48) -> NDArray[np.uint8]:
    """Return a smooth uint8 picture."""
    y, x = np.mgrid[:rows, :columns]
    return np.asarray(127 + 80 * np.sin(x / 7) * np.cos(y / 5) + x).astype(np.uint8)


def raster_files() -> dict[str, bytes]:
    """Return one file of each raster kind."""
    gray = Image.fromarray(picture())
    deep = Image.fromarray(picture().astype(np.uint16) * 257)
    rgb, exif = gray.convert("RGB"), Image.Exif()
    exif[0x0112] = 6
    kinds: dict[str, tuple[Image.Image, str, dict[str, object]]] = {
        "png 8": (gray, "PNG", {}),
        "png 16": (deep, "PNG", {}),
        "png 1": (gray.convert("1"), "PNG", {}),
        "png palette": (rgb.quantize(16), "PNG", {"transparency": 3}),
        "png rgba": (rgb.convert("RGBA"), "PNG", {}),
        "jpeg gray": (gray, "JPEG", {"exif": exif}),
        "jpeg rgb": (rgb, "JPEG", {}),
        "jpeg progressive": (rgb, "JPEG", {"progressive": True}),
        "jpeg cmyk": (rgb.convert("CMYK"), "JPEG", {}),
        "tiff 16": (deep, "TIFF", {}),
        "tiff lzw": (gray, "TIFF", {"compression": "tiff_lzw"}),
        "tiff jpeg": (gray, "TIFF", {"compression": "jpeg"}),
        "tiff deflate": (deep, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "tiff float": (Image.fromarray(picture() / np.float32(255)), "TIFF", {}),
        "tiff fax": (gray.convert("1"), "TIFF", {"compression": "group4"}),
        "bigtiff": (deep, "TIFF", {"big_tiff": True}),
        "webp": (rgb, "WEBP", {}),
        "webp lossless": (rgb.convert("RGBA"), "WEBP", {"lossless": True}),
        "bmp": (gray, "BMP", {}),
        "gif": (gray, "GIF", {}),
    }
    files = {}
    for name, (image, form, options) in kinds.items():
        stream = BytesIO()
        image.save(stream, form, **options)
        files[name] = stream.getvalue()
    return files


def elements(samples: np.ndarray, photometric: str = "MONOCHROME2", stored: int = 12) -> Dataset:
    """Return a computed radiograph without its pixels."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = (
        uid.ComputedRadiographyImageStorage,
        uid.generate_uid(),
        "CR",
    )
    ds.Rows, ds.Columns = samples.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = samples.ndim - 1 or 1, photometric
    if samples.ndim == 3:
        ds.SamplesPerPixel, ds.PlanarConfiguration = 3, 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 8 * samples.itemsize, stored, stored - 1
    ds.PixelRepresentation = 0
    if stored > 8:
        ds.WindowCenter, ds.WindowWidth, ds.PixelPaddingValue = 2048, 4096, 0
        ds.ImagerPixelSpacing = [0.2, 0.2]
    return ds


def written(ds: Dataset, syntax: str, pixels: bytes, *, compressed: bool = False) -> bytes:
    """Return `ds` with `pixels` as a file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = uid.UID(syntax)
    ds.PixelData = encapsulate([pixels]) if compressed else pixels
    ds["PixelData"].VR = "OB" if compressed else "OW"
    stream = BytesIO()
    ds.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def through_gdcm(content: bytes, syntax: int) -> bytes:
    """Convert a DICOM file to another transfer syntax."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = str(Path(folder, "before.dcm")), str(Path(folder, "after.dcm"))
        Path(before).write_bytes(content)
        reader, change, writer = gdcm.ImageReader(), gdcm.ImageChangeTransferSyntax(), gdcm.ImageWriter()
        reader.SetFileName(before)
        reader.Read()
        change.SetTransferSyntax(gdcm.TransferSyntax(syntax))
        change.SetInput(reader.GetImage())
        if not change.Change():
            msg = f"gdcm cannot write {syntax}"
            raise RuntimeError(msg)
        writer.SetFileName(after)
        writer.SetFile(reader.GetFile())
        writer.SetImage(change.GetOutput())
        writer.Write()
        return Path(after).read_bytes()


def dicom_files() -> dict[str, bytes]:
    """Return one file of each transfer syntax."""
    deep = picture().astype("<u2") * 16
    raw = deep.tobytes()
    files = {
        name: written(elements(deep), syntax, deep.byteswap().tobytes() if "big" in name else raw)
        for name, syntax in (
            ("dicom explicit", uid.ExplicitVRLittleEndian),
            ("dicom implicit", uid.ImplicitVRLittleEndian),
            ("dicom big", uid.ExplicitVRBigEndian),
            ("dicom deflated", uid.DeflatedExplicitVRLittleEndian),
        )
    }
    for name, syntax in (
        ("dicom rle", uid.RLELossless),
        ("dicom jpeg-ls", uid.JPEGLSLossless),
        ("dicom jpeg 2000", uid.JPEG2000Lossless),
    ):
        ds = elements(deep)
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID, ds.PixelData = uid.ExplicitVRLittleEndian, raw
        ds.compress(syntax, generate_instance_uid=False)
        stream = BytesIO()
        ds.save_as(stream, enforce_file_format=True)
        files[name] = stream.getvalue()
    plain = files["dicom explicit"]
    files["dicom jpeg lossless"] = through_gdcm(plain, gdcm.TransferSyntax.JPEGLosslessProcess14_1)
    files["dicom jpeg 12 bit"] = through_gdcm(plain, gdcm.TransferSyntax.JPEGExtendedProcess2_4)
    rgb = np.stack([picture()] * 3, -1)
    stream = BytesIO()
    Image.fromarray(rgb).save(stream, "JPEG")
    frame = stream.getvalue()
    ds = elements(rgb, "YBR_FULL_422", 8)
    files["dicom jpeg"] = written(ds, uid.JPEGBaseline8Bit, frame, compressed=True)
    files["dicom rgb"] = written(elements(rgb, "RGB", 8), uid.ExplicitVRLittleEndian, rgb.tobytes())
    return files


def mutate(content: bytes, rng: np.random.Generator) -> bytes:
    """Damage `content`: truncate it, or change, flip, overwrite, remove or repeat bytes."""
    out = bytearray(content)
    floor = 132 if content[128:132] == b"DICM" else 0  # the preamble, which is not read
    focus = (
        min(len(out), floor + 400) if rng.random() < 0.5 else len(out)
    )  # half of the damage goes to the header
    way = rng.integers(10)
    if way == 0:
        return bytes(out[: rng.integers(len(out))])
    for _ in range(2 ** int(rng.integers(6))):
        place = int(rng.integers(floor, focus))
        if way < 4:
            out[place : place + 1] = rng.bytes(1)
        elif way < 6:
            out[place : place + 1] = (
                bytes([out[place] ^ 1 << int(rng.integers(8))]) if place < len(out) else b""
            )
        elif way < 8:
            extreme = EXTREMES[rng.integers(len(EXTREMES))]
            out[place : place + len(extreme)] = extreme
        elif way == 8:
            del out[place : place + int(rng.integers(1, 20))]
        else:
            out[place:place] = out[place : place + int(rng.integers(1, 200))]
    mutant = bytes(out)
    return resealed(mutant) if mutant.startswith(PNG) and rng.random() < 0.7 else mutant


def resealed(png: bytes) -> bytes:
    """Correct the checksums of a PNG, so that they do not reveal the damage."""
    out, place = bytearray(png), len(PNG)
    while place + 12 <= len(out):
        end = place + 8 + int.from_bytes(out[place : place + 4], "big")
        if end + 4 > len(out):
            break
        out[end : end + 4] = zlib.crc32(out[place + 4 : end]).to_bytes(4, "big")
        place = end + 4
    return bytes(out)


def outcome(content: bytes) -> str:
    """Read one mutant and name the outcome."""
    try:
        decode(content, "mutant")
    except RadiographError as error:
        return type(error).__name__
    except BaseException as error:
        return f"UNEXPECTED {type(error).__name__}"
    return "Radiograph"


def work(start: int, stop: int, seed: int) -> None:
    """Read mutants `start` to `stop`, and print each before and after it is read."""
    files = list((raster_files() | dicom_files()).items())
    for index in range(start, stop):
        name, content = files[index % len(files)]
        mutant = mutate(content, np.random.default_rng([seed, index]))
        sys.stdout.write(f"{index}\t{name}\t")
        sys.stdout.flush()
        began, before = time.monotonic(), time.process_time()
        result = outcome(mutant)
        seconds = max(time.process_time() - before, _decoder_seconds(time.monotonic() - began))
        memory = max(
            resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        sys.stdout.write(f"{result}\t{seconds:.3f}\t{memory}\n")
        sys.stdout.flush()


def _decoder_seconds(wall: float) -> float:
    """Count a long wait for the decoding process as work; a short one may be other load on the machine."""
    return wall if wall > 1 else 0.0


def campaign(count: int, seed: int) -> tuple[Counter[tuple[str, str]], list[str], float, int]:
    """Return outcomes per kind of file, violations, the longest time (s) and the largest memory (KiB)."""
    outcomes: Counter[tuple[str, str]] = Counter()
    broken: list[str] = []
    slowest, largest, done = 0.0, 0, 0
    while done < count:
        command = [sys.executable, __file__, "--work", str(done), str(count), "--seed", str(seed)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
            assert child.stdout is not None
            for line in child.stdout:
                index, name, *rest = line.rstrip("\n").split("\t")
                done = int(index) + 1
                if len(rest) < 3:
                    continue  # the process died on this one: see below
                outcomes[name, rest[0]] += 1
                seconds, memory = float(rest[1]), int(rest[2])
                slowest, largest = max(slowest, seconds), max(largest, memory)
                if rest[0].startswith("UNEXPECTED") or seconds > SECONDS or memory > MEMORY_KIB:
                    broken.append(line.strip())
        if child.returncode:
            outcomes["?", f"exit {child.returncode}"] += 1
            broken.append(f"{done - 1}\texit status {child.returncode}")
            if done == 0:
                break
    return outcomes, broken, slowest, largest


def main() -> int:
    """Run the campaign and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        start, stop = options.work
        work(start, stop, options.seed)
        return 0
    began = time.monotonic()
    outcomes, broken, slowest, largest = campaign(options.count, options.seed)
    totals = Counter[str]()
    for (_, result), number in outcomes.items():
        totals[result] += number
    if options.json:
        sys.stdout.write(
            json.dumps({"outcomes": totals, "broken": broken, "seconds": slowest, "kib": largest})
        )
        return int(bool(broken))
    results = sorted(totals)
    for name in sorted({name for name, _ in outcomes}):
        counts = "  ".join(
            f"{result} {outcomes[name, result]}" for result in results if outcomes[name, result]
        )
        sys.stdout.write(f"{name:20}  {counts}\n")
    sys.stdout.write(f"{'all':20}  " + "  ".join(f"{result} {totals[result]}" for result in results) + "\n")
    sys.stdout.write(
        f"{options.count} mutants in {time.monotonic() - began:.0f} s; slowest {slowest:.2f} s, "
        f"largest process {largest / 1024:.0f} MiB, {len(broken)} violations\n"
    )
    sys.stdout.writelines(f"  {line}\n" for line in broken[:20])
    return int(bool(broken))


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(main())
