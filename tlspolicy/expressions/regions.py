"""Regions: the values of a variable for which a condition is true."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tlspolicy.expressions.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


@dataclass(frozen=True, slots=True)
class Integers:
    """Integers of 64 bits: ranges from the first to the second number, both included, in order and apart."""

    ranges: tuple[tuple[int, int], ...] = ((INT_MIN, INT_MAX),)

    @classmethod
    def compared(cls, operator: str, number: int) -> Integers:
        """Those n for which `n operator number` is true."""
        below, equal, above = (INT_MIN, number - 1), (number, number), (number + 1, INT_MAX)
        ranges = {
            "==": [equal],
            "!=": [below, above],
            "<": [below],
            "<=": [(INT_MIN, number)],
            ">": [above],
            ">=": [(number, INT_MAX)],
        }[operator]
        return cls(tuple((first, last) for first, last in ranges if first <= last))

    @classmethod
    def of(cls, numbers: Iterable[int]) -> Integers:
        """These numbers."""
        return cls(tuple((number, number) for number in sorted(set(numbers))))

    def both(self, other: Integers) -> Integers:
        """Those that are in both regions."""
        ours, theirs, common = list(self.ranges[::-1]), list(other.ranges[::-1]), []
        while ours and theirs:
            first, last = max(ours[-1][0], theirs[-1][0]), min(ours[-1][1], theirs[-1][1])
            if first <= last:
                common.append((first, last))
            (ours if ours[-1][1] == last else theirs).pop()
        return Integers(tuple(common))

    def others(self) -> Integers:
        """Those that are not in this region."""
        return Integers(tuple(self._gaps()))

    def _gaps(self) -> Iterator[tuple[int, int]]:
        first = INT_MIN
        for start, end in self.ranges:
            if first < start:
                yield first, start - 1
            first = end + 1
        if first <= INT_MAX:
            yield first, INT_MAX

    @property
    def parts(self) -> int:
        """How many ranges there are."""
        return len(self.ranges)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.ranges)


@dataclass(frozen=True, slots=True)
class Texts:
    """The `known` texts; or, where it is `without` them, all others."""

    known: frozenset[str] = frozenset()
    without: bool = True

    def both(self, other: Texts) -> Texts:
        """Those that are in both regions."""
        if self.without and other.without:
            return Texts(self.known | other.known)
        if self.without or other.without:
            finite, rest = (other, self) if self.without else (self, other)
            return Texts(finite.known - rest.known, without=False)
        return Texts(self.known & other.known, without=False)

    def others(self) -> Texts:
        """Those that are not in this region."""
        return Texts(self.known, not self.without)

    @property
    def parts(self) -> int:
        """How many texts are known."""
        return len(self.known)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self.without or bool(self.known)


class Region(Protocol):
    """A set of values of a variable; false where it is empty."""

    def both(self, other: Any, /) -> Region:  # noqa: ANN401  (of the same variable, and so of the same class)
        """The values that are in both regions."""

    def others(self) -> Region:
        """The values that are not in this region."""

    @property
    def parts(self) -> int:
        """How much there is to look at."""
