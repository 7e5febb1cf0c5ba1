"""The other side of a comparison: a plain script in a virtual environment of its own, made on first use."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock

from benchmarks.measuring import BenchmarkError
from hilum.backbone import cache_folder
from hilum.files import hash_file, write_text

__all__ = ["KERAS", "TORCHXRAYVISION", "Baseline"]

_FOLDER = Path(__file__).parent / "baselines"
_COMPLETE = ".complete"


@dataclass(frozen=True)
class Baseline:
    """A script in ``baselines/`` with its requirements, a text file of the same name.

    Parameters
    ----------
    name : str
    packages : tuple of str
        What its interpreter must be able to import.
    shares_packages : bool
        Whether its environment also sees the packages of this one, so that both run the same PyTorch.
    """

    name: str
    packages: tuple[str, ...]
    shares_packages: bool = False

    @property
    def script(self) -> Path:
        """What is run."""
        return _FOLDER / f"{self.name}.py"

    @property
    def requirements(self) -> Path:
        """What is installed for it."""
        return _FOLDER / f"{self.name}.txt"

    def interpreter(self, given: Path | None = None) -> Path:
        """Return a Python that can run the script: `given`, or one made in hilum's cache folder.

        Raises
        ------
        BenchmarkError
            If it lacks a package, or the packages cannot be installed.
        """
        if given is not None:
            self._check(given)
            return given
        place = cache_folder() / "bench" / self.name
        place.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{place}.lock"):
            mark = place / _COMPLETE
            if not mark.is_file() or mark.read_text(encoding="utf-8") != self._state():
                print(f"Installing {', '.join(self.packages)} into {place}, only this time", flush=True)
                self._install(place)
        return _python(place)

    def _state(self) -> str:
        """Identify what the environment was made from; it is made anew when this changes."""
        shared = _site_packages() if self.shares_packages else ""
        return f"{sys.version}\n{hash_file(self.requirements)}\n{shared}"

    def _install(self, place: Path) -> None:
        shutil.rmtree(place, ignore_errors=True)
        venv.create(place, with_pip=True)
        python = str(_python(place))
        if self.shares_packages:
            query = "import sysconfig; print(sysconfig.get_path('purelib'))"
            site = subprocess.check_output([python, "-c", query], text=True).strip()
            write_text(Path(site) / "hilum.pth", f"{_site_packages()}\n")
        pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _install_packages([*pip, "--requirement", str(self.requirements)])
        self._check(_python(place))
        write_text(place / _COMPLETE, self._state())

    def _check(self, python: Path) -> None:
        program = f"import {', '.join(self.packages)}"
        try:
            subprocess.run([str(python), "-c", program], capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            found = (getattr(error, "stderr", "") or str(error)).strip().split("\n")[-1]
            msg = f"{python} cannot run {self.name}: {found}. Install {self.requirements}, or omit --python."
            raise BenchmarkError(msg) from error


KERAS = Baseline("keras_tutorial", ("tensorflow", "keras", "pandas", "sklearn", "PIL", "matplotlib"))
TORCHXRAYVISION = Baseline("torchxrayvision_folder", ("torchxrayvision", "skimage"), shares_packages=True)


def _site_packages() -> str:
    return sysconfig.get_path("purelib")


def _python(place: Path) -> Path:
    return place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def _install_packages(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = [line for line in done.stderr.split("\n") if line.strip()] or ["no output"]
        errors = [line for line in lines if line.startswith("ERROR")]
        msg = (
            f"the packages of the baseline cannot be installed: {(errors or lines)[-1]}. "
            "Installing needs a network; --python names an environment that has the packages."
        )
        raise BenchmarkError(msg)
