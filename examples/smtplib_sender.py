"""One message goes to the mail hosts of a domain, the preferred one first, and each is tried as the policy says of it.

    python examples/smtplib_sender.py

Starts SMTP servers on this machine and sends an EmailMessage to each of five domains with smtplib, as `policy.toml`
says. Relaxed sessions are counted, and logged as JSON. Exits with 0 when every message ended as it should.

To use tlspolicy in a program of yours, copy `connect`, `send` and `deliver`, and `JsonFormatter` for its log.
"""

from __future__ import annotations

import json
import logging
import smtplib
import socket
import sys
from collections import Counter
from contextlib import ExitStack, closing, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from loopback import ADDRESS, Certificates, serve
from retry_ladder import Result

from tlspolicy import DeliveryContext, LastError, Level, Phase, Relaxation, SSLContexts, TlsPolicy, classify, secure

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "sender.example"  # of this machine
RELAXED: Counter[str] = Counter()  # for your metrics: sessions by what protected them, where it was not verified TLS


class Host(NamedTuple):
    """A mail host: its name, where it really is, and whether it begins with TLS (RFC 8314, port 465)."""

    mx: str
    address: str
    port: int
    implicit_tls: bool = False


class Mail(NamedTuple):
    """A message with its envelope. A `DeliveryContext` is none: it has the addresses in lower case."""

    sender: str
    rcpt: str
    content: EmailMessage


def connect(host: Host) -> tuple[smtplib.SMTP, socket.socket | None]:
    """Make a client that is connected; or, for implicit TLS, one that is not, and the connection it is to have."""
    if host.implicit_tls:
        return smtplib.SMTP(local_hostname=NAME), socket.create_connection((host.address, host.port), timeout=60)
    return smtplib.SMTP(host.address, host.port, local_hostname=NAME, timeout=60), None


def send(mail: Mail, host: Host, attempt: DeliveryContext, policy: TlsPolicy, contexts: SSLContexts) -> Result:
    """Send a message to one host, once. The result is permanent if the message is refused: by any host, that is."""
    decision = policy.evaluate(attempt)
    phase = Phase.CONNECT
    try:
        client, connection = connect(host)
        with closing(client):
            session = secure(client, decision, contexts, mx=host.mx, implicit_tls=connection, on_relaxed=count)
            phase = Phase.TRANSFER  # If you have credentials for the host: `login` now, and if session.verified alone.
            client.send_message(mail.content, mail.sender, mail.rcpt)
            with suppress(OSError):  # The message is sent, however the host takes its leave.
                client.quit()
    except (OSError, ValueError) as error:  # TlsSessionError and those of smtplib are OSErrors.
        failure = classify(error, phase)
        return Result(None, failure.last_error, str(error)[:200], failure.permanent and phase is Phase.TRANSFER)
    return Result(session, LastError.NONE, "sent")


def count(relaxation: Relaxation) -> None:
    """Count a session that is not verified."""
    RELAXED[relaxation.level] += 1


def deliver(
    mail: Mail, hosts: list[Host], policy: TlsPolicy, contexts: SSLContexts
) -> Iterator[tuple[DeliveryContext, Result]]:
    """Try all hosts, round after round, until one takes the message. A real queue would wait between the rounds.

    Each host has attempts of its own: what one has failed of is no reason to relax with another.
    """
    attempts = {host: DeliveryContext(sender=mail.sender, rcpt=mail.rcpt, mx=host.mx) for host in hosts}
    for _ in range(4):
        for host in hosts:
            result = send(mail, host, attempts[host], policy, contexts)
            yield attempts[host], result
            if result.session or result.permanent:
                return
            attempts[host] = attempts[host].retry(last_error=result.last_error, last_status=result.status)


class JsonFormatter(logging.Formatter):
    """A record as a line of JSON, with what the library says of a relaxed session as fields: `tls_mx` and others."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        fields = {name: value for name, value in vars(record).items() if name.startswith("tls_")}
        return json.dumps({"severity": record.levelname, "message": record.getMessage(), **fields})


# How the message for each domain ends: after how many retries, at which host, and over what.
PROMISED = {
    "good.example": (0, "mx2.good.example", Level.VERIFIED),  # The first host is down.
    "broken.example": (1, "mx1.broken.example", Level.UNVERIFIED),
    "plain.example": (2, "mx1.plain.example", Level.CLEAR_TEXT),
    "refusing.example": (0, "mx1.refusing.example", None),
    "submission.example": (0, "smtp.submission.example", Level.VERIFIED),
}


def main() -> int:
    """Send to every domain and print what happened, with the library's log in between."""
    logging.basicConfig(stream=sys.stdout)
    logging.getLogger().handlers[0].setFormatter(JsonFormatter())
    policy, certificates = TlsPolicy.load(Path(__file__).with_name("policy.toml")), Certificates()
    contexts, content = SSLContexts(cadata=certificates.authority), EmailMessage()
    content["Subject"] = "Hello"
    content.set_content("It is only a test.")
    with ExitStack() as stack:
        servers = {
            "mx1.broken.example": serve(certificates.valid("other.example")),
            "mx2.broken.example": serve(certificates.expired("mx2.broken.example")),
            "mx2.good.example": serve(certificates.valid("mx2.good.example")),
            "mx1.plain.example": serve(),
            "mx1.refusing.example": serve(certificates.valid("mx1.refusing.example"), auth_required=True),
            "smtp.submission.example": serve(ssl_context=certificates.valid("smtp.submission.example")),
        }
        hosts = [Host("mx1.good.example", ADDRESS, 1)]  # Nobody listens there.
        hosts += [Host(mx, ADDRESS, stack.enter_context(servers[mx]).port, mx.startswith("smtp.")) for mx in servers]
        ended = {}
        for domain in PROMISED:
            mail = Mail("John@sender.example", f"Jane@{domain}", content)
            for attempt, result in deliver(mail, [host for host in hosts if domain in host.mx], policy, contexts):
                print(f"{attempt.mx} (retry {attempt.retry_num}, last error {attempt.last_error}): {result.status}")
            ended[domain] = (attempt.retry_num, attempt.mx, result.session and result.session.level)
    print(f"Relaxed sessions: {', '.join(f'{number} {level}' for level, number in RELAXED.items())}")
    print("Every message ended as it should." if ended == PROMISED else f"NOT every message did: {ended}")
    return 0 if ended == PROMISED else 1


if __name__ == "__main__":
    sys.exit(main())
