"""Write the tables of docs/permissions.md anew from what the policy answers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


class Rewrite:
    """Tells the test that it may write what it finds."""

    def pytest_configure(self, config: pytest.Config) -> None:
        config.rewrites_docs = True  # type: ignore[attr-defined]


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(pytest.main(["-q", "tests/test_permissions_doc.py"], plugins=[Rewrite()]))
