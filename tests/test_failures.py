from __future__ import annotations

import asyncio
import errno
import smtplib
import socket
import ssl

import aiosmtplib
import pytest

from tlspolicy import Failure, FailureKind, LastError, Phase, TlsSessionError, classify

CONNECT, STARTTLS, HANDSHAKE, TRANSFER = Phase


def verification(code: int) -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    error.verify_message = "certificate has expired"
    return error


def tls(reason: str | None) -> ssl.SSLError:
    error = ssl.SSLError(1, "x")
    error.reason = reason  # type: ignore[assignment]  # Some have none.
    return error


def local() -> ssl.SSLError:
    error = tls("system lib")
    error.library = "BIO"
    return error


def because(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def while_(error: Exception, context: BaseException) -> Exception:
    error.__context__ = context
    return error


NAME = socket.gaierror(-2, "Name or service not known")
LOST = aiosmtplib.SMTPServerDisconnected("Connection lost")
NO_CONNECTION = aiosmtplib.SMTPConnectError("Error connecting")
REFUSED_BY_ALL = [aiosmtplib.SMTPRecipientRefused(code, "no", "jane@example.org") for code in (550, 551)]
REFUSED_BY_SOME = [aiosmtplib.SMTPRecipientRefused(code, "no", "jane@example.org") for code in (450, 551)]

CASES: dict[str, tuple[BaseException, Phase, str]] = {
    # The handshake, whoever did it.
    "expired": (verification(10), HANDSHAKE, "certificate-expired"),
    "not-yet-valid": (verification(9), HANDSHAKE, "certificate-not-yet-valid"),
    "other-name": (verification(62), HANDSHAKE, "certificate-host-mismatch"),
    "other-address": (verification(64), HANDSHAKE, "certificate-host-mismatch"),
    "self-signed": (verification(18), HANDSHAKE, "certificate-self-signed"),
    "self-signed-in-chain": (verification(19), HANDSHAKE, "certificate-not-trusted"),
    "unknown-ca": (verification(20), HANDSHAKE, "certificate-not-trusted"),
    "no-issuer": (verification(2), HANDSHAKE, "certificate-not-trusted"),
    "weak-key": (verification(66), HANDSHAKE, "certificate-weak"),
    "weak-key-of-a-ca": (verification(67), HANDSHAKE, "certificate-weak"),
    "weak-signature": (verification(68), HANDSHAKE, "certificate-weak"),
    "fault-without-a-number": (ssl.SSLCertVerificationError("x"), HANDSHAKE, "certificate-invalid"),
    "no-space-for-keys": (local(), HANDSHAKE, "unknown"),
    "other-fault": (verification(79), HANDSHAKE, "certificate-invalid"),
    "old-protocol": (tls("TLSV1_ALERT_PROTOCOL_VERSION"), HANDSHAKE, "unsupported-version"),
    "old-protocol-chosen": (tls("UNSUPPORTED_PROTOCOL"), HANDSHAKE, "unsupported-version"),
    "no-common-suite": (tls("SSLV3_ALERT_HANDSHAKE_FAILURE"), HANDSHAKE, "handshake-failure"),
    "not-tls": (tls("WRONG_VERSION_NUMBER"), HANDSHAKE, "not-tls"),
    "other-tls": (tls("BAD_SIGNATURE"), HANDSHAKE, "handshake-error"),
    "tls-without-reason": (tls(None), HANDSHAKE, "handshake-error"),
    "eof": (ssl.SSLEOFError(8, "x"), HANDSHAKE, "handshake-closed"),
    "eof-of-older-pythons": (ssl.SSLZeroReturnError(6, "x"), HANDSHAKE, "handshake-closed"),
    "eof-by-reason": (tls("UNEXPECTED_EOF_WHILE_READING"), HANDSHAKE, "handshake-closed"),
    "handshake-hangs": (TimeoutError(), HANDSHAKE, "handshake-timeout"),
    "handshake-hangs-asyncio": (ConnectionAbortedError("SSL handshake is …"), HANDSHAKE, "handshake-timeout"),
    "handshake-aborted": (ConnectionAbortedError(errno.ECONNABORTED, "x"), HANDSHAKE, "handshake-closed"),
    "handshake-reset": (ConnectionResetError(), HANDSHAKE, "handshake-closed"),
    "reset-a-moment-ago": (OSError(errno.ENOTCONN, "x"), HANDSHAKE, "handshake-closed"),
    "no-tls-name": (ValueError(), HANDSHAKE, "invalid-server-name"),
    "no-tls-name-unicode": (UnicodeError(), HANDSHAKE, "invalid-server-name"),
    "handshake-other": (OSError(28, "No space left"), HANDSHAKE, "unknown"),
    "unknown": (RuntimeError(), HANDSHAKE, "unknown"),
    # Sockets and asyncio, elsewhere.
    "refused": (ConnectionRefusedError(), CONNECT, "connection-failed"),
    "no-route": (OSError(113, "No route to host"), CONNECT, "connection-failed"),
    "connect-hangs": (TimeoutError(), CONNECT, "connection-timeout"),
    "no-such-name": (NAME, CONNECT, "name-not-resolved"),
    "implicit-tls": (verification(10), CONNECT, "certificate-expired"),
    "certificate-wanted": (tls("TLSV13_ALERT_CERTIFICATE_REQUIRED"), CONNECT, "handshake-error"),
    "reset-before": (ConnectionResetError(), STARTTLS, "connection-closed"),
    "starttls-hangs": (TimeoutError(), STARTTLS, "connection-timeout"),
    "reset-after": (ConnectionResetError(), TRANSFER, "connection-closed"),
    "tls-broken-after": (tls("BAD_RECORD_TYPE"), TRANSFER, "unknown"),
    "unknown-oserror": (OSError(28, "No space left"), TRANSFER, "unknown"),
    "unknown-valueerror": (ValueError(), TRANSFER, "unknown"),
    "cancelled": (asyncio.CancelledError(), HANDSHAKE, "unknown"),
    # smtplib.
    "smtplib-not-offered": (smtplib.SMTPNotSupportedError("x"), STARTTLS, "starttls-not-offered"),
    "smtplib-starttls-refused": (smtplib.SMTPResponseException(454, b"x"), STARTTLS, "starttls-refused"),
    "smtplib-greeting": (smtplib.SMTPConnectError(421, b"x"), CONNECT, "host-refused"),
    "smtplib-ehlo": (smtplib.SMTPHeloError(450, b"x"), CONNECT, "host-refused"),
    "smtplib-closed": (smtplib.SMTPServerDisconnected("x"), CONNECT, "connection-closed"),
    "smtplib-closed-before": (smtplib.SMTPServerDisconnected("x"), STARTTLS, "connection-closed"),
    "smtplib-closed-in-handshake": (smtplib.SMTPServerDisconnected("x"), HANDSHAKE, "handshake-closed"),
    "smtplib-timed-out": (
        while_(smtplib.SMTPServerDisconnected("Connection unexpectedly closed: timed out"), TimeoutError("timed out")),
        TRANSFER,
        "connection-timeout",
    ),
    "smtplib-certificate-wanted": (
        while_(smtplib.SMTPServerDisconnected("Connection unexpectedly closed: x"), tls("TLSV13_ALERT_…")),
        CONNECT,
        "handshake-error",
    ),
    "smtplib-closed-while-another-host-had-failed": (
        while_(smtplib.SMTPServerDisconnected("Connection unexpectedly closed"), verification(62)),
        CONNECT,
        "connection-closed",
    ),
    "reset-while-another-host-had-failed": (
        while_(ConnectionResetError(104, "Connection reset by peer"), verification(10)),
        HANDSHAKE,
        "handshake-closed",
    ),
    "smtplib-data": (smtplib.SMTPDataError(451, b"x"), TRANSFER, "unexpected-reply"),
    "smtplib-some-recipients": (
        smtplib.SMTPRecipientsRefused({"a@b.c": (450, b"x"), "d@e.f": (550, b"x")}),
        TRANSFER,
        "unexpected-reply",
    ),
    "smtplib-login": (smtplib.SMTPAuthenticationError(535, b"x"), TRANSFER, "authentication-failed"),
    "aiosmtplib-login": (aiosmtplib.SMTPAuthenticationError(535, "x"), TRANSFER, "authentication-failed"),
    "smtplib-unknown": (smtplib.SMTPException("x"), TRANSFER, "unknown"),
    # aiosmtplib.
    "aiosmtplib-not-offered": (aiosmtplib.SMTPException("x"), STARTTLS, "starttls-not-offered"),
    "aiosmtplib-starttls-refused": (aiosmtplib.SMTPResponseException(454, "x"), STARTTLS, "starttls-refused"),
    "aiosmtplib-handshake-hangs": (aiosmtplib.SMTPTimeoutError("x"), HANDSHAKE, "handshake-timeout"),
    "aiosmtplib-handshake-reset": (because(LOST, ConnectionResetError()), HANDSHAKE, "handshake-closed"),
    "aiosmtplib-refused": (because(NO_CONNECTION, ConnectionRefusedError()), CONNECT, "connection-failed"),
    "aiosmtplib-no-such-name": (
        because(aiosmtplib.SMTPConnectError("x"), NAME),
        CONNECT,
        "name-not-resolved",
    ),
    "aiosmtplib-no-connection": (aiosmtplib.SMTPConnectError("x"), CONNECT, "connection-failed"),
    "aiosmtplib-connect-hangs": (aiosmtplib.SMTPConnectTimeoutError("x"), CONNECT, "connection-timeout"),
    "aiosmtplib-implicit-tls": (
        because(aiosmtplib.SMTPConnectError("x"), verification(62)),
        CONNECT,
        "certificate-host-mismatch",
    ),
    "aiosmtplib-implicit-tls-hangs": (
        because(aiosmtplib.SMTPConnectTimeoutError("x"), TimeoutError()),
        CONNECT,
        "connection-timeout",
    ),
    "aiosmtplib-greeting": (aiosmtplib.SMTPConnectResponseError(421, "x"), CONNECT, "host-refused"),
    "aiosmtplib-ehlo": (aiosmtplib.SMTPHeloError(450, "x"), CONNECT, "host-refused"),
    "aiosmtplib-read-timeout": (aiosmtplib.SMTPReadTimeoutError("x"), TRANSFER, "connection-timeout"),
    "aiosmtplib-closed": (aiosmtplib.SMTPServerDisconnected("x"), TRANSFER, "connection-closed"),
    "aiosmtplib-data": (aiosmtplib.SMTPDataError(451, "x"), TRANSFER, "unexpected-reply"),
    "aiosmtplib-some-recipients": (
        aiosmtplib.SMTPRecipientsRefused(REFUSED_BY_SOME),
        TRANSFER,
        "unexpected-reply",
    ),
    "aiosmtplib-unknown": (aiosmtplib.SMTPException("x"), TRANSFER, "unknown"),
}
PERMANENT: dict[str, tuple[BaseException, Phase, str]] = {
    "no-tls-name": (ValueError(), HANDSHAKE, "invalid-server-name"),
    "smtplib-starttls-refused": (smtplib.SMTPResponseException(502, b"x"), STARTTLS, "starttls-refused"),
    "smtplib-greeting": (smtplib.SMTPConnectError(554, b"x"), CONNECT, "host-refused"),
    "smtplib-sender": (smtplib.SMTPSenderRefused(550, b"x", "a@b.c"), TRANSFER, "unexpected-reply"),
    "smtplib-recipients": (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"x")}), TRANSFER, "unexpected-reply"),
    "aiosmtplib-starttls-refused": (aiosmtplib.SMTPResponseException(502, "x"), STARTTLS, "starttls-refused"),
    "aiosmtplib-greeting": (aiosmtplib.SMTPConnectResponseError(554, "x"), CONNECT, "host-refused"),
    "aiosmtplib-recipients": (aiosmtplib.SMTPRecipientsRefused(REFUSED_BY_ALL), TRANSFER, "unexpected-reply"),
}


