"""Makes `.venv` from the lock and compiles the catalogues; does nothing if both are current.

Needs only Python's own library. Ends with one sentence if something is missing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCK = ROOT / "requirements" / "test.txt"
#: Written last: an interrupted installation has none and is done again.
STAMP = VENV / "stelze-installed"
LOG = ROOT / "var" / "install.log"
OLDEST = (3, 11)


def main() -> None:
    if sys.version_info < OLDEST:
        stop(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: install Python 3.11 or newer "
            "(package python3 and python3-venv), or name one: make PYTHON=/path/to/python3.12 …"
        )
    if not is_current():
        install()
    compile_catalogues()


def is_current() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def fingerprint() -> str:
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    return f"{digest} python {sys.version_info[0]}.{sys.version_info[1]}"


def install() -> None:
    print("Installing Stelze into .venv (once; a minute or two) …", flush=True)
    LOG.parent.mkdir(parents=True, exist_ok=True)
    STAMP.unlink(missing_ok=True)
    if VENV.exists() and not works():
        shutil.rmtree(VENV)
    if not VENV.exists():
        run(
            [sys.executable, "-m", "venv", str(VENV)],
            "The virtual environment could not be made: install the package python3-venv and try again.",
        )
    run(
        [
            str(PYTHON),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--no-binary",
            "django-mailbox",
            "-r",
            str(LOCK),
        ],
        "The packages could not be installed (no network, or the disk is full?): "
        f"details are in {LOG.relative_to(ROOT)}; run the command again to go on.",
    )
    STAMP.write_text(fingerprint())


def works() -> bool:
    """Tell whether the environment is whole and of this Python (an interrupted one is not)."""
    if not PYTHON.exists():
        return False
    ask = "import pip, sys; print(*sys.version_info[:2], sep='.')"
    answer = subprocess.run([str(PYTHON), "-c", ask], capture_output=True, text=True)
    mine = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return answer.returncode == 0 and answer.stdout.strip() == mine


def run(command: list[str], sentence: str) -> None:
    with LOG.open("w") as log:
        try:
            code = subprocess.run(command, stdout=log, stderr=log, env=environment()).returncode
        except OSError as error:
            stop(f"{sentence} ({error.strerror})")
    if code:
        stop(sentence)


def environment() -> dict[str, str]:
    """Without what would lead pip or Python elsewhere."""
    drop = {"PYTHONHOME", "PYTHONPATH", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "VIRTUAL_ENV"}
    return {key: value for key, value in os.environ.items() if key not in drop}


def compile_catalogues() -> None:
    """Compile every catalogue that is newer than its compiled form."""
    stale = [
        path
        for package in ("helpdesk", "portal")
        for path in ROOT.glob(f"{package}/locale/*/LC_MESSAGES/*.po")
        if not path.with_suffix(".mo").exists()
        or path.with_suffix(".mo").stat().st_mtime < path.stat().st_mtime
    ]
    if stale:
        command = [str(PYTHON), str(ROOT / "bin" / "catalogues.py"), *map(str, stale)]
        if subprocess.run(command).returncode:
            stop("A catalogue of translations could not be compiled; its name stands above.")


def stop(sentence: str) -> None:
    sys.exit(f"\n{sentence}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("Interrupted. Run the command again to go on.")
