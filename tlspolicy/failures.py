"""What went wrong in an attempt → what the next attempt's rules call it, and what a TLS report does.

An exception alone can't tell: a connection that is reset during the handshake failed of TLS, one that is reset before
failed of the connection. So the caller says in which phase it happened. Nothing is guessed: what is not known is `io`,
of which no rule makes a reason to relax TLS.
"""

from __future__ import annotations

import errno
import socket
import ssl
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from tlspolicy.context import LastError
from tlspolicy.errors import TlsSessionError, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable


class Phase(Enum):
    """The part of an attempt in which something went wrong."""

    CONNECT = "connect"
    """Looking up the host's address, connecting, the greeting, EHLO."""
    STARTTLS = "starttls"
    """The STARTTLS command and the reply to it."""
    HANDSHAKE = "handshake"
    """From the reply 220 to the end of the TLS handshake."""
    TRANSFER = "transfer"
    """All that comes afterwards."""


class FailureKind(StrEnum):
    """What went wrong, finely.

    Each kind has what the next attempt's rules call it (`last_error`, a `LastError`) and the result type of a TLS
    report (`result_type`: RFC 8460, section 4.3; `None` where there is none for it).
    """

    last_error: LastError
    result_type: str | None

    def __new__(cls, name: str, last_error: LastError, result_type: str | None = None) -> Self:
        """Make a member: its value is its name."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.last_error = last_error
        kind.result_type = result_type
        return kind

    STARTTLS_NOT_OFFERED = "starttls-not-offered", LastError.TLS, "starttls-not-supported"
    STARTTLS_REFUSED = "starttls-refused", LastError.UNEXPECTED_REPLY, "starttls-not-supported"
    """The reply to STARTTLS is not 220, or is no reply at all."""

    CERTIFICATE_EXPIRED = "certificate-expired", LastError.TLS, "certificate-expired"
    CERTIFICATE_NOT_YET_VALID = "certificate-not-yet-valid", LastError.TLS, "validation-failure"
    CERTIFICATE_HOST_MISMATCH = "certificate-host-mismatch", LastError.TLS, "certificate-host-mismatch"
    CERTIFICATE_SELF_SIGNED = "certificate-self-signed", LastError.TLS, "certificate-not-trusted"
    CERTIFICATE_NOT_TRUSTED = "certificate-not-trusted", LastError.TLS, "certificate-not-trusted"
    """Issued by nobody that is trusted, or sent without what leads there."""
    CERTIFICATE_WEAK = "certificate-weak", LastError.TLS, "validation-failure"
    """Too small a key, or too weak a signature, somewhere in the chain."""
    CERTIFICATE_INVALID = "certificate-invalid", LastError.TLS, "validation-failure"
    """Any other fault of it."""

    INVALID_SERVER_NAME = "invalid-server-name", LastError.TLS, "validation-failure"
    """The `mx` can't be the name of a TLS session."""
    PLAINTEXT_INJECTED = "plaintext-injected", LastError.TLS, "validation-failure"
    """Text between the reply to STARTTLS and the handshake (CVE-2011-0411)."""
    UNSUPPORTED_VERSION = "unsupported-version", LastError.TLS, "validation-failure"
    """The host speaks older TLS alone."""
    HANDSHAKE_FAILURE = "handshake-failure", LastError.TLS, "validation-failure"
    """The alert of that name: no cipher suite, group or signature algorithm in common (RFC 8446, section 6.2)."""
    NOT_TLS = "not-tls", LastError.TLS, "validation-failure"
    HANDSHAKE_TIMEOUT = "handshake-timeout", LastError.TLS, "validation-failure"
    HANDSHAKE_CLOSED = "handshake-closed", LastError.TLS, "validation-failure"
    HANDSHAKE_ERROR = "handshake-error", LastError.TLS, "validation-failure"
    """Any other failure of TLS."""

    DANE_NOT_CHECKED = "dane-not-checked", LastError.DANE
    """The policy requires DANE, and nobody has seen to it."""
    MTA_STS_NOT_CHECKED = "mta-sts-not-checked", LastError.MTA_STS
    """The policy requires MTA-STS, and nobody has seen to it."""

    NAME_NOT_RESOLVED = "name-not-resolved", LastError.DNS
    CONNECTION_FAILED = "connection-failed", LastError.CONNECTION
    """No connection: refused, no route, or never made."""
    CONNECTION_CLOSED = "connection-closed", LastError.CONNECTION
    """Closed or reset, and not during the handshake."""
    CONNECTION_TIMEOUT = "connection-timeout", LastError.CONNECTION
    HOST_REFUSED = "host-refused", LastError.CONNECTION
    """The host greeted, or answered EHLO, with a refusal."""
    MALFORMED_REPLY = "malformed-reply", LastError.CONNECTION
    """What came before the message was sent is no reply of SMTP, or an endless one."""
    UNEXPECTED_REPLY = "unexpected-reply", LastError.UNEXPECTED_REPLY
    """A refusal in the transfer of a message."""
    AUTHENTICATION_FAILED = "authentication-failed", LastError.UNEXPECTED_REPLY
    """The host does not take this side's credentials: no fault of the message, and never for good."""
    LOCAL = "local", LastError.IO
    """The fault is on this side: the client, or this machine's certificates."""
    UNKNOWN = "unknown", LastError.IO