@pytest.mark.parametrize(("error", "phase", "kind"), CASES.values(), ids=CASES)
def test_classify(error: BaseException, phase: Phase, kind: str) -> None:
    found = classify(error, phase)
    assert (found.kind, found.permanent) == (kind, kind == "invalid-server-name")


@pytest.mark.parametrize(("error", "phase", "kind"), PERMANENT.values(), ids=PERMANENT)
def test_what_is_for_good(error: BaseException, phase: Phase, kind: str) -> None:
    found = classify(error, phase)
    assert (found.kind, found.permanent) == (kind, True)


def test_our_own_error_says_it_itself() -> None:
    error = TlsSessionError("x", mx="mx", kind="certificate-expired", last_error="tls", permanent=True)
    assert classify(error, Phase.TRANSFER) == Failure(FailureKind.CERTIFICATE_EXPIRED, permanent=True, message="x")


SAID: dict[str, tuple[BaseException, str]] = {
    "certificate": (verification(10), "invalid certificate: certificate has expired"),
    "tls": (tls("WRONG_VERSION_NUMBER"), "TLS failed: wrong version number"),
    "tls-without-reason": (tls(None), "x"),
    "certificate-of-nobody": (ssl.SSLCertVerificationError("x"), "invalid certificate: ('x',)"),
    "time-out": (TimeoutError(), "timed out"),
    "silent": (ConnectionResetError(), "ConnectionResetError"),
    "os": (OSError(113, "No route to host"), "[Errno 113] No route to host"),
    "smtplib": (smtplib.SMTPDataError(554, b"5.7.1 \xe9\x1b[31m no"), "the host answered 554 5.7.1 ��[31m no"),
    "smtplib-text": (smtplib.SMTPResponseException(500, "Line too long."), "the host answered 500 Line too long."),
    "smtplib-recipients": (
        smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"no such user")}),
        "the host answered 550 no such user",
    ),
    "aiosmtplib": (aiosmtplib.SMTPDataError(451, "caf\udce9"), "the host answered 451 caf�"),
    "aiosmtplib-time-out": (aiosmtplib.SMTPReadTimeoutError("Timed out waiting"), "Timed out waiting"),
    "long": (OSError("x" * 10_000), "x" * 499 + "…"),
}


