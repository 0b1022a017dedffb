"""Makes `.venv` from the lock and compiles the catalogues; does nothing if both are current.

Needs only Python's own library. Ends with one sentence if something is missing.
"""

from __future__ import annotations

import fcntl
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
#: Built only where the system has what it needs to be built with; without it its tests are skipped.
LDAP_LOCK = ROOT / "requirements" / "ldap.txt"
LDAP_NEEDS = (Path("/usr/include/ldap.h"), Path("/usr/include/sasl/sasl.h"))
#: Written last: an interrupted installation has none and is done again.
STAMP = VENV / "stelze-installed"
LOG = ROOT / "var" / "install.log"
OLDEST = (3, 11)


#: What pip's words mean, most certain first.
MEANINGS = {
    "No space left on device": "The disk is full: make room",
    "Permission denied": "A file cannot be written: run it as the user to whom this folder belongs",
    "DO NOT MATCH THE HASHES": "A package is not the one we locked: somebody or a proxy changed it",
    "No module named pip": "The environment has no pip: install the package python3-venv",
    "Temporary failure in name resolution": "There is no network: connect it",
    "Failed to establish a new connection": "The package index cannot be reached: check the network",
    "ConnectTimeoutError": "The package index does not answer: check the network",
    "Read timed out": "The package index answers too slowly: check the network",
    "Could not find a version": "A package is missing at the package index: check the network or PIP_INDEX_URL",
    "No matching distribution": "A package is not there for this Python or machine: use Python 3.11 to 3.14",
}


def main() -> None:
    if sys.version_info < OLDEST:
        stop(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: install Python 3.11 or newer "
            "(package python3 and python3-venv), or name one: make PYTHON=/path/to/python3.12 …"
        )
    if not is_current():
        LOG.parent.mkdir(parents=True, exist_ok=True)
        with (LOG.parent / "install.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another `make` may be at it
            if not is_current():
                install()
    compile_catalogues()


def is_current() -> bool:
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def fingerprint() -> str:
    """Tell what an environment is made of: the lock, this folder, and the Python behind it."""
    locked = LOCK.read_bytes() + (LDAP_LOCK.read_bytes() if has_ldap() else b"")
    digest = hashlib.sha256(locked).hexdigest()
    return f"{digest} {ROOT} {PYTHON.resolve()}"


def has_ldap() -> bool:
    return all(path.exists() for path in LDAP_NEEDS) and shutil.which("gcc") is not None


def install() -> None:
    print("Installing Stelze into .venv (once; a minute or two) …", flush=True)
    if VENV.exists() and not is_whole():
        shutil.rmtree(VENV)
    STAMP.unlink(missing_ok=True)
    if not VENV.exists():
        run(
            [sys.executable, "-m", "venv", str(VENV)],
            "The virtual environment could not be made: install the package python3-venv "
            "(and see that the disk is not full)",
        )
    # the lock names everything; left to itself pip prefers a newer release to the locked one where a package
    # asks for an extra of it, and then refuses it for its hash
    options = [
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
        "--require-hashes",
        "--no-deps",
    ]
    source = ["--only-binary", ":all:", "--no-binary", "django-mailbox,dkimpy,python-ldap"]
    source += ["-r", str(LOCK)] + (["-r", str(LDAP_LOCK)] if has_ldap() else [])
    run(
        [str(PYTHON), "-m", "pip", "install", *options, *source],
        f"The packages could not be installed: details are in {LOG.relative_to(ROOT)}",
    )
    STAMP.write_text(fingerprint())


def is_whole() -> bool:
    """Tell whether the environment was finished once, here and with a Python that is still the same.

    One that was interrupted may hold half a package that pip takes for a whole one.
    """
    if not PYTHON.exists() or not STAMP.exists():
        return False
    return STAMP.read_text().split(" ", 1)[1] == fingerprint().split(" ", 1)[1]


def run(command: list[str], sentence: str) -> None:
    with LOG.open("w") as log:
        code = subprocess.run(command, stdout=log, stderr=log, env=environment()).returncode
    if code:
        words = LOG.read_text(errors="replace")
        meaning = next((told for said, told in MEANINGS.items() if said in words), sentence)
        stop(f"{meaning}, then run the command again.")


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
    except OSError as error:
        stop(
            f"{error.filename or 'A file'}: {error.strerror}. Make room on the disk, or run the command as the "
            "user to whom this folder belongs, then again."
        )
