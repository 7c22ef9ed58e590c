"""STARTTLS as decided, against real servers on this machine, and against servers that follow a script."""

from __future__ import annotations

import os
import smtplib
import socket
import ssl
import struct
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import pytest
from loopback import ADDRESS, Certificates, serve

from tlspolicy import Level, Requirement, Session, SSLContexts, TlsDecision, TlsSessionError, secure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MX = "mx.example"
REQUIRE = TlsDecision()
OPTIONAL = TlsDecision(Requirement.OPTIONAL)
DISABLE = TlsDecision(Requirement.DISABLE)
REQUIRE_ANY = TlsDecision(allow_invalid_certs=True)
OPTIONAL_ANY = TlsDecision(Requirement.OPTIONAL, allow_invalid_certs=True)
CLEAR_TEXT = Session(Level.CLEAR_TEXT)


@contextmanager
def connected(port: int) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP(ADDRESS, port, local_hostname="sender.example", timeout=20)
    try:
        yield client
    finally:
        client.close()


def tls_of(host: str, certificates: Certificates, folder: Path) -> ssl.SSLContext | None:
    match host:
        case "good":
            return certificates.valid(MX)
        case "self-signed":
            return certificates.self_signed(MX, folder)
        case "expired":
            return certificates.expired(MX)
        case "other-name":
            return certificates.valid("other.example")
        case "tls-1.0":
            return certificates.tls_1_0(MX)
        case _:
            return None


NOT_TRUSTED, EXPIRED, MISMATCH, NOT_SUPPORTED, FAILURE = (
    ("tls", "certificate-not-trusted"),
    ("tls", "certificate-expired"),
    ("tls", "certificate-host-mismatch"),
    ("tls", "starttls-not-supported"),
    ("tls", "validation-failure"),
)
REACHED: dict[str, dict[str, Level | tuple[str, str]]] = {
    "good": {
        "require": Level.VERIFIED,
        "require any": Level.UNVERIFIED,
        "optional": Level.VERIFIED,
        "optional any": Level.UNVERIFIED,
        "disable": Level.CLEAR_TEXT,
    },
    **{
        host: {
            "require": failure,
            "require any": Level.UNVERIFIED,
            "optional": failure,
            "optional any": Level.UNVERIFIED,
            "disable": Level.CLEAR_TEXT,
        }
        for host, failure in {"self-signed": NOT_TRUSTED, "expired": EXPIRED, "other-name": MISMATCH}.items()
    },
    "tls-1.0": {
        "require": FAILURE,
        "require any": FAILURE,
        "optional": FAILURE,
        "optional any": FAILURE,
        "disable": Level.CLEAR_TEXT,
    },
    "no-starttls": {
        "require": NOT_SUPPORTED,
        "require any": NOT_SUPPORTED,
        "optional": Level.CLEAR_TEXT,
        "optional any": Level.CLEAR_TEXT,
        "disable": Level.CLEAR_TEXT,
    },
}
DECIDED = {
    "require": REQUIRE,
    "require any": REQUIRE_ANY,
    "optional": OPTIONAL,
    "optional any": OPTIONAL_ANY,
    "disable": DISABLE,
}
CELLS = [(host, decided, reached) for host, row in REACHED.items() for decided, reached in row.items()]


@pytest.mark.parametrize(("host", "decided", "reached"), CELLS, ids=[f"{host}-{decided}" for host, decided, _ in CELLS])
def test_reaches_what_was_decided_or_fails(
    host: str,
    decided: str,
    reached: Level | tuple[str, str],
    certificates: Certificates,
    contexts: SSLContexts,
    tmp_path: Path,
) -> None:
    with serve(tls_of(host, certificates, tmp_path)) as server, connected(server.port) as client:
        if isinstance(reached, Level):
            session = secure(client, DECIDED[decided], contexts, mx=MX)
            client.sendmail("john@sender.example", "jane@mx.example", "Subject: Hello\r\n\r\n")
            assert session.level is reached
            assert server.received == [session.version]
            assert (session.cipher is None) == (session.version is None) == (reached is Level.CLEAR_TEXT)
        else:
            with pytest.raises(TlsSessionError) as raised:
                secure(client, DECIDED[decided], contexts, mx=MX)
            assert (raised.value.last_error, raised.value.result_type) == reached
            assert client.sock is None
            assert server.received == []


