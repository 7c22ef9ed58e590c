"""The policy of Stalwart's manual decides real deliveries to servers whose TLS is good, bad or missing.

    python examples/retry_ladder.py

Starts six SMTP servers on this machine and delivers one message to each with smtplib, attempt after attempt, as
`policy.toml` says. Exits with 0 when every host ended as the manual promises.

To use tlspolicy in a program of yours, copy `attempt` and `deliver`.
"""

from __future__ import annotations

import logging
import smtplib
import sys
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from loopback import ADDRESS, Certificates, serve

from tlspolicy import (
    DeliveryContext,
    LastError,
    Level,
    Phase,
    Requirement,
    Session,
    SSLContexts,
    TlsDecision,
    TlsPolicy,
    TlsSessionError,
    classify,
    secure,
)

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

MAX_ATTEMPTS = 4


class Host(NamedTuple):
    """A mail host: the name in the MX record, and where it really is."""

    mx: str
    address: str
    port: int


class Message(NamedTuple):
    """A message for one recipient, with its envelope."""

    sender: str
    rcpt: str
    text: str


class Result(NamedTuple):
    """How an attempt ended: over a session, or with an error."""

    session: Session | None
    last_error: str
    status: str
    permanent: bool = False


def attempt(host: Host, message: Message, decision: TlsDecision, contexts: SSLContexts) -> Result:
    """Try once to deliver the message."""
    phase = Phase.CONNECT
    try:
        with closing(smtplib.SMTP(host.address, host.port, local_hostname="sender.example", timeout=30)) as client:
            session = secure(client, decision, contexts, mx=host.mx)
            phase = Phase.TRANSFER
            client.sendmail(message.sender, message.rcpt, message.text)
            with suppress(OSError):  # The message is delivered, however the host takes its leave.
                client.quit()
    except TlsSessionError as error:
        return Result(None, error.last_error, error.message, error.permanent)
    except (OSError, ValueError) as error:  # Every exception of smtplib's is an OSError.
        failure = classify(error, phase)
        return Result(None, failure.last_error, str(error)[:200], failure.permanent)
    return Result(session, LastError.NONE, "delivered")


def deliver(
    host: Host, message: Message, policy: TlsPolicy, contexts: SSLContexts
) -> Iterator[tuple[DeliveryContext, TlsDecision, Result]]:
    """Try until the message is delivered or given up. A real queue would wait between the attempts."""
    context = DeliveryContext(sender=message.sender, rcpt=message.rcpt, mx=host.mx)
    for _ in range(MAX_ATTEMPTS):
        decision = policy.evaluate(context)
        result = attempt(host, message, decision, contexts)
        yield context, decision, result
        if result.session or result.permanent:
            return
        context = context.retry(last_error=result.last_error, last_status=result.status)


STATUS_WIDTH = 44
ROW = f"{{:20}} {{:5}} {{:10}} {{:26}} {{:{STATUS_WIDTH}}} {{}}"

# What the manual promises: on which attempt a host gets the message, and over what.
PROMISED = {
    "good.example": (0, Level.VERIFIED),
    "self-signed.example": (1, Level.UNVERIFIED),
    "expired.example": (1, Level.UNVERIFIED),
    "wrong-name.example": (1, Level.UNVERIFIED),
    "no-starttls.example": (2, Level.CLEAR_TEXT),
    "tls-1-0.example": (2, Level.CLEAR_TEXT),
}


def main() -> int:
    """Deliver to every host and print what happened, and the library's warnings of each session that was relaxed."""
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s: %(message)s")
    policy = TlsPolicy.load(Path(__file__).with_name("policy.toml"))
    certificates = Certificates()
    contexts = SSLContexts(cadata=certificates.authority)
    print(ROW.format("host", "retry", "last_error", "decision", "what happened", "over what"))
    kept = True
    with ExitStack() as stack, TemporaryDirectory() as folder:
        servers: dict[str, ssl.SSLContext | None] = {
            "good.example": certificates.valid("good.example"),
            "self-signed.example": certificates.self_signed("self-signed.example", Path(folder)),
            "expired.example": certificates.expired("expired.example"),
            "wrong-name.example": certificates.valid("other.example"),
            "no-starttls.example": None,
        }
        try:
            servers["tls-1-0.example"] = certificates.tls_1_0("tls-1-0.example")
        except (OSError, ValueError) as error:
            print(f"tls-1-0.example is left out: this machine's OpenSSL can't serve TLS 1.0 ({error})")
        for mx, tls in servers.items():
            host = Host(mx, ADDRESS, stack.enter_context(serve(tls)).port)
            message = Message("John@sender.example", f"Jane@{mx}", "Subject: Hello\r\n\r\nIt is only a test.\r\n")
            for context, decision, result in deliver(host, message, policy, contexts):
                print_row(context, decision, result)
            kept &= (context.retry_num, result.session and result.session.level) == PROMISED[mx]
    print("Every host ended as promised." if kept else "NOT every host ended as promised.")
    return 0 if kept else 1


def print_row(context: DeliveryContext, decision: TlsDecision, result: Result) -> None:
    """Print one attempt."""
    certificate = "any" if decision.allow_invalid_certs else "valid"
    decided = (
        "no TLS" if decision.starttls is Requirement.DISABLE else f"{decision.starttls}, {certificate} certificate"
    )
    session = result.session
    over = " ".join(filter(None, (session.level, session.version, session.cipher))) if session else "-"
    status = result.status if len(result.status) <= STATUS_WIDTH else result.status[: STATUS_WIDTH - 1] + "…"
    print(ROW.format(context.mx, context.retry_num, context.last_error, decided, status, over))


if __name__ == "__main__":
    sys.exit(main())
