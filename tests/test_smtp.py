"""What holds for smtplib alone."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from hosts import GREETING, scripted
from loopback import ADDRESS, serve

from tlspolicy import Level, Requirement, TlsDecision, TlsSessionError, secure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loopback import Certificates

    from tlspolicy import SSLContexts

MX = "mx.example"
REQUIRE = TlsDecision()
OPTIONAL = TlsDecision(Requirement.OPTIONAL)
DISABLE = TlsDecision(Requirement.DISABLE)


@contextmanager
def connected(port: int) -> Iterator[smtplib.SMTP]:
    client = smtplib.SMTP(ADDRESS, port, local_hostname="sender.example", timeout=20)
    try:
        yield client
    finally:
        client.close()


@pytest.mark.parametrize("decision", [REQUIRE, DISABLE], ids=str)
def test_the_clients_own_time_out_is_left_as_it_was(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        secure(client, decision, contexts, mx=MX)
        assert client.sock is not None
        assert client.sock.gettimeout() == 20


def test_what_was_learnt_before_tls_is_forgotten(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        client.ehlo("before.example")
        assert client.has_extn("starttls")
        secure(client, REQUIRE, contexts, mx=MX)
        assert not client.has_extn("starttls")


@pytest.mark.parametrize("decision", [REQUIRE, DISABLE], ids=str)
def test_the_client_knows_what_it_would_if_it_had_said_ehlo_itself(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        secure(client, decision, contexts, mx=MX)
        known = (client.does_esmtp, client.esmtp_features, client.ehlo_resp, client.helo_resp)
        client.ehlo()
        assert known == (client.does_esmtp, client.esmtp_features, client.ehlo_resp, client.helo_resp)


@pytest.mark.parametrize("decision", [REQUIRE, OPTIONAL], ids=str)
def test_what_a_host_offers_is_asked_on_every_connection(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    """A client that was connected elsewhere before has not forgotten what was said there."""
    with serve() as other, serve(certificates.valid(MX)) as server, connected(other.port) as client:
        client.ehlo()
        client.close()
        client.connect(ADDRESS, server.port)
        assert secure(client, decision, contexts, mx=MX).level is Level.VERIFIED


@pytest.mark.parametrize("decision", [REQUIRE, TlsDecision(allow_invalid_certs=True), OPTIONAL, DISABLE], ids=str)
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
        assert (raised.value.kind, raised.value.last_error, raised.value.result_type) == ("local", "io", None)
        assert client.sock is None


def test_a_client_that_is_not_connected_is_refused(contexts: SSLContexts) -> None:
    with pytest.raises(TlsSessionError, match="the client is not connected") as raised:
        secure(smtplib.SMTP(), DISABLE, contexts, mx=MX)
    assert raised.value.last_error == "connection"


def test_implicit_tls_begins_on_a_connection_of_its_own(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        other = socket.create_connection((ADDRESS, server.port))
        with pytest.raises(TlsSessionError, match="connected already") as raised:
            secure(client, REQUIRE, contexts, mx=MX, implicit_tls=other)
        assert raised.value.last_error == "io"
        assert client.sock is None
        assert other.fileno() == -1


def test_odd_lines_of_ehlo_are_read_as_smtplib_reads_them(contexts: SSLContexts) -> None:
    ehlo = b"250-mx.example\r\n250-AUTH=LOGIN\r\n250-AUTH PLAIN XOAUTH2\r\n250-\r\n250--x\r\n250-size 5\r\n250 8BITMIME \r\n"
    with scripted(GREETING, ehlo, ehlo) as (port, _), connected(port) as client:
        secure(client, DISABLE, contexts, mx=MX)
        known = client.esmtp_features
        client.ehlo()
        assert known == client.esmtp_features


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_socket_without_a_session_is_no_failure_of_tls(kind: socket.SocketKind, contexts: SSLContexts) -> None:
    with socket.socket(type=kind) as unusable:
        if kind is socket.SOCK_DGRAM:
            unusable.connect((ADDRESS, 9))
        with pytest.raises(TlsSessionError) as raised:
            secure(smtplib.SMTP(local_hostname="sender.example"), REQUIRE, contexts, mx=MX, implicit_tls=unusable)
    assert raised.value.last_error == "connection"


@pytest.mark.parametrize("name", ["", "a b", "a\r\nMAIL FROM:<>", "b\xfccher.example"])
def test_what_can_not_be_said_in_ehlo_is_not_said(name: str, certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server, connected(server.port) as client:
        client.local_hostname = name
        with pytest.raises(TlsSessionError, match="is no name to say in EHLO") as raised:
            secure(client, REQUIRE, contexts, mx=MX)
        assert raised.value.last_error == "io"
