"""The servers whose TLS OpenSSL can't do from Python: tlslite-ng's."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # It imports asyncore where there still is one.
    from tlslite.api import HandshakeSettings, TLSConnection, X509CertChain, parsePEMKey
    from tlslite.constants import AlertDescription, AlertLevel, ContentType
    from tlslite.errors import BaseTLSException
    from tlslite.messages import HelloRequest

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_TLS_1_2 = (3, 3)
_NO_RENEGOTIATION = bytes((AlertLevel.warning, AlertDescription.no_renegotiation))


class TlsliteConnection(TLSConnection):  # type: ignore[misc] # it has no types
    """The server's end of a TLS 1.2 connection, as far as it is used like an `ssl.SSLSocket`."""

    def __init__(self, connection: socket.socket) -> None:
        super().__init__(connection)
        self.closeSocket = False  # What is said after a handshake that failed is of interest.
        self.ignoreAbruptClose = True

    def do_handshake(self, file: Path, ciphers: Sequence[str]) -> bool:
        """Do the handshake with the key and certificate of a PEM file.

        Args:
            file: where they are.
            ciphers: which to allow, by tlslite-ng's names.

        Returns:
            Whether it succeeded.
        """
        settings = HandshakeSettings()
        settings.minVersion = settings.maxVersion = _TLS_1_2
        settings.cipherNames = list(ciphers)
        pem = file.read_text()
        chain = X509CertChain()
        chain.parsePemList(pem)
        try:
            self.handshakeServer(certChain=chain, privateKey=parsePEMKey(pem, private=True), settings=settings)
        except BaseTLSException:
            return False
        return True

    def recv(self, size: int) -> bytes:
        """Read, where what goes wrong is an `OSError`."""
        try:
            return bytes(super().recv(size))
        except BaseTLSException as error:
            raise ConnectionAbortedError(str(error)) from error

    def request_hello(self) -> None:
        """Ask the client to renegotiate (RFC 5246, section 7.4.1.1)."""
        try:
            for _ in self._sendMsg(HelloRequest(), update_hashes=False):
                pass
        except BaseTLSException as error:
            raise ConnectionAbortedError(str(error)) from error

    def _getNextRecord(self) -> Iterator[Any]:  # noqa: N802  (tlslite-ng's name)
        """Pass over the warning that the client does not renegotiate, where tlslite-ng would give up."""
        for result in super()._getNextRecord():
            if result in (0, 1) or not _declines(*result):
                yield result


def _declines(header: Any, parser: Any) -> bool:
    return header.type == ContentType.alert and bytes(parser.bytes) == _NO_RENEGOTIATION
