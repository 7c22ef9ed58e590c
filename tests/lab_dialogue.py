"""How the hosts of the laboratory behave, and the dialogue that they all have.

A host whose handshake failed goes on in clear text, as if nothing had happened: a client that goes on as well is found
out by what the host was told.
"""

from __future__ import annotations

import select
import socket
import ssl
import struct
import warnings
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from lab_certificates import Certificate, Certificates
from lab_tlslite import TlsliteConnection

if TYPE_CHECKING:
    from pathlib import Path

_TICK: Final = 0.2  # seconds between the bytes of a server that drips
_TLS_RECORDS: Final = range(20, 24)  # the first byte of each (RFC 8446, section 5.1); no command starts so
READY: Final = b"220 go\r\n"
OFFER: Final = b"250-mx.example\r\n250-PIPELINING\r\n250 STARTTLS\r\n"
PLAIN: Final = b"250-mx.example\r\n250 PIPELINING\r\n"
_GOOD: Final = Certificate()


@dataclass
class Host:
    """A running server. What it was told is complete once it has stopped.

    Args:
        mx: its name, as an MX record would have it.
        address: the address it listens on.
        port: and the port.
        said: each command that it was told, and whether that was under TLS.
        messages: for each message that it took, the TLS version it came over; `None` for clear text.
    """

    mx: str
    address: str
    port: int
    said: list[tuple[bool, bytes]] = field(default_factory=list)
    messages: list[str | None] = field(default_factory=list)


