"""Every benchmark answers ``--help``, and has a target and a place in the README."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHARED = {"__init__", "baseline", "inputs", "launcher", "measuring"}
SCRIPTS = sorted({path.stem for path in (ROOT / "benchmarks").glob("*.py")} - SHARED)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_explains_itself(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"benchmarks.{name}").main()
    assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_every_script_has_a_target_and_is_described():
    targets = re.search(r"^BENCHMARKS := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert targets is not None
    assert sorted(targets[1].split()) == SCRIPTS
    described = (ROOT / "benchmarks" / "README.md").read_text()
    assert all(f"`make bench-{name}`" in described for name in SCRIPTS)
