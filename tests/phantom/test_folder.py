from __future__ import annotations

import os
import threading
from dataclasses import replace
from itertools import count

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from hilum.errors import CohortError
from hilum.files import hash_file
from hilum.phantom import PhantomCohort, Shortcut, ShortcutKind, folder, write

SMALL = PhantomCohort(images=8, size=(96, 80), duplicates=0.3, seed=4)


def contents(where):
    return {path.name: hash_file(path) for path in where.iterdir()}


def test_the_table_is_complete_and_names_the_files(tmp_path):
    path = write(SMALL, tmp_path / "phantom")
    rows = pd.read_csv(path)
    assert path == tmp_path / "phantom" / "cohort.csv"
    assert {"image", "label", "patient", "source", "view", "age", "sex", "finding", "severity"} < set(rows)
    assert {f"factor_{kind.value}" for kind in ShortcutKind if kind is not ShortcutKind.SOURCE} < set(rows)
    assert rows["synthetic"].all()
    assert rows.drop(columns="copy_of").notna().all(axis=None)
    assert set(rows["image"]) == {file.name for file in path.parent.glob("*.png")}
    assert not list(tmp_path.glob(".*"))
    for row in rows.itertuples():
        with Image.open(path.parent / row.image) as image:
            assert image.size == (row.columns, row.rows)
            assert image.mode == "L"
            assert image.text["Comment"].startswith("SYNTHETIC")


def test_copies_are_identical_files(tmp_path):
    path = write(replace(SMALL, images=20), tmp_path / "phantom")
    rows = pd.read_csv(path).dropna(subset="copy_of")
    assert len(rows) > 0
    for row in rows.itertuples():
        assert hash_file(path.parent / row.image) == hash_file(path.parent / row.copy_of)


def test_same_design_same_bytes_and_a_larger_cohort_begins_alike(tmp_path):
    write(SMALL, tmp_path / "one")
    write(SMALL, tmp_path / "two")
    write(replace(SMALL, images=10), tmp_path / "more")
    one, two, more = (contents(tmp_path / name) for name in ("one", "two", "more"))
    assert one == two
    images = {name for name in one if name.endswith(".png")}
    assert {name: more[name] for name in images} == {name: one[name] for name in images}


def test_the_number_of_threads_changes_nothing(tmp_path, monkeypatch):
    for cores in (1, 4):
        monkeypatch.setattr(os, "cpu_count", lambda cores=cores: cores)
        write(SMALL, tmp_path / str(cores))
    assert contents(tmp_path / "1") == contents(tmp_path / "4")


def test_a_complete_cohort_is_left_alone(tmp_path, monkeypatch):
    write(SMALL, tmp_path / "phantom")
    monkeypatch.setattr(folder, "render", None)
    write(SMALL, tmp_path / "phantom")


@pytest.mark.parametrize("cores", [1, 3])
def test_an_interrupted_call_leaves_nothing_and_the_next_one_completes_it(tmp_path, monkeypatch, cores):
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    write(SMALL, tmp_path / "unbroken")
    turns, render = count(), folder.render

    def failing(*arguments):
        if next(turns) >= 3:
            raise KeyboardInterrupt
        return render(*arguments)

    monkeypatch.setattr(folder, "render", failing)
    with pytest.raises(KeyboardInterrupt):
        write(SMALL, tmp_path / "phantom")
    assert not (tmp_path / "phantom").exists()
    kept = len(list((tmp_path / ".phantom.partial").glob("phantom-*.png")))
    assert kept == 3
    (tmp_path / ".phantom.partial" / ".hilum-killed.png").write_bytes(b"half")

    drawn = []
    monkeypatch.setattr(folder, "render", lambda *arguments: drawn.append(arguments) or render(*arguments))
    write(SMALL, tmp_path / "phantom")
    assert len(drawn) == SMALL.images - kept
    assert contents(tmp_path / "phantom") == contents(tmp_path / "unbroken")
    assert not list(tmp_path.glob(".*"))


def test_no_thread_draws_on_after_an_interruption(tmp_path):
    class Impatient:
        def track(self, items, *, what, total=None):
            yield next(iter(items))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write(replace(SMALL, images=60), tmp_path / "phantom", Impatient())
    assert not [thread.name for thread in threading.enumerate() if thread.name.startswith("hilum-worker")]
    assert len(list((tmp_path / ".phantom.partial").glob("*.png"))) < 60


def test_leftovers_of_another_design_are_not_used(tmp_path):
    leftover = tmp_path / ".phantom.partial"
    leftover.mkdir()
    (leftover / "phantom-000000.png").write_bytes(b"old")
    (leftover / "design.json").write_text("{")
    path = write(SMALL, tmp_path / "phantom")
    assert (path.parent / "phantom-000000.png").read_bytes() != b"old"


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "phantom").mkdir()
    assert write(SMALL, tmp_path / "phantom").is_file()


def test_other_files_are_never_overwritten(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CohortError, match="found other files"):
        write(SMALL, tmp_path)
    write(SMALL, tmp_path / "phantom")
    with pytest.raises(CohortError, match="found another design"):
        write(replace(SMALL, seed=5), tmp_path / "phantom")


def test_a_second_writer_that_comes_late_keeps_the_first_ones_cohort(tmp_path, monkeypatch):
    where, render = tmp_path / "phantom", folder.render
    monkeypatch.setattr(os, "cpu_count", lambda: 1)

    def overtaken(*arguments):
        monkeypatch.setattr(folder, "render", render)
        write(SMALL, tmp_path / "first")
        (tmp_path / "first").rename(where)
        return render(*arguments)

    monkeypatch.setattr(folder, "render", overtaken)
    assert write(SMALL, where) == where / "cohort.csv"
    assert not list(tmp_path.glob(".*"))


def test_sixteen_bits_keep_more_greys(tmp_path):
    path = write(replace(SMALL, images=1, bits=16), tmp_path / "phantom")
    with Image.open(path.parent / "phantom-000000.png") as image:
        values = np.asarray(image)
    assert image.mode.startswith("I")
    assert values.max() > 255
    assert len(np.unique(values)) > 256


def test_progress_reports_every_image(tmp_path):
    reported = []

    class Listener:
        def track(self, items, *, what, total=None):
            reported.append(total)
            for item in items:
                reported.append(item.image)
                yield item

        def say(self, message):
            raise AssertionError(message)

    write(replace(SMALL, images=3), tmp_path / "phantom", Listener())
    assert reported == [3, "phantom-000000.png", "phantom-000001.png", "phantom-000002.png"]


def test_a_full_shortcut_alone_tells_the_classes_apart(tmp_path):
    planted = (Shortcut(ShortcutKind.BORDER, 1.0),)
    path = write(replace(SMALL, signal=0, shortcuts=planted, duplicates=0), tmp_path / "phantom")
    rows = pd.read_csv(path)
    corners = [np.asarray(Image.open(path.parent / name))[:2].max() <= 5 for name in rows["image"]]
    assert corners == (rows["label"] == "COVID-19").tolist()
    assert (rows["finding"] == "none").all()
