"""Free ports and the wait until somebody listens there."""

from __future__ import annotations

import socket
import subprocess
import time

PATIENCE = 60.0


def free_ports(count: int) -> list[int]:
    """Return ports nobody uses now; they are all held until the last is found, so they differ."""
    held = [socket.create_server(("127.0.0.1", 0)) for _number in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports


def wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    """Return once the port accepts; raise RuntimeError if the process ends or takes too long before."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{process.args!r} does not listen on port {port}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process in order, by force if it does not go, and wait until it has."""
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
