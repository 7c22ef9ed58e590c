"""The retry ladder against Debian's own mail servers; without them on this machine, nothing is tested."""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from loopback import ADDRESS, Certificates
from mail_servers import MX, MailServer, MissingServerError, exim, postfix
from retry_ladder import Host, Message, deliver

from tlspolicy import Level, SSLContexts, TlsPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MailServerOf: TypeAlias = "Callable[[bytes | None], AbstractContextManager[MailServer]]"

POLICY = Path(__file__).parents[1] / "examples" / "policy.toml"
MESSAGE = Message("john@sender.example", f"jane@{MX}", "Subject: Hello\r\n\r\nIt is only a test.\r\n")


@contextmanager
def running(server: MailServerOf, pem: bytes | None) -> Iterator[MailServer]:
    """The server, unless the machine has none: then the test is skipped, but never where CI is to run it."""
    try:
        with server(pem) as host:
            yield host
    except MissingServerError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(error))


def pem_of(tls: str, certificates: Certificates, folder: Path) -> bytes | None:
    match tls:
        case "good":
            return certificates.valid_pem(MX)
        case "other-name":
            return certificates.valid_pem("other.example")
        case "self-signed":
            certificates.self_signed(MX, folder)
            return (folder / "self-signed.pem").read_bytes()
        case _:
            return None


def tls_version(received: str) -> str | None:
    """The version that a Received header tells, as Python names it: exim leaves out the v."""
    found = re.search(r"\bTLSv?(\d\.\d)\b", received)
    return f"TLSv{found[1]}" if found else None


@pytest.mark.parametrize(
    ("tls", "ending"),
    [
        ("good", (0, Level.VERIFIED, "TLSv1.3")),
        ("self-signed", (1, Level.UNVERIFIED, "TLSv1.3")),
        ("other-name", (1, Level.UNVERIFIED, "TLSv1.3")),
        ("no-tls", (2, Level.CLEAR_TEXT, None)),
    ],
    ids=["good", "self-signed", "other-name", "no-tls"],
)
@pytest.mark.parametrize("server", [postfix, exim], ids=["postfix", "exim"])
def test_arrives_over_what_the_policy_decides(
    server: MailServerOf,
    tls: str,
    ending: tuple[int, Level, str | None],
    certificates: Certificates,
    contexts: SSLContexts,
    tmp_path: Path,
) -> None:
    with running(server, pem_of(tls, certificates, tmp_path)) as host:
        *_, (context, _, result) = deliver(Host(MX, ADDRESS, host.port), MESSAGE, TlsPolicy.load(POLICY), contexts)
        assert result.session, result.status
        assert (context.retry_num, result.session.level, result.session.version) == ending
        message = host.message()
    assert message["Subject"] == "Hello"
    assert tls_version(message["Received"]) == result.session.version
