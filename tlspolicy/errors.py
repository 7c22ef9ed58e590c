"""Every exception of the library, and how one points at its place.

An error about text keeps the text (`source`) and the half-open range of characters it is about (`start`, `end`);
`place` says where that text came from. `str(error)` puts it together::

    policy.toml:3: queue.outbound.tls.starttls[0].if: line 1, column 1: unknown name 'retry_nun'; did you mean …
        retry_nun > 1 && last_error == 'tls'
        ^^^^^^^^^
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

_EXCERPT_WIDTH = 74  # Indented, and with an ellipsis at both ends, it fits into 80 columns.
_INDENT = "    "
_LONGEST_MESSAGE = 500
_LONGEST_NAME = 60
_MOST_SHOWN = 20
_MOST_KEPT = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text came from.

    Args:
        file: the file's name, `''` when there is none.
        key: the path of the key, such as `queue.outbound.tls.starttls[0].if`.
        line: the line of `file` on which the text begins, counted from 1; `None` when it is not known.
        column: the column of that line at which the text begins, in characters, counted from 1; `None` when it is not
            known. A text in quotes begins after these.
    """

    file: str = ""
    key: str = ""
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        """`policy.toml:3: queue.outbound.tls.starttls[0].if`, as much of it as is known."""
        file = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(shortened(printable(part), _LONGEST_MESSAGE) for part in (file, self.key) if part)


class PolicyError(Exception):
    """What is wrong with a policy, a rule or a delivery context; the base of all of the library's own errors.

    Attributes:
        message: what is wrong and how to mend it, one sentence, no place.
        source: the text that the error is about, `''` when there is none.
        start: index of the first character of `source` that the error is about.
        end: index after the last one.
        place: where `source` came from.
        others: what else is wrong with the same policy, each an error of its own.
    """

    def __init__(
        self,
        message: str,
        source: str = "",
        start: int = 0,
        end: int = 0,
        place: Place = Place(),
        others: tuple[PolicyError, ...] = (),
    ) -> None:
        super().__init__(message, source, start, end, place, others)
        self.message = message
        self.others = others
        self.source = source
        self.start = start
        self.end = end
        self.place = place

    def with_others(self, others: tuple[PolicyError, ...]) -> Self:
        """The same error with other `others`."""
        return type(self)(self.message, self.source, self.start, self.end, self.place, others)

    def with_place(self, place: Place) -> Self:
        """The same error of a text that came from `place`."""
        return type(self)(self.message, self.source, self.start, self.end, place, self.others)

    @property
    def line(self) -> int:
        """The line within `source`, counted from 1."""
        return line_of(self.source, self.start)

    @property
    def column(self) -> int:
        """The column within that line, in characters, counted from 1."""
        return column_of(self.source, self.start)

    def __str__(self) -> str:
        """The place, the message, and the line with carets under what the error is about; the others after it."""
        shown = [self._alone(), *map(str, self.others[:_MOST_SHOWN])]
        more = len(self.others) - _MOST_SHOWN
        return "\n".join([*shown, f"and {more} more"] if more > 0 else shown)

    def _alone(self) -> str:
        place = str(self.place)
        if not self.source:
            return f"{place}: {self.message}" if place else self.message
        at = f"line {self.line}, column {self.column}"
        head = f"{place}: {at}" if place else at
        return f"{head}: {self.message}\n{excerpt(self.source, self.start, self.end)}"


class Problems:
    """Collects the errors that are raised in its `with` blocks, so that all that is wrong can be said at once.

    Some hundred are enough to be said at once.
    """

    def __init__(self) -> None:
        self._errors: list[PolicyError] = []

    def __enter__(self) -> None:
        """Begin a part that may have errors of its own."""

    def __exit__(self, _kind: object, error: object, _traceback: object) -> bool:
        """Keep a `PolicyError`, and let anything else pass."""
        if not isinstance(error, PolicyError):
            return False
        if len(self._errors) < _MOST_KEPT:
            self._errors += [error.with_others(()), *error.others]
        return True

    def raise_them(self) -> None:
        """Raise the first error, with the others in it; do nothing where there was none."""
        if self._errors:
            first, *others = self._errors
            raise first.with_others(tuple(others)) from None


class PolicySyntaxError(PolicyError, ValueError):
    """Text or data that is no rule: misspelt, malformed, unknown, or beyond a limit."""


