"""The other side: a plain script in a virtual environment of its own, made when it is first needed."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from hilum.backbone import cache_folder
from hilum.errors import BenchError
from hilum.files import hash_file, write_text
from hilum.progress import SILENT, Progress

__all__ = ["KERAS", "TORCHXRAYVISION", "Baseline"]


_FOLDER = Path(__file__).parent / "baselines"
_DONE = ".complete"


@dataclass(frozen=True)
class Baseline:
    """A script of ``bench/baselines`` and the environment that it needs.

    Parameters
    ----------
    name : str
        Of the script, and of the text file with what it needs.
    packages : tuple of str
        What a given interpreter must be able to import.
    sees_hilum : bool
        Whether its environment sees the packages of hilum's: both sides then run the same PyTorch, and no
        second copy of it is installed.
    """

    name: str
    packages: tuple[str, ...]
    sees_hilum: bool = False

    @property
    def script(self) -> Path:
        """What is run."""
        return _FOLDER / f"{self.name}.py"

    @property
    def requirements(self) -> Path:
        """What is installed for it."""
        return _FOLDER / f"{self.name}.txt"

    def interpreter(self, given: Path | None = None, progress: Progress = SILENT) -> Path:
        """Return a Python that can run the script.

        Parameters
        ----------
        given : Path, optional
            One that somebody has made; otherwise one in hilum's cache folder, which is made the first time.
        progress : Progress

        Raises
        ------
        BenchError
            If the given one lacks a package, or the packages cannot be installed.
        """
        if given is not None:
            self._check(given)
            return given
        place = cache_folder() / "bench" / self.name
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock"):
            if not self._is_complete(place):
                progress.say(f"Installing {', '.join(self.packages)} into {place}, this once")
                self._install(place)
        return _python(place)

    def _state(self) -> str:
        """Of another state, the environment is made anew."""
        seen = _packages_of_hilum() if self.sees_hilum else ""
        return f"{sys.version}\n{hash_file(self.requirements)}\n{seen}"

    def _is_complete(self, place: Path) -> bool:
        mark = place / _DONE
        return mark.is_file() and mark.read_text(encoding="utf-8") == self._state()

    def _install(self, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        if self.sees_hilum:
            site = Path(_asked(_python(place), "import sysconfig; print(sysconfig.get_path('purelib'))"))
            write_text(site / "hilum.pth", f"{_packages_of_hilum()}\n")
        pip = [str(_python(place)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _do([*pip, "--requirement", str(self.requirements)], place)
        self._check(_python(place))
        write_text(place / _DONE, self._state())

    def _check(self, python: Path) -> None:
        """Import every package, which also writes its byte code."""
        try:
            _asked(python, f"import {', '.join(self.packages)}")
        except (OSError, subprocess.CalledProcessError) as error:
            words = getattr(error, "stderr", "") or str(error)
            raise BenchError(
                "this Python cannot run the baseline",
                path=python,
                expected=f"packages {', '.join(self.packages)}",
                found=words.strip().split("\n")[-1],
                remedy=f"Install what {self.requirements} lists, or leave --python out.",
            ) from error


KERAS = Baseline("keras_tutorial", ("tensorflow", "keras", "pandas", "sklearn", "PIL", "matplotlib"))
TORCHXRAYVISION = Baseline("torchxrayvision_folder", ("torchxrayvision", "skimage"), sees_hilum=True)


def _packages_of_hilum() -> str:
    return sysconfig.get_path("purelib")


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _asked(python: Path, program: str) -> str:
    return subprocess.run(
        [str(python), "-c", program], capture_output=True, text=True, check=True
    ).stdout.strip()


def _do(command: Sequence[str], place: Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.split("\n") if line.strip()] or ["nothing"]
        complaints = [line for line in said if line.startswith("ERROR")]
        raise BenchError(
            "the baseline's packages cannot be installed",
            path=place,
            found=(complaints or said)[-1],
            remedy="It needs a network the first time; --python names an environment that has them.",
        )
