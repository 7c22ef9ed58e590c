from __future__ import annotations

import math
import pickle
from typing import Any

import pytest

from tlspolicy import Expression, PolicySyntaxError, RuleList, Schema
from tlspolicy.expressions.values import INT_MAX, INT_MIN

SCHEMA = Schema({"x": int})


@pytest.mark.parametrize("value", [True, False, 0, 5, -5, INT_MAX, INT_MIN, 1.5, -1.5, 0.0, -0.0, 1e300])
def test_a_bare_scalar_is_its_own_value(value: float) -> None:
    rules = RuleList.parse(value, SCHEMA)
    assert repr(rules.evaluate({})) == repr(int(value) if isinstance(value, bool) else value)
    assert Expression.parse(rules.default.text, SCHEMA).evaluate({}) == value
    assert str(rules.explain({})).startswith(rules.default.text[:20])


@pytest.mark.parametrize("value", [INT_MAX + 1, INT_MIN - 1, math.nan, -math.inf])
def test_a_scalar_that_can_not_be(value: float) -> None:
    with pytest.raises(PolicySyntaxError):
        RuleList.parse(value, SCHEMA)


def test_an_integer_that_python_would_not_write() -> None:
    with pytest.raises(PolicySyntaxError, match="this integer is larger than 64 bits can hold"):
        RuleList.parse(10**5000, SCHEMA)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, "an expression in quotes, a boolean or a number must stand here, not null"),
        ([True], "[0]: a rule is a table { if = …, then = … }, not a boolean"),
        ([1.5], "[0]: a rule is a table { if = …, then = … }, not a number"),
        ({"if": "1"}, "a list of rules is written [ { if = …, then = … }, { else = … } ], and this is a table"),
        ({"0": {"else": 1}, "00": {"else": 2}}, "two rules have the same number"),
        (b"1", "an expression in quotes, a boolean or a number must stand here, not a bytes"),
    ],
)
def test_what_is_no_rule_list_is_named(source: object, message: str) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        RuleList.parse(source, SCHEMA)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("source", "kind"), [(5, "a number"), ({}, "a table"), ([], "an array"), (None, "null"), (b"", "a bytes")]
)
def test_an_expression_is_a_text(source: Any, kind: str) -> None:
    with pytest.raises(PolicySyntaxError, match=f"an expression is a text, not {kind}"):
        Expression.parse(source, SCHEMA)


def test_an_expression_is_its_tree() -> None:
    expression = Expression.parse("x + 1", SCHEMA)
    assert str(Expression.parse("( x+1 )", SCHEMA)) == "x + 1"
    assert expression == Expression.parse("( x+1 )", SCHEMA)
    assert expression != Expression.parse("x + 1", Schema({"x": str}))
    assert pickle.loads(pickle.dumps(expression)) == expression  # noqa: S301
