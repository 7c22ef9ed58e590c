"""Scope: what one evaluation of a rule list reads, keeps and may spend."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import TYPE_CHECKING, NamedTuple

from tlspolicy.errors import printable, shortened
from tlspolicy.expressions.regex import MAX_SEARCH_COST
from tlspolicy.expressions.values import UnusableValueError, Value, language_value

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from tlspolicy.expressions.nodes import Node
    from tlspolicy.expressions.schema import Schema

MAX_WORK = 2_097_152
MAX_ANSWERS = 256
_LONGEST_WORDS = 300
CHARACTERS = 16
"""How many characters count as one element."""


class Step(NamedTuple):
    """A node that was evaluated, its value, and the captures as it left them."""

    node: Node
    value: Value
    captures: tuple[str, ...]


class Answer(NamedTuple):
    """What a function that asks the world has answered: what it returned, or the exception that it raised."""

    returned: object
    raised: Exception | None = None


class Unanswered(Exception):  # noqa: N818  (no error: evaluation goes on when the answer is there)
    """An answer has to be awaited."""

    def __init__(self, awaitable: Awaitable[object]) -> None:
        super().__init__(awaitable)
        self.awaitable = awaitable


@dataclass(slots=True)
class Answers:
    """What the functions that ask the world have answered so far, in that order.

    Evaluation takes them from here before it asks: it can be repeated from the start, and nothing is asked twice.

    Args:
        awaited: whether answers can be awaited; otherwise an awaitable is an answer, and none of the language.
    """

    awaited: bool = False
    _given: list[Answer] = field(default_factory=list)
    _next: int = 0

    def rewind(self) -> Answers:
        """Begin again with the first answer."""
        self._next = 0
        return self

    def next(self) -> Answer | None:
        """The next answer, if it has been given."""
        if self._next == len(self._given):
            return None
        self._next += 1
        return self._given[self._next - 1]

    def give(self, answer: Answer) -> None:
        """Keep an answer that `next` will return after the others."""
        self._given.append(answer)

    @property
    def full(self) -> bool:
        """Whether no more answers may be awaited."""
        return len(self._given) >= MAX_ANSWERS


@dataclass(slots=True)
class Budget:
    """What one evaluation may still spend, however often it is repeated to await an answer.

    Args:
        work: an element, or some characters, of each value that something is done with.
        search: searching by regular expressions, in the unit of `regex.cost`.
    """

    work: int = MAX_WORK
    search: int = MAX_SEARCH_COST


@dataclass(slots=True)
class Scope:
    """What one evaluation of a rule list reads, keeps and may spend.

    Args:
        schema: says what the names mean.
        context: what the variables are read from; the schema has checked it.
        captures: the groups of the last `matches` that was evaluated.
        steps: when it is a list, every node evaluated is added to it, operands before operators.
        variables: those that were read already: each is read once.
        answers: what the functions that ask the world have answered, if evaluation may be repeated.
        budget: what may still be spent.
    """

    schema: Schema
    context: object
    captures: tuple[str, ...] = ()
    steps: list[Step] | None = None
    variables: dict[str, Value] = field(default_factory=dict)
    answers: Answers | None = None
    budget: Budget = field(default_factory=Budget)

    def read(self, name: str) -> Value:
        """The value of variable `name`; `UnusableValueError` where it has none of the language."""
        if name not in self.variables:
            self.variables[name] = self.schema.read(self.context, name)
        return self.variables[name]

    def spend(self, *values: Value) -> None:
        """Account for doing something with `values`; `UnusableValueError` when that is too much for one evaluation."""
        for value in values:
            if isinstance(value, tuple):
                self.spend_work(len(value))
                self.spend(*value)
            elif isinstance(value, str):
                self.spend_work(len(value) // CHARACTERS)

    def spend_work(self, work: int) -> None:
        """As `spend`, for work that is known."""
        self.budget.work -= work
        if self.budget.work < 0:
            raise UnusableValueError("this is more work than one evaluation may do: its texts or arrays are too large")

    def spend_search(self, cost: int) -> None:
        """As `spend`, for a search."""
        self.budget.search -= cost
        if self.budget.search < 0:
            raise UnusableValueError("searching by regular expressions takes longer than one evaluation may")

    def ask(self, function: str, arguments: Iterable[Value]) -> Value:
        """Call what the schema has for a function that asks the world.

        Raises:
            UnusableValueError: it failed, or gave what is no value of the language.
            Unanswered: its answer has to be awaited.
        """
        returned, raised = self._answer(function, arguments)
        if raised is not None:
            raise UnusableValueError(f"{function}() failed: {_described(raised)}") from raised
        try:
            return language_value(returned)
        except (TypeError, ValueError) as error:
            raise UnusableValueError(f"{function}() gave no value of the language: {error}") from None
        except Exception as error:  # What was returned may be anybody's class.
            raise UnusableValueError(f"{function}() gave no value of the language: {_described(error)}") from error

    def _answer(self, function: str, arguments: Iterable[Value]) -> Answer:
        if self.answers and (given := self.answers.next()):
            return given
        try:
            answer = Answer(self.schema.functions[function](*arguments))
        except Exception as error:  # noqa: BLE001  (anybody's code; whatever it raises is no answer)
            answer = Answer(None, error)
        if isawaitable(answer.returned):
            self._check_awaitable(answer.returned)
        if self.answers:
            self.answers.give(answer)
            self.answers.next()
        return answer

    def _check_awaitable(self, returned: Awaitable[object]) -> None:
        """Have it awaited, where that can be done; otherwise close it."""
        awaited = self.answers is not None and self.answers.awaited
        if awaited and self.answers and not self.answers.full:
            raise Unanswered(returned)
        if isinstance(returned, Coroutine):
            returned.close()
        if awaited:
            raise UnusableValueError(f"more than {MAX_ANSWERS} answers had to be awaited")


def _described(error: Exception) -> str:
    """What somebody else's exception says: a line of printable characters."""
    try:
        words = f"{type(error).__name__}: {error}"
    except Exception:  # noqa: BLE001  (it can't even say that)
        words = type(error).__name__
    return shortened(printable(words), _LONGEST_WORDS)
