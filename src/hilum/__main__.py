"""``python -m hilum``."""

from __future__ import annotations

from hilum.cli import main

main()
