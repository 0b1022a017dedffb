"""Starts the whole site on this machine: database, demo, web, worker, mail room.

Run by `make run` with the environment's Python. Whatever is in the way ends in one sentence.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
HOST = "127.0.0.1"
GRACE = 10.0  # seconds for the children to end


def main() -> None:
    port, mail_port = number("PORT", 8000), number("MAIL_PORT", 8025)
    for name, value in (("PORT", port), ("MAIL_PORT", mail_port)):
        if taken(value):
            stop(
                f"Port {value} is already in use: stop the other program, or choose another port, "
                f"for example: make run {name}={value + 1}"
            )
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    (ROOT / "var").mkdir(exist_ok=True)
    prepare()
    people = subprocess.run([*MANAGE, "demo", "--who"], capture_output=True, text=True).stdout
    children = {
        "web server": start("runserver", f"{HOST}:{port}", "--noreload", "--insecure"),
        "worker": start("worker"),
        "mail room": start("mailroom"),
    }
    wait_for(children, port)
    print(welcome(port, mail_port, people), flush=True)
    watch(children)


def number(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        stop(f"{name}={text} is no port: give a number between 1 and 65535.")
    return int(text)


def taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return True
    return False


def prepare() -> None:
    """Bring the database up to date and load the demo where there is nothing yet."""
    done = subprocess.run([*MANAGE, "prepare"], capture_output=True, text=True)
    if done.returncode:
        log = ROOT / "var" / "prepare.log"
        log.write_text(done.stdout + done.stderr)
        lines = [line for line in done.stderr.strip().splitlines() if line.strip()]
        stop(
            (lines[-1] if lines else "The database could not be prepared.").removeprefix(
                "CommandError: "
            )
        )
    print(done.stdout, end="", flush=True)


def start(*arguments: str) -> subprocess.Popen[bytes]:
    # a session of its own: Ctrl-C reaches us alone, and we end the children in order
    return subprocess.Popen([*MANAGE, *arguments], start_new_session=True)


def wait_for(children: dict[str, subprocess.Popen[bytes]], port: int) -> None:
    for _ in range(300):
        if any(child.poll() is not None for child in children.values()):
            return
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return
        time.sleep(0.2)


def welcome(port: int, mail_port: int, people: str) -> str:
    return (
        f"\nStelze runs. Open\n"
        f"  http://{HOST}:{port}/            the site (English: /en/)\n"
        f"  http://{HOST}:{port}/admin/      agents and editors\n"
        f"  http://{HOST}:{port}/mailroom/   every mail, and a place to write one (SMTP on port {mail_port})\n"
        f"\n{people}\nCtrl-C stops everything."
    )


def watch(children: dict[str, subprocess.Popen[bytes]]) -> None:
    """Wait until somebody stops us or a child dies, then end them all."""
    stopping: list[int] = []
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, lambda received, _frame: stopping.append(received))
    dead = ""
    while not stopping and not dead:
        time.sleep(0.3)
        dead = next((name for name, child in children.items() if child.poll() is not None), "")
    end(children)
    if dead:
        stop(f"The {dead} ended unexpectedly (its last lines stand above); everything was stopped.")
    print("\nStopped.")


def end(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.terminate()
    until = time.monotonic() + GRACE
    for child in children.values():
        try:
            child.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def stop(sentence: str) -> None:
    sys.exit(f"\n{sentence}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("Stopped. The next `make run` goes on from here.")
