"""Compares the locked versions with the public list of known vulnerabilities (pip-audit).

Never calls something checked that was not: a registry without that list answers, and says nothing.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("base", "ldap", "saml")
PATIENCE = 600


def main() -> None:
    files = [ROOT / "requirements" / f"{name}.txt" for name in LOCKS]
    found = [one for path in files if path.exists() for one in dependencies(path)]
    checked = {one["name"]: one for one in found if "skip_reason" not in one}
    skipped = sorted({one["name"] for one in found} - set(checked))
    bad = [one for one in checked.values() if one.get("vulns")]
    for one in bad:
        for hole in one["vulns"]:
            fixed = ", ".join(hole.get("fix_versions", ())) or "no version yet"
            print(f"{one['name']} {one['version']}: {hole['id']}, mended in {fixed}")
    if not checked:
        sys.exit("audit: this registry has no list of vulnerabilities. NOTHING WAS CHECKED.")
    if skipped:
        print(f"audit: NOT CHECKED, for the registry does not know them: {', '.join(skipped)}")
    print(f"audit: {len(checked)} of {len(checked) + len(skipped)} checked, {len(bad)} vulnerable")
    sys.exit(bool(bad or skipped))


def dependencies(path: Path) -> list[dict[str, Any]]:
    """Return what pip-audit says of a lock file's versions; end if it cannot say anything."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes"]
    options = ["--requirement", str(path), "--format=json", "--progress-spinner=off"]
    try:
        ran = subprocess.run([*command, *options], capture_output=True, text=True, timeout=PATIENCE)
        return json.loads(ran.stdout)["dependencies"]
    except subprocess.TimeoutExpired:
        sys.exit("audit: no answer in time. NOTHING WAS CHECKED.")
    except (ValueError, KeyError):
        last = next((line for line in reversed(ran.stderr.splitlines()) if line.strip()), "?")
        sys.exit(
            f"audit: no list of vulnerabilities to be had. NOTHING WAS CHECKED. ({last[:200]})"
        )


if __name__ == "__main__":
    main()
