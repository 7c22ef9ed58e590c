"""The example of a backend for Django's mail: what it promises beyond what the program shows."""

from __future__ import annotations

import smtplib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django_backend
import pytest
from aiosmtpd.smtp import AuthResult
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.mail import EmailMessage, get_connection
from django.test.utils import override_settings
from django_backend import EmailBackend, Failures
from lab import Laboratory
from loopback import ADDRESS, Certificates, Server, serve

from tlspolicy import DeliveryContext, PolicyEvaluationError, PolicySyntaxError, TlsSessionError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterator

if not settings.configured:
    settings.configure(EMAIL_BACKEND="django_backend.EmailBackend", EMAIL_HOST=ADDRESS, EMAIL_TIMEOUT=20)

LADDER = (Path(__file__).parents[1] / "examples" / "policy.toml").read_text(encoding="utf-8")
CLEAR_TEXT = "[queue.outbound.tls]\nstarttls = 'disable'"
UNVERIFIED = "[queue.outbound.tls]\nallow-invalid-certs = true"
STRICT = "[queue.outbound.tls]"
LOGIN = {"EMAIL_HOST_USER": "john", "EMAIL_HOST_PASSWORD": "secret"}


class Logins(list[Any]):
    """Every attempt at a login that a server has seen."""

    success = True

    def __call__(self, *seen: Any) -> AuthResult:
        self.append(seen[-1])
        return AuthResult(success=self.success, handled=False)


@pytest.fixture(autouse=True)
def _nothing_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(django_backend, "FAILURES", Failures())


@pytest.fixture
def authority(certificates: Certificates, tmp_path: Path) -> Path:
    file = tmp_path / "authority.pem"
    file.write_text(certificates.authority, encoding="ascii")
    return file


@pytest.fixture
def configure(authority: Path) -> Any:
    """Django's settings, with a policy."""

    def configured(policy: str, port: int, **others: Any) -> Any:
        file = authority.with_name("policy.toml")
        file.write_text(policy, encoding="utf-8")
        return override_settings(**{"TLSPOLICY": file, "TLSPOLICY_CAFILE": authority, "EMAIL_PORT": port, **others})

    return configured


def mail() -> EmailMessage:
    return EmailMessage("Hello", "Hello", "john@sender.example", ["jane@rcpt.example"])


def last_error(port: int) -> tuple[int, str]:
    attempt = django_backend.FAILURES.next_attempt(ADDRESS, port)
    return attempt.retry_num, attempt.last_error


@contextmanager
def expired(certificates: Certificates, **options: Any) -> Iterator[Server]:
    with serve(certificates.expired(ADDRESS), **options) as server:
        yield server


# --- fail_silently


def test_a_failure_to_connect_is_raised_or_silent(configure: Any, certificates: Certificates) -> None:
    with expired(certificates) as server, configure(STRICT, server.port):
        with pytest.raises(TlsSessionError, match="certificate has expired"):
            mail().send()
        with pytest.raises(TlsSessionError):
            get_connection().open()
        silent = get_connection(fail_silently=True)
        assert silent.open() is None
        assert silent.send_messages([mail(), mail()]) == 0
        assert mail().send(fail_silently=True) == 0
        assert last_error(server.port) == (5, "tls")
    assert server.received == []


def test_a_refusal_is_raised_or_silent(configure: Any, certificates: Certificates) -> None:
    with serve(certificates.valid(ADDRESS), auth_required=True) as server, configure(STRICT, server.port):
        with pytest.raises(smtplib.SMTPSenderRefused):
            mail().send()
        with get_connection(fail_silently=True) as connection:
            assert connection.send_messages([mail(), mail()]) == 0


def test_nobody_listens(configure: Any) -> None:
    with configure(LADDER, 1):
        with pytest.raises(ConnectionRefusedError):
            mail().send()
        assert mail().send(fail_silently=True) == 0
    assert last_error(1) == (2, "connection")


@pytest.mark.parametrize("fail_silently", [False, True])
@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("[queue.outbound.tls]\nstarttls = 'sometimes'", PolicySyntaxError),
        (
            "[queue.outbound.tls]\nstarttls = [ { if = \"count(split_n(mx, '', -1)) > 3\", then = 'disable' }, { else = 'require' } ]",
            PolicyEvaluationError,
        ),
    ],
)
def test_what_is_wrong_with_the_settings_is_never_silent(
    configure: Any, policy: str, expected: type[Exception], *, fail_silently: bool
) -> None:
    with configure(policy, 1), pytest.raises(expected):
        mail().send(fail_silently=fail_silently)


def test_there_is_no_second_opinion_on_starttls(configure: Any) -> None:
    with configure(STRICT, 1, EMAIL_USE_TLS=True), pytest.raises(ImproperlyConfigured, match="EMAIL_USE_TLS"):
        mail().send(fail_silently=True)


# --- Credentials


