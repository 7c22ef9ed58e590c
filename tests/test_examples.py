"""The examples do what they promise."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter, deque
from email.message import EmailMessage
from pathlib import Path
from typing import TYPE_CHECKING

from aiosmtplib_sender import MAX_ATTEMPTS, TASKS, Job, send_all
from loopback import ADDRESS
from retry_ladder import Host, Result
from smtplib_sender import Mail

from tlspolicy import DeliveryContext, TlsPolicy

if TYPE_CHECKING:
    from tlspolicy import SSLContexts

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str) -> list[str]:
    ran = subprocess.run([sys.executable, "-W", "error", EXAMPLES / name], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    return ran.stdout.splitlines()


def test_retry_ladder() -> None:
    lines = [line.split() for line in run("retry_ladder.py")]
    delivered = {line[0]: (line[1], line[line.index("delivered") + 1]) for line in lines if "delivered" in line}
    assert delivered == {
        "good.example": ("0", "verified"),
        "self-signed.example": ("1", "unverified"),
        "expired.example": ("1", "unverified"),
        "wrong-name.example": ("1", "unverified"),
        "no-starttls.example": ("2", "clear"),
        "tls-1-0.example": ("2", "clear"),
    }


def test_smtplib_sender() -> None:
    lines = run("smtplib_sender.py")
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    assert [(record["tls_mx"], record["tls_level"], record["tls_certificate"]) for record in logged] == [
        ("mx1.broken.example", "unverified TLS", "certificate-host-mismatch"),
        ("mx1.plain.example", "clear text", None),
    ]
    tried = [line.partition(")")[0] for line in lines if "(retry" in line]
    assert tried == [
        "mx1.good.example (retry 0, last error none",
        "mx2.good.example (retry 0, last error none",
        "mx1.broken.example (retry 0, last error none",
        "mx2.broken.example (retry 0, last error none",
        "mx1.broken.example (retry 1, last error tls",
        "mx1.plain.example (retry 0, last error none",
        "mx1.plain.example (retry 1, last error tls",
        "mx1.plain.example (retry 2, last error tls",
        "mx1.refusing.example (retry 0, last error none",
        "smtp.submission.example (retry 0, last error none",
    ]
    assert sum(line.endswith(": sent") for line in lines) == 4
    assert lines[-2:] == ["Relaxed sessions: 1 unverified TLS, 1 clear text", "Every message ended as it should."]


def test_aiosmtplib_sender() -> None:
    lines = run("aiosmtplib_sender.py")
    ended = Counter(re.sub(r"^Jane\d@|: .*(?=\(retry)", "", line) for line in lines if line.startswith("Jane"))
    assert ended == {
        "good.example(retry 0, over verified TLS)": 5,
        "expired.example(retry 1, over unverified TLS)": 5,
        "plain.example(retry 2, over clear text)": 5,
        "refusing.example(retry 0, over None)": 5,
    }
    assert sum(line.startswith("WARNING: ") for line in lines) == 10


def test_aiosmtplib_sender_does_so_many_at_once_and_gives_up(contexts: SSLContexts) -> None:
    now = most = 0
    ended: list[tuple[int, str]] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await asyncio.sleep(0.02)
        now -= 1
        writer.write(b"421 busy\r\n")
        await reader.read()
        writer.close()

    def note(job: Job, result: Result) -> None:
        ended.append((job.attempt.retry_num, result.last_error))

    async def send_some() -> None:
        async with await asyncio.start_server(refuse, ADDRESS, 0) as server:
            host = Host("mx.example", ADDRESS, server.sockets[0].getsockname()[1])
            mail = Mail("john@sender.example", "jane@mx.example", EmailMessage())
            jobs = deque([Job(mail, host, DeliveryContext(mx=host.mx))] * 3 * TASKS)
            await send_all(jobs, TlsPolicy(), contexts, note)

    asyncio.run(send_some())
    assert (most, ended) == (TASKS, [(MAX_ATTEMPTS - 1, "connection")] * 3 * TASKS)


def test_my_policy() -> None:
    command = [sys.executable, "-m", "pytest", "examples/test_my_policy.py", "-p", "tlspolicy.pytest_plugin"]
    options = ["-p", "no:cacheprovider", "--rule-coverage-fail"]
    ran = subprocess.run([*command, *options], cwd=EXAMPLES.parent, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    assert "bank.toml: 6 of 6 rules fired" in ran.stdout
    assert "3 passed" in ran.stdout


def test_django_backend() -> None:
    lines = run("django_backend.py")
    assert [line for line in lines if not line.startswith("WARNING: ")] == [
        *["good: sent over TLSv1.3"] * 3,
        *["implicit TLS: sent over TLSv1.3"] * 3,
        "expired: failed: localhost: invalid certificate: certificate has expired (tls)",
        "expired: sent over TLSv1.3",
        "expired: failed: localhost: invalid certificate: certificate has expired (tls)",
        *["no STARTTLS: failed: localhost: STARTTLS is not offered (tls)"] * 2,
        "no STARTTLS: sent over clear text",
        *["no STARTTLS, with a password: failed: localhost: STARTTLS is not offered (tls)"] * 2,
        "no STARTTLS, with a password: failed: localhost: no credentials are sent over clear text",
        "Every mail ended as it should.",
    ]
    assert sum(line.startswith("WARNING: ") for line in lines) == 3
