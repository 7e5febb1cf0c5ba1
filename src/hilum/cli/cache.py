"""``hilum cache``: what the cache folder holds, and how to remove it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hilum.backbone.cache import CacheEntry

__all__ = ["commands"]


commands = typer.Typer(help="Show and clear the cache folder.", no_args_is_help=True)


@commands.command()
def info() -> None:
    """Show what the cache holds, its size, and when it was last used."""
    from hilum.backbone import cache_folder
    from hilum.backbone.cache import contents
    from hilum.cli.console import results

    results().print(str(cache_folder()), markup=False, soft_wrap=True)
    _show(contents())


@commands.command()
def prune(
    older_than: Annotated[
        float | None, typer.Option(min=0, metavar="DAYS", help="Entries not used for DAYS days.")
    ] = None,
    network: Annotated[
        str | None, typer.Option(metavar="NAME", help="Entries of this network (`hilum cache info`).")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All entries.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be removed.")] = False,
) -> None:
    """Remove the entries that match all given options, and free their disk space."""
    from hilum.backbone import canonical
    from hilum.backbone.cache import contents, remove
    from hilum.cli.console import results

    if older_than is None and network is None and not all_:
        raise typer.BadParameter("name what to remove: --older-than DAYS, --network NAME or --all")
    found = [
        item
        for item in contents()
        if (older_than is None or item.age_days >= older_than)
        and (network is None or item.network == canonical(network))
    ]
    _show(found)
    freed = sum(item.bytes for item in found) if dry_run else remove(found)
    results().print(f"\n{_size(freed)} {'would be ' if dry_run else ''}freed.", highlight=False)


def _show(items: Sequence[CacheEntry]) -> None:
    from rich.text import Text

    from hilum.cli.console import new_table, results

    if not items:
        results().print("The cache is empty.")
        return
    numbers = "Images", "Size", "Last used"
    table = new_table("Kind", "Network", *numbers, right=numbers)
    groups: dict[tuple[str, str, str], list[CacheEntry]] = {}
    for item in items:
        groups.setdefault((item.kind, item.network, item.about), []).append(item)
    for (kind, network, about), group in groups.items():
        name = Text.assemble(network, (f"\n  {about}" if about else "", "dim"))
        table.add_row(kind, name, *_sums(group), _age(min(item.age_days for item in group)))
    table.add_row("all", "", *_sums(items), "")
    results().print(table)


def _sums(items: Sequence[CacheEntry]) -> tuple[str, str]:
    images = sum(item.images for item in items)
    return f"{images:,}" if images else "", _size(sum(item.bytes for item in items))


def _size(count: int) -> str:
    """Format a number of bytes.

    >>> _size(8_404), _size(123_456_789)
    ('0.0 MB', '123.5 MB')
    """
    return f"{count / 1e6:,.1f} MB" if count < 1e9 else f"{count / 1e9:,.1f} GB"


def _age(days: float) -> str:
    """Format an age.

    >>> _age(0.2), _age(1.5), _age(40)
    ('today', '1 day ago', '40 days ago')
    """
    whole = int(days)
    return "today" if whole < 1 else "1 day ago" if whole == 1 else f"{whole} days ago"
