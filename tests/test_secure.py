"""What `secure`, `secure_async` and `secure_streams` promise, all three, beyond the table of the laboratory."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from clients import CLIENTS
from hosts import EHLO, ENVELOPE, GREETING, SAID_EHLO, Step, drip, flood, reset, scripted, secured_host, submissions
from loopback import ADDRESS, Certificates, serve

from tlspolicy import (
    Level,
    Matched,
    PolicyTypeError,
    Relaxation,
    Requirement,
    Session,
    SSLContexts,
    TlsDecision,
    TlsSessionError,
)

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable
    from pathlib import Path

MX = "mx.example"
REQUIRE = TlsDecision()
OPTIONAL = TlsDecision(Requirement.OPTIONAL)
DISABLE = TlsDecision(Requirement.DISABLE)
REQUIRE_ANY = TlsDecision(allow_invalid_certs=True)


@pytest.fixture(params=CLIENTS)
def deliver(request: pytest.FixtureRequest) -> Callable[..., Session]:
    """One of the three clients: connects to this machine, secures the session, and delivers a message."""
    client = CLIENTS[request.param]

    def attempt(port: int, decision: TlsDecision, contexts: SSLContexts, **options: Any) -> Session:
        return client(ADDRESS, port, decision, contexts, **{"mx": MX, **options})

    return attempt


Deliver: TypeAlias = "Callable[..., Session]"


def kind_of(deliver: Deliver, *args: Any, **options: Any) -> str:
    """What an attempt fails of."""
    with pytest.raises(TlsSessionError) as raised:
        deliver(*args, **options)
    assert raised.value.mx == options.get("mx", MX)
    return raised.value.kind


# --- Names


def test_the_name_is_the_hosts_whatever_was_connected_to(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(ADDRESS)) as server:
        assert kind_of(deliver, server.port, REQUIRE, contexts) == "certificate-host-mismatch"


@pytest.mark.parametrize("name", ["MX.Example", "mx.example."])
def test_a_name_may_be_spelt_as_in_dns(
    name: str, deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server:
        assert deliver(server.port, REQUIRE, contexts, mx=name).verified


@pytest.mark.parametrize("decision", [REQUIRE, OPTIONAL, REQUIRE_ANY], ids=str)
@pytest.mark.parametrize(
    "name", ["", ".", ".x", "x" * 300, "x" * 64, "a..b", "a\0b", "a b", "-a", "fa\xdf.example", "1.2.3", "a\r\nb"]
)
def test_what_is_no_tls_name_is_for_good(
    name: str, decision: TlsDecision, deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server:
        with pytest.raises(TlsSessionError) as raised:
            deliver(server.port, decision, contexts, mx=name)
    assert (raised.value.kind, raised.value.last_error) == ("invalid-server-name", "tls")
    assert raised.value.permanent


# --- Scripted hosts


SCRIPTS: dict[str, tuple[tuple[Step, ...], TlsDecision, str, str | None]] = {
    "ehlo-reset": ((GREETING, reset), REQUIRE, "connection-closed", "ConnectionResetError"),
    "ehlo-temporarily-refused": ((GREETING, b"451 later\r\n"), OPTIONAL, "host-refused", None),
    "odd-reply": ((GREETING, EHLO, b"250 what\r\n"), OPTIONAL, "starttls-refused", None),
    "reply-reset": ((GREETING, EHLO, reset), OPTIONAL, "connection-closed", "ConnectionResetError"),
    "out-of-turn": ((GREETING, b"250 mx.example\r\n250 OK\r\n"), OPTIONAL, "malformed-reply", None),
}


@pytest.mark.parametrize(("script", "decision", "kind", "cause"), SCRIPTS.values(), ids=SCRIPTS)
def test_failure(
    script: tuple[Step, ...],
    decision: TlsDecision,
    kind: str,
    cause: str | None,
    deliver: Deliver,
    contexts: SSLContexts,
) -> None:
    with scripted(*script) as (port, commands):
        with pytest.raises(TlsSessionError) as raised:
            deliver(port, decision, contexts)
    assert raised.value.kind == kind
    assert (type(raised.value.__cause__).__name__ if raised.value.__cause__ else None) == cause
    assert not [line for line in commands if line.startswith((b"MAIL", b"mail", b"RCPT"))]


def test_what_is_injected_with_the_greeting_never_answers_under_tls(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    """Some clients throw it away, and some take it for the reply to EHLO; under TLS it counts for nothing."""
    host = secured_host(
        certificates.valid(MX), b"250-mx.example\r\n250 HELP\r\n", *ENVELOPE, b"250 OK\r\n", b"221 bye\r\n"
    )
    with scripted(GREETING + EHLO, EHLO, host) as (port, commands):
        try:
            assert deliver(port, REQUIRE, contexts).ehlo == ("mx.example", "HELP")
        except TlsSessionError as error:
            assert error.kind in {"plaintext-injected", "starttls-refused", "not-tls"}
    assert commands == [SAID_EHLO, b"STARTTLS"]


def test_what_the_host_says_is_harmless_in_the_error(deliver: Deliver, contexts: SSLContexts) -> None:
    said = b"454-\x1b[31m\x00\r\n" + b"454-x\r\n" * 1_000 + b"454 x\r\n"
    with scripted(GREETING, EHLO, said) as (port, _):
        with pytest.raises(TlsSessionError) as raised:
            deliver(port, REQUIRE, contexts)
    assert len(raised.value.message) == 500
    assert raised.value.message.isprintable()


# --- Time


def test_a_host_that_drips_bytes_does_not_stretch_the_clients_time_out(deliver: Deliver, contexts: SSLContexts) -> None:
    with scripted(GREETING, drip) as (port, _):
        assert kind_of(deliver, port, REQUIRE, contexts, timeout=0.3) == "connection-timeout"


def test_a_host_that_floods_the_handshake_does_not_stretch_the_time_out(
    deliver: Deliver, contexts: SSLContexts
) -> None:
    with scripted(GREETING, EHLO, flood) as (port, _):
        kind = kind_of(deliver, port, TlsDecision(tls_timeout=0.5), contexts)
    assert kind in {"handshake-timeout", "handshake-error"}  # Newer OpenSSL bears only so many.


def test_no_time_is_left(deliver: Deliver, certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server:
        decision = TlsDecision(tls_timeout=1e-9)
        assert kind_of(deliver, server.port, decision, contexts) == "connection-timeout"


# --- Implicit TLS


@pytest.mark.parametrize(
    ("decision", "level"),
    [(REQUIRE, Level.VERIFIED), (OPTIONAL, Level.VERIFIED), (DISABLE, Level.VERIFIED), (REQUIRE_ANY, Level.UNVERIFIED)],
    ids=str,
)
def test_implicit_tls(
    decision: TlsDecision, level: Level, deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    """The port has decided for TLS already: `starttls` counts for nothing, and nothing is ever said in clear text."""
    with submissions(certificates.valid(MX)) as port:
        session = deliver(port, decision, contexts, implicit_tls=True)
    assert (session.level, session.version, session.ehlo) == (level, "TLSv1.3", ("mx.example", "AUTH PLAIN"))


@pytest.mark.parametrize("decision", [REQUIRE, OPTIONAL, DISABLE], ids=str)
def test_implicit_tls_verifies(
    decision: TlsDecision, deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    with submissions(certificates.expired(MX)) as port:
        assert kind_of(deliver, port, decision, contexts, implicit_tls=True) == "certificate-expired"


def test_implicit_tls_where_the_host_waits_for_starttls(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server:
        kind = kind_of(deliver, server.port, OPTIONAL, contexts, implicit_tls=True)
    assert kind in {"not-tls", "plaintext-injected"}  # The latter where the greeting was there first.


def test_a_greeting_that_refuses_under_implicit_tls(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts
) -> None:
    def refuse(connection: socket.socket) -> None:
        with certificates.valid(MX).wrap_socket(connection, server_side=True) as secured:
            secured.sendall(b"554 no\r\n")
            secured.recv(100)

    with scripted(refuse) as (port, _):
        with pytest.raises(TlsSessionError) as raised:
            deliver(port, REQUIRE, contexts, implicit_tls=True)
    assert (raised.value.kind, raised.value.permanent) == ("host-refused", True)


# --- DANE and MTA-STS


PROMISES: dict[str, tuple[TlsDecision, dict[str, bool], str | None]] = {
    "dane": (TlsDecision(dane=Requirement.REQUIRE), {}, "dane"),
    "dane-and-only-mta-sts": (TlsDecision(dane=Requirement.REQUIRE), {"mta_sts": True}, "dane"),
    "mta-sts": (TlsDecision(mta_sts=Requirement.REQUIRE), {}, "mta-sts"),
    "mta-sts-and-only-dane": (TlsDecision(mta_sts=Requirement.REQUIRE), {"dane": True}, "mta-sts"),
    "dane-before-mta-sts": (TlsDecision(dane=Requirement.REQUIRE, mta_sts=Requirement.REQUIRE), {}, "dane"),
    "dane-any-certificate": (TlsDecision(dane=Requirement.REQUIRE, allow_invalid_certs=True), {}, "dane"),
    "dane-no-tls": (TlsDecision(Requirement.DISABLE, dane=Requirement.REQUIRE), {}, "dane"),
    "dane-seen-to-no-tls": (TlsDecision(Requirement.DISABLE, dane=Requirement.REQUIRE), {"dane": True}, "dane"),
    "mta-sts-seen-to-no-tls": (
        TlsDecision(Requirement.DISABLE, mta_sts=Requirement.REQUIRE),
        {"mta_sts": True},
        "mta-sts",
    ),
    "dane-seen-to": (TlsDecision(dane=Requirement.REQUIRE), {"dane": True}, None),
    "mta-sts-seen-to": (TlsDecision(mta_sts=Requirement.REQUIRE), {"mta_sts": True}, None),
    "optional": (TlsDecision(dane=Requirement.OPTIONAL, mta_sts=Requirement.OPTIONAL), {}, None),
}


@pytest.mark.parametrize(("decision", "promises", "last_error"), PROMISES.values(), ids=PROMISES)
def test_what_is_required_must_be_seen_to(
    decision: TlsDecision,
    promises: dict[str, bool],
    last_error: str | None,
    deliver: Deliver,
    certificates: Certificates,
    contexts: SSLContexts,
) -> None:
    with serve(certificates.valid(MX)) as server:
        if last_error is None:
            assert deliver(server.port, decision, contexts, **promises).verified
        else:
            with pytest.raises(TlsSessionError) as raised:
                deliver(server.port, decision, contexts, **promises)
            assert (raised.value.last_error, raised.value.result_type) == (last_error, None)


def test_nothing_is_said_where_what_is_required_was_not_seen_to(deliver: Deliver, contexts: SSLContexts) -> None:
    decision = TlsDecision(Requirement.DISABLE, dane=Requirement.REQUIRE)
    with scripted(GREETING, EHLO) as (port, commands):
        assert kind_of(deliver, port, decision, contexts) == "dane-not-checked"
    assert commands == []


@pytest.mark.parametrize("required", ["dane", "mta_sts"])
@pytest.mark.parametrize("offer", [b"250 mx.example\r\n", EHLO], ids=["not-offered", "refused"])
def test_what_requires_tls_never_goes_on_in_clear_text(
    offer: bytes, required: str, deliver: Deliver, contexts: SSLContexts
) -> None:
    decision = TlsDecision(Requirement.OPTIONAL, **{required: Requirement.REQUIRE})  # type: ignore[arg-type]
    with scripted(GREETING, offer, b"454 no\r\n") as (port, _):
        kind = kind_of(deliver, port, decision, contexts, **{required: True})
    assert kind == f"{required.replace('_', '-')}-not-checked"


def test_mta_sts_verifies_whatever_else_was_decided(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts, tmp_path: Path
) -> None:
    decision = TlsDecision(allow_invalid_certs=True, mta_sts=Requirement.REQUIRE)
    with serve(certificates.valid(MX)) as server:
        assert deliver(server.port, decision, contexts, mta_sts=True).verified
    with serve(certificates.self_signed(MX, tmp_path)) as server:
        assert kind_of(deliver, server.port, decision, contexts, mta_sts=True) == "certificate-self-signed"


# --- Faults of this side


class NoTrust(SSLContexts):
    """A machine whose certificates can't be read any more."""

    def get(self, decision: TlsDecision) -> ssl.SSLContext | None:  # noqa: ARG002
        raise PermissionError(13, "Permission denied", "ca.pem")


