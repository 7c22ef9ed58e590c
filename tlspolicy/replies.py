"""Replies of an SMTP server, read line by line (RFC 5321, section 4.2). Each has a bound."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LONGEST_LINE: Final = 8_192
_LONGEST_REPLY: Final = 65_536
_REPLY_LINE: Final = re.compile(rb"([2-5][0-9][0-9])(?:([ -])(.*))?", re.DOTALL)


class Reply(NamedTuple):
    """A reply of the host: its code, and its lines without it."""

    code: int
    lines: tuple[str, ...]


class MalformedReplyError(ValueError):
    """What the host says is no reply of SMTP (RFC 5321, section 4.2), or an endless one."""


class ReplyReader:
    """Puts a reply together, line by line."""

    def __init__(self) -> None:
        self._code = b""
        self._lines: list[str] = []
        self._length = 0

    def room(self) -> int:
        """How many bytes the next line may have, with its end."""
        return min(_LONGEST_LINE, _LONGEST_REPLY - self._length)

    def add(self, line: bytes) -> Reply | None:
        """Take a line, with its end; give the reply where it is complete.

        Raises:
            MalformedReplyError: it is no line of this reply, or too long.
        """
        self._length += len(line)
        if len(line) > _LONGEST_LINE or self._length > _LONGEST_REPLY:
            raise MalformedReplyError("the host's reply is too long")
        match = _REPLY_LINE.fullmatch(line.rstrip(b"\r\n"))
        if not match or (self._code and match[1] != self._code):
            raise MalformedReplyError(f"the host said what is no reply: {line[:80].decode(errors='replace')}")
        self._code = match[1]
        self._lines.append((match[3] or b"").strip().decode(errors="replace"))
        return None if match[2] == b"-" else Reply(int(self._code), tuple(self._lines))