class PolicyTypeError(PolicyError, TypeError):
    """A value of the wrong type: a result that its setting does not take, a field of a context."""


class PolicyValueError(PolicyError, ValueError):
    """A value of the right type that can't be: a negative retry count, a `last_error` that does not exist."""


class PolicyEvaluationError(PolicyError, RuntimeError):
    """A rule that gave no usable answer for this delivery. Nothing may be sent on the strength of it."""


class TlsSessionError(OSError):
    """A session that could not be secured as decided. The connection is not to be used any more.

    Attributes:
        message: what happened, in words: a line of at most 500 printable characters.
        mx: the host that was tried.
        kind: what happened, finely; a value of `FailureKind`.
        last_error: what the next attempt's `DeliveryContext` says of this one; a value of `LastError`.
        result_type: the TLS report's result type (RFC 8460, section 4.3), `None` where TLS was not at fault.
        permanent: whether the host said that it is for good, or `mx` can have no TLS session by its very name.

    The cause, where an exception caused it, is chained as `__cause__`.
    """

    def __init__(
        self,
        message: str,
        *,
        mx: str,
        kind: str,
        last_error: str,
        result_type: str | None = None,
        permanent: bool = False,
    ) -> None:
        message = one_line(message)  # It may be what a host said.
        super().__init__(message)
        self.message = message
        self.mx = mx
        self.kind = kind
        self.last_error = last_error
        self.result_type = result_type
        self.permanent = permanent

    def __str__(self) -> str:
        """`mx1.example.org: STARTTLS is not offered (tls)`."""
        return f"{one_line(self.mx)}: {self.message} ({self.last_error})"

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by keywords: `OSError` would pass its own arguments alone."""
        named = {name: getattr(self, name) for name in ("mx", "kind", "last_error", "result_type", "permanent")}
        return partial(type(self), **named), (self.message,)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`"; did you mean 'retry_num'?"` for the nearest of `known`, or `''` when none is near."""
    from difflib import get_close_matches  # noqa: PLC0415  (wanted where something is wrong)

    by_lower = {candidate.lower(): candidate for candidate in known}
    near = get_close_matches(name.lower(), by_lower, n=1)
    return f"; did you mean '{by_lower[near[0]]}'?" if near else ""


def quoted(name: object) -> str:
    """A name that somebody else has chosen, in quotes: cut where it is long, its control characters escaped."""
    return shortened(repr(name), _LONGEST_NAME)


def shortened(text: str, width: int) -> str:
    """`text`, or as much of it as fits `width` with an ellipsis."""
    return text if len(text) <= width else text[: width - 1] + "…"


def one_line(text: str) -> str:
    """What somebody else has said, as a line that a log can take."""
    return shortened(printable(text), _LONGEST_MESSAGE)


def printable(text: str) -> str:
    """`text` with one harmless character in place of each that a terminal would act upon."""
    return "".join(" " if c in "\t\r\n" else c if c.isprintable() else "�" for c in text)


def listed(words: Iterable[str], last: str = "or") -> str:
    """`a, b or c`."""
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final


def line_of(source: str, at: int) -> int:
    """The line of the character `at`, counted from 1."""
    return source.count("\n", 0, at) + 1


def column_of(source: str, at: int) -> int:
    """The column of the character `at` within its line, in characters, counted from 1."""
    return at - source.rfind("\n", 0, at)


def excerpt(source: str, start: int, end: int) -> str:
    """The line that holds `start`, cut to a readable width, and carets under `start` to `end`."""
    line_start = source.rfind("\n", 0, start) + 1
    line_end = source.find("\n", start)
    line = source[line_start:] if line_end < 0 else source[line_start:line_end]
    first = start - line_start
    last = min(max(end - line_start, first + 1), max(len(line), first + 1))

    cut_from = max(0, first - _EXCERPT_WIDTH // 2) if len(line) > _EXCERPT_WIDTH else 0
    cut_to = cut_from + _EXCERPT_WIDTH
    before = "…" if cut_from else ""
    after = "…" if cut_to < len(line) else ""
    last = min(last, max(cut_to, first + 1))

    shown = before + printable(line[cut_from:cut_to]) + after
    padding = _width(before + printable(line[cut_from:first]))
    carets = max(1, _width(printable(line[first:last])))
    return f"{_INDENT}{shown}\n{_INDENT}{' ' * padding}{'^' * carets}"


def _width(text: str) -> int:
    """The columns that a terminal gives to `text`."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