@pytest.mark.parametrize(
    ("policy", "offers_tls", "others"),
    [
        (CLEAR_TEXT, True, {}),
        (CLEAR_TEXT, False, {"TLSPOLICY_LOGIN_UNVERIFIED": True}),
        ("[queue.outbound.tls]\nstarttls = 'optional'", False, {}),
        (UNVERIFIED, True, {}),
        (STRICT, True, {}),
    ],
)
@pytest.mark.parametrize("fail_silently", [False, True])
def test_credentials_are_kept_back(
    configure: Any, certificates: Certificates, policy: str, others: Any, *, offers_tls: bool, fail_silently: bool
) -> None:
    logins = Logins()
    tls: ssl.SSLContext | None = certificates.expired(ADDRESS) if offers_tls else None
    with serve(tls, authenticator=logins, auth_require_tls=False) as server:
        with configure(policy, server.port, **LOGIN, **others):
            for _ in range(4):
                if fail_silently:
                    assert mail().send(fail_silently=True) == 0
                else:
                    with pytest.raises(OSError, match=r"no credentials are sent over|certificate has expired"):
                        mail().send()
    assert (logins, server.received) == ([], [])


@pytest.mark.parametrize("implicit_tls", [False, True])
def test_credentials_are_sent_to_a_verified_host(
    configure: Any, certificates: Certificates, *, implicit_tls: bool
) -> None:
    logins = Logins()
    tls = {"ssl_context" if implicit_tls else "tls": certificates.valid(ADDRESS)}
    with serve(**tls, authenticator=logins, auth_require_tls=False) as server:
        with configure(STRICT, server.port, EMAIL_USE_SSL=implicit_tls, **LOGIN):
            assert mail().send() == 1
    assert (len(logins), server.received) == (1, ["TLSv1.3"])


def test_credentials_are_sent_unverified_if_the_settings_say_so(configure: Any, certificates: Certificates) -> None:
    logins = Logins()
    with expired(certificates, authenticator=logins) as server:
        with configure(UNVERIFIED, server.port, TLSPOLICY_LOGIN_UNVERIFIED=True, **LOGIN):
            assert mail().send() == 1
    assert (len(logins), server.received) == (1, ["TLSv1.3"])


def test_a_refused_login_is_no_reason_to_relax(configure: Any, certificates: Certificates) -> None:
    logins = Logins()
    logins.success = False
    with serve(certificates.valid(ADDRESS), authenticator=logins) as server:
        with configure(LADDER, server.port, **LOGIN):
            with pytest.raises(smtplib.SMTPAuthenticationError):
                mail().send()
            assert mail().send(fail_silently=True) == 0
        assert last_error(server.port) == (2, "unexpected-reply")
    assert server.received == []


# --- One connection for many


def test_a_connection_is_used_until_it_is_closed(configure: Any, tmp_path: Path) -> None:
    laboratory = Laboratory(tmp_path)
    cafile = tmp_path / "laboratory.pem"
    cafile.write_text(laboratory.authority, encoding="ascii")
    with laboratory.host("ip-mx") as host:
        with configure(STRICT, host.port, TLSPOLICY_CAFILE=cafile), get_connection() as connection:
            assert isinstance(connection, EmailBackend)
            assert connection.open() is False
            assert connection.send_messages([mail(), mail()]) == 2
            assert connection.send_messages([mail()]) == 1
            connection.close()
            assert connection.connection is None
            assert connection.open() is True
            assert connection.send_messages([mail()]) == 1
    commands = [command.upper() for _, command in host.said]
    assert (commands.count(b"STARTTLS"), commands.count(b"QUIT")) == (2, 2)
    assert host.messages == ["TLSv1.3"] * 4


# --- What is remembered


def test_a_failure_of_tls_is_remembered_until_a_session_is_reached(configure: Any, certificates: Certificates) -> None:
    with expired(certificates) as server, expired(certificates) as other, configure(LADDER, server.port):
        assert mail().send(fail_silently=True) == 0
        assert last_error(server.port) == (1, "tls")
        assert last_error(other.port) == (0, "none")
        assert mail().send() == 1
        assert last_error(server.port) == (0, "none")
        with pytest.raises(TlsSessionError):
            mail().send()
        with pytest.raises(TlsSessionError):
            get_connection(port=other.port).send_messages([mail()])
    assert (server.received, other.received) == (["TLSv1.3"], [])


def test_a_host_without_tls_gets_mail_at_the_third_attempt(configure: Any) -> None:
    with serve() as server, configure(LADDER, server.port):
        assert [mail().send(fail_silently=True) for _ in range(3)] == [0, 0, 1]
    assert server.received == [None]


def test_only_so_many_failures_are_remembered() -> None:
    failures, attempt = Failures(hosts=2), DeliveryContext().retry(last_error="tls")
    for host in ("a.example", "b.example", "a.example", "c.example"):
        failures.remember(host, 25, attempt)
    known = {host: failures.next_attempt(host, 25).retry_num for host in ("a.example", "b.example", "c.example")}
    assert known == {"a.example": 1, "b.example": 0, "c.example": 1}


def test_and_only_for_so_long() -> None:
    failures = Failures(seconds=0)
    failures.remember("a.example", 25, DeliveryContext().retry(last_error="tls"))
    assert failures.next_attempt("a.example", 25) == DeliveryContext(mx="a.example")
