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
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
MANAGE = [sys.executable, str(ROOT / "manage.py")]
HOST = "127.0.0.1"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
START = 90.0  # seconds for the web server to answer
GRACE = 10.0  # seconds for the children to end

Children = dict[str, "subprocess.Popen[bytes]"]


def main() -> None:
    for name in SIGNALS:
        signal.signal(name, signal.default_int_handler)
    settings = read_settings()
    claim_ports(PORT=settings.PORT, MAIL_PORT=settings.MAIL_PORT)
    people = prepare(make_folder(Path(settings.VAR_DIR)))
    children: Children = {}
    dead = ""
    try:
        children["web server"] = start(
            "runserver", f"{HOST}:{settings.PORT}", "--noreload", "--skip-checks"
        )
        children["worker"] = start("worker")
        children["mail room"] = start("mailroom")
        dead = wait_for_web(children, settings.PORT)
        if not dead:
            print(welcome(settings.PORT, settings.MAIL_PORT, people), flush=True)
            dead = wait_for_end(children)
    except KeyboardInterrupt:
        pass
    finally:
        end(children)
    if dead:
        stop(f"The {dead} ended unexpectedly (its last lines stand above); everything was stopped.")
    print("\nStopped. `make run` goes on from here.")


def read_settings() -> Any:
    """Return the settings; they are read before anything starts, so that a fault in them is told."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.dev")
    sys.path.insert(0, str(ROOT))
    from django.conf import settings

    try:
        settings.DEBUG  # noqa: B018  the first question reads them all
    except (ValueError, ImproperlyConfigured) as error:
        stop(f"A setting cannot be read: {error}. Correct it in the environment or in .env.")
    return settings


def claim_ports(**ports: int) -> None:
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except PermissionError:
                stop(f"Port {port} is kept for root: choose one above 1023, {name}=….")
            except OSError:
                stop(
                    f"Port {port} is already in use: stop the other program, or choose another "
                    f"port, for example: make run {name}={free_port(port + 1)}"
                )
    if len(set(ports.values())) < len(ports):
        stop(f"{' and '.join(ports)} are the same: give each a port of its own.")


def free_port(first: int) -> int:
    for port in range(first, min(first + 100, 65536)):
        with socket.socket() as probe:
            if probe.connect_ex((HOST, port)):
                return port
    return 9000


def make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "prepare.log").touch()
    except OSError as error:
        stop(
            f"{folder} cannot be written ({error.strerror}): does it belong to another user? "
            "Name another folder: VAR_DIR=/path make run"
        )
    return folder


def prepare(folder: Path) -> str:
    """Bring the database up to date, load the demo where there is nothing yet; return its people."""
    people: list[str] = []
    with (folder / "prepare.log").open("w+", encoding="utf-8") as log:
        command = subprocess.Popen(
            [*MANAGE, "prepare"], stdout=subprocess.PIPE, stderr=log, text=True, encoding="utf-8"
        )
        try:
            for line in command.stdout or ():
                # what it does, at once; after an empty line: who can log in
                if people or not line.strip():
                    people.append(line)
                else:
                    print(line, end="", flush=True)
        except KeyboardInterrupt:
            command.terminate()
            command.wait()
            raise
        if command.wait():
            log.seek(0)
            lines = [line for line in log.read().splitlines() if line.strip()]
            last = lines[-1] if lines else "it was stopped"
            if not last.startswith("CommandError: "):
                last = (
                    f"The database could not be prepared ({last}); details are in {log.name}. "
                    "Try again; nothing is lost."
                )
            stop(last.removeprefix("CommandError: "))
    return "".join(people).strip("\n")


def start(*arguments: str) -> subprocess.Popen[bytes]:
    # a session of its own: Ctrl-C reaches us alone, and we end the children in order
    environment = {**os.environ, "DJANGO_RUNSERVER_HIDE_WARNING": "true"}
    return subprocess.Popen([*MANAGE, *arguments], env=environment, start_new_session=True)


def wait_for_web(children: Children, port: int) -> str:
    """Wait until the web server answers; return which child died meanwhile, if one did."""
    until = time.monotonic() + START
    while time.monotonic() < until:
        if dead := first_dead(children):
            return dead
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((HOST, port)) == 0:
                return ""
        time.sleep(0.2)
    return "web server"


def wait_for_end(children: Children) -> str:
    """Wait until a child dies and return which; somebody who stops us interrupts this."""
    while not (dead := first_dead(children)):
        time.sleep(0.3)
    return dead


def first_dead(children: Children) -> str:
    return next((name for name, child in children.items() if child.poll() is not None), "")


def welcome(port: int, mail_port: int, people: str) -> str:
    site = f"http://{HOST}:{port}/"
    return (
        f"\nStelze runs. Open\n"
        f"  {site:<32} the site (English: /en/)\n"
        f"  {site + 'admin/':<32} agents and editors\n"
        f"  {site + 'mailroom/':<32} every mail, and a place to write one (SMTP on port {mail_port})\n"
        f"\n{people}\n\nCtrl-C stops everything."
    )


def end(children: Children) -> None:
    """Stop the children, politely first; who is impatient must not leave one behind."""
    for name in SIGNALS:
        signal.signal(name, signal.SIG_IGN)
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


def stop(sentence: str) -> NoReturn:
    sys.exit(f"\n{sentence}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        stop("Stopped. The next `make run` goes on from here.")