class Failure(NamedTuple):
    """What an attempt failed of.

    Args:
        kind: what it was.
        permanent: whether the host said that it is for good (a reply of 500 and more: RFC 5321, section 4.2.1), or can
            have no TLS session by its very name. Everything else may be over, or relaxed, on the next attempt.
            In `Phase.TRANSFER` it is the message that is refused for good, and before it the host that refuses.
        message: what happened, in words: a line of at most 500 printable characters, such as for `last_status`.
    """

    kind: FailureKind
    permanent: bool = False
    message: str = ""

    @property
    def last_error(self) -> LastError:
        """For the `DeliveryContext` of the next attempt."""
        return self.kind.last_error

    @property
    def result_type(self) -> str | None:
        """The result type of a TLS report (RFC 8460, section 4.3); `None` where TLS was not at fault."""
        return self.kind.result_type


PERMANENT: Final = 500
"""Replies from here on are for good (RFC 5321, section 4.2.1)."""

# X509_V_ERR_…, from openssl-verify(1).
_CERTIFICATE_FAULTS: Final = {
    2: FailureKind.CERTIFICATE_NOT_TRUSTED,  # UNABLE_TO_GET_ISSUER_CERT
    9: FailureKind.CERTIFICATE_NOT_YET_VALID,
    10: FailureKind.CERTIFICATE_EXPIRED,
    18: FailureKind.CERTIFICATE_SELF_SIGNED,  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: FailureKind.CERTIFICATE_NOT_TRUSTED,  # SELF_SIGNED_CERT_IN_CHAIN
    20: FailureKind.CERTIFICATE_NOT_TRUSTED,  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: FailureKind.CERTIFICATE_NOT_TRUSTED,  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: FailureKind.CERTIFICATE_HOST_MISMATCH,
    64: FailureKind.CERTIFICATE_HOST_MISMATCH,  # IP_ADDRESS_MISMATCH
    66: FailureKind.CERTIFICATE_WEAK,  # EE_KEY_TOO_SMALL
    67: FailureKind.CERTIFICATE_WEAK,  # CA_KEY_TOO_SMALL
    68: FailureKind.CERTIFICATE_WEAK,  # CA_MD_TOO_WEAK
}
# OpenSSL's reasons, of which only those are here that mean one thing.
_HANDSHAKE_FAULTS: Final = {
    "TLSV1_ALERT_PROTOCOL_VERSION": FailureKind.UNSUPPORTED_VERSION,
    "UNSUPPORTED_PROTOCOL": FailureKind.UNSUPPORTED_VERSION,
    "SSLV3_ALERT_HANDSHAKE_FAILURE": FailureKind.HANDSHAKE_FAILURE,
    "SSL/TLS_ALERT_HANDSHAKE_FAILURE": FailureKind.HANDSHAKE_FAILURE,  # its name since OpenSSL 3.2
    "WRONG_VERSION_NUMBER": FailureKind.NOT_TLS,
    "RECORD_LAYER_FAILURE": FailureKind.NOT_TLS,  # its name since OpenSSL 3.5
    "UNEXPECTED_EOF_WHILE_READING": FailureKind.HANDSHAKE_CLOSED,
}


