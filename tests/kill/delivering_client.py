"""A mail server in front of the desk: delivers each mail until it has seen it accepted, however often.

Started as a program: port, folder of the mails, recipient. Its last act is the file `done`.
"""

from __future__ import annotations

import smtplib
import sys
import time
from pathlib import Path

PATIENCE = 60.0


def deliver(port: int, raw: bytes, recipient: str) -> bool:
    """Try once; tell whether the server said that the mail is its own now."""
    try:
        with smtplib.LMTP("127.0.0.1", port, timeout=20) as client:
            return client.sendmail("ina@mail.example", [recipient], raw) == {}
    except (OSError, smtplib.SMTPException):
        return False


def main(port: int, folder: Path, recipient: str) -> None:
    until = time.monotonic() + PATIENCE
    for path in sorted(folder.glob("*.eml")):
        while not deliver(port, path.read_bytes(), recipient):
            if time.monotonic() > until:
                sys.exit(1)
            time.sleep(0.02)
    (folder / "done").touch()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
