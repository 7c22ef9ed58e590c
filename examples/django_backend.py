"""A backend for Django's mail that asks a policy how much TLS each connection must have.

    python examples/django_backend.py

Starts SMTP servers on this machine and sends mails to each by `django.core.mail.send_mail`, as `policy.toml` says.
Exits with 0 when every mail ended as it should.

To use it, copy `EmailBackend` and what it calls; it takes Django's settings `EMAIL_…` but `EMAIL_USE_TLS`, and these:

    EMAIL_BACKEND = "django_backend.EmailBackend"
    TLSPOLICY = "policy.toml"
    TLSPOLICY_CAFILE = None  # or a file of the certificates to trust instead of the machine's
    TLSPOLICY_LOGIN_UNVERIFIED = False  # whether to log in where the certificate was not verified

Of a policy's variables `mx`, `retry_num`, `last_error` and `last_status` alone are known: a connection takes any mail.
Nothing is tried again by itself: whoever sends after a failure makes the next attempt.
"""

from __future__ import annotations

import logging
import smtplib
import socket
import sys
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import Any

from aiosmtpd.smtp import AuthResult
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import get_connection, send_mail
from django.core.mail.backends import smtp
from django.core.mail.utils import DNS_NAME
from loopback import Certificates, serve

from tlspolicy import DeliveryContext, Level, Phase, Session, SSLContexts, TlsPolicy, classify, secure

load_policy = cache(TlsPolicy.load)
make_contexts = cache(SSLContexts)


class Failures:
    """The next attempt at each host whose last one failed: for so many hosts, and so many seconds. Thread-safe."""

    def __init__(self, hosts: int = 1000, seconds: float = 3600) -> None:
        self._hosts, self._seconds, self._lock = hosts, seconds, Lock()
        self._attempts: dict[tuple[str, int], tuple[float, DeliveryContext]] = {}

    def next_attempt(self, host: str, port: int) -> DeliveryContext:
        """Give the attempt to make now: the first, if nothing is known."""
        with self._lock:
            failed, attempt = self._attempts.get((host, port), (0.0, None))
        return attempt if attempt and time.monotonic() - failed < self._seconds else DeliveryContext(mx=host)

    def remember(self, host: str, port: int, attempt: DeliveryContext | None) -> None:
        """Keep the next attempt at a host; none where the last one has succeeded."""
        with self._lock:
            self._attempts.pop((host, port), None)
            if attempt:
                self._attempts[host, port] = (time.monotonic(), attempt)
            if len(self._attempts) > self._hosts:
                del self._attempts[next(iter(self._attempts))]  # the oldest


FAILURES = Failures()  # of this process: Django makes a backend for each call of send_mail


class EmailBackend(smtp.EmailBackend):  # type: ignore[misc]  # Django has no types.
    """Django's own, but for how it opens a connection."""

    def open(self) -> bool | None:
        """Open a connection where there is none; give whether that was needed, `None` if it failed silently."""
        if self.connection:
            return False
        if self.use_tls:
            raise ImproperlyConfigured("EMAIL_USE_TLS: leave it out, the policy decides")
        attempt = FAILURES.next_attempt(self.host, self.port)
        decision = load_policy(settings.TLSPOLICY).evaluate(attempt)
        contexts = make_contexts(settings.TLSPOLICY_CAFILE, certfile=self.ssl_certfile, keyfile=self.ssl_keyfile)
        limit = {} if self.timeout is None else {"timeout": self.timeout}
        phase = Phase.CONNECT
        try:
            with ExitStack() as stack:
                tcp = socket.create_connection((self.host, self.port), **limit) if self.use_ssl else None
                host = "" if tcp else self.host  # A client for implicit TLS is not connected.
                client = smtplib.SMTP(host, self.port, local_hostname=DNS_NAME.get_fqdn(), **limit)
                stack.callback(client.close)
                session = secure(client, decision, contexts, mx=self.host, implicit_tls=tcp)
                phase = Phase.TRANSFER
                self._login(client, session)
                stack.pop_all()
        except OSError as error:
            last_error = classify(error, phase).last_error
            FAILURES.remember(self.host, self.port, attempt.retry(last_error=last_error, last_status=str(error)[:200]))
            if self.fail_silently:
                return None
            raise
        FAILURES.remember(self.host, self.port, None)
        self.connection: smtplib.SMTP | None = client
        return True

    def _login(self, client: smtplib.SMTP, session: Session) -> None:
        """Log in, where there are credentials; never in clear text, and unverified only if the settings allow it."""
        unverified = session.level is Level.UNVERIFIED and getattr(settings, "TLSPOLICY_LOGIN_UNVERIFIED", False)
        if self.username and self.password:
            if not (session.verified or unverified):
                raise smtplib.SMTPException(f"{self.host}: no credentials are sent over {session.level}")
            client.login(self.username, self.password)


def main() -> int:
    """Send three mails to every server and print what happened, with the library's warnings in between."""
    logging.basicConfig(stream=sys.stdout, format="%(levelname)s: %(message)s")
    certificates, login = Certificates(), {"username": "john", "password": "secret"}
    valid, expired = certificates.valid("localhost"), certificates.expired("localhost")
    auth: dict[str, Any] = {"authenticator": lambda *_: AuthResult(success=True), "auth_require_tls": False}
    servers: list[tuple[str, Any, dict[str, Any], list[str]]] = [  # The last is what comes of the mails.
        ("good", serve(valid, **auth), login, ["TLSv1.3", "TLSv1.3", "TLSv1.3"]),
        ("implicit TLS", serve(ssl_context=valid, **auth), {**login, "use_ssl": True}, ["TLSv1.3"] * 3),
        ("expired", serve(expired), {}, ["failed", "TLSv1.3", "failed"]),
        ("no STARTTLS", serve(), {}, ["failed", "failed", "clear text"]),
        ("no STARTTLS, with a password", serve(**auth), login, ["failed", "failed", "failed"]),
    ]
    kept = True
    with ExitStack() as stack, TemporaryDirectory() as folder:
        policy, cafile = Path(__file__).with_name("policy.toml"), Path(folder, "authority.pem")
        cafile.write_text(certificates.authority, encoding="ascii")
        settings.configure(EMAIL_BACKEND="django_backend.EmailBackend", TLSPOLICY=policy, TLSPOLICY_CAFILE=cafile)
        for name, serving, options, promised in servers:
            server = stack.enter_context(serving)
            for outcome in promised:
                connection = get_connection(port=server.port, timeout=60, **options)  # or by the settings EMAIL_…
                try:
                    send_mail("Hello", "A test.", "john@sender.example", ["jane@rcpt.example"], connection=connection)
                    came = f"sent over {server.received[-1] or 'clear text'}"
                except OSError as error:
                    came = f"failed: {error}"
                print(f"{name}: {came}")
                kept &= outcome in came
    print("Every mail ended as it should." if kept else "NOT every mail ended as it should.")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
