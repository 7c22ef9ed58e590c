"""The command as a process: terminals, pipes, signals, and streams that fail."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from subprocess import run as run_process

import pytest

COMMAND = [sys.executable, "-m", "tlspolicy"]
ROOT = str(Path(__file__).parents[2])
LONG = "rcpt_domain == 'a-rather-long-name.of-a-domain.example' || rcpt_domain == 'another.example' || retry_nun > 1"


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes run this checkout; and `long.toml` is a policy with a mistake far to the right."""
    monkeypatch.setenv("PYTHONPATH", ROOT)
    rules = f'[ {{ if = "{LONG}", then = "optional" }}, {{ else = "require" }} ]'
    (folder / "long.toml").write_text(f"[queue.outbound.tls]\nstarttls = {rules}\n", encoding="utf-8")


def shell(script: str) -> tuple[int, str, str]:
    """What `script` gives, in which `tlspolicy` is the command."""
    function = 'tlspolicy() { "$PYTHON" -m tlspolicy "$@"; }\n'
    ran = run_process(
        ["bash", "-c", function + script],  # noqa: S607
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHON": sys.executable},
        encoding="utf-8",
    )
    return ran.returncode, ran.stdout, ran.stderr


def on_terminal(*words: str, stdin: int = DEVNULL, out: bool = True) -> tuple[int, str]:
    """The status, and what stands on a terminal of 80 columns: standard output, or, if not that, standard error."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with Popen([*COMMAND, *words], stdin=stdin, stdout=theirs if out else DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # So a terminal ends on Linux.
            pass
        os.close(ours)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def test_a_terminal_has_colours_and_carets_that_point() -> None:
    status, shown = on_terminal("check", "long.toml")
    assert status == 2
    assert "\x1b[1;31m" in shown
    plain = shown.replace("\x1b[1;31m", "").replace("\x1b[0m", "").splitlines()
    below = next(number for number, line in enumerate(plain) if set(line) == {" ", "^"})
    line, carets = plain[below - 1 : below + 1]
    assert max(map(len, plain)) <= 80
    assert line[carets.index("^") : carets.rindex("^") + 1] == "retry_nun"


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [("NO_COLOR", "1", []), ("TERM", "dumb", []), ("TERM", "xterm", ["--color", "never"])],
    ids=["NO_COLOR", "dumb", "never"],
)
def test_a_terminal_without_colours(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: list[str]) -> None:
    monkeypatch.setenv(name, value)
    status, shown = on_terminal(*words, "eval", "policy.toml")
    assert (status, shown.partition("\n")[0]) == (0, "starttls = require")


def test_a_pipe_has_no_colours() -> None:
    assert shell("tlspolicy eval policy.toml | head -1") == (0, "starttls = require\n", "")


def test_results_that_nobody_reads_end_it_quietly() -> None:
    script = "yes '{}' | tlspolicy eval policy.toml - | head -1 | cut -c 1-8; echo ${PIPESTATUS[1]}"
    assert shell(script) == (0, "starttls\n141\n", "")


@pytest.mark.parametrize("words", [["--help"], ["explain", "policy.toml"], ["eval", "policy.toml", "--json"]])
def test_what_is_shown_to_nobody_ends_it_quietly(words: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    ran = run_process([*COMMAND, *words], stdout=writing, stderr=PIPE, check=False)
    os.close(writing)
    assert (ran.returncode, ran.stderr) == (141, b"")


FAILING = [
    ("tlspolicy eval policy.toml >/dev/full", "standard output: No space left on device"),
    ("yes '{}' | head -9999 | tlspolicy eval policy.toml - >/dev/full", "standard output: No space left on device"),
    ("tlspolicy --help >/dev/full", "standard output: No space left on device"),
    ("tlspolicy eval policy.toml >&-", "standard output is closed"),
    ("tlspolicy eval policy.toml - <&-", "standard input is closed"),
]


@pytest.mark.parametrize(("script", "message"), FAILING, ids=[script for script, _ in FAILING])
def test_a_stream_that_fails_is_a_line(script: str, message: str) -> None:
    assert shell(script) == (2, "", f"tlspolicy: {message}\n")


@pytest.mark.parametrize("closed", ["2>&-", "2>/dev/full"])
def test_nobody_may_be_told(closed: str) -> None:
    assert shell(f"tlspolicy eval missing.toml {closed}") == (2, "", "")


def test_a_name_that_is_no_utf_8() -> None:
    assert shell("tlspolicy eval $'\\xff\\x1b.toml'") == (2, "", "tlspolicy: ��.toml: No such file or directory\n")


def test_a_locale_without_the_letters() -> None:
    script = "PYTHONIOENCODING=ascii PYTHONUTF8=0 tlspolicy eval größe.toml"
    assert shell(script) == (2, "", "tlspolicy: gr\\xf6\\xdfe.toml: No such file or directory\n")


def test_the_extra_may_be_missing() -> None:
    program = "import sys; sys.modules['rich'] = None; from tlspolicy.__main__ import main; sys.exit(main())"
    ran = run_process([sys.executable, "-c", program], capture_output=True, encoding="utf-8", check=False)
    message = "the command line needs rich, which is not installed: pip install 'tlspolicy[cli]'"
    assert (ran.returncode, ran.stdout, ran.stderr) == (2, "", f"tlspolicy: {message}\n")


def test_a_program_asks_waits_and_interrupts() -> None:
    with Popen([*COMMAND, "eval", "policy.toml", "-", "--json"], stdin=PIPE, stdout=PIPE, stderr=PIPE) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        for asked, answer in [(b'{"retry_num": 2, "last_error": "tls"}', b"disable"), (b"{}", b"require")]:
            process.stdin.write(asked + b"\n")
            process.stdin.flush()
            assert process.stdout.readline().startswith(b'{"starttls": "' + answer)
        while process.poll() is None:
            process.send_signal(signal.SIGINT)
            with suppress(TimeoutExpired):  # One that comes just before it waits for input is seen only after that.
                process.wait(10)
        assert (process.returncode, process.stdout.read(), process.stderr.read()) == (130, b"", b"")


MEASURED = """
import re, sys
from tlspolicy.__main__ import main
status = main()
print(re.search(r"VmHWM:\\s*(\\d+) kB", open("/proc/self/status").read())[1], file=sys.stderr)
sys.exit(status)
"""


def peak_memory(lines: int) -> int:
    """The most memory that a process has while it answers so many attempts, in KiB."""
    line = b'{"retry_num": 2, "last_error": "tls", "mx": "mx1.example.org", "rcpt": "jane@example.org"}\n'
    command = [sys.executable, "-c", MEASURED, "eval", "policy.toml", "-"]
    with Popen(command, stdin=PIPE, stdout=DEVNULL, stderr=PIPE) as process:
        assert process.stdin
        assert process.stderr
        for _ in range(lines // 1000):
            process.stdin.write(line * 1000)
        process.stdin.close()
        measured = process.stderr.read()
    assert process.returncode == 0
    return int(measured)


def test_memory_is_constant() -> None:
    assert peak_memory(200_000) - peak_memory(2_000) < 4_096


def test_progress_is_shown_on_a_terminal(folder: Path) -> None:
    (folder / "attempts.jsonl").write_text("{}\n[]\n", encoding="utf-8")
    with (folder / "attempts.jsonl").open() as attempts:
        status, shown = on_terminal("eval", "policy.toml", "-", stdin=attempts.fileno(), out=False)
    assert status == 2
    assert "6/6 bytes" in shown
    assert "tlspolicy: line 2: an attempt is an object of JSON" in shown


@pytest.mark.parametrize("out", [True, False], ids=["results on it", "dumb"])
def test_progress_is_not_shown_elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch, out: bool) -> None:  # noqa: FBT001
    if not out:
        monkeypatch.setenv("TERM", "dumb")
    (folder / "attempts.jsonl").write_text("{}\n", encoding="utf-8")
    with (folder / "attempts.jsonl").open() as attempts:
        _, shown = on_terminal("eval", "policy.toml", "-", stdin=attempts.fileno(), out=out)
    assert "bytes" not in shown
