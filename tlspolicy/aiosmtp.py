"""TLS as decided, for aiosmtplib and for asyncio's streams."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, cast

from tlspolicy.decision import MAX_TIMEOUT
from tlspolicy.negotiation import (
    EHLO_TIMEOUT,
    Connection,
    Hear,
    Say,
    StartTls,
    Step,
    Terms,
    Unread,
    Within,
    is_connected,
    negotiate,
)
from tlspolicy.replies import MalformedReplyError, Reply, ReplyReader

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    import aiosmtplib

    from tlspolicy.decision import TlsDecision
    from tlspolicy.relaxation import Relaxation
    from tlspolicy.session import Session
    from tlspolicy.sslcontext import SSLContexts


_LATE: Final = 1.0
"""Seconds after a deadline by which an event loop that runs has noticed."""


async def secure_streams(  # noqa: PLR0913  (keyword arguments)
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    local_hostname: str,
    ehlo_timeout: float = EHLO_TIMEOUT,
    implicit_tls: bool = False,
    dane: bool = False,
    mta_sts: bool = False,
    on_relaxed: Callable[[Relaxation], object] | None = None,
) -> Session:
    """Secure a session over asyncio's streams, as decided: what `secure` does for smtplib.

    Args:
        reader: the reader of a connection on which the host's greeting has been read, and no more.
        writer: its writer; it and the reader are used for the rest of the session, too.
        decision: as in `secure`.
        contexts: as in `secure`.
        mx: as in `secure`.
        local_hostname: the name to say in EHLO: this machine's, or its address in brackets.
        ehlo_timeout: seconds for EHLO outside TLS; at most five minutes.
        implicit_tls: for a host that begins with TLS (RFC 8314, port 465): nothing has been read yet, and the greeting
            is heard under TLS.
        dane: as in `secure`.
        mta_sts: as in `secure`.
        on_relaxed: as in `secure`.

    Returns:
        What was reached. `Session.ehlo` says what the host offers.

    Raises:
        TlsSessionError: the session could not be secured as decided; the connection has been aborted.
    """
    try:
        connection = Connection.IMPLICIT_TLS if implicit_tls else Connection.PLAIN
        terms = Terms(
            decision=decision,
            contexts=contexts,
            mx=mx,
            dane=dane,
            mta_sts=mta_sts,
            on_relaxed=on_relaxed,
            connection=Connection.UNDER_TLS if writer.get_extra_info("sslcontext") else connection,
            local_hostname=local_hostname,
            timeout=ehlo_timeout,
        )
        return await _Wire(reader, writer).carry_out(negotiate(terms))
    except BaseException:
        _abort(writer.transport)
        raise


async def secure_async(  # noqa: PLR0913  (keyword arguments)
    client: aiosmtplib.SMTP,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    implicit_tls: socket.socket | None = None,
    dane: bool = False,
    mta_sts: bool = False,
    on_relaxed: Callable[[Relaxation], object] | None = None,
) -> Session:
    """Secure the session of a connected client of aiosmtplib, as decided: what `secure` does for smtplib.

    The client must be made with `start_tls=False`, or it would upgrade by itself at connect, by a context of its own,
    and without credentials, which it would send before: call `login` afterwards.

    Args:
        client: a client that has been connected and is not under TLS.
        decision: as in `secure`.
        contexts: as in `secure`.
        mx: as in `secure`.
        implicit_tls: as in `secure`: a connected socket; the client is not connected.
        dane: as in `secure`.
        mta_sts: as in `secure`.
        on_relaxed: as in `secure`.

    Raises:
        TlsSessionError: the session could not be secured as decided; the client has been closed.
        ImportError: aiosmtplib is not installed.
    """
    wire: _Wire | None = None
    try:
        steps = negotiate(
            Terms(
                decision=decision,
                contexts=contexts,
                mx=mx,
                dane=dane,
                mta_sts=mta_sts,
                on_relaxed=on_relaxed,
                connection=_connection(client, implicit_tls),
                local_hostname=client.local_hostname or str(await asyncio.to_thread(socket.getfqdn)),
                timeout=client.timeout,
            )
        )
        wire = await _take_over(client, implicit_tls)
        session = await wire.carry_out(steps)
        _hand_back(client, wire, session)
    except BaseException:
        transport = wire.writer.transport if wire else cast("asyncio.Transport | None", client.transport)
        if transport:
            _abort(transport)  # Under TLS, closing would first take leave of the host.
        if implicit_tls and not wire:
            implicit_tls.close()
        client.close()
        raise
    return session


def _abort(transport: asyncio.WriteTransport) -> None:
    with suppress(AttributeError):  # Python 3.11.2 has no parts left of what was closed twice.
        transport.abort()


def _connection(client: aiosmtplib.SMTP, implicit_tls: socket.socket | None) -> Connection:
    if implicit_tls:
        if client.is_connected:
            return Connection.CONNECTED_TWICE
        if isinstance(implicit_tls, ssl.SSLSocket):
            return Connection.UNDER_TLS
        return Connection.IMPLICIT_TLS if is_connected(implicit_tls) else Connection.NONE
    if not client.is_connected:
        return Connection.NONE
    return Connection.UNDER_TLS if client.get_transport_info("sslcontext") else Connection.PLAIN


async def _take_over(client: aiosmtplib.SMTP, implicit_tls: socket.socket | None) -> _Wire:
    """Streams on a client's connection: its own protocol would throw away, unseen, what a host says out of turn."""
    if implicit_tls:
        implicit_tls.settimeout(0)
        return _Wire(*await asyncio.open_connection(sock=implicit_tls))
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    transport = cast("asyncio.Transport", client.transport)
    transport.set_protocol(protocol)
    protocol.connection_made(transport)
    return _Wire(reader, asyncio.StreamWriter(transport, protocol, reader, loop))


