from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from hilum.auditing import Examples, Rating
from hilum.auditing.probes.leakage import PATIENTS
from hilum.cohort.duplicates import fingerprint
from hilum.phantom import PhantomCohort, write

N = 40


@dataclass(frozen=True)
class Files:
    """Stands for `hilum.auditing.Images`: files without a network."""

    paths: list[Path]
    whole: np.ndarray

    def features(self, rows, ablation=None):
        return self.whole[rows]

    def fingerprints(self):
        return fingerprint(self.paths)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("patients") / "images"
    write(PhantomCohort(images=N, images_per_patient=1, size=(128, 128), seed=2), folder)
    return folder


@pytest.fixture
def made(make_subject, drawn, tmp_path):
    """Return a subject of 40 different films, which a test may overwrite; and the rows of each part."""
    for row, path in enumerate(sorted(drawn.glob("*.png"))):
        shutil.copy(path, tmp_path / f"{row}.png")

    def make(**options):
        subject = make_subject(n=N, **options)
        subject = replace(
            subject,
            images=Files([tmp_path / image for image in subject.table["image"]], subject.images.whole),
        )
        parts = {name: np.flatnonzero(subject.table["split"] == name) for name in ("train", "test")}
        return subject, parts

    return make


def test_nothing_shared_is_sound(made):
    subject, parts = made()
    answer = PATIENTS.ask(subject)
    assert answer.rating is Rating.SOUND
    assert (answer.figure.value, answer.figure.low, answer.figure.n) == (0, 0, len(parts["test"]))
    assert answer.figure.high > 0.1
    assert answer.claim.startswith("None of")
    assert answer.details["pairs"] == []
    assert answer.details["patients_unknown"] == 0
    assert answer.pictures == ()


def test_copies_across_the_split_are_found_and_shown(made, tmp_path):
    subject, parts = made()
    learned, (first, second, third) = parts["train"], parts["test"][:3]
    shutil.copy(tmp_path / f"{learned[0]}.png", tmp_path / f"{first}.png")
    with Image.open(tmp_path / f"{learned[1]}.png") as image:
        image.save(tmp_path / f"{second}.png", "TIFF")
    with Image.open(tmp_path / f"{learned[2]}.png") as image:
        ImageOps.mirror(image.convert("L")).save(tmp_path / f"{third}.png")
    answer = PATIENTS.ask(subject)
    assert answer.rating is Rating.BROKEN
    assert answer.figure.value == pytest.approx(3 / len(parts["test"]))
    assert answer.claim.startswith(f"3 of {len(parts['test'])} test images")
    counts = answer.details["counts"]
    assert counts == {"near copy": 1, "same pixels": 1, "same file": 1, "same patient": 0}
    found = {(pair["image"], pair["other"]) for pair in answer.details["pairs"]}
    assert found == {
        (f"{row}.png", f"{other}.png") for row, other in zip((first, second, third), learned, strict=False)
    }
    (examples,) = answer.pictures
    assert isinstance(examples, Examples)
    assert [row[0].image for row in examples.rows] == [f"{row}.png" for row in (third, second, first)]


def test_copies_on_one_side_do_not_count(made, tmp_path):
    subject, parts = made()
    for part in parts.values():
        shutil.copy(tmp_path / f"{part[0]}.png", tmp_path / f"{part[1]}.png")
    answer = PATIENTS.ask(subject)
    assert answer.rating is Rating.SOUND


def test_a_copy_with_another_label_is_told(made, tmp_path):
    subject, parts = made()
    labels = subject.table["label"]
    row = parts["train"][0]
    other = next(one for one in parts["train"] if labels[one] != labels[row])
    shutil.copy(tmp_path / f"{row}.png", tmp_path / f"{other}.png")
    answer = PATIENTS.ask(subject)
    (group,) = answer.details["contradicting"]
    assert set(group["images"]) == {f"{row}.png", f"{other}.png"}
    assert set(group["labels"]) == {"normal", "covid"}
    assert "different labels" in answer.meaning


def test_patients_on_both_sides_are_counted(made):
    from hilum.recipe.settings import SplitSettings

    patients = [f"p{row // 2}" for row in range(N)]
    subject, _ = made(patients=patients, splitting=SplitSettings(by="image", test=0.4, validation=0.2))
    table = subject.table
    learned = set(table.loc[table["split"] != "test", "patient"])
    expected = table.loc[table["split"] == "test", "patient"].isin(learned)
    answer = PATIENTS.ask(subject)
    assert answer.details["counts"]["same patient"] == expected.sum() > 0
    assert answer.figure.value == pytest.approx(expected.mean())
    assert answer.rating is Rating.BROKEN
    assert all(row[1].caption.startswith("same patient") for row in answer.pictures[0].rows)


def test_unknown_patients_are_said_to_be_unknown(made):
    subject, _ = made(patients=[f"films:{row}.png" for row in range(N)])
    answer = PATIENTS.ask(subject)
    assert answer.details["patients_unknown"] == 1
    assert "do not name the patients" in answer.meaning
