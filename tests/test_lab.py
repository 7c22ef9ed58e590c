"""Each host of the laboratory, by each decision, with each client: `lab.toml` says what is reached, or fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lab
import pytest
from clients import CLIENTS

from tlspolicy import Level, Phase, Relaxation, Requirement, SSLContexts, TlsDecision, TlsSessionError, classify

if TYPE_CHECKING:
    from tlspolicy import Session

SECONDS = 1.0
"""How long the slow are waited for."""
DECISIONS = {
    f"{level}{any_certificate}": TlsDecision(level, bool(any_certificate), tls_timeout=SECONDS)
    for level in (Requirement.REQUIRE, Requirement.OPTIONAL, Requirement.DISABLE)
    for any_certificate in ("", "-any")
}
EXPECTED = lab.expected()
CELLS = [(host, decided, client) for host, row in EXPECTED.items() for decided in row for client in CLIENTS]


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory: pytest.TempPathFactory) -> lab.Laboratory:
    return lab.Laboratory(tmp_path_factory.mktemp("laboratory"))


def deliver(client: str, host: lab.Host, decision: TlsDecision, contexts: SSLContexts, **options: Any) -> Session:
    return CLIENTS[client](host.address, host.port, decision, contexts, mx=host.mx, timeout=SECONDS, **options)


def test_the_table_has_every_host() -> None:
    assert list(EXPECTED) == list(lab.HOSTS)
    assert all(list(row) == list(DECISIONS) for row in EXPECTED.values())


@pytest.mark.parametrize(("name", "decided", "client"), CELLS, ids=map("-".join, CELLS))
def test_reaches_what_was_decided_or_fails(name: str, decided: str, client: str, laboratory: lab.Laboratory) -> None:
    contexts = SSLContexts(cadata=laboratory.authority)
    session, failed = None, ""
    relaxed: list[Relaxation] = []
    with laboratory.host(name) as host:
        try:
            session = deliver(client, host, DECISIONS[decided], contexts, on_relaxed=relaxed.append)
        except TlsSessionError as error:
            failed = error.kind
        except (OSError, EOFError) as error:  # There is no connection to be secured.
            failed = classify(error, Phase.CONNECT).kind
    assert (session.level if session else failed) in EXPECTED[name][decided]
    if session:
        assert [(relaxation.mx, relaxation.level) for relaxation in relaxed] == [(host.mx, session.level)] * (
            not session.verified
        )
        assert host.messages == [session.version]
        assert (session.version is None) == (session.cipher is None) == (session.level is Level.CLEAR_TEXT)
    else:
        assert host.messages == []
        assert [line for encrypted, line in host.said if line[:4].upper() in {b"MAIL", b"RCPT", b"DATA"}] == []
    if not (session and session.level is Level.CLEAR_TEXT):
        assert not [line for encrypted, line in host.said if not encrypted and line[:4].upper() not in SAYABLE]


@pytest.mark.parametrize("name", [name for name, row in EXPECTED.items() if "unverified TLS" in row["require-any"]])
def test_what_was_let_pass_is_named(name: str, laboratory: lab.Laboratory) -> None:
    """A certificate that is not verified has the fault for which it would be refused."""
    relaxed: list[Relaxation] = []
    contexts = SSLContexts(cadata=laboratory.authority)
    with laboratory.host(name) as host:
        deliver("smtplib", host, DECISIONS["require-any"], contexts, on_relaxed=relaxed.append)
    (refused,) = EXPECTED[name]["require"]
    assert relaxed[0].certificate == NAMED.get(name, refused.replace(Level.VERIFIED, "no fault found"))


NAMED = {
    "name-constraints": "certificate-not-trusted",  # Only OpenSSL tells why an issuer is not to be trusted.
    "wildcard-top-level": "no fault found",  # Only OpenSSL wants two labels after a star.
}


SAYABLE = {b"EHLO", b"HELO", b"STAR"}
"""What may be said in clear text before TLS."""
