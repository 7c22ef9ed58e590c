from __future__ import annotations

import errno
import smtplib
import socket
import ssl

import pytest

from tlspolicy import Failure, LastError, Phase, TlsSessionError, classify


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    return error


def because(error: Exception, context: Exception) -> Exception:
    error.__context__ = context
    return error


REFUSED = smtplib.SMTPResponseException(454, b"TLS not available")

CASES: dict[str, tuple[BaseException, Phase, Failure]] = {
    "not-offered": (
        smtplib.SMTPNotSupportedError("STARTTLS extension not supported by server."),
        Phase.STARTTLS,
        Failure(LastError.TLS, "starttls-not-supported"),
    ),
    "starttls-refused": (REFUSED, Phase.STARTTLS, Failure(LastError.UNEXPECTED_REPLY, "starttls-not-supported")),
    "expired": (verification(10), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-expired")),
    "not-yet-valid": (verification(9), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "other-name": (verification(62), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-host-mismatch")),
    "other-address": (verification(64), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-host-mismatch")),
    "self-signed": (verification(18), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-not-trusted")),
    "self-signed-in-chain": (verification(19), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-not-trusted")),
    "unknown-ca": (verification(20), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-not-trusted")),
    "weak-key": (verification(66), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "protocol": (ssl.SSLError(1, "x"), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "eof": (ssl.SSLEOFError(8, "x"), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "handshake-hangs": (TimeoutError(), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "handshake-reset": (ConnectionResetError(), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "no-tls-name": (UnicodeError(), Phase.HANDSHAKE, Failure(LastError.TLS, "validation-failure")),
    "handshake-other": (OSError(28, "No space left"), Phase.HANDSHAKE, Failure(LastError.IO)),
    "refused": (ConnectionRefusedError(), Phase.CONNECT, Failure(LastError.CONNECTION)),
    "no-route": (OSError(113, "No route to host"), Phase.CONNECT, Failure(LastError.CONNECTION)),
    "connect-hangs": (TimeoutError(), Phase.CONNECT, Failure(LastError.CONNECTION)),
    "greeting": (smtplib.SMTPConnectError(554, b"no"), Phase.CONNECT, Failure(LastError.CONNECTION)),
    "ehlo": (smtplib.SMTPHeloError(554, b"no"), Phase.CONNECT, Failure(LastError.CONNECTION)),
    "no-such-name": (socket.gaierror(-2, "x"), Phase.CONNECT, Failure(LastError.DNS)),
    "reset-before": (ConnectionResetError(), Phase.STARTTLS, Failure(LastError.CONNECTION)),
    "closed-before": (smtplib.SMTPServerDisconnected("x"), Phase.STARTTLS, Failure(LastError.CONNECTION)),
    "reset-after": (ConnectionResetError(), Phase.TRANSFER, Failure(LastError.CONNECTION)),
    "reply-after": (smtplib.SMTPDataError(554, b"no"), Phase.TRANSFER, Failure(LastError.UNEXPECTED_REPLY)),
    "recipients": (smtplib.SMTPRecipientsRefused({}), Phase.TRANSFER, Failure(LastError.UNEXPECTED_REPLY)),
    "our-own": (
        TlsSessionError("x", mx="mx", last_error="tls", result_type="certificate-expired"),
        Phase.TRANSFER,
        Failure(LastError.TLS, "certificate-expired"),
    ),
    "implicit-tls": (verification(10), Phase.CONNECT, Failure(LastError.TLS, "certificate-expired")),
    "ehlo-line-too-long": (
        smtplib.SMTPResponseException(500, "Line too long."),
        Phase.CONNECT,
        Failure(LastError.CONNECTION),
    ),
    "certificate-wanted": (
        because(smtplib.SMTPServerDisconnected("x"), ssl.SSLError(1, "certificate required")),
        Phase.CONNECT,
        Failure(LastError.TLS, "validation-failure"),
    ),
    "reset-a-moment-ago": (
        OSError(errno.ENOTCONN, "x"),
        Phase.HANDSHAKE,
        Failure(LastError.TLS, "validation-failure"),
    ),
    "no-issuer": (verification(2), Phase.HANDSHAKE, Failure(LastError.TLS, "certificate-not-trusted")),
    "unknown-oserror": (OSError(28, "No space left"), Phase.TRANSFER, Failure(LastError.IO)),
    "unknown": (RuntimeError(), Phase.HANDSHAKE, Failure(LastError.IO)),
}


@pytest.mark.parametrize(("error", "phase", "failure"), CASES.values(), ids=CASES)
def test_classify(error: BaseException, phase: Phase, failure: Failure) -> None:
    assert classify(error, phase) == failure
