"""Small collections in the publishers' layouts, made of bytes that only look like files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

COHEN_COLUMNS = ["patientid", "offset", "sex", "age", "finding", "view", "modality"]
COHEN_COLUMNS += ["location", "folder", "filename", "clinical_notes"]
COHEN_ROWS = [
    ("2", "0", "M", "65", "COVID-19", "PA", "X-ray", "Vietnam", "images", "a.jpeg", "a note"),
    ("2", "3", "M", "65", "COVID-19", "AP Supine", "X-ray", "Vietnam", "images", "b.png", ""),
    ("3", "", "F", "", "COVID-19", "L", "X-ray", "Italy", "images", "c.jpg", ""),
    ("4", "", "", "50", "Pneumonia/Viral/SARS", "AP", "X-ray", "China", "images", "d.JPG", ""),
    ("5", "", "F", "30", "COVID-19", "Axial", "CT", "Italy", "images", "e.png", ""),
    ("6", "", "F", "30", "COVID-19", "Coronal", "CT", "Italy", "volumes", "f.nii.gz", ""),
    ("7", "", "F", "30", "COVID-19", "PA", "X-ray", "Italy", "images", "lost.png", ""),
    ("8", "", "M", "41", "todo", "PA", "X-ray", "Hannover", "images", "g.png", ""),
    ("9", "", "M", "41", "COVID-19", "", "X-ray", "Spain", "images", "h.png", ""),
    ("10", "", "M", "41", "No Finding", "PA", "X-ray", "Spain", "images", "i.png", ""),
]


@pytest.fixture
def put(tmp_path: Path) -> Callable[..., Path]:
    """Write files below ``tmp_path``; the content is the name unless it is given."""

    def write(*names: str, content: bytes | None = None) -> Path:
        for name in names:
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(name.encode() if content is None else content)
        return tmp_path

    return write


@pytest.fixture
def cohen(tmp_path: Path, put: Callable[..., Path]) -> Path:
    """A data folder with `cohen`: every kind of row once."""
    (tmp_path / "cohen").mkdir()
    pd.DataFrame(COHEN_ROWS, columns=COHEN_COLUMNS).to_csv(tmp_path / "cohen/metadata.csv", index=False)
    present = ["a.jpeg", "b.png", "c.jpg", "D.jpg", "e.png", "g.png", "h.png", "i.png", ".DS_Store"]
    return put(*(f"cohen/images/{name}" for name in present))


@pytest.fixture
def kermany(put: Callable[..., Path]) -> Path:
    """A data folder with `kermany`."""
    return put(
        *(
            f"kermany/chest_xray/{name}"
            for name in (
                "train/NORMAL/IM-0115-0001.jpeg",
                "train/NORMAL/IM-0117-0001-0002.jpeg",
                "train/NORMAL/NORMAL2-IM-1427-0001.JPEG",
                "train/NORMAL/._IM-0115-0001.jpeg",
                "train/PNEUMONIA/person1000_bacteria_2931.jpeg",
                "train/PNEUMONIA/person1000_virus_1681.jpeg",
                "train/.DS_Store",
                "test/NORMAL/odd name.jpeg",
                "test/PNEUMONIA/person7_virus_1.jpeg",
                "readme.txt",
            )
        )
    )
