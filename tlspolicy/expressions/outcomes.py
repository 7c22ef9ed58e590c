"""Outcomes: what a rule list can give, as far as that is constant."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tlspolicy.expressions import evaluator
from tlspolicy.expressions.checker import is_constant
from tlspolicy.expressions.nodes import Call, Node
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.tree import Branch, is_quick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tlspolicy.expressions.schema import Schema
    from tlspolicy.expressions.values import Value


class Rules(NamedTuple):
    """A rule list as trees.

    Args:
        name: what code calls the list; an identifier.
        rules: the condition and the result of each rule.
        default: the result where no condition is true.
        must_be_awaited: whether coroutine functions are called, which is refused before anything is asked.
    """

    name: str
    rules: Sequence[tuple[Node, Node]]
    default: Node
    must_be_awaited: bool = False


class Outcome(NamedTuple):
    """What a rule list gave, and the index of the rule that decided; `None` for the `else`."""

    value: Value
    matched: int | None


class OpenRule(NamedTuple):
    """A rule that may decide: its index, its condition and result, and its branches if their outcomes are constant."""

    number: int
    condition: Node
    result: Node
    branches: list[Branch] | None


class Last(NamedTuple):
    """What decides where no other rule does: the index of a rule that always does, or `None` for the `else`."""

    number: int | None
    result: Node


class Outcomes:
    """A rule list without the rules that never decide, and its constant outcomes, which have numbers.

    Args:
        rules: the list.
        schema: over which it has no problems.
    """

    def __init__(self, rules: Rules, schema: Schema) -> None:
        self.name = rules.name
        self.schema = schema
        self.known: list[Outcome] = []
        self._numbers: dict[tuple[Node, int | None], int] = {}
        self._scope = Scope(schema, None)  # One for all: there may be very many, and each takes time.
        self.rules: list[OpenRule] = []
        self.last = Last(None, rules.default)
        for number, (condition, result) in enumerate(rules.rules):
            always = self._truth(condition)
            if always:
                self.last = Last(number, result)
                break
            if always is None:
                branches = self._branches_of(result, number, (condition,))
                self.rules.append(OpenRule(number, condition, result, branches))
        every = [
            *(rule.branches for rule in self.rules),
            self._branches_of(self.last.result, self.last.number, ()),
        ]
        known = [branches for branches in every if branches is not None]
        self.branches = [branch for branches in known for branch in branches] if len(known) == len(every) else None
        """The list as branches that are tried in order; `None` where not all of their outcomes are constant."""

    def _truth(self, condition: Node) -> bool | None:
        """Whether a condition is true, where it is constant."""
        value = self._value(condition)
        return None if value is None else bool(value)

    def _value(self, node: Node) -> Value | None:
        """The value of a constant; `None` where it is none, or has no usable value."""
        if not is_constant(node, self.schema):
            return None
        try:
            return evaluator.evaluate(node, self._scope)
        except evaluator.EvaluationProblem:
            return None

    @property
    def are_settled(self) -> bool:
        """Whether there is but one outcome, for all contexts."""
        return not self.rules and len(self.known) == 1 and self.branches is not None

    def number(self, result: Node, rule: int | None) -> int | None:
        """The number of the outcome where this constant is the result; `None` where it is no constant."""
        key = result, rule
        if key not in self._numbers:
            value = self._value(result)
            if value is None:
                return None
            self._numbers[key] = len(self.known)
            self.known.append(Outcome(value, rule))
        return self._numbers[key]

    def _branches_of(self, result: Node, rule: int | None, conditions: tuple[Node, ...]) -> list[Branch] | None:
        choice = self.choice(result)
        if choice:
            condition, then, otherwise = choice
            first = self._branches_of(then, rule, (*conditions, condition))
            second = self._branches_of(otherwise, rule, conditions)
            return None if first is None or second is None else first + second
        number = self.number(result, rule)
        return None if number is None else [Branch(conditions, number)]

    def choice(self, result: Node) -> tuple[Node, Node, Node] | None:
        """The parts of an `if_then` of constants, of which one may be left out without being missed.

        To read a variable can only fail in a context that was not checked.
        """
        match result:
            case Call("if_then", (condition, then, otherwise)) if self._can_not_fail(condition):
                return (condition, then, otherwise) if self._gives(then) and self._gives(otherwise) else None
            case _:
                return None

    def _can_not_fail(self, condition: Node) -> bool:
        return self.schema.is_checked and is_quick(condition, self.schema)

    def _gives(self, result: Node) -> bool:
        """Whether a result is a constant that has a value, or a choice of such."""
        return self._value(result) is not None or self.choice(result) is not None
