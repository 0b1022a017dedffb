"""The one step of the build that pyproject.toml cannot say: compile the catalogues first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildWithCatalogues(build_py):
    """Compiles every .po to a .mo beside it, so that the wheel speaks all languages."""

    def run(self) -> None:
        catalogues = sorted(map(str, Path("helpdesk").glob("locale/*/LC_MESSAGES/*.po")))
        subprocess.run([sys.executable, "bin/catalogues.py", *catalogues], check=True)  # noqa: S603
        super().run()


setup(cmdclass={"build_py": BuildWithCatalogues})
