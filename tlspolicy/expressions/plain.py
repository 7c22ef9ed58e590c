"""Values in the types that JSON has."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from tlspolicy.expressions.values import text

if TYPE_CHECKING:
    from tlspolicy.expressions.values import Value

# Elements and characters of one value, and of all: strangers choose how long it is, and rules may name it very often.
MAX_PLAIN: Final = 4_000
MAX_ALL_PLAIN: Final = 10_000_000


class PlainValues:
    """Makes a value an `int`, `float`, `str` or `list`; and `"inf"`, `"-inf"` or `"NaN"` of what is no number to JSON.

    Of long ones, and of very many, it gives the beginning.
    """

    def __init__(self) -> None:
        self._room = MAX_ALL_PLAIN

    def named(self, name: str, value: Value) -> dict[str, Any]:
        """A value under a name; and `abridged`, which is true, where it is the beginning alone."""
        room = min(MAX_PLAIN, self._room)
        plain, left = _plain(value, room)
        self._room -= room - max(left, 0)
        return {name: plain, "abridged": True} if left < 0 else {name: plain}


def _plain(value: Value, room: int) -> tuple[Any, int]:
    """As much of a value as there is room for, and what is left of that; less than 0 where there was not enough.

    An element takes room for one, and so does a character.
    """
    match value:
        case str():
            return value[: max(room, 0)], room - len(value)
        case tuple():
            items: list[Any] = []
            for item in value:
                if room <= 0:
                    return items, -1
                plain, room = _plain(item, room - 1)
                items.append(plain)
            return items, room
        case float() if not math.isfinite(value):
            return text(value), room
        case _:
            return value, room
