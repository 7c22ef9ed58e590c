"""STARTTLS as decided, for smtplib (RFC 3207)."""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import ip_address
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
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"(?![0-9.]+\Z){_LABEL}(?:\.{_LABEL})*")
_LONGEST_HOST_NAME: Final = 253


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

    Says EHLO on this connection, whatever the client remembers of an earlier one, and again after the handshake, where
    all that the host said before is forgotten. When it returns, the client is ready for `sendmail`.

    `optional` goes on in clear text where the host does not offer STARTTLS or refuses the command, never after a
    handshake that failed. Where DANE or MTA-STS is required, nothing goes on in clear text; where MTA-STS is, the
    certificate is verified whatever `allow_invalid_certs` says (RFC 8461, section 4.2).

    Args:
        client: a client that has been connected and is not under TLS.
        decision: what `TlsPolicy.evaluate` gave for this attempt.
        contexts: the contexts to choose from.
        mx: the name of the host, as its MX record has it (an IDN as A-labels), whatever address the client was
            connected to: this is what the certificate must prove.
        dane: that the caller sees to it that the host is authenticated by DANE, as a decision may require.
        mta_sts: that the caller has found `mx` in the domain's MTA-STS policy, as a decision may require.

    Raises:
        TlsSessionError: the session could not be secured as decided; the client has been closed. Its `last_error` is
            for the context of the next attempt.
    """
    attempt = _Attempt(client, decision, mx)
    try:
        attempt.require_promises(dane=dane, mta_sts=mta_sts)
        connection = attempt.plain_connection()
        if decision.starttls is Requirement.DISABLE:
            return attempt.go_without_tls()
        return attempt.start_tls(connection, attempt.context_of(contexts))
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

    def plain_connection(self) -> socket.socket:
        if self.client.sock is None:
            raise self.error("the client is not connected", Failure(LastError.CONNECTION))
        if isinstance(self.client.sock, ssl.SSLSocket):
            # Not a failure of TLS: no rule must take it as a reason to relax.
            message = "the client is under TLS already, by a context that nobody decided on"
            raise self.error(message, Failure(LastError.IO))
        return self.client.sock

    def context_of(self, contexts: SSLContexts) -> ssl.SSLContext:
        try:
            context = contexts.get(self.decision)
            assert context is not None, "there is one for every decision to use TLS"  # noqa: S101  (the type checker)
        except OSError as error:
            # This machine's fault, and not the host's: no rule must take it as a reason to relax.
            raise self.error(_words(error), Failure(LastError.IO)) from error
        return context

    def go_without_tls(self) -> Session:
        if self.decision.dane is Requirement.REQUIRE:
            raise self.error("the policy requires DANE, which clear text can't have", Failure(LastError.DANE))
        if self.decision.mta_sts is Requirement.REQUIRE:
            raise self.error("the policy requires MTA-STS, which clear text can't have", Failure(LastError.MTA_STS))
        return Session(Level.CLEAR_TEXT)

    def start_tls(self, connection: socket.socket, context: ssl.SSLContext) -> Session:
        client = self.client
        optional = self.decision.starttls is Requirement.OPTIONAL
        with self.phase(Phase.CONNECT):
            _forget(client)
            client.ehlo_or_helo_if_needed()
        if not client.has_extn("starttls"):
            if optional:
                return self.go_without_tls()
            raise self.error("STARTTLS is not offered", Failure(LastError.TLS, STARTTLS_NOT_SUPPORTED))

        with self.phase(Phase.HANDSHAKE):
            name = _server_name(self.mx)
        deadline = time.monotonic() + self.decision.tls_timeout
        timeout = connection.gettimeout()
        with self.phase(Phase.STARTTLS):
            _limit(connection, deadline)
            code, reply = client.docmd("STARTTLS")
            if optional and _is_refusal(code):
                connection.settimeout(timeout)
                return self.go_without_tls()
            if code != _READY:
                raise smtplib.SMTPResponseException(code, reply)
        with self.phase(Phase.HANDSHAKE):
            if _has_unread(client, connection):
                message = "the host sent text between the reply to STARTTLS and the handshake (CVE-2011-0411)"
                raise self.error(message, Failure(LastError.TLS, VALIDATION_FAILURE))
            _limit(connection, deadline)
            secured = _handshake(client, connection, context, name)
        _forget(client)
        with self.phase(Phase.CONNECT):
            _limit(secured, deadline)
            code, reply = client.ehlo()
            if code != _OK:
                raise smtplib.SMTPHeloError(code, reply)
        secured.settimeout(timeout)
        level = Level.VERIFIED if self.decision.verifies else Level.UNVERIFIED
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
        case ssl.SSLError(reason=str(reason)):  # Some have none.
            return f"TLS failed: {reason.replace('_', ' ').lower()}"
        case smtplib.SMTPResponseException():
            reply = error.smtp_error
            words = reply.decode(errors="replace") if isinstance(reply, bytes) else reply
            return f"the host answered {error.smtp_code} {words}".rstrip()
        case _:
            return str(error) or type(error).__name__


def _limit(connection: socket.socket, deadline: float) -> None:
    """Let nothing take longer than to the deadline."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError("timed out")
    connection.settimeout(remaining)


def _is_refusal(code: int) -> bool:
    """Whether a reply refuses the command and leaves the connection as it was (RFC 5321, sections 3.8 and 4.2.1)."""
    return 400 <= code <= 599 and code != 421  # noqa: PLR2004


def _server_name(mx: str) -> str:
    """The name that a TLS session may be asked for: a host name in ASCII, or an address.

    `ssl` would take more: an IDN by the rules of IDNA 2003, which for some names gives another host than today's.

    Raises:
        ValueError: it is none.
    """
    name = mx.removesuffix(".")
    if _HOST_NAME.fullmatch(name) and len(name) <= _LONGEST_HOST_NAME:
        return name
    try:
        return str(ip_address(name))
    except ValueError:
        raise ValueError(f"{mx!r} is no name of a host: an IDN is written as A-labels (xn--…)") from None


def _has_unread(client: smtplib.SMTP, connection: socket.socket) -> bool:
    """Whether the host has sent anything that was not read yet, as far as can be known now."""
    connection.settimeout(0)
    return bool(client.file and client.file.peek(1))


def _handshake(client: smtplib.SMTP, connection: socket.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    connection.getpeername()  # Where it has been reset, wrap_socket would lose the connection and not close it.
    secured = context.wrap_socket(connection, server_hostname=name, do_handshake_on_connect=False)
    client.sock = secured
    client.file = None
    secured.do_handshake()
    return secured


def _forget(client: smtplib.SMTP) -> None:
    """Forget what a host said: before TLS (RFC 3207, section 4.2), or on an earlier connection of the client."""
    client.helo_resp = None
    client.ehlo_resp = None
    client.esmtp_features = {}
    client.does_esmtp = False