@pytest.mark.parametrize(("error", "message"), SAID.values(), ids=SAID)
def test_what_is_said_of_it(error: BaseException, message: str) -> None:
    assert classify(error, Phase.CONNECT).message == message


# RFC 8460, section 4.3, and what Stalwart calls it.
MEANT: dict[tuple[LastError, str | None], set[str]] = {
    (LastError.TLS, "starttls-not-supported"): {"starttls-not-offered"},
    (LastError.UNEXPECTED_REPLY, "starttls-not-supported"): {"starttls-refused"},
    (LastError.TLS, "certificate-expired"): {"certificate-expired"},
    (LastError.TLS, "certificate-host-mismatch"): {"certificate-host-mismatch"},
    (LastError.TLS, "certificate-not-trusted"): {"certificate-self-signed", "certificate-not-trusted"},
    (LastError.TLS, "validation-failure"): {
        "certificate-not-yet-valid",
        "certificate-weak",
        "certificate-invalid",
        "invalid-server-name",
        "plaintext-injected",
        "unsupported-version",
        "handshake-failure",
        "not-tls",
        "handshake-timeout",
        "handshake-closed",
        "handshake-error",
    },
    (LastError.DANE, None): {"dane-not-checked"},
    (LastError.MTA_STS, None): {"mta-sts-not-checked"},
    (LastError.DNS, None): {"name-not-resolved"},
    (LastError.CONNECTION, None): {
        "connection-failed",
        "connection-closed",
        "connection-timeout",
        "host-refused",
        "malformed-reply",
    },
    (LastError.UNEXPECTED_REPLY, None): {"unexpected-reply", "authentication-failed"},
    (LastError.IO, None): {"local", "unknown"},
}


@pytest.mark.parametrize("kind", FailureKind)
def test_what_a_kind_means(kind: FailureKind) -> None:
    failure = Failure(kind)
    assert kind.value in MEANT[failure.last_error, failure.result_type]
