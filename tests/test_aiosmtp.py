"""What holds for aiosmtplib, or for asyncio's streams, alone."""

from __future__ import annotations

import asyncio
import gc
import socket
import ssl
import time
from typing import TYPE_CHECKING

import aiosmtplib
import pytest
from clients import let_go
from hosts import EHLO, GREETING, READY, scripted, submissions
from loopback import ADDRESS, serve

from tlspolicy import Requirement, TlsDecision, TlsSessionError, secure_async, secure_streams

if TYPE_CHECKING:
    from loopback import Certificates

    from tlspolicy import SSLContexts

MX = "mx.example"
REQUIRE = TlsDecision()
OPTIONAL = TlsDecision(Requirement.OPTIONAL)
DISABLE = TlsDecision(Requirement.DISABLE)


async def connected(port: int) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(hostname=ADDRESS, port=port, local_hostname="sender.example", start_tls=False)
    await client.connect()
    return client


def test_the_client_knows_what_it_would_if_it_had_said_ehlo_itself(
    certificates: Certificates, contexts: SSLContexts
) -> None:
    async def run(port: int) -> None:
        client = await connected(port)
        await secure_async(client, REQUIRE, contexts, mx=MX)
        known = (client.last_ehlo_response, client.esmtp_extensions, client.supports_esmtp)
        await client.ehlo()
        assert known == (client.last_ehlo_response, client.esmtp_extensions, client.supports_esmtp)
        connection = client.get_transport_info("socket")
        await client.quit()
        await let_go(connection)

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))


def test_a_secured_client_may_be_used_for_long_and_again(certificates: Certificates, contexts: SSLContexts) -> None:
    """Nothing that was needed to secure it is missed, or closes it, when it is collected."""

    async def run(port: int) -> None:
        message = b"Subject: Hello\r\n\r\n" + b"x\r\n" * 10**6
        client = aiosmtplib.SMTP(hostname=ADDRESS, port=port, local_hostname="sender.example", start_tls=False)
        for _ in range(2):
            await client.connect()
            await secure_async(client, REQUIRE, contexts, mx=MX)
            gc.collect()
            connection = client.get_transport_info("socket")
            await client.sendmail("john@sender.example", "jane@mx.example", message)
            await client.noop()
            await client.quit()
            assert not client.is_connected
            await let_go(connection)

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))
    assert server.received == ["TLSv1.3"] * 2


def test_a_lost_connection_is_noticed(certificates: Certificates, contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        client = await connected(port)
        await secure_async(client, REQUIRE, contexts, mx=MX)
        client.get_transport_info("socket").shutdown(socket.SHUT_RDWR)
        with pytest.raises(aiosmtplib.SMTPServerDisconnected):
            await client.noop()
        assert not client.is_connected
        assert client.transport is None

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))


@pytest.mark.parametrize("decision", [REQUIRE, TlsDecision(allow_invalid_certs=True), OPTIONAL, DISABLE], ids=str)
def test_a_client_that_upgraded_by_itself_is_refused(
    decision: TlsDecision, certificates: Certificates, contexts: SSLContexts
) -> None:
    async def run(port: int) -> None:
        client = aiosmtplib.SMTP(hostname=ADDRESS, port=port, validate_certs=False)  # start_tls is None
        await client.connect()
        with pytest.raises(TlsSessionError, match="under TLS already") as raised:
            await secure_async(client, decision, contexts, mx=MX)
        assert raised.value.last_error == "io"
        assert not client.is_connected

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))


