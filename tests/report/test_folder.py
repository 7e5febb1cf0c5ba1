from __future__ import annotations

from PIL import Image

from hilum.report import figures_of, write


class Listener:
    def __init__(self) -> None:
        self.done: dict[str, int] = {}

    def track(self, items, *, what, total=None):
        for item in items:
            self.done[what] = self.done.get(what, 0) + 1
            yield item

    def say(self, message):
        raise AssertionError(message)


def files_of(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_folder_holds_the_page_and_its_figures(degenerate, tmp_path):
    listener = Listener()
    write(degenerate, tmp_path, listener)
    names = {spec.name for spec in figures_of(degenerate)}
    assert set(files_of(tmp_path)) == {
        "checklist.md",
        "report.html",
        "figures/predictions.pdf",
        *(f"figures/{name}.png" for name in names),
    }
    assert listener.done == {"Drawing figures": 5, "Drawing pages": 1}
    for name in names:
        with Image.open(tmp_path / "figures" / f"{name}.png") as image:
            assert min(image.size) >= 600


def test_the_same_content_gives_the_same_files(degenerate, tmp_path):
    write(degenerate, tmp_path / "a")
    write(degenerate, tmp_path / "b")
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")


def test_the_page_stays_small(two_class, tmp_path):
    write(two_class, tmp_path)
    assert (tmp_path / "report.html").stat().st_size < 6e6
    assert (tmp_path / "figures" / "predictions.pdf").stat().st_size < 3e6


def test_the_audits_pictures_are_files_too(audited, tmp_path):
    write(audited, tmp_path)
    files = set(files_of(tmp_path))
    assert {"figures/audit.png", "figures/audit_splits_1.png", "figures/audit_calibration_1.png"} < files
    assert (tmp_path / "report.html").read_text().count("data:image/png") == len(
        [name for name in files if name.endswith(".png")]
    ) - 1  # what is left of the result is text on the page