def test_the_clients_own_time_out_is_left_as_it_was(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        secure(client, REQUIRE, contexts, mx=MX)
        assert client.sock is not None
        assert client.sock.gettimeout() == 20


def test_the_name_is_the_hosts_whatever_was_connected_to(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(ADDRESS)) as server, connected(server.port) as client:
        with pytest.raises(TlsSessionError, match="Hostname mismatch"):
            secure(client, REQUIRE, contexts, mx=MX)


@pytest.mark.parametrize("name", ["MX.Example", "mx.example."])
def test_a_name_may_be_spelt_as_in_dns(name: str, certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        assert secure(client, REQUIRE, contexts, mx=name).level is Level.VERIFIED


@pytest.mark.parametrize("decision", [REQUIRE, OPTIONAL, REQUIRE_ANY])
@pytest.mark.parametrize(
    "name", ["", ".", ".x", "x" * 300, "x" * 64, "a..b", "a\0b", "a b", "-a", "fa\xdf.example", "1.2.3"]
)
def test_what_is_no_tls_name_is_a_failure_of_tls(
    name: str, decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, decision, contexts, mx=name)
        assert (raised.value.last_error, raised.value.result_type) == FAILURE


def test_what_was_learnt_before_tls_is_forgotten(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        client.ehlo("before.example")
        assert client.has_extn("starttls")
        secure(client, REQUIRE, contexts, mx=MX)
        assert not client.has_extn("starttls")
        assert client.ehlo_resp


class Commands(list[bytes]):
    """What a scripted server was sent, line by line."""


Step: TypeAlias = "bytes | Callable[[socket.socket], object]"


@contextmanager
def scripted(*script: Step) -> Iterator[tuple[int, Commands]]:
    """Run a server for one client: the first step on connection, one more for each line that comes in."""
    commands = Commands()
    with socket.create_server((ADDRESS, 0)) as listener:

        def run() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as lines:
                connection.settimeout(20)
                try:
                    for step in script:
                        step(connection) if callable(step) else connection.sendall(step)
                        line = lines.readline()
                        if not line:
                            return
                        commands.append(line.rstrip())
                except OSError:
                    return

        thread = threading.Thread(target=run)
        thread.start()
        yield listener.getsockname()[1], commands
        thread.join()


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(connection.detach())


def close(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def say_ready_and_close(connection: socket.socket) -> None:
    connection.sendall(READY)
    close(connection)


GREETING = b"220 mx.example\r\n"
EHLO = b"250-mx.example\r\n250 STARTTLS\r\n"
READY = b"220 go\r\n"
SHORT = TlsDecision(tls_timeout=0.2)

SCRIPTS: dict[str, tuple[tuple[Step, ...], TlsDecision, tuple[str, str | None]]] = {
    "ehlo-refused": ((GREETING, b"554 no\r\n", b"554 no\r\n"), REQUIRE, ("connection", None)),
    "ehlo-closed": ((GREETING, close), REQUIRE, ("connection", None)),
    "ehlo-reset": ((GREETING, reset), REQUIRE, ("connection", None)),
    "refused-454": ((GREETING, EHLO, b"454 no\r\n"), REQUIRE, ("unexpected-reply", "starttls-not-supported")),
    "refused-502": ((GREETING, EHLO, b"502 no\r\n"), REQUIRE, ("unexpected-reply", "starttls-not-supported")),
    "closing-421": ((GREETING, EHLO, b"421 bye\r\n"), OPTIONAL, ("unexpected-reply", "starttls-not-supported")),
    "odd-reply": ((GREETING, EHLO, b"250 what\r\n"), OPTIONAL, ("unexpected-reply", "starttls-not-supported")),
    "no-reply-at-all": ((GREETING, EHLO, b"go on\r\n"), OPTIONAL, ("unexpected-reply", "starttls-not-supported")),
    "reply-closed": ((GREETING, EHLO, close), OPTIONAL, ("connection", None)),
    "reply-reset": ((GREETING, EHLO, reset), OPTIONAL, ("connection", None)),
    "reply-hangs": ((GREETING, EHLO, b""), SHORT, ("connection", None)),
    "handshake-closed": ((GREETING, EHLO, say_ready_and_close), OPTIONAL, FAILURE),
    "handshake-hangs": ((GREETING, EHLO, READY, b""), SHORT, FAILURE),
    "no-tls": ((GREETING, EHLO, READY, b"250 really?\r\n"), OPTIONAL, FAILURE),
    "injection": ((GREETING, EHLO, READY + b"250 injected\r\n"), REQUIRE_ANY, FAILURE),
}


@pytest.mark.parametrize(("script", "decision", "failure"), SCRIPTS.values(), ids=SCRIPTS)
def test_failure(
    script: tuple[Step, ...], decision: TlsDecision, failure: tuple[str, str | None], contexts: SSLContexts
) -> None:
    with scripted(*script) as (port, commands), connected(port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, decision, contexts, mx=MX)
        assert (raised.value.last_error, raised.value.result_type) == failure
        assert raised.value.mx == MX
        assert client.sock is None
        assert not [line for line in commands if line.startswith((b"MAIL", b"mail", b"RCPT"))]


def test_injected_text_is_fatal_before_the_handshake(contexts: SSLContexts) -> None:
    with scripted(GREETING, EHLO, READY + b"250 injected\r\n", b"") as (port, commands), connected(port) as client:
        with pytest.raises(TlsSessionError, match="CVE-2011-0411"):
            secure(client, REQUIRE, contexts, mx=MX)
    assert commands == [b"ehlo sender.example", b"STARTTLS"]


def test_a_second_ehlo_that_fails_is_a_failure_of_the_connection(
    certificates: Certificates, contexts: SSLContexts
) -> None:
    tls = certificates.valid(MX)

    def shake_hands(connection: socket.socket) -> None:
        connection.sendall(READY)
        with tls.wrap_socket(connection, server_side=True) as secured:
            secured.recv(100)
            secured.sendall(b"554 no\r\n")

    with scripted(GREETING, EHLO, shake_hands) as (port, _), connected(port) as client:
        with pytest.raises(TlsSessionError, match="the host answered 554 no") as raised:
            secure(client, REQUIRE, contexts, mx=MX)
        assert (raised.value.last_error, raised.value.result_type) == ("connection", None)


@pytest.mark.parametrize("decision", [REQUIRE, OPTIONAL])
def test_what_a_host_offers_is_asked_on_every_connection(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    """A client that was connected elsewhere before has not forgotten what was said there."""
    with serve(certificates.valid(MX)) as server, scripted(GREETING, b"250 other.example\r\n") as (port, _):
        with connected(port) as client:
            client.ehlo()
            client.close()
            client.connect(ADDRESS, server.port)
            assert secure(client, decision, contexts, mx=MX).level is Level.VERIFIED
            client.close()
            client.connect(ADDRESS, server.port)
            client.helo()
            assert secure(client, decision, contexts, mx=MX).level is Level.VERIFIED


def test_mta_sts_verifies_whatever_else_was_decided(
    certificates: Certificates, contexts: SSLContexts, tmp_path: Path
) -> None:
    decision = TlsDecision(allow_invalid_certs=True, mta_sts=Requirement.REQUIRE)
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        assert secure(client, decision, contexts, mx=MX, mta_sts=True).level is Level.VERIFIED
    with serve(certificates.self_signed(MX, tmp_path)) as server, connected(server.port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, decision, contexts, mx=MX, mta_sts=True)
        assert (raised.value.last_error, raised.value.result_type) == NOT_TRUSTED


class NoTrust(SSLContexts):
    """A machine whose certificates can't be read any more."""

    def get(self, decision: TlsDecision) -> ssl.SSLContext | None:  # noqa: ARG002
        raise PermissionError(13, "Permission denied", "ca.pem")


def test_a_fault_of_this_machine_is_none_of_tls() -> None:
    with scripted(GREETING) as (port, commands), connected(port) as client:
        with pytest.raises(TlsSessionError, match="Permission denied") as raised:
            secure(client, REQUIRE, NoTrust(), mx=MX)
        assert raised.value.last_error == "io"
        assert commands == []


def test_what_a_host_says_is_harmless_in_the_error(contexts: SSLContexts) -> None:
    said = b"454-\x1b[31m\x00\r\n" + b"454-x\r\n" * 100_000 + b"454 x\r\n"
    with scripted(GREETING, EHLO, said) as (port, _), connected(port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, REQUIRE, contexts, mx=MX)
    assert len(raised.value.message) == 500
    assert raised.value.message.isprintable()


def test_optional_goes_on_where_starttls_is_refused(contexts: SSLContexts) -> None:
    with scripted(GREETING, EHLO, b"454 no\r\n", b"250 OK\r\n") as (port, commands), connected(port) as client:
        assert secure(client, OPTIONAL, contexts, mx=MX) == CLEAR_TEXT
        assert client.sock is not None
        assert client.sock.gettimeout() == 20
        assert client.noop()[0] == 250
        client.close()
    assert commands == [b"ehlo sender.example", b"STARTTLS", b"noop"]


def test_the_cause_is_chained(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.expired(MX)) as server, connected(server.port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, REQUIRE, contexts, mx=MX)
    assert isinstance(raised.value.__cause__, ssl.SSLCertVerificationError)


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
    certificates: Certificates,
    contexts: SSLContexts,
) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        if last_error is None:
            assert secure(client, decision, contexts, mx=MX, **promises).level is Level.VERIFIED
        else:
            with pytest.raises(TlsSessionError) as raised:
                secure(client, decision, contexts, mx=MX, **promises)
            assert (raised.value.last_error, raised.value.result_type) == (last_error, None)
            assert client.sock is None


def test_nothing_is_sent_where_what_is_required_was_not_seen_to(contexts: SSLContexts) -> None:
    with scripted(GREETING, EHLO) as (port, commands), connected(port) as client:
        with pytest.raises(TlsSessionError):
            secure(client, TlsDecision(Requirement.DISABLE, dane=Requirement.REQUIRE), contexts, mx=MX)
    assert commands == []


@pytest.mark.parametrize("required", ["dane", "mta_sts"])
@pytest.mark.parametrize("offer", [b"250 mx.example\r\n", EHLO], ids=["not-offered", "refused"])
def test_what_requires_tls_never_goes_on_in_clear_text(offer: bytes, required: str, contexts: SSLContexts) -> None:
    decision = TlsDecision(Requirement.OPTIONAL, **{required: Requirement.REQUIRE})  # type: ignore[arg-type]
    with scripted(GREETING, offer, b"454 no\r\n") as (port, _), connected(port) as client:
        with pytest.raises(TlsSessionError) as raised:
            secure(client, decision, contexts, mx=MX, **{required: True})
        assert raised.value.last_error == required.replace("_", "-")
        assert client.sock is None


@pytest.mark.parametrize("decision", [REQUIRE, REQUIRE_ANY, OPTIONAL, DISABLE])
def test_a_client_under_tls_is_refused(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    careless.check_hostname = False
    careless.verify_mode = ssl.CERT_NONE
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        client.starttls(context=careless)
        with pytest.raises(TlsSessionError, match="under TLS already") as raised:
            secure(client, decision, contexts, mx=MX)
        # No rule may take a mistake of the caller's as a reason to relax.
        assert (raised.value.last_error, raised.value.result_type) == ("io", None)
        assert client.sock is None


def test_a_client_that_is_not_connected_is_refused(contexts: SSLContexts) -> None:
    with pytest.raises(TlsSessionError, match="the client is not connected") as raised:
        secure(smtplib.SMTP(), DISABLE, contexts, mx=MX)
    assert raised.value.last_error == "connection"


def test_no_time_is_left(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        with pytest.raises(TlsSessionError, match="timed out"):
            secure(client, TlsDecision(tls_timeout=1e-9), contexts, mx=MX)
        assert client.sock is None
