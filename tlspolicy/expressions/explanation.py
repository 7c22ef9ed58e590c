"""Why a rule list gave what it gave: as data, and as text."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.errors import printable, shortened
from tlspolicy.expressions.outline import WIDTH, Line, printed
from tlspolicy.expressions.plain import PlainValues
from tlspolicy.expressions.values import text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.values import Value

_LONGEST_VALUE: Final = 60
# What is printed is abridged: that many lines below an expression, and expressions of a long list.
_MOST_LINES: Final = 20
_FIRST_TRIED: Final = 5
_LAST_TRIED: Final = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression, and what it gave.

    Args:
        source: the whole expression as it is written.
        start: index of the first character of `source` that belongs to the part.
        end: index after the last one.
        value: what it gave; `None` where it was not evaluated, which no value of the language is.
        captures: what a `matches` that was evaluated has set `$0`, `$1`, … to, nothing where it did not match; `None`
            for anything else.
        parts: its own parts, from left to right; none where it was not evaluated.
    """

    source: str = field(repr=False)
    start: int
    end: int
    value: Value | None
    captures: tuple[str, ...] | None
    parts: tuple[Part, ...]

    @property
    def text(self) -> str:
        """The part as it is written."""
        return self.source[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Tried:
    """An expression of the list that was evaluated.

    Args:
        key: which one: `[0].if`, `[0].then`, `[2].else`; `''` where the list is a single value.
        text: the expression as it is written.
        value: what it gave.
        captures: as for `Part`, of the expression itself.
        parts: the parts of it as a tree: names, calls, operations, durations. A literal or a constant is none, nor is
            an array of them.
        literal: whether the expression itself is a literal, a constant or an array of them.
    """

    key: str
    text: str
    value: Value
    captures: tuple[str, ...] | None
    parts: tuple[Part, ...]
    literal: bool

    def lines(self, level: int = 0, width: int = WIDTH, note: str = "") -> Iterator[Line]:
        """A line for the expression, and one below for each part and each capture, as long as there are not too many.

        Args:
            level: how far the first is indented.
            width: the columns that they should fit into.
            note: the note of the first.
        """
        value = "" if self.literal else shown(self.value, width)
        yield Line(level, self.key, self.text, value, note, bool(self.value)).fitted(width)
        yield from (line.fitted(width) for line in islice(_below(self, level + 1, width), _MOST_LINES))
        more = _count_below(self) - _MOST_LINES
        if more > 0:
            yield Line(level + 1, note=f"{more} more")

    def __str__(self) -> str:
        """The expression and its value; a line below for each part."""
        return printed(self.lines())


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a rule list came to its value.

    Args:
        value: the value.
        matched: the index of the rule whose `if` was true; `None` for the `else`, or a list without conditions.
        tried: every `if` that was evaluated, then the `then` or `else` that gave the value.
        untried: how many entries of the list stand after the rule that decided, the `else` among them.
    """

    value: Value
    matched: int | None
    tried: tuple[Tried, ...]
    untried: int = 0

    def as_data(self) -> dict[str, Any]:
        """The same in the types that JSON has.

        Returns:
            `value`, `matched`, `untried` and `tried`; in this for each expression its `key`, `text`, `value` and
            `parts`; in these for each part its `text`, `start`, `end`, `value` and `parts`. A value is an `int`, a
            `float`, a `str` or a `list`, `"inf"`, `"-inf"` or `"NaN"` where JSON has no such number, and `None` of a
            part that was not evaluated. A `matches` that was evaluated has `captures`, too. Where a long value or long
            captures are not whole, `abridged` is true beside them; otherwise it is absent.
        """
        plain = PlainValues()
        value = plain.named("value", self.value)  # before the parts, which may leave it no room
        tried = [{"key": each.key, "text": each.text, **_gave(each, plain)} for each in self.tried]
        return {**value, "matched": self.matched, "tried": tried, "untried": self.untried}

    def lines(self, level: int = 0, width: int = WIDTH) -> Iterator[Line]:
        """The lines that it prints as, of which one says how many rules were left out where there are very many.

        Args:
            level: how far the first is indented.
            width: the columns that they should fit into.
        """
        *conditions, deciding = self.tried
        more = len(conditions) - _FIRST_TRIED - _LAST_TRIED
        first, last = (conditions[:_FIRST_TRIED], conditions[-_LAST_TRIED:]) if more > 1 else (conditions, [])
        yield from chain.from_iterable(tried.lines(level, width) for tried in first)
        if last:
            yield Line(level, f"[{_FIRST_TRIED}] to [{_FIRST_TRIED + more - 1}]", note=f"{more} more, all false")
        yield from chain.from_iterable(tried.lines(level, width) for tried in last)
        yield from deciding.lines(level, width, "decides" if deciding.key else "")
        if self.matched is not None:
            yield Line(level, _numbered(self.matched + 1, self.untried), note="not tried")

    def __str__(self) -> str:
        """A paragraph for each expression that was evaluated."""
        return printed(self.lines())


def _numbered(first: int, count: int) -> str:
    return f"[{first}]" if count == 1 else f"[{first}] to [{first + count - 1}]"


def _below(whole: Part | Tried, level: int, width: int) -> Iterator[Line]:
    """The lines of the parts of `whole`, and of what it has captured; not yet fitted."""
    for part in whole.parts:
        if part.value is None:
            yield Line(level, text=part.text, note="not evaluated")
        else:
            yield Line(level, text=part.text, value=shown(part.value, width), truth=bool(part.value))
        yield from _below(part, level + 1, width)
    for group, capture in enumerate(whole.captures or ()):
        yield Line(level, f"${group}", value=shown(capture, width), truth=bool(capture))


def _count_below(whole: Part | Tried) -> int:
    return len(whole.captures or ()) + sum(1 + _count_below(part) for part in whole.parts)


def _part_data(part: Part, plain: PlainValues) -> dict[str, Any]:
    return {"text": part.text, "start": part.start, "end": part.end, **_gave(part, plain)}


def _gave(whole: Part | Tried, plain: PlainValues) -> dict[str, Any]:
    """The value, the captures and the parts of `whole`."""
    data = {"value": None} if whole.value is None else plain.named("value", whole.value)
    if whole.captures is not None:
        data |= plain.named("captures", whole.captures)
    return {**data, "parts": [_part_data(part, plain) for part in whole.parts]}


def shown(value: Value, width: int = _LONGEST_VALUE) -> str:
    """`value` as the language spells it: texts in quotes, arrays in brackets; cut where it is long."""
    spelled = ""
    for piece in _spelled(value, width):
        spelled += piece
        if len(spelled) > width:  # An array may hold the same large one many times.
            break
    return shortened(printable(spelled), width)


def _spelled(value: Value, width: int) -> Iterator[str]:
    """The pieces of a value's spelling, no text longer than it could be shown."""
    match value:
        case str():
            quote = '"' if "'" in value else "'"
            yield f"{quote}{value[:width]}{quote}"
        case tuple():
            yield "["
            for number, item in enumerate(value):
                if number:
                    yield ", "
                yield from _spelled(item, width)
            yield "]"
        case _:
            yield text(value)
