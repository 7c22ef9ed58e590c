"""Attempts, one a line on standard input, and an answer for each: as they come in, and in constant memory."""

from __future__ import annotations

import os
import stat
import sys
from itertools import count
from typing import TYPE_CHECKING, Final

from rich.progress import BarColumn, DownloadColumn, Progress, TimeElapsedColumn

from tlspolicy.cli.arguments import CommandError
from tlspolicy.cli.attempts import LONGEST_LINE, attempt_of_line
from tlspolicy.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedIOBase

    from rich.console import Console

    from tlspolicy.cli.terminal import Terminal
    from tlspolicy.context import DeliveryContext

_CHUNK: Final = 65_536


def each_line(answer: Callable[[DeliveryContext], str], terminal: Terminal) -> int:
    """Write the answer to each attempt on standard input.

    Answers are let go of before more input is waited for, so that a program can ask, and wait for the answer.

    Returns:
        0, or 2 where a line was no attempt, or a policy had no answer to it: that is said with the line's number.

    Raises:
        CommandError: standard input can't be read.
    """
    status = 0
    numbers = count(1)
    stream = standard_input()
    shown = _is_terminal(terminal.err) and not _is_terminal(terminal.out)
    with _progress(terminal.err, shown=shown) as progress:
        task = progress.add_task("", total=_size(stream))
        for lines in batches(stream):
            for line, number in zip(lines, numbers, strict=False):
                try:
                    if line.strip():
                        terminal.write(answer(attempt_of_line(line)))
                except (CommandError, PolicyError) as error:
                    terminal.complain(f"line {number}: {error}")
                    status = 2
            terminal.flush()
            progress.advance(task, sum(map(len, lines)) + len(lines))
    return status


def batches(stream: BufferedIOBase) -> Iterator[list[bytes]]:
    """The lines of `stream` without their ends: as many at a time as are there.

    Of a line longer than `LONGEST_LINE` one byte more than that is left, which tells that it is.
    """
    rest = b""
    while chunk := _read(stream):
        first, *others = chunk.split(b"\n")
        rest = (rest + first)[: LONGEST_LINE + 1]
        if others:
            *whole, last = rest, *others
            yield whole
            rest = last
    if rest:
        yield [rest]


def _read(stream: BufferedIOBase) -> bytes:
    try:
        return stream.read1(_CHUNK)
    except OSError as error:
        raise CommandError(f"standard input: {error.strerror or error}") from None


def standard_input() -> BufferedIOBase:
    """Standard input, as bytes; raises `CommandError` where it is closed."""
    if sys.stdin is None:
        raise CommandError("standard input is closed")
    return sys.stdin.buffer  # type: ignore[return-value]  # (a BinaryIO has no read1, and this is more)


def _is_terminal(console: Console) -> bool:
    """Whether somebody may look at it, whatever the environment says of colours."""
    return console.file.isatty() and not console.is_dumb_terminal


def _progress(console: Console, *, shown: bool) -> Progress:
    """A bar of the bytes that were read, which is gone at the end."""
    return Progress(
        BarColumn(), DownloadColumn(), TimeElapsedColumn(), console=console, transient=True, disable=not shown
    )


def _size(stream: BufferedIOBase) -> int | None:
    """The bytes of a file, `None` for a pipe."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:  # It is no file of the system's.
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
