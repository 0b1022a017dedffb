"""Runs `check --deploy` under the production settings: without secrets it must refuse, with them be silent."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED = ("SECRET_KEY", "DATABASE_URL", "EMAIL_URL", "SITE_URL")
SET = {
    "SECRET_KEY": "for this check alone " + "".join(map(chr, range(48, 123))),
    "DATABASE_URL": "postgresql://check@localhost/check",
    "EMAIL_URL": "smtp+tls://check:check@localhost:587",
    "SITE_URL": "https://help.example.org",
    "DEFAULT_FROM_EMAIL": "help@example.org",
}


def check(**values: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if key not in SET}
    environment |= {"DJANGO_SETTINGS_MODULE": "portal.settings.production", **values}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)


def main() -> None:
    with_all = check(**SET)
    if with_all.returncode:
        sys.exit(f"check --deploy complains:\n{with_all.stdout}{with_all.stderr}")
    without = check()
    missing = [name for name in NEEDED if name not in without.stdout + without.stderr]
    if not without.returncode or missing or "Traceback" in without.stderr:
        sys.exit(f"production would start without its secrets: {missing}\n{without.stderr}")
    print("production settings: complete with their secrets, refused without")


if __name__ == "__main__":
    main()
