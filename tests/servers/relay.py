"""A relay before a server, whose connections can be cut."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class Relay:
    """Hands on what both sides say; counts the connections made and those that are open."""

    def __init__(self, server: socket.socket, target: int) -> None:
        self.port: int = server.getsockname()[1]
        self.made = 0
        self.refusing = False
        self._server, self._target = server, target
        self._pairs: list[tuple[socket.socket, socket.socket]] = []

    def cut(self) -> None:
        """Cut all connections, as a router that was switched off and on."""
        for pair in self._pairs:
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
        self._pairs.clear()

    def serve(self) -> None:
        with suppress(OSError):
            while True:
                near, _peer = self._server.accept()
                if self.refusing:
                    near.close()
                    continue
                self.made += 1
                far = socket.create_connection(("127.0.0.1", self._target), timeout=60)
                self._pairs.append((near, far))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_pump, args=pair, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def relay(target: int) -> Iterator[Relay]:
    """Listen on a port of this machine and hand on to another one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        running = Relay(server, target)
        threading.Thread(target=running.serve, daemon=True).start()
        yield running
        running.cut()
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
