"""STARTTLS as decided, for smtplib (RFC 3207)."""

from __future__ import annotations

import smtplib
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from tlspolicy.context import LastError
from tlspolicy.decision import Requirement
from tlspolicy.errors import TlsSessionError
from tlspolicy.failures import STARTTLS_NOT_SUPPORTED, VALIDATION_FAILURE, Failure, Phase, classify

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tlspolicy.decision import TlsDecision
    from tlspolicy.sslcontext import SSLContexts

_READY: Final = 220
_OK: Final = 250


class Level(StrEnum):
    """What protects a session."""

    VERIFIED = "verified TLS"
    """Encrypted, to a host whose certificate proves its name."""
    UNVERIFIED = "unverified TLS"
    """Encrypted, to a host that may be anybody: its certificate was not examined."""
    CLEAR_TEXT = "clear text"
    """Not encrypted."""


@dataclass(frozen=True, slots=True)
class Session:
    """What a session reached.

    Args:
        level: what protects it.
        version: `TLSv1.2` or `TLSv1.3`; `None` in clear text.
        cipher: OpenSSL's name of the cipher suite; `None` in clear text.
    """

    level: Level
    version: str | None = None
    cipher: str | None = None


def secure(
    client: smtplib.SMTP,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    dane: bool = False,
    mta_sts: bool = False,
) -> Session:
    """Do STARTTLS on a connected client, as decided.

    Says EHLO where that has not been done, and again after the handshake, where all that the host said before is
    forgotten. When it returns, the client is ready for `sendmail`.

    `optional` goes on in clear text where the host does not offer STARTTLS or refuses the command, never after a
    handshake that failed. Where DANE or MTA-STS is required, nothing goes on in clear text.

    Args:
        client: a client that has been connected and is not under TLS.
        decision: what `TlsPolicy.evaluate` gave for this attempt.
        contexts: the contexts to choose from.
        mx: the name of the host, as its MX record has it, whatever address the client was connected to: this is what
            the certificate must prove.
        dane: that the caller has authenticated the host by DANE, as a decision may require.
        mta_sts: that the caller has found `mx` in the domain's MTA-STS policy, as a decision may require.

    Raises:
        TlsSessionError: the session could not be secured as decided; the client has been closed. Its `last_error` is
            for the context of the next attempt.
    """
    attempt = _Attempt(client, decision, mx.removesuffix("."))
    try:
        attempt.require_promises(dane=dane, mta_sts=mta_sts)
        attempt.require_plain_connection()
        with attempt.phase(Phase.CONNECT):
            context = contexts.get(decision)
        return attempt.go_without_tls() if context is None else attempt.start_tls(context)
    except BaseException:
        client.close()
        raise


@dataclass(frozen=True, slots=True)
class _Attempt:
    client: smtplib.SMTP
    decision: TlsDecision
    mx: str

    def require_promises(self, *, dane: bool, mta_sts: bool) -> None:
        if self.decision.dane is Requirement.REQUIRE and not dane:
            message = "the policy requires DANE, and nobody has seen to it (dane=True)"
            raise self.error(message, Failure(LastError.DANE))
        if self.decision.mta_sts is Requirement.REQUIRE and not mta_sts:
            message = "the policy requires MTA-STS, and nobody has seen to it (mta_sts=True)"
            raise self.error(message, Failure(LastError.MTA_STS))

    def require_plain_connection(self) -> None:
        if self.client.sock is None:
            raise self.error("the client is not connected", Failure(LastError.CONNECTION))
        if isinstance(self.client.sock, ssl.SSLSocket):
            # Not a failure of TLS: no rule must take it as a reason to relax.
            raise self.error(
                "the client is under TLS already, by a context that nobody decided on", Failure(LastError.IO)
            )

    def go_without_tls(self) -> Session:
        if self.decision.dane is Requirement.REQUIRE:
            raise self.error("the policy requires DANE, which clear text can't have", Failure(LastError.DANE))
        if self.decision.mta_sts is Requirement.REQUIRE:
            raise self.error("the policy requires MTA-STS, which clear text can't have", Failure(LastError.MTA_STS))
        return Session(Level.CLEAR_TEXT)

    def start_tls(self, context: ssl.SSLContext) -> Session:
        client = self.client
        required = self.decision.starttls is Requirement.REQUIRE
        with self.phase(Phase.CONNECT):
            client.ehlo_or_helo_if_needed()
        if not client.has_extn("starttls"):
            if required:
                raise self.error("STARTTLS is not offered", Failure(LastError.TLS, STARTTLS_NOT_SUPPORTED))
            return self.go_without_tls()

        deadline = time.monotonic() + self.decision.tls_timeout
        timeout = _socket(client).gettimeout()
        with self.phase(Phase.STARTTLS):
            _limit(client, deadline)
            code, reply = client.docmd("STARTTLS")
            if code != _READY:
                if _is_refusal(code) and not required:
                    _socket(client).settimeout(timeout)
                    return self.go_without_tls()
                raise smtplib.SMTPResponseException(code, reply)
        with self.phase(Phase.HANDSHAKE):
            if _has_unread(client):
                message = "the host sent text between the reply to STARTTLS and the handshake (CVE-2011-0411)"
                raise self.error(message, Failure(LastError.TLS, VALIDATION_FAILURE))
            _limit(client, deadline)
            secured = context.wrap_socket(_socket(client), server_hostname=self.mx)
        _start_afresh(client, secured)
        with self.phase(Phase.CONNECT):
            _limit(client, deadline)
            code, reply = client.ehlo()
            if code != _OK:
                raise smtplib.SMTPHeloError(code, reply)
        secured.settimeout(timeout)
        level = Level.UNVERIFIED if self.decision.allow_invalid_certs else Level.VERIFIED
        cipher = secured.cipher()
        return Session(level, secured.version(), cipher[0] if cipher else None)

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Raise what goes wrong as a `TlsSessionError`."""
        try:
            yield
        except TlsSessionError:
            raise
        except (OSError, ValueError) as error:
            raise self.error(_words(error), classify(error, phase)) from error

    def error(self, message: str, failure: Failure) -> TlsSessionError:
        return TlsSessionError(message, mx=self.mx, last_error=failure.last_error, result_type=failure.result_type)


def _words(error: BaseException) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"invalid certificate: {error.verify_message}"
        case ssl.SSLError() if error.reason:
            return f"TLS failed: {error.reason.replace('_', ' ').lower()}"
        case smtplib.SMTPResponseException():
            reply = error.smtp_error
            words = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
            return f"the host answered {error.smtp_code} {words}".rstrip()
        case _:
            return str(error) or type(error).__name__


def _socket(client: smtplib.SMTP) -> socket.socket:
    if client.sock is None:
        raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
    return client.sock


def _limit(client: smtplib.SMTP, deadline: float) -> None:
    """Let nothing take longer than to the deadline."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("timed out")
    _socket(client).settimeout(remaining)


def _is_refusal(code: int) -> bool:
    return 400 <= code <= 599  # noqa: PLR2004  (RFC 5321, section 4.2.1)


def _has_unread(client: smtplib.SMTP) -> bool:
    """Whether the host has sent anything that was not read yet, as far as can be known now."""
    connection = _socket(client)
    connection.settimeout(0)
    return bool(client.file and client.file.peek(1))


def _start_afresh(client: smtplib.SMTP, secured: ssl.SSLSocket) -> None:
    """Go on over TLS, and forget all that the host said before it (RFC 3207, section 4.2)."""
    client.sock = secured
    client.file = None
    client.helo_resp = None
    client.ehlo_resp = None
    client.esmtp_features = {}
    client.does_esmtp = False
