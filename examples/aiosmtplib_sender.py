"""Many messages at once, by a few tasks that share one policy, with aiosmtplib.

    python examples/aiosmtplib_sender.py

Starts SMTP servers on this machine and sends five messages to each, as `policy.toml` says. Exits with 0 when every
message ended as it should.

To use tlspolicy in a program of yours, copy `send` and `work`.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections import Counter, deque
from contextlib import ExitStack, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import aiosmtplib
from loopback import ADDRESS, Certificates, serve
from retry_ladder import Host, Result
from smtplib_sender import Mail

from tlspolicy import DeliveryContext, LastError, Level, Phase, SSLContexts, TlsPolicy, classify, secure_async

if TYPE_CHECKING:
    from collections.abc import Callable

TASKS = 4
MAX_ATTEMPTS = 4
TIMEOUT = 60


class Job(NamedTuple):
    """A message, where it is to go, and the attempt that is next."""

    mail: Mail
    host: Host
    attempt: DeliveryContext


async def send(job: Job, policy: TlsPolicy, contexts: SSLContexts) -> Result:
    """Try once to send a message."""
    mail, host, attempt = job
    decision = await policy.evaluate_async(attempt)
    phase = Phase.CONNECT
    client = aiosmtplib.SMTP(  # With `start_tls` left out, it would upgrade by itself.
        hostname=host.address, port=host.port, local_hostname="sender.example", start_tls=False, timeout=TIMEOUT
    )
    try:
        await client.connect()
        session = await secure_async(client, decision, contexts, mx=host.mx)
        phase = Phase.TRANSFER
        await client.send_message(mail.content, sender=mail.sender, recipients=[mail.rcpt])
        with suppress(OSError, aiosmtplib.SMTPException):  # The message is sent, however the host takes its leave.
            await client.execute_command(b"QUIT")
    except (OSError, ValueError, aiosmtplib.SMTPException) as error:  # TlsSessionError is an OSError.
        failure = classify(error, phase)
        return Result(None, failure.last_error, str(error)[:200], failure.permanent)
    finally:
        hang_up(client)
    return Result(session, LastError.NONE, "sent")


def hang_up(client: aiosmtplib.SMTP) -> None:
    """Close the connection now: `close` alone would, under TLS, wait in the background for the host to do so."""
    if client.transport:
        cast("asyncio.Transport", client.transport).abort()
    client.close()


async def work(
    jobs: deque[Job], policy: TlsPolicy, contexts: SSLContexts, ended: Callable[[Job, Result], object]
) -> None:
    """Do one job after the other. What failed goes to the end of the queue; a real one would let it wait there."""
    while jobs:
        job = jobs.popleft()
        result = await send(job, policy, contexts)
        if result.session or result.permanent or job.attempt.retry_num + 1 == MAX_ATTEMPTS:
            ended(job, result)
        else:
            attempt = job.attempt.retry(last_error=result.last_error, last_status=result.status)
            jobs.append(job._replace(attempt=attempt))


async def send_all(
    jobs: deque[Job], policy: TlsPolicy, contexts: SSLContexts, ended: Callable[[Job, Result], object]
) -> None:
    """Do all jobs, so many at once as there are tasks."""
    async with asyncio.TaskGroup() as tasks:
        for _ in range(TASKS):
            tasks.create_task(work(jobs, policy, contexts, ended))


MESSAGES = 5
# How all messages for a host end: after how many retries, and over what.
PROMISED = {
    "good.example": (0, Level.VERIFIED),
    "expired.example": (1, Level.UNVERIFIED),
    "plain.example": (2, Level.CLEAR_TEXT),
    "refusing.example": (0, None),
}


def main() -> int:
    """Send to every host and print how it ended."""
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s: %(message)s")
    policy = TlsPolicy.load(Path(__file__).with_name("policy.toml"))
    certificates, ended = Certificates(), Counter[tuple[str, int, str | None]]()
    contexts = SSLContexts(cadata=certificates.authority)

    def note(job: Job, result: Result) -> None:
        over = result.session.level if result.session else None
        print(f"{job.mail.rcpt}: {result.status} (retry {job.attempt.retry_num}, over {over})")
        ended[job.host.mx, job.attempt.retry_num, over] += 1

    content = EmailMessage()
    content["Subject"] = "Hello"
    content.set_content("It is only a test.")
    with ExitStack() as stack:
        servers = {
            "good.example": serve(certificates.valid("good.example")),
            "expired.example": serve(certificates.expired("expired.example")),
            "plain.example": serve(),
            "refusing.example": serve(certificates.valid("refusing.example"), auth_required=True),
        }
        hosts = [Host(mx, ADDRESS, stack.enter_context(server).port) for mx, server in servers.items()]
        jobs = deque[Job]()
        for number in range(MESSAGES):
            for host in hosts:
                mail = Mail("John@sender.example", f"Jane{number}@{host.mx}", content)
                jobs.append(Job(mail, host, DeliveryContext(sender=mail.sender, rcpt=mail.rcpt, mx=host.mx)))
        asyncio.run(send_all(jobs, policy, contexts, note))
    kept = ended == {(mx, *promised): MESSAGES for mx, promised in PROMISED.items()}
    print("Every message ended as it should." if kept else "NOT every message ended as it should.")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
