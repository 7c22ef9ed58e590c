"""What is said, and in which order, to secure a session as decided (RFC 3207, RFC 8314). No input or output here.

`negotiate` is a generator: it yields one step after the other, gets what came of it, and returns the `Session`. Whoever
carries the steps out, over a socket or an event loop, has nothing to decide: so the contract is the same for all.
"""

from __future__ import annotations

import re
import socket
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tlspolicy.decision import Requirement
from tlspolicy.errors import PolicyTypeError, TlsSessionError, quoted
from tlspolicy.failures import PERMANENT, Failure, FailureKind, Phase, answered, classify
from tlspolicy.relaxation import NO_FAULT, NOT_EXAMINED, Relaxation, report
from tlspolicy.replies import MalformedReplyError, Reply
from tlspolicy.session import Level, Session
from tlspolicy.sslcontext import sent_certificates

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Generator, Iterator

    from tlspolicy.decision import TlsDecision
    from tlspolicy.sslcontext import SSLContexts

EHLO_TIMEOUT: Final = 300.0
"""Seconds for EHLO outside TLS (RFC 5321, section 4.5.3.2), unless the client's own time-out is shorter."""

_READY: Final = 220
_OK: Final = 250
_CLOSING: Final = 421
_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME: Final = re.compile(rf"(?![0-9.]+\Z){_LABEL}(?:\.{_LABEL})*")
_LONGEST_HOST_NAME: Final = 253
_SAYABLE: Final = re.compile(r"[!-~]+")


class Within(NamedTuple):
    """From now on all steps together may take so many seconds, until this is said again. Gives nothing."""

    seconds: float


class Say(NamedTuple):
    """Say a command, and hear the reply. Gives a `Reply`."""

    command: str


class Hear(NamedTuple):
    """Hear what the host says of itself. Gives a `Reply`."""


class Unread(NamedTuple):
    """Ask whether the host has said more than was heard, as far as can be known now. Gives a `bool`."""


class StartTls(NamedTuple):
    """Shake hands. Gives the `ssl.SSLSocket` or `ssl.SSLObject` of the session."""

    context: ssl.SSLContext
    server_name: str


Step: TypeAlias = Within | Say | Hear | Unread | StartTls


class _Reached(NamedTuple):
    """A session, and the certificates that the host has sent, in DER, its own first."""

    session: Session
    chain: tuple[bytes, ...] = ()


_Securing: TypeAlias = "Generator[Step, Any, _Reached]"


class Connection(Enum):
    """What a client has when it is to be secured."""

    NONE = "the client is not connected"
    PLAIN = "connected, and greeted by the host"
    IMPLICIT_TLS = "connected, and to begin with TLS"
    UNDER_TLS = "the client is under TLS already, by a context that nobody decided on"
    CONNECTED_TWICE = "the client is connected already: implicit TLS begins on a connection of its own"


