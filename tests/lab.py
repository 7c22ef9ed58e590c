"""A laboratory of SMTP servers on this machine, each broken in one way; `lab.toml` has what is to be expected of each.

Nothing here knows the library that is tested.
"""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
import tomllib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from cryptography.x509.oid import ExtendedKeyUsageOID
from lab_certificates import CONSTRAINED, INTERMEDIATE, UNKNOWN, Certificate, Certificates
from lab_dialogue import (
    OFFER,
    PLAIN,
    READY,
    Behaviour,
    Conversation,
    Host,
    close,
    drip,
    gush,
    long_reply,
    request_renegotiation,
    reset,
    shake_hands,
    shake_hands_with,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["HOSTS", "TABLE", "Host", "Laboratory", "expected"]

TABLE: Final = Path(__file__).with_name("lab.toml")
_TLS_1_0: Final = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1)
_TLS_1_1: Final = (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_1)
_TLS_1_2: Final = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2)
_TLS_1_3: Final = (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3)
_RSA: Final = Certificate(bits=2048)

SSL_3_HELLO: Final = bytes.fromhex("16 0300 002a  02 000026  0300") + b"r" * 32 + bytes.fromhex("00 0005 00")
"""A ServerHello of SSL 3.0, with RC4 (RFC 6101)."""
LONG_HELLO: Final = bytes.fromhex("16 0303 4000  02 003ffc  0303")
"""How a ServerHello of 16 KiB begins."""

HOSTS: Final[Mapping[str, Behaviour]] = {
    "good": Behaviour(),
    "good-tls-1.2": Behaviour(certificate=_RSA, versions=_TLS_1_2, ciphers="ECDHE-RSA-AES128-GCM-SHA256"),
    "ipv6": Behaviour(address="::1"),
    "intermediate": Behaviour(certificate=Certificate(issuer=INTERMEDIATE, sends_issuer=True)),
    # Certificates.
    "self-signed": Behaviour(certificate=Certificate(issuer=None)),
    "expired": Behaviour(certificate=Certificate(days=(-30, -1))),
    "not-yet-valid": Behaviour(certificate=Certificate(days=(1, 30))),
    "wrong-host": Behaviour(certificate=Certificate(names=("other.example",))),
    "common-name-only": Behaviour(certificate=Certificate(names=())),
    "unknown-ca": Behaviour(certificate=Certificate(issuer=UNKNOWN)),
    "incomplete-chain": Behaviour(certificate=Certificate(issuer=INTERMEDIATE)),
    "rsa-1024": Behaviour(certificate=Certificate(bits=1024)),
    "sha1-signature": Behaviour(certificate=Certificate(sha1=True)),
    "name-constraints": Behaviour(certificate=Certificate(issuer=CONSTRAINED, sends_issuer=True)),
    "wrong-purpose": Behaviour(certificate=Certificate(purpose=ExtendedKeyUsageOID.CLIENT_AUTH)),
    # Names.
    "ip-mx": Behaviour(mx="127.0.0.1", certificate=Certificate(names=("127.0.0.1",))),
    "idn": Behaviour(mx="xn--bcher-kva.example", certificate=Certificate(names=("xn--bcher-kva.example",))),
    "trailing-dot": Behaviour(mx="mx.example."),
    "wildcard": Behaviour(mx="mx.hosts.example", certificate=Certificate(names=("*.hosts.example",))),
    "wildcard-top-level": Behaviour(certificate=Certificate(names=("*.example",))),
    "unicode-mx": Behaviour(mx="bücher.example", certificate=Certificate(names=("xn--bcher-kva.example",))),
    "no-tls-name": Behaviour(mx=".x"),
    # Versions and ciphers.
    "tls-1.0": Behaviour(versions=_TLS_1_0),
    "tls-1.1": Behaviour(versions=_TLS_1_1),
    "ssl3-garbage": Behaviour(starttls=(READY, Conversation.skip_record, SSL_3_HELLO)),
    "cbc-only": Behaviour(versions=_TLS_1_2, ciphers="ECDHE-ECDSA-AES256-SHA384:ECDHE-ECDSA-AES128-SHA"),
    "dhe-only": Behaviour(certificate=_RSA, versions=_TLS_1_2, ciphers="DHE-RSA-AES128-GCM-SHA256"),
    "static-rsa-only": Behaviour(certificate=_RSA, versions=_TLS_1_2, ciphers="AES128-GCM-SHA256"),
    "3des-only": Behaviour(certificate=_RSA, starttls=(READY, shake_hands_with("3des"))),
    # Before EHLO, and EHLO.
    "nobody-listens": Behaviour(listens=False),
    "greeting-refuses": Behaviour(greeting=(b"554 no\r\n",)),
    "greeting-hangs": Behaviour(greeting=()),
    "ehlo-refused": Behaviour(ehlo=(b"550 no\r\n",), helo=(b"550 no\r\n",)),
    "ehlo-hangs": Behaviour(ehlo=()),
    "closes-at-ehlo": Behaviour(ehlo=(close,)),
    "huge-ehlo": Behaviour(ehlo=(long_reply(b"250"), b"250 STARTTLS\r\n")),
    "endless-line": Behaviour(ehlo=(gush(b"250-"),)),
    "malformed-ehlo": Behaviour(ehlo=(b"hello there\r\n",)),
    "mixed-codes-ehlo": Behaviour(ehlo=(b"250-a\r\n550 b\r\n",)),
    "helo-only": Behaviour(ehlo=(b"502 what?\r\n",)),
    # STARTTLS.
    "no-starttls": Behaviour(ehlo=(PLAIN,)),
    "starttls-lowercase": Behaviour(ehlo=(OFFER.lower(),)),
    "starttls-454": Behaviour(starttls=(b"454 not now\r\n",)),
    "starttls-502": Behaviour(starttls=(b"502 what?\r\n",)),
    "control-characters-454": Behaviour(starttls=(b"454-\x1b[31m\x1b]0;title\x07\r\n454 not\x00now\r\n",)),
    "starttls-421": Behaviour(starttls=(b"421 bye\r\n", close)),
    "malformed-220": Behaviour(starttls=(b"22 go\r\n", shake_hands)),
    "huge-220": Behaviour(starttls=(long_reply(b"220"), READY, shake_hands)),
    "drips-220": Behaviour(starttls=(drip(b"220-"),)),
    "hangs-before-220": Behaviour(starttls=()),
    "closes-before-220": Behaviour(starttls=(close,)),
    # The handshake.
    "injects-after-220": Behaviour(starttls=(READY + b"250 injected\r\n", shake_hands)),
    "hangs-in-handshake": Behaviour(starttls=(READY,)),
    "drips-handshake": Behaviour(starttls=(READY, Conversation.skip_record, drip(LONG_HELLO))),
    "resets-in-handshake": Behaviour(starttls=(READY, Conversation.skip_record, reset)),
    "closes-in-handshake": Behaviour(starttls=(READY, Conversation.skip_record, close)),
    "talks-in-handshake": Behaviour(starttls=(READY, Conversation.skip_record, b"554 no TLS today\r\n")),
    "internal-error": Behaviour(starttls=(READY, Conversation.skip_record, bytes.fromhex("15 0303 0002 0250"))),
    "wants-client-certificate": Behaviour(versions=_TLS_1_3, wants_certificate=True),
    # Under TLS.
    # It only asks; who complies gets nowhere.
    "renegotiates": Behaviour(certificate=_RSA, starttls=(READY, shake_hands_with("aes128gcm"), request_renegotiation)),
    "ehlo-changes-after-tls": Behaviour(ehlo_under_tls=(b"250-mx.example\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n",)),
    "greets-again-after-tls": Behaviour(starttls=(READY, shake_hands, b"220 mx.example ESMTP\r\n")),
    "ehlo-refused-after-tls": Behaviour(ehlo_under_tls=(b"550 no\r\n",), helo=(b"550 no\r\n",)),
    "closes-after-tls": Behaviour(ehlo_under_tls=(close,)),
    "drips-ehlo-after-tls": Behaviour(ehlo_under_tls=(drip(b"250-"),)),
}


