"""How much work an evaluation can do, known before it is done.

Compiled rules keep no account of their work, as the evaluator does in a `Budget`. It is bounded beforehand instead: by
the texts in the rules, and by the longest text that a variable may have for all of it together to stay below half of a
budget. The other half is for what compiled rules leave to the evaluator. What they need not do does not count: they may
have an answer where the evaluator, which does more for it, comes to a limit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.expressions.regex import MAX_SEARCH_COST, MAX_SUBJECT_LENGTH
from tlspolicy.expressions.scope import CHARACTERS, MAX_WORK, Budget
from tlspolicy.expressions.values import MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterable

_BYTES_A_CHARACTER: Final = 4


class Size(NamedTuple):
    """A text's length at most: `fixed` characters, and `longest` times those of the longest variable."""

    fixed: int
    longest: int = 0

    def times(self, factor: int) -> Size:
        """So many times this size."""
        return Size(self.fixed * factor, self.longest * factor)

    def plus(self, other: Size) -> Size:
        """Both sizes together."""
        return Size(self.fixed + other.fixed, self.longest + other.longest)


NUMBER: Final = Size(400)
"""The text of a number: a float is written without an exponent."""
VARIABLE: Final = Size(0, 1)
CAPTURE: Final = Size(MAX_SUBJECT_LENGTH)


class Bounds:
    """Adds up what one evaluation of a rule list can do, each part of it once."""

    def __init__(self, *, trusted: bool) -> None:
        self.trusted = trusted
        """Whether the texts of variables are trusted to be no longer than `longest` allows."""
        self._work = Size(0)
        self._search = Size(0)
        self._texts: list[tuple[Size, int]] = []

    def look_at(self, sizes: Iterable[Size]) -> None:
        """Count looking at texts of these sizes."""
        for size in sizes:
            self._work = self._work.plus(size)

    def look_through(self, items: int, characters: int) -> None:
        """Count looking at the elements of an array in the rules."""
        self._work = self._work.plus(Size(items * CHARACTERS + characters))

    def make(self, size: Size) -> None:
        """Count making a text."""
        self._work = self._work.plus(size)
        self._texts.append((size, MAX_TEXT_LENGTH))

    def search(self, cost: int, size: Size) -> None:
        """Count a search by a regular expression of this cost in a text of this size."""
        self._work = self._work.plus(size)
        self._search = self._search.plus(size.times(cost * _BYTES_A_CHARACTER))
        self._texts.append((size, MAX_SUBJECT_LENGTH))

    def include(self, others: Iterable[Bounds], times: int) -> None:
        """Count so many times the most that any of these counts."""
        found = list(others)
        self._work = self._work.plus(_largest(other._work for other in found).times(times))  # noqa: SLF001
        self._search = self._search.plus(_largest(other._search for other in found).times(times))  # noqa: SLF001
        self._texts += [text for other in found for text in other._texts]  # noqa: SLF001

    def longest(self) -> int:
        """The most characters that the text of a variable may have; negative where that does not help."""
        limits = ((self._work, MAX_WORK // 2 * CHARACTERS), (self._search, MAX_SEARCH_COST // 2), *self._texts)
        return min(_longest(size, most) for size, most in limits)


def remaining() -> Budget:
    """What compiled rules leave to the evaluator."""
    return Budget(MAX_WORK // 2, MAX_SEARCH_COST // 2)


def _longest(size: Size, most: int) -> int:
    if size.fixed > most:
        return -1
    return (most - size.fixed) // size.longest if size.longest else MAX_TEXT_LENGTH


def _largest(sizes: Iterable[Size]) -> Size:
    every = [Size(0), *sizes]
    return Size(max(size.fixed for size in every), max(size.longest for size in every))
