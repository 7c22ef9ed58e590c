"""TLS as decided, for smtplib."""

from __future__ import annotations

import re
import socket
import ssl
import struct
import time
from contextlib import contextmanager, suppress
from functools import partial
from threading import Event, Timer
from typing import TYPE_CHECKING, Any

from tlspolicy.negotiation import (
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
from tlspolicy.replies import ReplyReader

if TYPE_CHECKING:
    import smtplib
    from collections.abc import Callable, Generator, Iterator

    from tlspolicy.decision import TlsDecision
    from tlspolicy.relaxation import Relaxation
    from tlspolicy.replies import Reply
    from tlspolicy.session import Session
    from tlspolicy.sslcontext import SSLContexts


def secure(  # noqa: PLR0913  (keyword arguments)
    client: smtplib.SMTP,
    decision: TlsDecision,
    contexts: SSLContexts,
    *,
    mx: str,
    implicit_tls: socket.socket | None = None,
    dane: bool = False,
    mta_sts: bool = False,
    on_relaxed: Callable[[Relaxation], object] | None = None,
) -> Session:
    """Secure the session of a connected client, as decided.

    Says EHLO on this connection, whatever the client remembers of an earlier one, then STARTTLS, shakes hands, and says
    EHLO again, where all that the host said before is forgotten (RFC 3207, section 4.2). When it returns, the client is
    ready for `login` and `sendmail`.

    `optional` goes on in clear text where the host does not offer STARTTLS or refuses the command, never after a
    handshake that failed. Where DANE or MTA-STS is required, nothing goes on in clear text; where MTA-STS is, the
    certificate is verified whatever `allow_invalid_certs` says (RFC 8461, section 4.2).

    STARTTLS, the handshake and the EHLO after it must be over within `decision.tls_timeout` together, however slowly
    the host drips its bytes; EHLO before within the client's own time-out, or five minutes (RFC 5321, section 4.5.3.2).

    A session that goes on unverified or in clear text is a WARNING on the logger `tlspolicy`.

    Args:
        client: a client that has been connected and is not under TLS.
        decision: what `TlsPolicy.evaluate` gave for this attempt.
        contexts: the contexts to choose from.
        mx: the name of the host, as its MX record has it (an IDN as A-labels), whatever address the client was
            connected to: this is what the certificate must prove.
        implicit_tls: for a host that begins with TLS (RFC 8314, port 465): a connected socket on which nothing was said
            yet. The client, made without a host, is not connected; it takes the socket over, and hears the greeting
            under TLS. `decision.starttls` counts for nothing then: there is no going without TLS on such a port.
        dane: that the caller sees to it that the host is authenticated by DANE, as a decision may require; the
            certificate to compare with the TLSA records is `Session.certificate`.
        mta_sts: that the caller has found `mx` in the domain's MTA-STS policy, as a decision may require.
        on_relaxed: is called with the `Relaxation` of a session that goes on unverified or in clear text. What it
            raises ends the session, and is passed on.

    Raises:
        TlsSessionError: the session could not be secured as decided; the client has been closed. Its `last_error` is
            for the context of the next attempt.
    """
    try:
        connection = _connection(client, implicit_tls)
        timeout = client.sock.gettimeout() if client.sock else None
        terms = Terms(
            decision=decision,
            contexts=contexts,
            mx=mx,
            dane=dane,
            mta_sts=mta_sts,
            on_relaxed=on_relaxed,
            connection=connection,
            local_hostname=client.local_hostname,
            timeout=timeout,
        )
        wire = _Wire(client)
        session = wire.carry_out(negotiate(terms))
        wire.sock.settimeout(timeout)
    except BaseException:
        client.close()
        if implicit_tls:
            implicit_tls.close()
        raise
    _remember(client, session)
    return session


def _connection(client: smtplib.SMTP, implicit_tls: socket.socket | None) -> Connection:
    if implicit_tls is None:
        return _state_of(client.sock, Connection.PLAIN)
    if client.sock is not None:
        return Connection.CONNECTED_TWICE
    client.sock = implicit_tls
    client.file = None
    return _state_of(implicit_tls if is_connected(implicit_tls) else None, Connection.IMPLICIT_TLS)


def _state_of(connection: socket.socket | None, plain: Connection) -> Connection:
    if connection is None:
        return Connection.NONE
    return Connection.UNDER_TLS if isinstance(connection, ssl.SSLSocket) else plain


class _Wire:
    """Carries steps out on the socket of a client."""

    def __init__(self, client: smtplib.SMTP) -> None:
        self._client = client
        self._deadline = 0.0

    def carry_out(self, steps: Generator[Step, Any, Session]) -> Session:
        try:
            step = next(steps)
            while True:
                try:
                    came = self._perform(step)
                except (OSError, ValueError, RuntimeError) as error:  # The last where no thread can be started.
                    step = steps.throw(error)
                else:
                    step = steps.send(came)
        except StopIteration as done:
            session: Session = done.value
            return session

    def _perform(self, step: Step) -> object:
        match step:
            case Within(seconds):
                self._deadline = time.monotonic() + seconds
                return None
            case Say(command):
                self._connection().sendall(f"{command}\r\n".encode("ascii"))
                with self._hard_deadline():
                    return self._reply()
            case Hear():
                with self._hard_deadline():
                    return self._reply()
            case Unread():
                return self._has_unread()
            case StartTls(context, server_name):  # pragma: no branch (there is no other step)
                return self._shake_hands(context, server_name)

    @property
    def sock(self) -> socket.socket:
        assert self._client.sock is not None, "it is closed by nobody"  # noqa: S101  (the type checker)
        return self._client.sock

    def _connection(self) -> socket.socket:
        """The socket, with the time that is left."""
        self.sock.settimeout(self._remaining())
        return self.sock

    def _reply(self) -> Reply:
        reader = ReplyReader()
        while True:
            reply = reader.add(self._line(reader.room()))
            if reply:
                return reply

    def _line(self, room: int) -> bytes:
        """Read a line, or as much of one as is too long; each read of the socket has only the time that is left."""
        line = b""
        while not line.endswith(b"\n") and len(line) <= room:
            connection = self._connection()
            if self._client.file is None:
                self._client.file = connection.makefile("rb")
            ready = self._client.file.peek(1)  # reads at most once
            if not ready:
                raise ConnectionResetError("the host closed the connection")
            line += self._client.file.read(ready.find(b"\n") + 1 or len(ready))
        return line

    def _has_unread(self) -> bool:
        self.sock.settimeout(0)
        try:
            with self._hard_deadline():
                return bool(self._client.file and self._client.file.peek(1))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False

    def _shake_hands(self, context: ssl.SSLContext, server_name: str) -> ssl.SSLSocket:
        connection = self._connection()
        connection.getpeername()  # Where it has been reset, wrap_socket would lose the connection and not close it.
        secured = context.wrap_socket(connection, server_hostname=server_name, do_handshake_on_connect=False)
        self._client.sock = secured
        self._client.file = None
        with self._hard_deadline():
            secured.do_handshake()
        return secured

    @contextmanager
    def _hard_deadline(self) -> Iterator[None]:
        """Under TLS, shut the connection down at the deadline.

        A time-out of the socket counts only while it waits: OpenSSL reads on for as long as a host floods it with
        records that are no data, such as session tickets.
        """
        connection = self.sock
        if not isinstance(connection, ssl.SSLSocket):
            yield
            return
        over = Event()
        timer = Timer(self._remaining(), partial(_shut_down, connection, over))
        timer.daemon = True
        timer.start()
        failed: OSError | None = None
        try:
            yield
        except OSError as error:
            failed = error
        finally:
            timer.cancel()
            timer.join()
        if over.is_set():  # Also where all was well at that very moment.
            raise TimeoutError("timed out") from failed
        if failed:
            raise failed

    def _remaining(self) -> float:
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise TimeoutError("timed out")
        return remaining


_RESET_WHEN_CLOSED = struct.pack("ii", 1, 0)


def _shut_down(connection: socket.socket, over: Event) -> None:
    """End a connection for whoever reads from it now, and have it reset when it is closed, so that the flood ends."""
    over.set()
    with suppress(OSError):  # The host has just gone.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_WHEN_CLOSED)
        # Not SSLSocket.shutdown, which would take the session from under the thread that reads.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


_KEYWORD = re.compile(r"([A-Za-z0-9][A-Za-z0-9-]*)[ =]?(.*)", re.DOTALL)


def _remember(client: smtplib.SMTP, session: Session) -> None:
    """Let the client know what the host has said to the last EHLO, as if it had said EHLO itself."""
    client.esmtp_features = {}
    client.does_esmtp = bool(session.ehlo)
    client.ehlo_resp = "\n".join(session.ehlo).encode() if session.ehlo else None
    client.helo_resp = None if session.ehlo else b""
    for line in session.ehlo[1:]:
        if found := _KEYWORD.match(line):
            keyword, values = found[1].lower(), found[2].strip()
            if keyword == "auth":  # On several lines with some hosts, of which `AUTH=` is an old spelling.
                values = f"{client.esmtp_features.get('auth', '')} {values}"
            client.esmtp_features[keyword] = values
