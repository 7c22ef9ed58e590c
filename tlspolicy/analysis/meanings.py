"""Meanings: where a condition is true, as a formula; and where it is not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.analysis.formulas import FALSE, TRUE, Formula, conjunction, disjunction
from tlspolicy.analysis.questions import Asked, Other, Question, asked, is_pure, only_variable, truth_of_constant
from tlspolicy.expressions.nodes import Binary, Boolean, Call, Integer, Logical, Node, Unary, every
from tlspolicy.expressions.values import COMPARISONS

if TYPE_CHECKING:
    from collections.abc import Callable

_FLAGS: Final = frozenset(
    {
        "starts_with",
        "ends_with",
        "contains",
        "contains_ignore_case",
        "eq_ignore_case",
        "matches",
        "is_empty",
        "is_email",
        "is_intersect",
        "is_number",
        "is_ip_addr",
        "is_ipv4_addr",
        "is_ipv6_addr",
        "is_ip_in_cidr",
    }
)


class Meaning(NamedTuple):
    """Where a condition is true, and where it is not."""

    true: Formula
    false: Formula


@dataclass(slots=True)
class Reader:
    """Makes formulas of conditions.

    Args:
        answer: where a question is answered with yes, and where with no.
        occurrences: how many conditions were met that may answer differently each time.
    """

    answer: Callable[[Question], Meaning]
    occurrences: int = 0

    def meaning(self, node: Node) -> Meaning:
        """Where `node` is true, and where it is not."""
        match node:
            case Logical(operator, operands):
                of_each = [self.meaning(operand) for operand in operands]
                return _all(of_each) if operator == "&&" else _any(of_each)
            case Unary("!", operand):
                true, false = self.meaning(operand)
                return Meaning(false, true)
            case Call("if_then", (condition, then, otherwise)) if _has_no_choice(condition):
                return chosen(self.meaning(condition), self.meaning(then), self.meaning(otherwise))
            case Binary("^", left, right) if _has_no_choice(left) and _has_no_choice(right):
                true, false = self.meaning(right)
                return chosen(self.meaning(left), Meaning(false, true), Meaning(true, false))
            case Binary(operator, tested) if operator in COMPARISONS and is_flag(tested):
                return self._of_flag(node, tested)
            case _:
                return self._single(node)

    def _of_flag(self, node: Binary, tested: Node) -> Meaning:
        """A comparison of what is 1 or 0, such as `!a == 1`, with a constant."""
        truths = [truth_of_constant(replace(node, left=Integer(value))) for value in (1, 0)]
        if None in truths:
            return self._single(node)
        true, false = (Meaning(TRUE, FALSE) if truth else Meaning(FALSE, TRUE) for truth in truths)
        return chosen(self.meaning(tested), true, false)

    def _single(self, node: Node) -> Meaning:
        constant = truth_of_constant(node)
        if constant is not None:
            return Meaning(TRUE, FALSE) if constant else Meaning(FALSE, TRUE)
        of_node = asked(node)
        if of_node is None:
            pure = is_pure(node)
            self.occurrences += not pure
            of_node = Asked((Other(node, 0 if pure else self.occurrences, only_variable(node)),))
        meaning = _any([self.answer(question) for question in of_node.one_of])
        return Meaning(meaning.false, meaning.true) if of_node.negated else meaning


def is_flag(node: Node) -> bool:
    """Whether the value of `node` is always 1 or 0."""
    match node:
        case Unary("!", _) | Boolean():
            return True
        case Binary(operator):
            return operator in COMPARISONS or operator == "^"
        case Logical(_, operands):
            return is_flag(operands[0])
        case Call(function):
            return function in _FLAGS
        case _:
            return False


def conditions_in(node: Node) -> tuple[Node, ...]:
    """The conditions that a condition is made of; none where it asks a single question."""
    match node:
        case Logical(_, operands):
            return operands
        case Unary("!", operand):
            return (operand,)
        case Call("if_then", parts) if _has_no_choice(parts[0]):
            return parts
        case Binary("^", left, right) if _has_no_choice(left) and _has_no_choice(right):
            return (left, right)
        case _:
            return ()


def both(left: Meaning, right: Meaning) -> Meaning:
    """Where two conditions are true."""
    return _all([left, right])


def _all(meanings: list[Meaning]) -> Meaning:
    return Meaning(conjunction([each.true for each in meanings]), disjunction([each.false for each in meanings]))


def _any(meanings: list[Meaning]) -> Meaning:
    return Meaning(disjunction([each.true for each in meanings]), conjunction([each.false for each in meanings]))


def chosen(condition: Meaning, then: Meaning, otherwise: Meaning) -> Meaning:
    """What `if_then` of these means."""
    return Meaning(
        disjunction([conjunction([condition.true, then.true]), conjunction([condition.false, otherwise.true])]),
        disjunction([conjunction([condition.true, then.false]), conjunction([condition.false, otherwise.false])]),
    )


def _has_no_choice(node: Node) -> bool:
    """Whether the formula of `node` may stand in another twice: with choices in it, it would grow each time."""
    return not any(
        (isinstance(each, Call) and each.function == "if_then") or (isinstance(each, Binary) and each.operator == "^")
        for each in every(node)
    )