def is_connected(connection: socket.socket) -> bool:
    """Whether a socket can carry a session at all: if not, it is no failure of TLS."""
    try:
        connection.getpeername()
    except OSError:
        return False
    return connection.type == socket.SOCK_STREAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a session is to be, and what is known of it beforehand; the fields are `secure`'s arguments.

    Args:
        connection: what the client has.
        local_hostname: the name for EHLO.
        timeout: the client's own time-out, in seconds, if it has one.
    """

    decision: TlsDecision
    contexts: SSLContexts
    mx: str
    dane: bool
    mta_sts: bool
    on_relaxed: Callable[[Relaxation], object] | None
    connection: Connection
    local_hostname: str
    timeout: float | None

    def error(self, message: str, failure: Failure) -> TlsSessionError:
        """An error to raise."""
        kind = failure.kind
        return TlsSessionError(
            message,
            mx=self.mx,
            kind=kind,
            last_error=kind.last_error,
            result_type=kind.result_type,
            permanent=failure.permanent,
        )

    @contextmanager
    def phase(self, phase: Phase) -> Iterator[None]:
        """Raise what goes wrong as a `TlsSessionError`."""
        try:
            yield
        except TlsSessionError:
            raise
        except MalformedReplyError as error:
            starttls = phase is Phase.STARTTLS
            kind = FailureKind.STARTTLS_REFUSED if starttls else FailureKind.MALFORMED_REPLY
            raise self.error(str(error), Failure(kind)) from error
        except (OSError, ValueError, RuntimeError) as error:  # The last comes of event loops.
            failure = classify(error, phase)
            raise self.error(failure.message, failure) from error


def negotiate(terms: Terms) -> Generator[Step, Any, Session]:
    """Secure a session.

    Returns:
        The steps, to be carried out; they end with the session.

    Raises:
        TlsSessionError: now, or in the course of the steps: it can't be secured as decided.
    """
    _refuse_unseen(terms)
    _refuse_unusable(terms)
    return _steps(terms)


def _steps(terms: Terms) -> Generator[Step, Any, Session]:
    securing = _implicit_tls if terms.connection is Connection.IMPLICIT_TLS else _starttls_as_decided
    session, chain = yield from securing(terms)
    with terms.phase(Phase.CONNECT):
        if (yield Unread()):
            raise terms.error("the host speaks out of turn", Failure(FailureKind.MALFORMED_REPLY))
    if not session.verified:
        report(_relaxation(terms, session, chain), terms.on_relaxed)
    return session


def _refuse_unseen(terms: Terms) -> None:
    """Refuse what the policy requires and nobody has checked."""
    if terms.decision.dane is Requirement.REQUIRE and not terms.dane:
        raise _unmet(terms, FailureKind.DANE_NOT_CHECKED, "and nobody has seen to it (dane=True)")
    if terms.decision.mta_sts is Requirement.REQUIRE and not terms.mta_sts:
        raise _unmet(terms, FailureKind.MTA_STS_NOT_CHECKED, "and nobody has seen to it (mta_sts=True)")


def _refuse_clear_text(terms: Terms) -> None:
    if terms.decision.forbids_clear_text:
        dane = terms.decision.dane is Requirement.REQUIRE
        kind = FailureKind.DANE_NOT_CHECKED if dane else FailureKind.MTA_STS_NOT_CHECKED
        raise _unmet(terms, kind, "which clear text can't have")


def _unmet(terms: Terms, kind: FailureKind, why: str) -> TlsSessionError:
    return terms.error(f"the policy requires {kind.last_error.upper()}, {why}", Failure(kind))


def _refuse_unusable(terms: Terms) -> None:
    """Refuse a client that is in no state to be secured: no failure of TLS, for which a rule might relax."""
    match terms.connection:
        case Connection.NONE:
            raise terms.error(terms.connection.value, Failure(FailureKind.CONNECTION_FAILED))
        case Connection.UNDER_TLS | Connection.CONNECTED_TWICE:
            raise terms.error(terms.connection.value, Failure(FailureKind.LOCAL))
        case Connection.PLAIN | Connection.IMPLICIT_TLS:  # pragma: no branch (there is no other state)
            pass
    if not isinstance(terms.mx, str):
        raise PolicyTypeError(f"mx is the host's name, a str, not {type(terms.mx).__name__}")
    if not _SAYABLE.fullmatch(terms.local_hostname):
        message = f"{quoted(terms.local_hostname)} is no name to say in EHLO"
        raise terms.error(message, Failure(FailureKind.LOCAL))


def _implicit_tls(terms: Terms) -> _Securing:
    # Whether to say STARTTLS is no question here: the port has decided for TLS.
    context = _context(terms, replace(terms.decision, starttls=Requirement.REQUIRE))
    yield Within(terms.decision.tls_timeout)
    secured = yield from _shake_hands(terms, context, _server_name(terms))
    with terms.phase(Phase.CONNECT):
        greeting: Reply = yield Hear()
        _expect(terms, greeting, _READY)
    return (yield from _greet_again(terms, secured))


def _starttls_as_decided(terms: Terms) -> _Securing:
    starttls = terms.decision.starttls
    if starttls is Requirement.DISABLE:
        _refuse_clear_text(terms)
        ehlo = yield from _greet(terms)
        return _in_clear_text(terms, ehlo)

    context = _context(terms, terms.decision)
    ehlo = yield from _greet(terms)
    if not any(line.split(maxsplit=1)[:1] == ["STARTTLS"] for line in map(str.upper, ehlo[1:])):
        if starttls is Requirement.OPTIONAL:
            return _in_clear_text(terms, ehlo)
        raise terms.error("STARTTLS is not offered", Failure(FailureKind.STARTTLS_NOT_OFFERED))

    server_name = _server_name(terms)
    yield Within(terms.decision.tls_timeout)
    with terms.phase(Phase.STARTTLS):
        reply: Reply = yield Say("STARTTLS")
    if starttls is Requirement.OPTIONAL and _is_refusal(reply):
        return _in_clear_text(terms, ehlo)
    if reply.code != _READY:
        failure = Failure(FailureKind.STARTTLS_REFUSED, permanent=reply.code >= PERMANENT)
        raise terms.error(answered(reply.code, " ".join(reply.lines)), failure)
    secured = yield from _shake_hands(terms, context, server_name)
    return (yield from _greet_again(terms, secured))


def _context(terms: Terms, decision: TlsDecision) -> ssl.SSLContext:
    try:
        context = terms.contexts.get(decision)
        assert context is not None, "there is one for every decision to use TLS"  # noqa: S101  (the type checker)
    except (OSError, ValueError, ImportError) as error:
        # This machine's fault, and not the host's: no rule must take it as a reason to relax.
        raise terms.error(str(error), Failure(FailureKind.LOCAL)) from error
    return context


def _server_name(terms: Terms) -> str:
    """The name that a TLS session may be asked for: a host name in ASCII, or an address.

    `ssl` would take more: an IDN by the rules of IDNA 2003, which for some names gives another host than today's.
    """
    name = terms.mx.removesuffix(".")
    if _HOST_NAME.fullmatch(name) and len(name) <= _LONGEST_HOST_NAME:
        return name
    try:
        return str(ip_address(name))
    except ValueError:
        message = f"{quoted(terms.mx)} is no name of a host: an IDN is written as A-labels (xn--…)"
        raise terms.error(message, Failure(FailureKind.INVALID_SERVER_NAME, permanent=True)) from None


def _greet(terms: Terms) -> Generator[Step, Any, tuple[str, ...]]:
    """Say EHLO, and HELO to a host that does not know it.

    Returns:
        The lines of the reply to EHLO; none where the host knows only HELO.
    """
    yield Within(min(EHLO_TIMEOUT, EHLO_TIMEOUT if terms.timeout is None else terms.timeout))
    with terms.phase(Phase.CONNECT):
        reply: Reply = yield Say(f"EHLO {terms.local_hostname}")
        if reply.code >= PERMANENT:
            _expect(terms, (yield Say(f"HELO {terms.local_hostname}")), _OK)
            return ()
        _expect(terms, reply, _OK)
        return reply.lines


def _shake_hands(terms: Terms, context: ssl.SSLContext, name: str) -> Generator[Step, Any, ssl.SSLSocket]:
    with terms.phase(Phase.HANDSHAKE):
        if (yield Unread()):
            message = "the host sent text between the reply to STARTTLS and the handshake (CVE-2011-0411)"
            raise terms.error(message, Failure(FailureKind.PLAINTEXT_INJECTED))
        secured: ssl.SSLSocket = yield StartTls(context, name)
    return secured


def _greet_again(terms: Terms, secured: ssl.SSLSocket) -> _Securing:
    """Say EHLO under TLS, where all that was said before counts for nothing (RFC 3207, section 4.2)."""
    with terms.phase(Phase.CONNECT):
        reply: Reply = yield Say(f"EHLO {terms.local_hostname}")
        _expect(terms, reply, _OK)
    from tlspolicy import certificates  # noqa: PLC0415  (cryptography takes long to import, and a policy needs none)

    chain = sent_certificates(secured)
    contents = certificates.read(chain[0]) if certificates.AVAILABLE else None
    cipher = secured.cipher()
    session = Session(
        Level.VERIFIED if terms.decision.verifies else Level.UNVERIFIED,
        secured.version(),
        cipher[0] if cipher else None,
        chain[0],
        contents.names if contents else None,
        contents.expires if contents else None,
        reply.lines,
    )
    return _Reached(session, chain)


def _in_clear_text(terms: Terms, ehlo: tuple[str, ...]) -> _Reached:
    _refuse_clear_text(terms)
    return _Reached(Session(Level.CLEAR_TEXT, ehlo=ehlo))


def _relaxation(terms: Terms, session: Session, chain: tuple[bytes, ...]) -> Relaxation:
    matched = terms.decision.matched
    if session.level is Level.CLEAR_TEXT:
        return Relaxation(terms.mx, session.level, "starttls", matched.starttls)
    fault = _fault(terms, chain)
    return Relaxation(terms.mx, session.level, "allow-invalid-certs", matched.allow_invalid_certs, fault)


def _fault(terms: Terms, chain: tuple[bytes, ...]) -> str:
    """What is wrong with a certificate that was not verified."""
    from tlspolicy import certificates  # noqa: PLC0415  (as above)

    try:
        roots = terms.contexts.trusted_certificates() if certificates.AVAILABLE else None
    except (OSError, ValueError, ImportError):  # No fault of a session that does not need them.
        roots = None
    if roots is None:
        return NOT_EXAMINED
    return certificates.fault(chain, roots, _server_name(terms)) or NO_FAULT


def _is_refusal(reply: Reply) -> bool:
    """Whether a reply refuses the command and leaves the connection as it was (RFC 5321, sections 3.8 and 4.2.1)."""
    return 400 <= reply.code <= 599 and reply.code != _CLOSING  # noqa: PLR2004


def _expect(terms: Terms, reply: Reply, code: int) -> None:
    """Refuse any other greeting, or reply to EHLO."""
    if reply.code != code:
        failure = Failure(FailureKind.HOST_REFUSED, permanent=reply.code >= PERMANENT)
        raise terms.error(answered(reply.code, " ".join(reply.lines)), failure)
