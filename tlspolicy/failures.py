"""What went wrong in an attempt → what the next attempt's rules call it, and what a TLS report does.

An exception alone can't tell: a connection that is reset during the handshake failed of TLS, one that is reset before
failed of the connection. So the caller says in which phase it happened. Nothing is guessed: what is not known is `io`,
of which no rule makes a reason to relax TLS.
"""

from __future__ import annotations

import errno
import smtplib
import socket
import ssl
from enum import Enum
from typing import Final, NamedTuple

from tlspolicy.context import LastError
from tlspolicy.errors import TlsSessionError


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


class Failure(NamedTuple):
    """What an attempt failed of.

    Args:
        last_error: for the `DeliveryContext` of the next attempt.
        result_type: the result type of a TLS report (RFC 8460, section 4.3); `None` where TLS was not at fault.
    """

    last_error: LastError
    result_type: str | None = None


STARTTLS_NOT_SUPPORTED: Final = "starttls-not-supported"
VALIDATION_FAILURE: Final = "validation-failure"

# X509_V_ERR_…, from openssl-verify(1).
_CERTIFICATE_RESULTS: Final = {
    2: "certificate-not-trusted",  # UNABLE_TO_GET_ISSUER_CERT
    10: "certificate-expired",  # CERT_HAS_EXPIRED
    18: "certificate-not-trusted",  # DEPTH_ZERO_SELF_SIGNED_CERT
    19: "certificate-not-trusted",  # SELF_SIGNED_CERT_IN_CHAIN
    20: "certificate-not-trusted",  # UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    21: "certificate-not-trusted",  # UNABLE_TO_VERIFY_LEAF_SIGNATURE
    62: "certificate-host-mismatch",  # HOSTNAME_MISMATCH
    64: "certificate-host-mismatch",  # IP_ADDRESS_MISMATCH
}


def classify(error: BaseException, phase: Phase) -> Failure:
    """Say what an attempt failed of.

    Args:
        error: what was raised, by `socket`, `ssl` or `smtplib`.
        phase: when.
    """
    if isinstance(error, TlsSessionError):
        return Failure(LastError(error.last_error), error.result_type)
    if phase is Phase.HANDSHAKE or (phase is Phase.CONNECT and isinstance(error, ssl.SSLError)):  # implicit TLS
        return _in_handshake(error)
    match error:
        case smtplib.SMTPNotSupportedError() if phase is Phase.STARTTLS:
            return Failure(LastError.TLS, STARTTLS_NOT_SUPPORTED)
        case smtplib.SMTPServerDisconnected(__context__=ssl.SSLError()) if phase is Phase.CONNECT:
            # With TLS 1.3 a host's refusal of the handshake arrives when ours is over already, before EHLO is answered.
            return Failure(LastError.TLS, VALIDATION_FAILURE)
        case smtplib.SMTPConnectError() | smtplib.SMTPHeloError() | smtplib.SMTPServerDisconnected():
            return Failure(LastError.CONNECTION)
        case smtplib.SMTPResponseException() if phase is Phase.CONNECT:
            return Failure(LastError.CONNECTION)
        case smtplib.SMTPResponseException():
            result_type = STARTTLS_NOT_SUPPORTED if phase is Phase.STARTTLS else None
            return Failure(LastError.UNEXPECTED_REPLY, result_type)
        case smtplib.SMTPRecipientsRefused():
            return Failure(LastError.UNEXPECTED_REPLY)
        case socket.gaierror():
            return Failure(LastError.DNS)
        case TimeoutError() | ConnectionError():
            return Failure(LastError.CONNECTION)
        case OSError() if phase is Phase.CONNECT:  # No route to the host, no such network.
            return Failure(LastError.CONNECTION)
        case _:
            return Failure(LastError.IO)


def _in_handshake(error: BaseException) -> Failure:
    match error:
        case ssl.SSLCertVerificationError():
            result_type = _CERTIFICATE_RESULTS.get(error.verify_code, VALIDATION_FAILURE)
            return Failure(LastError.TLS, result_type)
        case ssl.SSLError() | TimeoutError() | ConnectionError() | smtplib.SMTPServerDisconnected():
            return Failure(LastError.TLS, VALIDATION_FAILURE)
        case OSError(errno=errno.ENOTCONN):  # It was reset a moment ago.
            return Failure(LastError.TLS, VALIDATION_FAILURE)
        case ValueError():  # A host name that TLS can't have: UnicodeError is one, too.
            return Failure(LastError.TLS, VALIDATION_FAILURE)
        case _:
            return Failure(LastError.IO)
