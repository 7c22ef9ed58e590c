"""What the statements of rule lists give back: outcomes, their numbers, or results that are made of outcomes."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Final, Protocol

from tlspolicy.expressions.outcomes import Outcome, Outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tlspolicy.expressions.program import Globals

MAX_RESULTS: Final = 256
"""For how many combinations of outcomes results are made beforehand."""
MAX_KEPT: Final = 4_096
"""How many other results are kept."""


class Returns(Protocol):
    """What the statements of a rule list give back."""

    def constant(self, number: int) -> str:
        """An expression for the list's outcome of this number."""

    def stored(self, number: int) -> object:
        """What a table has for that outcome."""

    def found(self, name: str) -> str:
        """An expression for what was found in a table."""

    def made(self, value: str, rule: int | None) -> str:
        """An expression for an outcome whose value is that of an expression."""


class _Kept(dict[int, object]):
    """Results by their numbers. Each is made when it is wanted; when there are many, all are forgotten."""

    def __init__(self, make: Callable[[int], object]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, number: int) -> object:
        if len(self) >= MAX_KEPT:
            self.clear()
        self[number] = made = self._make(number)
        return made


class Results:
    """The results of combinations of outcomes, one of each open list. Combinations, too, have numbers.

    Args:
        lists: the open lists.
        finish: makes a result of an outcome of each.
        known: the global variables of the code; is added to.
    """

    def __init__(self, lists: Sequence[Outcomes], finish: Callable[..., object], known: Globals) -> None:
        self._lists = lists
        self._finish = finish
        self._known = known
        self._count = prod(len(outcomes.known) for outcomes in lists)
        self._of = _Kept(self._made)

    def _made(self, number: int) -> object:
        outcomes: list[Outcome] = []
        for each in reversed(self._lists):
            number, digit = divmod(number, len(each.known))
            outcomes.insert(0, each.known[digit])
        return self._finish(*outcomes)

    def number(self, digits: Sequence[int]) -> int:
        """The number of a combination."""
        number = 0
        for digit, each in zip(digits, self._lists, strict=True):
            number = number * len(each.known) + digit
        return number

    def constant(self, number: int) -> str:
        """An expression for a result."""
        if self._count > MAX_RESULTS and len(self._of) >= MAX_RESULTS:
            return self.found(str(number))
        return self._known.name("result", self._of[number])

    def stored(self, number: int) -> object:
        """What a look-up finds for a result."""
        return number if self._count > MAX_RESULTS else self._of[number]

    def found(self, name: str) -> str:
        """An expression for the result of what a look-up has found."""
        return f"{self._known.name('results', self._of)}[{name}]" if self._count > MAX_RESULTS else name

    def made(self, value: str, rule: int | None) -> str:
        """An expression for the result of an outcome of the one list that is open."""
        outcome = f"{self._known.name('Outcome', Outcome)}({value}, {rule})"
        return f"{self._known.name('finish', self._finish)}({outcome})"

    def of_digits(self, digits: Sequence[str]) -> str:
        """An expression for the result of a combination, given expressions for the numbers of its outcomes."""
        number = digits[0]
        for digit, each in zip(digits[1:], self._lists[1:], strict=True):
            number = f"({number}) * {len(each.known)} + {digit}"
        if self._count > MAX_RESULTS:
            return self.found(number)
        return f"{self._known.name('results', [self._of[each] for each in range(self._count)])}[{number}]"

    def of_outcomes(self, outcomes: Sequence[str]) -> str:
        """An expression for the result of outcomes, given expressions for these."""
        return f"{self._known.name('finish', self._finish)}({', '.join(outcomes)})"


class OutcomeReturns:
    """What the function of one list among several gives back: its outcome."""

    def __init__(self, outcomes: Outcomes, known: Globals) -> None:
        self._outcomes = outcomes.known
        self._known = known

    def constant(self, number: int) -> str:
        """The name of the outcome."""
        return self._known.name("outcome", self._outcomes[number])

    def stored(self, number: int) -> object:
        """The outcome."""
        return self._outcomes[number]

    def found(self, name: str) -> str:
        """What was found: it needs nothing more."""
        return name

    def made(self, value: str, rule: int | None) -> str:
        """A new outcome."""
        return f"{self._known.name('Outcome', Outcome)}({value}, {rule})"


class NumberReturns(OutcomeReturns):
    """What it gives back where all outcomes are constant: the number of its outcome."""

    def constant(self, number: int) -> str:
        """The number, as it is written."""
        return str(number)

    def stored(self, number: int) -> object:
        """The number."""
        return number
