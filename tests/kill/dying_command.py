"""A management command that dies at a boundary: MODULE:FUNCTION, how many crossings of it are survived, command and arguments."""

from __future__ import annotations

import os
import signal
import sys

import django
from django.core.management import execute_from_command_line

from tests.kill import fuse


def main(boundary: str, survived: int, *command: str) -> None:
    django.setup()
    crossed = 0

    def cross() -> None:
        nonlocal crossed
        crossed += 1
        if crossed > survived:
            os.kill(os.getpid(), signal.SIGKILL)

    fuse.guard(boundary, cross)
    execute_from_command_line(["manage.py", *command])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