def test_the_name_is_a_text(deliver: Deliver, contexts: SSLContexts) -> None:
    with scripted(GREETING) as (port, commands):
        with pytest.raises(PolicyTypeError, match="mx is the host's name, a str, not NoneType"):
            deliver(port, DISABLE, contexts, mx=None)
    assert commands == []


class BrokenContexts(SSLContexts):
    """Files that have become unusable since they were looked at."""

    def get(self, decision: TlsDecision) -> ssl.SSLContext | None:  # noqa: ARG002
        raise ValueError("the private key is encrypted")


def test_a_fault_of_this_senders_own_is_none_of_tls(deliver: Deliver) -> None:
    with scripted(GREETING) as (port, _):
        assert kind_of(deliver, port, REQUIRE, BrokenContexts()) == "local"


def test_a_fault_of_this_machine_is_none_of_tls(deliver: Deliver) -> None:
    with scripted(GREETING) as (port, commands):
        with pytest.raises(TlsSessionError, match="Permission denied") as raised:
            deliver(port, REQUIRE, NoTrust())
    assert (raised.value.kind, raised.value.last_error) == ("local", "io")
    assert commands == []


# --- What is reported


def test_a_session_says_what_was_reached(deliver: Deliver, certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server:
        session = deliver(server.port, REQUIRE, contexts)
    assert (session.level, session.version, session.verified) == (Level.VERIFIED, "TLSv1.3", True)
    assert session.cipher in {"TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256"}
    assert session.names == (MX,)
    assert session.expires
    assert session.expires.year == 3000
    assert "8BITMIME" in session.ehlo
    assert len(session.fingerprint or "") == 64


RELAXED: dict[str, tuple[TlsDecision, str, Relaxation, str]] = {
    "any-certificate": (
        TlsDecision(allow_invalid_certs=True, matched=Matched(allow_invalid_certs=0)),
        "expired",
        Relaxation(MX, Level.UNVERIFIED, "allow-invalid-certs", 0, "certificate-expired"),
        "mx.example: unverified TLS, allowed by rule 0 of allow-invalid-certs (certificate: expired)",
    ),
    "any-certificate-and-a-good-one": (
        REQUIRE_ANY,
        "valid",
        Relaxation(MX, Level.UNVERIFIED, "allow-invalid-certs", None, "no fault found"),
        "mx.example: unverified TLS, allowed by allow-invalid-certs (certificate: no fault found)",
    ),
    "disabled": (
        TlsDecision(Requirement.DISABLE, matched=Matched(2)),
        "valid",
        Relaxation(MX, Level.CLEAR_TEXT, "starttls", 2),
        "mx.example: clear text, allowed by rule 2 of starttls",
    ),
    "not-offered": (
        OPTIONAL,
        "none",
        Relaxation(MX, Level.CLEAR_TEXT, "starttls", None),
        "mx.example: clear text, allowed by starttls",
    ),
}


@pytest.mark.parametrize(("decision", "tls", "relaxation", "message"), RELAXED.values(), ids=RELAXED)
def test_a_relaxation_is_reported(
    decision: TlsDecision,
    tls: str,
    relaxation: Relaxation,
    message: str,
    deliver: Deliver,
    certificates: Certificates,
    contexts: SSLContexts,
    caplog: pytest.LogCaptureFixture,
) -> None:
    relaxed: list[Relaxation] = []
    with serve(None if tls == "none" else getattr(certificates, tls)(MX)) as server:
        deliver(server.port, decision, contexts, on_relaxed=relaxed.append)
    assert relaxed == [relaxation]
    (record,) = [record for record in caplog.records if record.name == "tlspolicy"]
    assert (record.levelno, record.getMessage()) == (logging.WARNING, message)
    fields = {name: getattr(record, f"tls_{name}") for name in ("mx", "level", "setting", "rule", "certificate")}
    assert Relaxation(**fields) == relaxation


class NobodyTrusted(SSLContexts):
    """A machine without any certificates of authorities."""

    def trusted_certificates(self) -> tuple[bytes, ...] | None:
        raise OSError("this machine has no trusted certificates")


def test_a_certificate_is_not_examined_where_nobody_is_trusted(deliver: Deliver, certificates: Certificates) -> None:
    relaxed: list[Relaxation] = []
    with serve(certificates.valid(MX)) as server:
        deliver(server.port, REQUIRE_ANY, NobodyTrusted(), on_relaxed=relaxed.append)
    assert [relaxation.certificate for relaxation in relaxed] == ["not examined"]


def test_what_is_verified_or_fails_is_not_reported(
    deliver: Deliver, certificates: Certificates, contexts: SSLContexts, caplog: pytest.LogCaptureFixture
) -> None:
    relaxed: list[Relaxation] = []
    with serve(certificates.valid(MX)) as server, serve() as without_tls:
        deliver(server.port, REQUIRE, contexts, on_relaxed=relaxed.append)
        kind_of(deliver, without_tls.port, REQUIRE, contexts, on_relaxed=relaxed.append)
    assert relaxed == []
    assert [record for record in caplog.records if record.name == "tlspolicy"] == []


def test_who_is_told_of_a_relaxation_may_forbid_it(deliver: Deliver, contexts: SSLContexts) -> None:
    def forbid(relaxation: Relaxation) -> None:
        raise PermissionError(str(relaxation))

    with serve() as server:
        with pytest.raises(PermissionError, match="clear text"):
            deliver(server.port, OPTIONAL, contexts, on_relaxed=forbid)
        assert server.received == []


def test_who_is_told_must_not_be_a_coroutine_function(deliver: Deliver, contexts: SSLContexts) -> None:
    """It would not be awaited, and could forbid nothing."""

    async def forbid(relaxation: Relaxation) -> None:
        raise PermissionError(str(relaxation))

    with serve() as server:
        with pytest.raises(PolicyTypeError, match="on_relaxed must be a plain function"):
            deliver(server.port, OPTIONAL, contexts, on_relaxed=forbid)
        assert server.received == []


def test_a_host_can_not_forge_a_line_of_the_log(
    deliver: Deliver, contexts: SSLContexts, caplog: pytest.LogCaptureFixture
) -> None:
    with serve() as server:
        deliver(server.port, OPTIONAL, contexts, mx="mx.example\nERROR:root:all is lost\x1b[2J")
    (record,) = [record for record in caplog.records if record.name == "tlspolicy"]
    assert record.getMessage().isprintable()
