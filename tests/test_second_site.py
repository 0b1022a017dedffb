"""The extension on a site of its own: from the built wheel, outside the checkout, without `portal`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
#: What the build reads; nothing that lies about from an earlier build.
SOURCES = ("helpdesk", "bin", "pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")
#: A catalogue in a language that we do not have, to see that the build compiles.
PROBE = (
    'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Yes"\nmsgstr "Jes"\n'
)


@dataclass(frozen=True)
class Installed:
    """A site in a folder of its own, and the Python that has the wheel."""

    site: Path
    python: Path

    def run(self, *arguments: str) -> str:
        """Run Python in the site's folder; return what it said. Fails with that if it fails."""
        done = run([str(self.python), *arguments], self.site)
        assert done.returncode == 0, done.stdout
        return done.stdout


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command without what could lead it back to the checkout or to another database."""
    drop = ("PYTHON", "DJANGO", "DATABASE_URL", "PYTEST", "COV", "PIP_", "VIRTUAL_ENV")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(drop)}
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )  # fmt: skip


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        here = ROOT / name
        copy = shutil.copytree if here.is_dir() else shutil.copy
        copy(here, source / name)
    for stale in source.glob("helpdesk/locale/*/LC_MESSAGES/*.mo"):
        stale.unlink()
    probe = source / "helpdesk/locale/eo/LC_MESSAGES/django.po"
    probe.parent.mkdir(parents=True)
    probe.write_text(PROBE)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = run([*command, str(source)], folder)
    assert done.returncode == 0, done.stdout
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    folder = tmp_path_factory.mktemp("second")
    site = Path(shutil.copytree(ROOT / "tests" / "second_site", folder / "site"))
    done = run([sys.executable, "-m", "venv", "--without-pip", str(folder / "env")], folder)
    assert done.returncode == 0, done.stdout
    python = folder / "env" / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
    done = run([*pip, "install", "--no-deps", "--no-index", "--quiet", str(wheel)], folder)
    assert done.returncode == 0, done.stdout
    # the libraries are those of this environment; what they bring by .pth files stays outside
    packages = next((folder / "env" / "lib").glob("python3*/site-packages"))
    places = dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    (packages / "libraries.pth").write_text("\n".join(places))
    # a site makes the migrations of its page types itself
    there = Installed(site, python)
    there.run("manage.py", "makemigrations", "town")
    return there


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_wheel_has_all_files_of_the_extension(wheel):
    left_out = {".pyc", ".mo"}
    files = [
        path.relative_to(ROOT).as_posix()
        for path in ROOT.glob("helpdesk/**/*")
        if path.is_file() and path.suffix not in left_out
    ]
    assert {"helpdesk/conf.py", "helpdesk/templates/helpdesk/mail/response.html"} <= set(files)
    assert set(files) - names_in(wheel) == set()


def test_wheel_has_the_compiled_catalogues(wheel):
    names = names_in(wheel)
    sources = {name for name in names if name.endswith(".po")}
    assert "helpdesk/locale/eo/LC_MESSAGES/django.po" in sources
    assert {f"{name[:-3]}.mo" for name in sources} <= names


def test_wheel_has_nothing_but_the_extension(wheel):
    tops = {name.split("/")[0] for name in names_in(wheel)}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"helpdesk"}


def test_site_needs_no_migration_beyond_those_shipped(installed):
    assert "No changes detected" in installed.run("manage.py", "makemigrations", "--check")


def test_site_passes_its_checks(installed):
    said = installed.run("-W", "error", "manage.py", "check", "--fail-level", "WARNING")
    assert "no issues" in said


def test_site_collects_the_shipped_static_files(installed):
    installed.run("manage.py", "collectstatic", "--no-input", "--verbosity", "0")
    assert (installed.site / "static" / "helpdesk" / "public.css").exists()


def test_main_job_runs_on_the_second_site(installed):
    said = installed.run("-m", "pytest", "-q", "-p", "no:randomly", "loop.py")
    assert "failed" not in said
    assert "skipped" not in said