def _hand_back(client: aiosmtplib.SMTP, wire: _Wire, session: Session) -> None:
    """Give a client the secured connection, and let it know what the host has said to the last EHLO."""
    from aiosmtplib.protocol import SMTPProtocol  # noqa: PLC0415  (not everybody has it)
    from aiosmtplib.response import SMTPResponse  # noqa: PLC0415

    def lost(_protocol: SMTPProtocol) -> None:
        # That the writer is named here keeps it: it would close the connection at its end.
        if client.transport is wire.writer.transport:
            client.close()

    transport = wire.writer.transport
    client.loop = asyncio.get_running_loop()
    client.protocol = SMTPProtocol(client.loop, lost)
    client.transport = transport
    transport.set_protocol(client.protocol)
    client.protocol.connection_made(transport)
    client.protocol._response_pending = False  # noqa: SLF001  (there is no greeting to come)
    reply = SMTPResponse(250, "\n".join(session.ehlo))
    client.last_ehlo_response = reply  # A host that knows only HELO offers nothing.
    client.supports_esmtp = bool(session.ehlo)


class _Wire:
    """Carries steps out on streams."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._deadline = 0.0

    async def carry_out(self, steps: Generator[Step, Any, Session]) -> Session:
        try:
            step = next(steps)
            while True:
                try:
                    async with asyncio.timeout_at(self._deadline or None):
                        came = await self._perform(step)
                except (OSError, ValueError, RuntimeError) as error:
                    step = steps.throw(self._stalled(error) or error)
                else:
                    step = steps.send(came)
        except StopIteration as done:
            session: Session = done.value
            return session

    def _stalled(self, error: Exception) -> Exception | None:
        """Another error for a time-out that is not the host's fault: this program's loop stood still."""
        late = asyncio.get_running_loop().time() - self._deadline
        if isinstance(error, TimeoutError) and late > _LATE:
            return RuntimeError(f"the event loop stood still for {late:.0f} seconds")
        return None

    async def _perform(self, step: Step) -> object:
        match step:
            case Within(seconds):
                self._deadline = asyncio.get_running_loop().time() + seconds
                return None
            case Say(command):
                if self.writer.is_closing():
                    raise ConnectionResetError("the connection is closed")
                self.writer.write(f"{command}\r\n".encode("ascii"))
                await self.writer.drain()
                return await self._reply()
            case Hear():
                return await self._reply()
            case Unread():
                return self._has_unread()
            case StartTls(context, server_name):  # pragma: no branch (there is no other step)
                return await self._shake_hands(context, server_name)

    async def _reply(self) -> Reply:
        reply_reader = ReplyReader()
        while True:
            try:
                line = await self.reader.readline()
            except ValueError:  # It is longer than the reader's own limit.
                raise MalformedReplyError("the host's reply is too long") from None
            if not line.endswith(b"\n"):
                raise ConnectionResetError("the host closed the connection")
            reply = reply_reader.add(line)
            if reply:
                return reply

    def _has_unread(self) -> bool:
        """Whether the reader would give something at once: a coroutine that has it ends without waiting."""
        reading = self.reader.read(1)
        try:
            reading.send(None)
        except StopIteration as done:
            return bool(done.value)
        reading.close()
        return False

    async def _shake_hands(self, context: ssl.SSLContext, server_name: str) -> ssl.SSLObject:
        # asyncio's own limit, which would be 60 seconds, is not to be the one that counts.
        await self.writer.start_tls(context, server_hostname=server_name, ssl_handshake_timeout=MAX_TIMEOUT + 60)
        secured: ssl.SSLObject = self.writer.get_extra_info("ssl_object")
        return secured
