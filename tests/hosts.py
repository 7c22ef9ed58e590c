"""Hosts that follow a script, for what a real server would never do."""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from loopback import ADDRESS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterator


class Commands(list[bytes]):
    """What a scripted server was sent, line by line."""


Step: TypeAlias = "bytes | Callable[[socket.socket], object]"


@contextmanager
def scripted(*script: Step) -> Iterator[tuple[int, Commands]]:
    """Run a server for one client: the first step on connection, one more for each line that comes in."""
    commands = Commands()
    with socket.create_server((ADDRESS, 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(20)
                try:
                    for step in script:
                        step(connection) if callable(step) else connection.sendall(step)
                        line = lines.readline()
                        if not line:
                            return
                        commands.append(line.rstrip())
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        yield listener.getsockname()[1], commands
        thread.join()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def drip(connection: socket.socket) -> None:
    """Say something for ever, a byte at a time."""
    while True:
        connection.sendall(b"2")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    """Begin a handshake, and send records in it that are allowed and mean nothing for as long as the client stays."""
    connection.sendall(READY)
    connection.recv(65_536)
    hello_requests = bytes.fromhex("16 0303 4000") + bytes(0x4000)  # RFC 5246, section 7.4.1.1
    while True:
        connection.sendall(hello_requests)


GREETING = b"220 mx.example\r\n"
EHLO = b"250-mx.example\r\n250 STARTTLS\r\n"
READY = b"220 go\r\n"
ENVELOPE = (b"250 OK\r\n", b"250 OK\r\n", b"354 go on\r\n")
SAID_EHLO = b"EHLO sender.example"


def secured_host(tls: ssl.SSLContext, *said: bytes) -> Step:
    """Shakes hands, and then answers each line."""

    def shake_hands(connection: socket.socket) -> None:
        connection.sendall(READY)
        with tls.wrap_socket(connection, server_side=True) as secured:
            lines = secured.makefile("rb")
            for reply in said:
                lines.readline()
                secured.sendall(reply)
            lines.read()

    return shake_hands


@contextmanager
def submissions(tls: ssl.SSLContext) -> Iterator[int]:
    """A host that begins with TLS, as on port 465."""

    def run(connection: socket.socket) -> None:
        try:
            with tls.wrap_socket(connection, server_side=True) as secured:
                secured.sendall(GREETING)
                lines = secured.makefile("rb")
                for reply in (b"250-mx.example\r\n250 AUTH PLAIN\r\n", *ENVELOPE):
                    lines.readline()
                    secured.sendall(reply)
                while lines.readline() not in (b".\r\n", b""):
                    pass
                secured.sendall(b"250 OK\r\n")
                lines.readline()
                secured.sendall(b"221 bye\r\n")
        except OSError:
            connection.close()

    with socket.create_server((ADDRESS, 0)) as listener:
        thread = threading.Thread(target=lambda: run(listener.accept()[0]))
        thread.start()
        yield listener.getsockname()[1]
        thread.join()
