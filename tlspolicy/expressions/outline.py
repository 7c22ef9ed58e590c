"""The lines of an explanation, in parts: for what prints them in colours, and for what prints them plainly."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from tlspolicy.errors import printable, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

WIDTH: Final = 80
_INDENT: Final = "    "
# However deep a line is indented, so many characters of the expression and its value are left to it.
_NARROWEST: Final = 24


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an explanation.

    Args:
        level: how far it is indented.
        key: what it is about: `[0].if`, `$1`, a setting's name; `''` for a part of an expression.
        text: the expression or its part, as it is written; `''` where the line shows none.
        value: what that gave, or what `key` is, as the language spells it; `''` where the line shows none.
        note: more about it, such as `not evaluated`; mostly `''`.
        truth: whether the value counts as true; `None` where an expression gave none.
    """

    level: int
    key: str = ""
    text: str = ""
    value: str = ""
    note: str = ""
    truth: bool | None = None

    def fitted(self, width: int) -> Line:
        """The same line in so many columns, if that is not too narrow for it.

        Its text and value are cut as needed, and are of printable characters.
        """
        # A character more than there is room for shows that there is more: to print them all would take long.
        text = printable(" ".join(self.text.split(maxsplit=width))[: width + 1])
        value = printable(self.value[: width + 1])
        line = replace(self, text=text, value=value)
        room = max(width - len(str(line)) + len(text) + len(value), _NARROWEST)
        value = shortened(value, max(room // 2, room - len(text)))
        return replace(line, text=shortened(text, room - len(value)), value=value)

    def __str__(self) -> str:
        """`[0].if retry_num > 1 → 0`, `$1 = 'jane'` or `last_error == 'tls' (not evaluated)`, indented."""
        about = _joined(" ", self.key, self.text)
        shown = _joined(" → " if self.text else " = ", about, self.value)
        return _INDENT * self.level + _joined(" ", shown, f"({self.note})" if self.note else "")


def _joined(by: str, *words: str) -> str:
    return by.join(word for word in words if word)


def printed(lines: Iterable[Line]) -> str:
    """The lines as one text."""
    return "\n".join(map(str, lines))
