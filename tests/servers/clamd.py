"""A clamd of one's own with one signature, that of EICAR: no download, no root, a folder of its own."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from .ports import free_ports, stop, wait_for

#: The test file of all scanners (eicar.org), put together here so that nobody's scanner takes this file for it.
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!" + b"$H+H*"
FOUND = "Test.Eicar"

CONFIG = """
Foreground yes
DatabaseDirectory {base}/db
TemporaryDirectory {base}
TCPAddr 127.0.0.1
TCPSocket {port}
LocalSocket {base}/clamd.sock
StreamMaxLength 5M
MaxThreads 2
"""


@dataclass
class Clamd:
    """A virus scanner; `stop` and `start` it as often as wanted."""

    base: Path
    port: int
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def socket(self) -> str:
        return str(self.base / "clamd.sock")

    def start(self) -> None:
        command = [_program(), "--config-file", str(self.base / "clamd.conf")]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, **quiet)
        wait_for(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)
            self._process = None


def _program() -> str:
    program = shutil.which("clamd", path="/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin")
    if program is None:
        pytest.skip("no clamd on this machine")
    return program


@contextmanager
def clamd() -> Iterator[Clamd]:
    """Run clamd; skips the test where it is not installed."""
    _program()
    base = Path(tempfile.mkdtemp(prefix="clamd-", dir="/tmp"))
    base.chmod(0o755)
    (base / "db").mkdir()
    digest = hashlib.md5(EICAR, usedforsecurity=False).hexdigest()
    (base / "db" / "test.hdb").write_text(f"{digest}:{len(EICAR)}:{FOUND}\n")
    [port] = free_ports(1)
    (base / "clamd.conf").write_text(CONFIG.format(base=base, port=port))
    server = Clamd(base, port)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(base, ignore_errors=True)
