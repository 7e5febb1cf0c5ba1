"""``hilum backbones``: networks to choose from, and whether their weights are here."""

from __future__ import annotations

__all__ = ["backbones"]


def backbones() -> None:
    """List networks with their size, features and weights. Every other network of timm works by its name."""
    from rich.table import Table
    from rich.text import Text

    from hilum.backbone import entries, is_local
    from hilum.cli.console import results

    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("Backbone, and its ImageNet weights", overflow="fold")
    for title in ("Parameters", "Features", "Input, px"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Here", no_wrap=True)
    for entry in entries().values():
        weights = f"{entry.origin} · {entry.licence or 'licence not stated'}"
        table.add_row(
            Text.assemble(entry.name, (f"\n  {weights}", "dim")),
            f"{entry.parameters / 1e6:.1f} M",
            f"{entry.features:,}",
            str(entry.size),
            "yes" if is_local(entry) else "no",
        )
    console = results()
    console.print(table)
    console.print(
        "\nOther weights: --weights FILE.safetensors (timm's names), or --weights random.", style="dim"
    )