class Stream(Protocol):
    """A socket, under TLS or not."""

    def recv(self, size: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> None: ...


class _Over(Exception):  # noqa: N818  (no error)
    """The connection is to be closed, or the client has gone."""


@dataclass
class Conversation:
    """One connection of a server.

    Args:
        host: where to note what is said.
        behaviour: how to answer.
        tls: the context for a handshake by `ssl`.
        certificate: the file of key and certificate, for a handshake by other means.
        plain: the connection itself.
        stream: where to read and write now: `plain`, or TLS over it.
        version: that of TLS, once there is any.
        resources: what to close in the end.
    """

    host: Host
    behaviour: Behaviour
    tls: ssl.SSLContext
    certificate: Path
    plain: socket.socket
    stream: Stream = field(init=False)
    version: str | None = None
    resources: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.stream = self.resources.enter_context(self.plain)

    def run(self) -> None:
        """Talk until either side has had enough."""
        with self.resources, suppress(OSError, _Over):
            self.perform(self.behaviour.greeting)
            while True:
                command = self.hear().strip()
                self.host.said.append((self.version is not None, command))
                self.answer(command)

    def answer(self, command: bytes) -> None:
        """Answer as this host does, or as any host would where it does nothing odd."""
        match command.upper().split():
            case [b"EHLO", *_]:
                self.perform(self.behaviour.ehlo_under_tls if self.version else self.behaviour.ehlo)
            case [b"HELO", *_]:
                self.perform(self.behaviour.helo)
            case [b"STARTTLS"]:
                self.perform(self.behaviour.starttls)
            case [b"MAIL" | b"RCPT" | b"NOOP" | b"RSET", *_]:
                self.say(b"250 OK\r\n")
            case [b"DATA"]:
                self.take_message()
            case [b"QUIT"]:
                self.say(b"221 bye\r\n")
                raise _Over
            case _:
                self.say(b"500 what?\r\n")

    def take_message(self) -> None:
        """Read a message and note how it came."""
        self.say(b"354 go on\r\n")
        while self.hear() != b".\r\n":
            pass
        self.host.messages.append(self.version)
        self.say(b"250 OK\r\n")

    def perform(self, steps: Steps) -> None:
        """Say or do one thing after the other."""
        for step in steps:
            if isinstance(step, bytes):
                self.say(step)
            else:
                step(self)

    def say(self, text: bytes) -> None:
        """Send something: in one segment, if it is short."""
        self.stream.sendall(text)

    def hear(self) -> bytes:
        """Read a line, and nothing after it. TLS where there is none on this side is passed over."""
        while self.version is None and self.is_told_tls():
            self.skip_record()
        line = b""
        while not line.endswith(b"\n") and (byte := self.stream.recv(1)):
            line += byte
        if not line:
            raise _Over
        return line

    def is_told_tls(self) -> bool:
        """Whether a record of TLS is what the client sends next."""
        first = self.plain.recv(1, socket.MSG_PEEK)
        return bool(first) and first[0] in _TLS_RECORDS

    def skip_record(self) -> None:
        """Pass over a record of TLS, if that is what the client sends next."""
        if not self.is_told_tls():
            return
        header = self.plain.recv(5, socket.MSG_WAITALL)
        self.plain.recv(int.from_bytes(header[3:]), socket.MSG_WAITALL)

    def client_acts(self, within: float) -> bool:
        """Wait so many seconds at most for the client to say something or to go. Returns whether it has."""
        return bool(select.select([self.plain], [], [], within)[0])


Step: TypeAlias = bytes | Callable[[Conversation], object]
"""Something to say, or to do."""
Steps: TypeAlias = tuple[Step, ...]


def shake_hands(talk: Conversation) -> None:
    """Do the handshake, unless the client goes on in clear text."""
    if not talk.is_told_tls():
        return
    talk.plain.getpeername()  # Where it has been reset, wrap_socket would lose its socket and not close it.
    secured = talk.tls.wrap_socket(talk.plain.dup(), server_side=True, do_handshake_on_connect=False)
    talk.resources.enter_context(secured)
    with suppress(ssl.SSLError):
        secured.do_handshake()
        talk.stream, talk.version = secured, secured.version()


def shake_hands_with(*ciphers: str) -> Step:
    """Do a handshake for TLS 1.2 with these ciphers, by tlslite-ng's names for them."""

    def step(talk: Conversation) -> None:
        secured = TlsliteConnection(talk.plain)
        if secured.do_handshake(talk.certificate, ciphers):
            talk.stream, talk.version = secured, "TLSv1.2"

    return step


def request_renegotiation(talk: Conversation) -> None:
    """Ask for a second handshake under TLS, and do not insist."""
    if isinstance(talk.stream, TlsliteConnection):
        talk.stream.request_hello()


def close(_talk: Conversation) -> None:
    """Close the connection."""
    raise _Over


def reset(talk: Conversation) -> None:
    """Break the connection off."""
    talk.plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raise _Over


def drip(start: bytes) -> Step:
    """Send one byte after the other, slowly, without an end."""

    def step(talk: Conversation) -> None:
        for byte in chain(start, repeat(ord("x"))):
            talk.say(bytes((byte,)))
            if talk.client_acts(within=_TICK):
                return

    return step


def gush(start: bytes) -> Step:
    """Send a line as fast as the client takes it, without an end."""

    def step(talk: Conversation) -> None:
        talk.say(start)
        while True:
            talk.say(b"x" * 65_536)

    return step


def long_reply(code: bytes) -> Step:
    """Send 10 MB of a reply; its last line is still to come."""
    return lambda talk: talk.say((code + b"-" + b"x" * 94 + b"\r\n") * 100_000)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a host does. As it stands, it is a good one.

    Args:
        mx: its name, as an MX record would have it.
        address: where it is.
        listens: whether it takes connections at all.
        certificate: what it shows.
        versions: the oldest and the newest TLS that it speaks.
        ciphers: those for TLS 1.2 and before, by OpenSSL's names.
        wants_certificate: whether it insists on one of the client's.
        greeting: what it says and does when the client has connected.
        ehlo: on EHLO in clear text.
        helo: on HELO.
        starttls: on STARTTLS.
        ehlo_under_tls: on EHLO under TLS.
    """

    mx: str = "mx.example"
    address: str = "127.0.0.1"
    listens: bool = True
    certificate: Certificate = _GOOD
    versions: tuple[ssl.TLSVersion, ssl.TLSVersion] = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
    ciphers: str = "DEFAULT"
    wants_certificate: bool = False
    greeting: Steps = (b"220 mx.example ESMTP\r\n",)
    ehlo: Steps = (OFFER,)
    helo: Steps = (b"250 mx.example\r\n",)
    starttls: Steps = (READY, shake_hands)
    ehlo_under_tls: Steps = (PLAIN,)

    def context(self, certificates: Certificates) -> ssl.SSLContext:
        """What it does handshakes with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Old versions are what is wanted.
            context.minimum_version, context.maximum_version = self.versions
        context.set_ciphers(f"{self.ciphers}:@SECLEVEL=0")  # Before the certificate, which may be a weak one.
        context.load_cert_chain(certificates.file(self.certificate))
        context.load_dh_params(str(certificates.dh_parameters))
        if self.wants_certificate:
            context.verify_mode = ssl.CERT_REQUIRED
        return context