def test_a_reader_may_have_a_limit_of_its_own(contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        reader, writer = await asyncio.open_connection(ADDRESS, port, limit=100)
        await reader.readline()
        with pytest.raises(TlsSessionError, match="the host's reply is too long") as raised:
            await secure_streams(reader, writer, REQUIRE, contexts, mx=MX, local_hostname="sender.example")
        assert raised.value.kind == "malformed-reply"

    with scripted(GREETING, b"250 " + b"x" * 200 + b"\r\n") as (port, _):
        asyncio.run(run(port))


def test_a_host_that_goes_before_the_handshake(contexts: SSLContexts) -> None:
    def go(connection: socket.socket) -> None:
        connection.sendall(READY)
        connection.shutdown(socket.SHUT_WR)

    async def run(port: int) -> None:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        await reader.readline()
        decision = TlsDecision(tls_timeout=20)
        with pytest.raises(TlsSessionError) as raised:
            await secure_streams(reader, writer, decision, contexts, mx=MX, local_hostname="sender.example")
        assert raised.value.kind == "handshake-closed"

    with scripted(GREETING, EHLO, go) as (port, _):
        asyncio.run(run(port))


def test_streams_under_tls_are_refused(certificates: Certificates, contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        careless = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        reader, writer = await asyncio.open_connection(ADDRESS, port, ssl=careless)
        with pytest.raises(TlsSessionError, match="under TLS already") as raised:
            await secure_streams(reader, writer, REQUIRE, contexts, mx=MX, local_hostname="sender.example")
        assert raised.value.last_error == "io"
        assert writer.is_closing()

    with submissions(certificates.valid(MX)) as port:
        asyncio.run(run(port))


def test_a_client_that_is_not_connected_is_refused(contexts: SSLContexts) -> None:
    with pytest.raises(TlsSessionError, match="the client is not connected"):
        asyncio.run(secure_async(aiosmtplib.SMTP(local_hostname="sender.example"), DISABLE, contexts, mx=MX))


def test_implicit_tls_begins_on_a_connection_of_its_own(certificates: Certificates, contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        client = await connected(port)
        other = socket.create_connection((ADDRESS, port))
        with pytest.raises(TlsSessionError, match="connected already"):
            await secure_async(client, REQUIRE, contexts, mx=MX, implicit_tls=other)
        assert not client.is_connected
        assert other.fileno() == -1

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))


def test_a_socket_without_a_session_is_no_failure_of_tls(contexts: SSLContexts) -> None:
    client = aiosmtplib.SMTP(local_hostname="sender.example")
    with socket.socket() as unusable:
        with pytest.raises(TlsSessionError) as raised:
            asyncio.run(secure_async(client, REQUIRE, contexts, mx=MX, implicit_tls=unusable))
    assert raised.value.last_error == "connection"


def test_a_socket_under_tls_is_refused(certificates: Certificates, contexts: SSLContexts) -> None:
    with serve(certificates.valid(MX)) as server:
        plain = socket.create_connection((ADDRESS, server.port))
        under_tls = ssl.create_default_context().wrap_socket(plain, server_hostname=MX, do_handshake_on_connect=False)
        client = aiosmtplib.SMTP(local_hostname="sender.example")
        with pytest.raises(TlsSessionError, match="under TLS already"):
            asyncio.run(secure_async(client, REQUIRE, contexts, mx=MX, implicit_tls=under_tls))
        assert under_tls.fileno() == -1


def test_streams_that_are_closed(certificates: Certificates, contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        reader, writer = await asyncio.open_connection(ADDRESS, port)
        await reader.readline()
        writer.close()
        with pytest.raises(TlsSessionError, match="the connection is closed") as raised:
            await secure_streams(reader, writer, REQUIRE, contexts, mx=MX, local_hostname="sender.example")
        assert raised.value.last_error == "connection"

    with serve(certificates.valid(MX)) as server:
        asyncio.run(run(server.port))


def test_a_loop_that_stands_still_is_no_failure_of_tls(contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        client = await connected(port)
        securing = secure_async(client, TlsDecision(tls_timeout=0.5), contexts, mx=MX)
        task = asyncio.create_task(securing)
        while len(commands) < 2:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.001)
        time.sleep(2)  # noqa: ASYNC251  (that is what stands still)
        with pytest.raises(TlsSessionError, match="the event loop stood still") as raised:
            await task
        assert raised.value.last_error == "io"

    with scripted(GREETING, EHLO, b"") as (port, commands):
        asyncio.run(run(port))


def test_cancelling_closes_the_client(contexts: SSLContexts) -> None:
    async def run(port: int) -> None:
        client = await connected(port)
        task = asyncio.create_task(secure_async(client, REQUIRE, contexts, mx=MX))
        while not commands:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not client.is_connected

    with scripted(GREETING, b"") as (port, commands):
        asyncio.run(run(port))