def classify(error: BaseException, phase: Phase) -> Failure:
    """Say what an attempt failed of.

    Args:
        error: what was raised, by `socket`, `ssl`, `asyncio`, `smtplib` or `aiosmtplib`.
        phase: when.
    """
    if isinstance(error, TlsSessionError):
        return Failure(FailureKind(error.kind), error.permanent, error.message)  # type: ignore[call-arg]
    if phase is Phase.HANDSHAKE:
        return Failure(_in_handshake(error), _is_name_error(error), _message(error))
    kind = _outside_handshake(error, phase)
    replies = [] if kind is FailureKind.AUTHENTICATION_FAILED else [code for code, _ in _replies(error)]
    return Failure(kind, bool(replies) and min(replies) >= PERMANENT, _message(error))


def _in_handshake(error: BaseException) -> FailureKind:
    match error:
        case ssl.SSLCertVerificationError():
            code = getattr(error, "verify_code", 0)  # One that OpenSSL did not raise has none.
            return _CERTIFICATE_FAULTS.get(code, FailureKind.CERTIFICATE_INVALID)
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():  # Python 3.11.2 raises the latter.
            return FailureKind.HANDSHAKE_CLOSED
        case ssl.SSLError(library="BIO" | "SYS"):  # This machine's, as where a file can't be written.
            return FailureKind.UNKNOWN
        case ssl.SSLError():
            return _HANDSHAKE_FAULTS.get(error.reason or "", FailureKind.HANDSHAKE_ERROR)
        case TimeoutError():
            return FailureKind.HANDSHAKE_TIMEOUT
        case ConnectionAbortedError(errno=None):  # asyncio's own time-out, and not the network's ECONNABORTED.
            return FailureKind.HANDSHAKE_TIMEOUT
        case ConnectionError():
            return _of_cause(error, Phase.HANDSHAKE) or FailureKind.HANDSHAKE_CLOSED
        case OSError(errno=errno.ENOTCONN):  # It was reset a moment ago.
            return FailureKind.HANDSHAKE_CLOSED
        case _ if "SMTPServerDisconnected" in _smtp_classes(error):
            return FailureKind.HANDSHAKE_CLOSED
        case _ if _is_name_error(error):
            return FailureKind.INVALID_SERVER_NAME
        case _:
            return FailureKind.UNKNOWN


def _is_name_error(error: BaseException) -> bool:
    """Whether a handshake failed of a name that TLS can't have: `ssl` raises ValueError, or UnicodeError, which is one.

    Its own errors of certificates are `ValueError`s, too.
    """
    return isinstance(error, ValueError) and not isinstance(error, OSError)


def _outside_handshake(error: BaseException, phase: Phase) -> FailureKind:
    smtp = _smtp_classes(error)
    if smtp & {"SMTPConnectError", "SMTPServerDisconnected"} and (kind := _of_cause(error, phase)):
        return kind
    if smtp:
        return _of_smtp(smtp, phase)
    match error:
        case ssl.SSLError() if phase is Phase.CONNECT:
            # Implicit TLS; or TLS 1.3, in which a host's refusal arrives when our handshake is over, before EHLO is
            # answered.
            return _in_handshake(error)
        case socket.gaierror():
            return FailureKind.NAME_NOT_RESOLVED
        case TimeoutError():
            return FailureKind.CONNECTION_TIMEOUT
        case ConnectionRefusedError():
            return FailureKind.CONNECTION_FAILED
        case ConnectionError():
            return FailureKind.CONNECTION_CLOSED
        case OSError() if phase is Phase.CONNECT and not isinstance(error, ssl.SSLError):  # No route, no such network.
            return FailureKind.CONNECTION_FAILED
        case _:
            return FailureKind.UNKNOWN


