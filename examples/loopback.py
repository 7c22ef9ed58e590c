"""SMTP servers on this machine, each with TLS that is wrong in one way, for the examples and the tests.

Nothing here is meant to be copied.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import ssl
import warnings
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import trustme
from aiosmtpd.controller import Controller
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from aiosmtpd.smtp import SMTP, Envelope
    from aiosmtpd.smtp import Session as ServerSession

ADDRESS = "127.0.0.1"
_DAY = dt.timedelta(days=1)

# aiosmtpd logs a traceback for each handshake that a client breaks off, which is what they do here.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class Certificates:
    """Server contexts by what is wrong with the certificate; all issued by one authority but the self-signed."""

    def __init__(self) -> None:
        self._authority = trustme.CA()

    @cached_property
    def authority(self) -> str:
        """The authority's own certificate, in PEM: what a client has to trust."""
        return self._authority.cert_pem.bytes().decode()

    def valid(self, name: str) -> ssl.SSLContext:
        """For `name`, from the trusted authority."""
        return self._context(self._authority.issue_cert(name))

    def valid_pem(self, name: str) -> bytes:
        """The same as a file for another server: the key and then the certificates."""
        return self._authority.issue_cert(name).private_key_and_cert_chain_pem.bytes()

    def expired(self, name: str) -> ssl.SSLContext:
        """Valid for `name` until yesterday."""
        now = dt.datetime.now(dt.UTC)
        certificate = self._authority.issue_cert(name, not_before=now - 2 * _DAY, not_after=now - _DAY)
        return self._context(certificate)

    def self_signed(self, name: str, folder: Path) -> ssl.SSLContext:
        """For `name`, signed by itself alone."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, hashes.SHA256())
        )
        file = folder / "self-signed.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def tls_1_0(self, name: str) -> ssl.SSLContext:
        """Valid for `name`, on a server that speaks TLS 1.0 alone."""
        context = self.valid(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def _context(self, certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        return context


@dataclass
class Server:
    """A running server.

    Args:
        port: where it listens, on `ADDRESS`.
        received: for each message, the TLS version it came over; `None` for clear text.
    """

    port: int = 0
    received: list[str | None] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, _session: ServerSession, _envelope: Envelope) -> str:  # noqa: N802
        """Take a message and note how it came."""
        tls = server.transport and server.transport.get_extra_info("ssl_object")
        self.received.append(tls.version() if tls else None)
        return "250 OK"


class _Controller(Controller):
    """aiosmtpd's controller, on whatever port is free."""

    def __init__(self, handler: Server, **options: Any) -> None:  # noqa: ANN401  (aiosmtpd's)
        super().__init__(handler, **options)
        self._connections: list[Any] = []

    async def _listen(self) -> asyncio.Server:
        server = await self.loop.create_server(self._factory_invoker, host=self.hostname, port=0, ssl=self.ssl_context)
        self.port = server.sockets[0].getsockname()[1]
        return server

    def factory(self) -> Any:  # noqa: ANN401  (as aiosmtpd declares it)
        connection: Any = super().factory()  # type: ignore[no-untyped-call]
        self._connections.append(connection)
        return connection

    def stop(self, no_assert: bool = False) -> None:  # noqa: FBT001, FBT002  (as aiosmtpd declares it)
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result()
        super().stop(no_assert)

    async def _hang_up(self) -> None:
        """Close what clients have left open: the loop that would notice ends."""
        for connection in self._connections:
            if connection.transport:
                with suppress(AttributeError):  # Python 3.11.2 has no parts left of what was closed twice.
                    connection.transport.abort()
        for _ in range(3):  # A turn of the loop for each layer that is told: TLS, the socket, and whoever listens.
            await asyncio.sleep(0)

    def _create_server(self) -> Any:  # noqa: ANN401  (as aiosmtpd declares it)
        return self._listen()


@contextmanager
def serve(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Server]:  # noqa: ANN401  (aiosmtpd's)
    """Run an SMTP server that offers STARTTLS with `tls`, or none at all.

    Args:
        tls: its context.
        options: more for `aiosmtpd.smtp.SMTP`; or `ssl_context`, for a server that begins with TLS.
    """
    server = Server()
    controller = _Controller(server, hostname=ADDRESS, port=0, tls_context=tls, **options)
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()
