"""The interpreter of a baseline."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import baseline
from benchmarks.baseline import KERAS, TORCHXRAYVISION, Baseline
from benchmarks.measuring import BenchmarkError

HERE = Path(sys.executable)


@dataclass(frozen=True)
class Stub(Baseline):
    """One whose requirements a test can change."""

    listed: Path = Path()

    @property
    def requirements(self) -> Path:
        return self.listed


@pytest.fixture
def stub(tmp_path, monkeypatch):
    """Return a baseline that needs nothing, in a cache of its own, without pip."""
    monkeypatch.setenv("HILUM_CACHE", str(tmp_path / "cache"))
    create = venv.create
    monkeypatch.setattr(baseline.venv, "create", lambda place, with_pip: create(place, with_pip=not with_pip))
    (tmp_path / "needs.txt").write_text("")
    return Stub("stub", ("numpy",), shares_packages=True, listed=tmp_path / "needs.txt")


@pytest.fixture
def installed(monkeypatch):
    """Return the commands that would have installed something."""
    commands = []
    monkeypatch.setattr(baseline, "_install_packages", commands.append)
    return commands


@pytest.mark.parametrize("each", [KERAS, TORCHXRAYVISION])
def test_scripts_and_requirements_exist(each):
    assert each.script.is_file()
    assert each.requirements.is_file()


def test_a_given_interpreter_is_taken_as_it_is():
    assert Baseline("x", ("json", "numpy")).interpreter(HERE) == HERE


def test_a_missing_package_is_named():
    with pytest.raises(BenchmarkError, match="No module named 'no_such_package'"):
        Baseline("keras_tutorial", ("json", "no_such_package")).interpreter(HERE)


def test_a_missing_interpreter_is_refused(tmp_path):
    with pytest.raises(BenchmarkError, match="cannot run keras_tutorial"):
        Baseline("keras_tutorial", ("json",)).interpreter(tmp_path / "python")


def test_an_environment_is_made_once_and_shares_packages_s_packages(stub, installed):
    python = stub.interpreter()
    assert stub.interpreter() == python
    assert len(installed) == 1
    assert installed[0][-1] == str(stub.requirements)
    there = subprocess.check_output([python, "-c", "import numpy; print(numpy.__file__)"], text=True)
    assert there.strip() == np.__file__


def test_changed_requirements_make_it_anew(stub, installed):
    stub.interpreter()
    stub.requirements.write_text("# more\n")
    stub.interpreter()
    assert len(installed) == 2


def test_a_failed_installation_is_not_taken_for_complete(stub):
    stub = replace(stub, shares_packages=False)  # and so no pip
    for _ in range(2):
        with pytest.raises(BenchmarkError, match=r"cannot be installed: .*No module named pip"):
            stub.interpreter()
