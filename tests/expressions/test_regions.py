"""Regions of values: what is in one is what its comparison says, and they combine as sets do."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING

import pytest
from generated import FACTS, conditions, facts
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy.expressions.conditions import within
from tlspolicy.expressions.evaluator import evaluate
from tlspolicy.expressions.parser import parse_expression
from tlspolicy.expressions.regions import Integers, Texts
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from generated import Facts

    from tlspolicy.expressions.nodes import Node

OPERATORS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
INTEGERS = st.integers(-2, 2) | st.sampled_from([INT_MIN, INT_MIN + 1, INT_MAX - 1, INT_MAX])
TEXTS = st.sampled_from(["", "a", "b", "c"])


def holds(region: Integers | Texts, value: int | str) -> bool:
    """Whether a value is in a region."""
    if isinstance(region, Texts):
        return (value in region.known) is not region.without
    assert isinstance(value, int)
    return any(first <= value <= last for first, last in region.ranges)


def integer_regions() -> st.SearchStrategy[Integers]:
    compared = st.builds(Integers.compared, st.sampled_from(list(OPERATORS)), INTEGERS)
    return st.recursive(
        compared | st.builds(Integers.of, st.lists(INTEGERS)),
        lambda parts: st.builds(Integers.both, parts, parts) | st.builds(Integers.others, parts),
        max_leaves=4,
    )


def text_regions() -> st.SearchStrategy[Texts]:
    return st.builds(Texts, st.frozensets(TEXTS), st.booleans())


@given(st.sampled_from(list(OPERATORS)), INTEGERS, INTEGERS)
def test_a_comparison_is_its_region(symbol: str, constant: int, value: int) -> None:
    assert holds(Integers.compared(symbol, constant), value) == OPERATORS[symbol](value, constant)


@given(integer_regions(), integer_regions(), INTEGERS)
def test_regions_of_integers_are_sets(left: Integers, right: Integers, value: int) -> None:
    assert holds(left.both(right), value) == (holds(left, value) and holds(right, value))
    assert holds(left.others(), value) != holds(left, value)
    assert bool(left) or not holds(left, value)
    assert not left.both(left.others())


@given(text_regions(), text_regions(), TEXTS)
def test_regions_of_texts_are_sets(left: Texts, right: Texts, value: str) -> None:
    assert holds(left.both(right), value) == (holds(left, value) and holds(right, value))
    assert holds(left.others(), value) != holds(left, value)
    assert bool(left) or not holds(left, value)
    assert not left.both(left.others())


@given(conditions(), facts())
def test_what_is_said_of_a_condition_is_true(condition: Node, context: Facts) -> None:
    found = within(condition, FACTS)
    if found:
        value = getattr(context, found.variable)
        assert isinstance(found.region, (Integers, Texts))
        assert holds(found.region, value) == bool(evaluate(condition, Scope(FACTS, context)))


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("number > 5m", Integers(((300_001, INT_MAX),))),
        ("true == number", Integers(((1, 1),))),
        ("require < number", Integers(((2, INT_MAX),))),
        ("number >= -3", Integers(((-3, INT_MAX),))),
        ("word != 'a'", Texts(frozenset({"a"}))),
        ("contains(['a', 'b'], word)", Texts(frozenset({"a", "b"}), without=False)),
        ("contains([2, 1, 2], number)", Integers(((1, 1), (2, 2)))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_regions_of_conditions(text: str, region: Integers | Texts) -> None:
    found = within(parse_expression(text), FACTS)
    assert found
    assert found.region == region


@pytest.mark.parametrize(
    "text",
    [
        "number > 1.5",
        "number > word",
        "word > 'a'",
        "word == 5",
        "ratio == 1.0",
        "contains(['a', 1], word)",
        "contains([number], number)",
        "contains(words, word)",
        "contains('abc', word)",
        "ends_with(word, 'a')",
        "unknown == 1",
        "number == 1 + 1",
    ],
)
def test_nothing_is_said_of_other_conditions(text: str) -> None:
    assert within(parse_expression(text), FACTS) is None
