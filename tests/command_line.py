"""What a test has of a command line that it runs."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import NamedTuple, Protocol


class Ran(NamedTuple):
    status: int
    out: str
    err: str


class Run(Protocol):
    """Runs a command line in this process."""

    def __call__(self, *words: str, stdin: bytes = b"") -> Ran: ...


def run_line(run: Run, line: str) -> Ran:
    """What `tlspolicy …`, `echo … | tlspolicy …` or `tlspolicy … < FILE` gives."""
    given, _, command = line.rpartition(" | ")
    command, _, file = command.partition(" < ")
    program, *words = shlex.split(command)
    assert program == "tlspolicy"
    stdin = f"{shlex.split(given)[1]}\n".encode() if given else Path(file).read_bytes() if file else b""
    return run(*words, stdin=stdin)