class _Server(socketserver.ThreadingTCPServer):
    """Takes connections. When it has stopped, all of them are closed and all threads have ended."""

    def __init__(self, behaviour: Behaviour, tls: ssl.SSLContext, certificate: Path) -> None:
        self.address_family = socket.AF_INET6 if ":" in behaviour.address else socket.AF_INET
        super().__init__((behaviour.address, 0), socketserver.BaseRequestHandler, bind_and_activate=False)
        self._behaviour, self._tls, self._certificate = behaviour, tls, certificate
        self._connections: list[socket.socket] = []

    @contextmanager
    def running(self) -> Iterator[Host]:
        with self:
            self.server_bind()
            self.host = Host(self._behaviour.mx, self._behaviour.address, self.server_address[1])
            if not self._behaviour.listens:
                yield self.host
                return
            self.server_activate()
            thread = threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            try:
                yield self.host
            finally:
                self.shutdown()
                thread.join()
                for connection in self._connections:
                    with suppress(OSError):  # It may have been closed long ago.
                        connection.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, object]:
        connection, address = super().get_request()
        self._connections.append(connection)
        return connection, address

    def finish_request(self, request: Any, client_address: object) -> None:  # noqa: ARG002  (as it is declared)
        Conversation(self.host, self._behaviour, self._tls, self._certificate, request).run()

    def handle_error(self, request: object, client_address: object) -> NoReturn:  # noqa: ARG002
        raise  # noqa: PLE0704  (called while one is handled: a fault of the laboratory's own, to be seen)


class Laboratory:
    """Runs the hosts.

    Args:
        folder: where to put certificates and keys.
    """

    def __init__(self, folder: Path) -> None:
        self._certificates = Certificates(folder)

    @property
    def authority(self) -> str:
        """The certificate of the one root that clients have to trust, in PEM."""
        return self._certificates.authority

    @contextmanager
    def host(self, name: str) -> Iterator[Host]:
        """Run one of `HOSTS`."""
        behaviour = HOSTS[name]
        context = behaviour.context(self._certificates)
        server = _Server(behaviour, context, self._certificates.file(behaviour.certificate))
        with server.running() as host:
            yield host


def expected() -> dict[str, dict[str, frozenset[str]]]:
    """The table, written out: for each host and cell, what may come of it."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {
        name: _cells(table["patterns"][row["pattern"]], row.get("failure", ())) for name, row in table["hosts"].items()
    }


def _cells(pattern: dict[str, str], failure: str | list[str]) -> dict[str, frozenset[str]]:
    kinds = frozenset((failure,) if isinstance(failure, str) else failure)
    return {cell: kinds if outcome == "FAILURE" else frozenset((outcome,)) for cell, outcome in pattern.items()}
