"""Compiles message catalogues (.po to .mo) with Babel: no gettext program is needed."""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po


def main() -> None:
    for name in sys.argv[1:]:
        source = Path(name)
        with source.open("rb") as file:
            catalogue = read_po(file, locale=source.parent.parent.name, abort_invalid=True)
        aside = source.with_suffix(".mo.new")
        with aside.open("wb") as file:
            write_mo(file, catalogue)
        aside.replace(source.with_suffix(".mo"))


if __name__ == "__main__":
    main()
