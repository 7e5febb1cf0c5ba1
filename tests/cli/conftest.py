"""What the tests of commands share."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from hilum.cli import main


class Done(NamedTuple):
    """What a command left."""

    exit_code: int
    stdout: str
    stderr: str


@pytest.fixture
def call(capsys):
    """Return a function that types a command."""

    def run(*words):
        capsys.readouterr()
        with pytest.raises(SystemExit) as exit_:
            main([str(word) for word in words])
        return Done(exit_.value.code or 0, *capsys.readouterr())

    return run
