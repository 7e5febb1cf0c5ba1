"""A run folder is there whole, or not at all."""

from __future__ import annotations

import pytest

from hilum.errors import RunError, RunExistsError
from hilum.run.run import FINAL_FILE, staging


def write_run(out, content="new", **options):
    with staging(out, **options) as folder:
        (folder / FINAL_FILE).write_text(content)
        (folder / "figures").mkdir()


def test_a_run_appears_when_it_is_whole_and_leaves_nothing_beside(tmp_path):
    out = tmp_path / "runs" / "a"
    with staging(out) as folder:
        (folder / FINAL_FILE).write_text("x")
        assert not out.exists()
    assert [entry.name for entry in out.iterdir()] == [FINAL_FILE]
    assert [entry.name for entry in out.parent.iterdir()] == ["a"]


def test_an_error_leaves_nothing(tmp_path):
    def break_off():
        with staging(tmp_path / "a") as folder:
            (folder / "half").write_text("x")
            raise KeyError("half")

    with pytest.raises(KeyError, match="half"):
        break_off()
    assert not list(tmp_path.iterdir())


def test_a_finished_run_is_not_overwritten_unasked(tmp_path):
    out = tmp_path / "a"
    write_run(out, "old")
    with pytest.raises(RunExistsError, match=r"already here.*--overwrite"):
        write_run(out)
    assert (out / FINAL_FILE).read_text() == "old"
    write_run(out, overwrite=True)
    assert (out / FINAL_FILE).read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


def test_what_is_no_run_is_never_replaced(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(RunError, match="not a run"):
        write_run(tmp_path, overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file.txt").touch()
    with pytest.raises(RunError, match=r"file\.txt/a: no run can be written here; found Not a directory"):
        write_run(tmp_path / "file.txt" / "a")


def test_an_empty_folder_may_be_used(tmp_path):
    (tmp_path / "a").mkdir()
    write_run(tmp_path / "a")
    assert (tmp_path / "a" / FINAL_FILE).exists()


def test_what_a_killed_process_left_is_cleared(tmp_path):
    left = tmp_path / ".a.partial"
    (left / "figures").mkdir(parents=True)
    (left / "half.json").write_text("{")
    (left / ".lock").touch()
    with staging(tmp_path / "a") as folder:
        assert [entry.name for entry in folder.iterdir()] == [".lock"]


def test_a_replacement_killed_between_its_renames_is_undone(tmp_path):
    old = tmp_path / ".a.replaced"
    old.mkdir()
    (old / FINAL_FILE).write_text("old")
    with pytest.raises(RunExistsError, match="already here"):
        write_run(tmp_path / "a")
    assert (tmp_path / "a" / FINAL_FILE).read_text() == "old"


def test_two_processes_cannot_write_one_run(tmp_path):
    out = tmp_path / "a"

    def write_twice():
        with staging(out) as folder:
            (folder / FINAL_FILE).write_text("first")
            with pytest.raises(RunError, match="another process"):
                write_run(out)

    write_twice()
    assert (out / FINAL_FILE).read_text() == "first"
