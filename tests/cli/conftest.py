from __future__ import annotations

import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from command_line import Ran

from tlspolicy.__main__ import main

if TYPE_CHECKING:
    from command_line import Run

POLICY = Path(__file__).parents[2] / "examples" / "policy.toml"
CHANGED = """
[queue.outbound.tls]
allow-invalid-certs = [ { if = "retry_num > 0 && last_error == 'tls'", then = true},
{ else = false } ]
starttls = [ { if = "retry_num > 3 && last_error == 'tls'", then = "disable"},
{ else = "require" } ]
"""
BROKEN = """
[queue.outbound.tls]
allow-invalid-certs = [ { if = "retry_nun > 0", then = true}, { else = false } ]
starttls = "optionl"
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a policy, a changed one, and one that is none; colours are as in a plain terminal."""
    (tmp_path / "policy.toml").write_bytes(POLICY.read_bytes())
    (tmp_path / "changed.toml").write_text(CHANGED, encoding="utf-8")
    (tmp_path / "broken.toml").write_text(BROKEN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command line in this process."""

    def ran(*words: str, stdin: bytes = b"") -> Ran:
        monkeypatch.setattr(sys, "argv", ["tlspolicy", *words])
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(stdin)))
        return Ran(main(), *capsys.readouterr())

    return ran
