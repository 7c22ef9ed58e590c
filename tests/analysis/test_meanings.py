"""Meanings: a condition's formulas are true where the condition is, and where it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from spaces import attempts, conditions, parsed, point, space_of

from tlspolicy import DELIVERY
from tlspolicy.analysis.formulas import FALSE, TRUE, And, Atom, Or, truth
from tlspolicy.analysis.meanings import Meaning, Reader, both, chosen, conditions_in, is_flag
from tlspolicy.expressions.evaluator import EvaluationProblem, evaluate
from tlspolicy.expressions.printer import printed
from tlspolicy.expressions.scope import Scope

if TYPE_CHECKING:
    from tlspolicy import DeliveryContext
    from tlspolicy.analysis.formulas import Formula
    from tlspolicy.analysis.questions import Question
    from tlspolicy.expressions.nodes import Node

ALWAYS, NEVER = Meaning(TRUE, FALSE), Meaning(FALSE, TRUE)


def meant(condition: str) -> tuple[Meaning, list[Question]]:
    """What a condition means, where the n-th question that it asks has the n-th dimension; and the questions."""
    questions: list[Question] = []

    def answer(question: Question) -> Meaning:
        if question not in questions:
            questions.append(question)
        return Meaning(*_answers(questions.index(question)))

    return Reader(answer).meaning(parsed(condition)), questions


def _answers(number: int) -> tuple[Atom, Atom]:
    return Atom(number, 0b10), Atom(number, 0b01)


A, NOT_A = _answers(0)
B, NOT_B = _answers(1)
C, NOT_C = _answers(2)


def either(*parts: Formula) -> Formula:
    return Or(parts)


def all_of(*parts: Formula) -> Formula:
    return And(parts)


@pytest.mark.parametrize(
    ("condition", "true", "false"),
    [
        ("mx == 'a'", A, NOT_A),
        ("mx != 'a'", NOT_A, A),
        ("mx <= 'a'", either(A, B), all_of(NOT_A, NOT_B)),
        ("mx > 'a'", all_of(NOT_A, NOT_B), either(A, B)),
        ("contains([], mx)", FALSE, TRUE),
        ("mx && rcpt", all_of(NOT_A, NOT_B), either(A, B)),
        ("!(mx == 'a' || rcpt == 'b')", all_of(NOT_A, NOT_B), either(A, B)),
        (
            "mx == 'a' ^ rcpt == 'b'",
            either(all_of(B, NOT_A), all_of(NOT_B, A)),
            either(all_of(B, A), all_of(NOT_B, NOT_A)),
        ),
        (
            "if_then(mx == 'a', rcpt == 'b', size == 1)",
            either(all_of(A, B), all_of(NOT_A, C)),
            either(all_of(A, NOT_B), all_of(NOT_A, NOT_C)),
        ),
        ("if_then(mx == 'a', true, false)", A, NOT_A),
        ("(mx == 'a') == 1", A, NOT_A),
        ("(mx == 'a') < true", NOT_A, A),
        ("is_empty(mx) >= 0", either(A, NOT_A), FALSE),
        ("is_empty(mx) == 2", FALSE, either(A, NOT_A)),
        ("(mx == 'a') == (rcpt == 'b')", A, NOT_A),
        ("1 == (mx == 'a')", A, NOT_A),
        ("is_empty(mx) == split_n('a', '', -1)", A, NOT_A),
        ("1 + 1 == 2 && mx == 'a'", A, NOT_A),
        ("1 > 2 && mx == 'a'", FALSE, TRUE),
        ("split_n('a', '', -1)", A, NOT_A),
        # With choices in it, a condition is a question of its own: its formula would grow too much.
        ("if_then(mx == 'a' ^ rcpt == 'b', true, false)", A, NOT_A),
        ("(mx == 'a' ^ rcpt == 'b') ^ size == 1", A, NOT_A),
        ("size == 1 ^ if_then(mx == 'a', true, false)", A, NOT_A),
    ],
)
def test_a_meaning(condition: str, true: Formula, false: Formula) -> None:
    assert meant(condition)[0] == Meaning(true, false)


@pytest.mark.parametrize(
    ("condition", "questions"),
    [
        ("mx == 'a' && 'a' == mx", 1),
        ("mx == rcpt && mx == rcpt", 1),
        ("matches('a', mx) && matches('a', mx)", 1),
        ("$1 && $1", 2),
        ("matches('(a)', mx) && $1 == mx || $1 == mx", 3),
    ],
    ids=["the same question", "of two variables", "a pattern", "captures", "captures after a pattern"],
)
def test_what_may_answer_differently_is_asked_each_time(condition: str, questions: int) -> None:
    assert len(meant(condition)[1]) == questions


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("!retry_num", True),
        ("true", True),
        ("mx == 'a'", True),
        ("mx ^ rcpt", True),
        ("mx == 'a' && rcpt", True),
        ("mx && rcpt == 'a'", False),
        ("matches('a', mx)", True),
        ("trim(mx)", False),
        ("retry_num + 1", False),
        ("-true", False),
        ("retry_num", False),
        ("1", False),
    ],
)
def test_what_is_always_1_or_0(expression: str, expected: bool) -> None:  # noqa: FBT001
    assert is_flag(parsed(expression)) is expected


@pytest.mark.parametrize(
    ("condition", "parts"),
    [
        ("mx || rcpt || size", ["mx", "rcpt", "size"]),
        ("!mx", ["mx"]),
        ("if_then(mx, rcpt, size)", ["mx", "rcpt", "size"]),
        ("mx ^ rcpt", ["mx", "rcpt"]),
        ("mx == rcpt", []),
        ("if_then(mx ^ rcpt, 1, 0)", []),
        ("if_then(mx, 1, 0) ^ rcpt", []),
        ("rcpt ^ if_then(mx, 1, 0)", []),
    ],
)
def test_conditions_in_a_condition(condition: str, parts: list[str]) -> None:
    assert list(map(printed, conditions_in(parsed(condition)))) == parts


def test_meanings_are_put_together() -> None:
    a, b = Meaning(A, NOT_A), Meaning(B, NOT_B)
    assert both(a, b) == (all_of(A, B), either(NOT_A, NOT_B))
    assert both(a, ALWAYS) == a
    assert chosen(a, ALWAYS, NEVER) == a
    assert chosen(NEVER, a, b) == b


@given(conditions(), attempts())
def test_a_condition_is_true_where_its_formula_is(node: Node, context: DeliveryContext) -> None:
    scope = Scope(DELIVERY, context, steps=[])
    try:
        value = bool(evaluate(node, scope))
    except EvaluationProblem:
        assume(condition=False)
    space, (meaning,) = space_of(node)
    here = point(space, context, scope.steps or ())
    assert (truth(meaning.true, here), truth(meaning.false, here)) == (value, not value)
    assert not any(truth(axiom, here) is False for axiom in space.axioms)
    assert not any(cells & ~everything for cells, everything in zip(here, space.full, strict=True))
