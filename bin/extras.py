"""Prints of one lock what another does not hold: `bin/extras.py whole.txt base.txt`."""

from __future__ import annotations

import re
import sys
from pathlib import Path


def entries(path: str) -> dict[str, str]:
    """Return the lock's entries by package, each with its digests."""
    text = re.sub(r"(?m)^ *#.*\n", "", Path(path).read_text())
    found = re.split(r"(?m)^(?=[a-zA-Z0-9])", text)
    return {re.split(r"[=\s\[]", one, maxsplit=1)[0]: one for one in found if one.strip()}


if __name__ == "__main__":
    whole, base = entries(sys.argv[1]), entries(sys.argv[2])
    print(*(text for name, text in whole.items() if name not in base), sep="", end="")
