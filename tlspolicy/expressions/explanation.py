"""Why a rule list gave what it gave: as data, and as text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tlspolicy.errors import printable, shortened
from tlspolicy.expressions.values import text

if TYPE_CHECKING:
    from tlspolicy.expressions.values import Value

_LONGEST_TEXT = 60


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression, as it is written, and the value that it had."""

    text: str
    value: Value

    def __str__(self) -> str:
        """`retry_num = 2`."""
        return f"{_short(self.text)} = {shown(self.value)}"


@dataclass(frozen=True, slots=True)
class Tried:
    """An expression of the list that was evaluated.

    Args:
        key: which one: `[0].if`, `[0].then`, `[2].else`; `''` where the list is a single value.
        text: the expression as it is written.
        value: what it gave.
        parts: the parts of it that were evaluated, in that order; not its constants, and not itself.
    """

    key: str
    text: str
    value: Value
    parts: tuple[Part, ...]

    def __str__(self) -> str:
        """The expression and its value; a line below for each part."""
        lines = [f"{self.key} {_short(self.text)} = {shown(self.value)}".strip()]
        return "\n    ".join([*lines, *map(str, self.parts)])


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a rule list came to its value.

    Args:
        value: the value.
        matched: the index of the rule whose `if` was true; `None` for the `else`, or a list without conditions.
        tried: every `if` that was evaluated, then the `then` or `else` that gave the value.
    """

    value: Value
    matched: int | None
    tried: tuple[Tried, ...]

    def __str__(self) -> str:
        """A paragraph for each expression that was evaluated."""
        return "\n".join(map(str, self.tried))


def shown(value: Value) -> str:
    """`value` as the language spells it: texts in quotes, arrays in brackets; cut where it is long."""
    if isinstance(value, tuple):
        # No more elements than could be shown: an array may hold the same large one many times.
        return _short(f"[{', '.join(map(shown, value[:_LONGEST_TEXT]))}]")
    return _short(f"'{value[:_LONGEST_TEXT]}'" if isinstance(value, str) else text(value))


def _short(text: str) -> str:
    return shortened(printable(" ".join(text.split())), _LONGEST_TEXT)
