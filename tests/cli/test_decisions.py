"""`tlspolicy eval` and `tlspolicy explain`: one attempt, or one a line."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from tlspolicy import DeliveryContext, TlsPolicy

if TYPE_CHECKING:
    from pathlib import Path

    from command_line import Run

RELAXED = ["retry_num=2", "last_error=tls"]
SECOND = {"starttls": 0, "allow_invalid_certs": 0, "dane": None, "mta_sts": None, "tls_timeout": None}
STRICT_LINE = (
    "starttls = require, allow_invalid_certs = false, dane = optional, mta_sts = optional, "
    "tls_timeout = 180 s, mta_sts_timeout = 600 s\n"
)
RELAXED_LINE = STRICT_LINE.replace("require", "disable").replace("false", "true")


def test_a_decision_in_words(run: Run) -> None:
    assert run("eval", "policy.toml", *RELAXED) == (
        0,
        "starttls = disable (rule 0)\n"
        "allow_invalid_certs = true (rule 0)\n"
        "dane = optional\n"
        "mta_sts = optional\n"
        "tls_timeout = 180 s\n"
        "mta_sts_timeout = 600 s\n",
        "",
    )


@pytest.mark.parametrize(("milliseconds", "shown"), [(1, "0.001 s"), (1500, "1.5 s"), (86_400_000, "86400 s")])
def test_a_time_out_has_a_unit(run: Run, folder: Path, milliseconds: int, shown: str) -> None:
    (folder / "policy.toml").write_text(f"queue.outbound.timeouts.tls = {milliseconds}", encoding="utf-8")
    assert f"\ntls_timeout = {shown}\n" in run("eval", "policy.toml").out


def test_a_decision_as_data(run: Run) -> None:
    ran = run("eval", "policy.toml", "--json", *RELAXED)
    assert json.loads(ran.out) == {
        "starttls": "disable",
        "allow_invalid_certs": True,
        "dane": "optional",
        "mta_sts": "optional",
        "tls_timeout": 180.0,
        "mta_sts_timeout": 600.0,
        "matched": {**SECOND, "mta_sts_timeout": None},
    }
    assert ran.out.count("\n") == 1


def test_an_explanation_in_words(run: Run, folder: Path) -> None:
    explanation = TlsPolicy.load(folder / "policy.toml").explain(DeliveryContext(retry_num=2, last_error="tls"))
    assert run("explain", "policy.toml", *RELAXED) == (0, f"{explanation}\n", "")


def test_an_explanation_is_coloured(run: Run) -> None:
    out = run("--color", "always", "explain", "policy.toml", *RELAXED).out
    assert "\x1b[1;33mstarttls\x1b[0m\x1b[33m = disable\x1b[0m\n" in out
    assert "\x1b[36m    [0].if\x1b[0m retry_num > 1 && last_error == 'tls'\x1b[32m → 1\x1b[0m\n" in out
    assert "\x1b[36m    [0].then\x1b[0m disable\x1b[1m (decides)\x1b[0m\n" in out


def test_an_explanation_as_data(run: Run, folder: Path) -> None:
    data = json.loads(run("explain", "policy.toml", "--json", *RELAXED).out)
    explanation = TlsPolicy.load(folder / "policy.toml").explain(DeliveryContext(retry_num=2, last_error="tls"))
    assert data["decision"] == json.loads(run("eval", "policy.toml", "--json", *RELAXED).out)
    assert data["settings"] == explanation.as_data()["settings"]


BAD_LINES = b'{"retry_num": 2, "last_error": "tls"}\n\n[1]\n \r\n{"retry_num": 1}\n{"a": 1}\n{}'


def test_an_attempt_a_line(run: Run) -> None:
    assert run("eval", "policy.toml", "-", stdin=BAD_LINES) == (
        2,
        f"{RELAXED_LINE}{STRICT_LINE}{STRICT_LINE}",
        'tlspolicy: line 3: an attempt is an object of JSON: {"retry_num": 1, …}\n'
        "tlspolicy: line 6: unknown variable 'a'\n",
    )


@pytest.mark.parametrize("command", ["eval", "explain"])
def test_an_attempt_a_line_as_data(run: Run, command: str) -> None:
    lines = b'{"retry_num": 2, "last_error": "tls"}\n{}\n'
    single = [run(command, "policy.toml", "--json", *words).out for words in (RELAXED, [])]
    assert run(command, "policy.toml", "-", "--json", stdin=lines) == (0, "".join(single), "")


def test_explanations_are_kept_apart(run: Run) -> None:
    single = run("explain", "policy.toml").out
    assert run("explain", "policy.toml", "-", stdin=b"{}\n{}\n") == (0, f"{single}\n{single}\n", "")


def test_no_attempt_is_no_mistake(run: Run) -> None:
    assert run("eval", "policy.toml", "-") == (0, "", "")


def test_an_attempt_without_an_answer(run: Run, folder: Path) -> None:
    (folder / "policy.toml").write_text("queue.outbound.tls.starttls = 'f()'", encoding="utf-8")
    ran = run("eval", "policy.toml", "-", "--function", "f=maybe", stdin=b"{}\n")
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("tlspolicy: line 1: ")
    assert run("eval", "policy.toml", "--function", "f=maybe").err == ran.err.replace("line 1: ", "", 1)


class Unreadable(BytesIO):
    def read1(self, size: int | None = -1, /) -> bytes:
        raise OSError(5, "Input/output error", size)


def test_standard_input_that_can_not_be_read(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{run.__module__}.BytesIO", Unreadable)
    assert run("eval", "policy.toml", "-") == (2, "", "tlspolicy: standard input: Input/output error\n")
