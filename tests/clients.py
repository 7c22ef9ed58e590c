"""The three ways to carry a decision out, behind one signature: the contract is the same, and so are its tests."""

from __future__ import annotations

import asyncio
import smtplib
import socket
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import aiosmtplib

from tlspolicy import secure, secure_async, secure_streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from tlspolicy import Session, SSLContexts, TlsDecision

LOCAL_HOSTNAME = "sender.example"
SENDER, RCPT, TEXT = "john@sender.example", "jane@mx.example", "Subject: Hello\r\n\r\nHello\r\n"


def by_smtplib(
    address: str,
    port: int,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    implicit_tls: bool = False,
    timeout: float = 20,
    **options: Any,
) -> Session:
    """Connect, secure, and deliver a message."""
    client = smtplib.SMTP(local_hostname=LOCAL_HOSTNAME, timeout=timeout)
    with closing(client):
        if implicit_tls:
            options["implicit_tls"] = socket.create_connection((address, port), timeout)
        else:
            code, greeting = client.connect(address, port)
            if code != 220:
                raise smtplib.SMTPConnectError(code, greeting)
        try:
            session = secure(client, decision, contexts, mx=mx, **options)
        except BaseException:
            assert client.sock is None
            raise
        assert client.sendmail(SENDER, RCPT, TEXT) == {}
        client.quit()
        return session


def by_aiosmtplib(*args: Any, **options: Any) -> Session:
    """The same, with aiosmtplib."""
    return asyncio.run(with_aiosmtplib(*args, **options))


async def with_aiosmtplib(
    address: str,
    port: int,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    implicit_tls: bool = False,
    timeout: float = 20,  # noqa: ASYNC109  (the client's)
    **options: Any,
) -> Session:
    client = aiosmtplib.SMTP(local_hostname=LOCAL_HOSTNAME, start_tls=False, timeout=timeout)
    if implicit_tls:
        options["implicit_tls"] = socket.create_connection((address, port), timeout)
        connection = options["implicit_tls"]
    else:
        await client.connect(hostname=address, port=port)
        connection = client.get_transport_info("socket")
    try:
        try:
            session = await secure_async(client, decision, contexts, mx=mx, **options)
        except BaseException:
            assert not client.is_connected
            raise
        refused, _ = await client.sendmail(SENDER, RCPT, TEXT)
        assert refused == {}
        with suppress(aiosmtplib.SMTPServerDisconnected):
            await client.quit()
        return session
    finally:
        client.close()
        await let_go(connection)


async def let_go(connection: socket.socket) -> None:
    """Wait until asyncio has closed a socket: under TLS it takes leave of the host first, in the background."""
    async with asyncio.timeout(10):
        while connection.fileno() != -1:  # noqa: ASYNC110  (nothing tells)
            await asyncio.sleep(0.001)


def by_streams(*args: Any, **options: Any) -> Session:
    """The same, with asyncio's streams."""
    return asyncio.run(with_streams(*args, **options))


async def with_streams(
    address: str,
    port: int,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    implicit_tls: bool = False,
    timeout: float = 20,  # noqa: ASYNC109  (of each step)
    **options: Any,
) -> Session:
    reader, writer = await asyncio.open_connection(address, port)
    connection = writer.get_extra_info("socket")
    try:
        if not implicit_tls:
            greeting = await asyncio.wait_for(reader.readline(), timeout)
            if not greeting.startswith(b"220"):
                raise smtplib.SMTPConnectError(int(greeting[:3]), greeting)
        try:
            session = await secure_streams(
                reader,
                writer,
                decision,
                contexts,
                mx=mx,
                local_hostname=LOCAL_HOSTNAME,
                ehlo_timeout=timeout,
                implicit_tls=implicit_tls,
                **options,
            )
        except BaseException:
            assert writer.is_closing()
            raise
        dialogue = (f"MAIL FROM:<{SENDER}>", f"RCPT TO:<{RCPT}>", "DATA", f"{TEXT}.", "QUIT")
        for command, code in zip(dialogue, (b"250", b"250", b"354", b"250", b"221"), strict=True):
            writer.write(f"{command}\r\n".encode())
            assert (await reader.readline()).startswith(code)
        return session
    finally:
        writer.close()
        await let_go(connection)


CLIENTS: dict[str, Callable[..., Session]] = {
    "smtplib": by_smtplib,
    "aiosmtplib": by_aiosmtplib,
    "streams": by_streams,
}