def _of_cause(error: BaseException, phase: Phase) -> FailureKind | None:
    """What the exception behind one of smtplib's or aiosmtplib's says, where there is one that says anything.

    smtplib leaves it as the context, and quotes it. Any other context is what was being handled at the time, such as
    the failure of another host.
    """
    context = error.__context__
    cause = error.__cause__ or (context if context and str(context) and str(context) in str(error) else None)
    if not isinstance(cause, OSError):
        return None
    kind = _in_handshake(cause) if phase is Phase.HANDSHAKE else _outside_handshake(cause, phase)
    return None if kind is FailureKind.UNKNOWN else kind


def _of_smtp(smtp: frozenset[str], phase: Phase) -> FailureKind:
    """What the classes of an exception of smtplib's or aiosmtplib's say."""
    if phase is Phase.STARTTLS and "SMTPResponseException" in smtp:
        return FailureKind.STARTTLS_REFUSED
    if phase is Phase.STARTTLS and smtp <= _NOT_OFFERED:
        return FailureKind.STARTTLS_NOT_OFFERED
    if "SMTPAuthenticationError" in smtp:
        return FailureKind.AUTHENTICATION_FAILED
    if "SMTPTimeoutError" in smtp:
        return FailureKind.CONNECTION_TIMEOUT
    if "SMTPHeloError" in smtp or (phase is Phase.CONNECT and "SMTPResponseException" in smtp):
        return FailureKind.HOST_REFUSED
    if "SMTPConnectError" in smtp:
        return FailureKind.CONNECTION_FAILED
    if "SMTPServerDisconnected" in smtp:
        return FailureKind.CONNECTION_CLOSED
    if smtp & {"SMTPResponseException", "SMTPRecipientsRefused"}:
        return FailureKind.UNEXPECTED_REPLY
    return FailureKind.UNKNOWN


_NOT_OFFERED: Final = frozenset({"SMTPException", "SMTPNotSupportedError", "SMTPNotSupported"})


def _smtp_classes(error: BaseException) -> frozenset[str]:
    """The names of the classes of smtplib or aiosmtplib that an exception is of: most are the same in both."""
    return frozenset(
        cls.__name__
        for cls in type(error).__mro__
        if cls.__module__.partition(".")[0] in {"smtplib", "aiosmtplib"}  # the latter may not be installed
    )


def _replies(error: BaseException) -> Iterable[tuple[int, str]]:
    """The codes and texts of the replies in an exception of smtplib or aiosmtplib."""
    match error:
        case _ if not _smtp_classes(error):
            pass
        case object(smtp_code=int(code), smtp_error=text) | object(code=int(code), message=text):
            yield code, text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        case object(recipients=dict(refused)):  # smtplib: {recipient: (code, text)}
            yield from ((code, text.decode(errors="replace")) for code, text in refused.values())
        case object(recipients=[*refused]):  # aiosmtplib
            yield from (reply for refusal in refused for reply in _replies(refusal))
        case _:
            pass


def answered(code: int, text: str) -> str:
    """What is said of a reply."""
    return f"the host answered {code} {text}".rstrip()


def _message(error: BaseException) -> str:
    replies = list(_replies(error))
    match error:
        case ssl.SSLCertVerificationError():
            words = f"invalid certificate: {getattr(error, 'verify_message', error)}"
        case ssl.SSLError(reason=str(reason)):  # Some have none.
            words = f"TLS failed: {reason.replace('_', ' ').lower()}"
        case TimeoutError() if not _smtp_classes(error):
            words = "timed out"
        case _ if replies:
            words = answered(*replies[0])
        case _:
            words = str(error) or type(error).__name__
    return one_line(words)
