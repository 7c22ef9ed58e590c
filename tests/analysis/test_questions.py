"""Questions: what a condition asks of a single variable."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import attempts, parsed

from tlspolicy import DELIVERY, Schema
from tlspolicy.analysis.questions import (
    Asked,
    Listed,
    Number,
    Other,
    Question,
    Recipient,
    Text,
    asked,
    asks,
    compared,
    constants_tested,
    is_pure,
    only_variable,
    truth_of_constant,
    value_with,
    variables,
)
from tlspolicy.analysis.texts import TextTest
from tlspolicy.expressions.evaluator import evaluate
from tlspolicy.expressions.expression import Expression
from tlspolicy.expressions.regions import Integers
from tlspolicy.expressions.scope import Scope
from tlspolicy.expressions.values import COMPARISONS, INT_MAX, INT_MIN

if TYPE_CHECKING:
    from tlspolicy import DeliveryContext
    from tlspolicy.analysis.texts import Kind
    from tlspolicy.expressions.values import Value

ASKING = Schema(DELIVERY.variables, DELIVERY.constants, {"is_local_domain": lambda _domain: 1})


def numbers(*ranges: tuple[int, int], variable: str = "retry_num") -> Number:
    return Number(variable, Integers(ranges))


def text(kind: Kind, constant: str, variable: str = "mx") -> Text:
    return Text(variable, TextTest(kind, constant))


@pytest.mark.parametrize(
    ("condition", "questions", "negated"),
    [
        # Integers
        ("retry_num", [numbers((INT_MIN, -1), (1, INT_MAX))], False),
        ("retry_num == 2", [numbers((2, 2))], False),
        ("2 < retry_num", [numbers((3, INT_MAX))], False),
        ("retry_num <= 1m", [numbers((INT_MIN, 60_000))], False),
        ("retry_num == -1", [numbers((-1, -1))], False),
        ("retry_num == require", [numbers((1, 1))], False),
        ("retry_num == true", [numbers((1, 1))], False),
        ("retry_num >= '2'", [numbers((2, INT_MAX))], False),
        ("retry_num == 'two'", [numbers((0, 0))], False),
        ("retry_num < 1.5", [numbers((INT_MIN, 1))], False),
        ("retry_num <= 1.5", [numbers((INT_MIN, 1))], False),
        ("retry_num > 1.5", [numbers((2, INT_MAX))], False),
        ("retry_num >= 2.0", [numbers((2, INT_MAX))], False),
        ("retry_num == 1.5", [numbers()], False),
        ("retry_num != 2.0", [numbers((INT_MIN, 1), (3, INT_MAX))], False),
        ("retry_num == 9007199254740992.0", [numbers((2**53, 2**53 + 1))], False),
        ("retry_num < 'inf'", [numbers((INT_MIN, INT_MAX))], False),
        ("retry_num < '-inf'", [numbers()], False),
        ("retry_num == 'nan'", [numbers()], False),
        ("retry_num != 'nan'", [numbers((INT_MIN, INT_MAX))], False),
        ("contains([1, 2.0], retry_num)", [numbers((1, 1)), numbers((2, 2))], False),
        # Texts
        ("mx", [text("equals", "")], True),
        ("is_empty(mx)", [text("equals", "")], False),
        ("mx == 'a'", [text("equals", "a")], False),
        ("mx != 'a'", [text("equals", "a")], True),
        ("mx < 'a'", [text("below", "a")], False),
        ("mx >= 'a'", [text("below", "a")], True),
        ("mx <= 'a'", [text("below", "a"), text("equals", "a")], False),
        ("mx > 'a'", [text("below", "a"), text("equals", "a")], True),
        ("'a' > mx", [text("below", "a")], False),
        ("starts_with(mx, 'a')", [text("starts", "a")], False),
        ("ends_with(to_lowercase(mx), 'a')", [text("ends", "a")], False),
        ("contains(mx, 'A')", [text("contains", "A")], False),
        ("contains_ignore_case(mx, 'A')", [text("contains", "a")], False),
        ("eq_ignore_case(to_lowercase(mx), 'A')", [text("equals", "a")], False),
        ("contains(['a', 'b'], mx)", [text("equals", "a"), text("equals", "b")], False),
        ("contains([], mx)", [], False),
        # Texts of which all values are known
        ("last_error == 'tls'", [Listed("last_error", frozenset({"tls"}))], False),
        ("source > 'r'", [Listed("source", frozenset({"report", "unauthenticated", "unknown"}))], False),
        ("matches('^d', last_error)", [Listed("last_error", frozenset({"dns", "dane"}))], False),
        ("len(last_error) == 0", [Listed("last_error", frozenset())], False),
        # Recipients
        ("contains(recipients, 'a@b')", [Recipient("a@b")], False),
    ],
)
def test_what_is_asked(condition: str, questions: list[Question], negated: bool) -> None:  # noqa: FBT001
    assert asked(parsed(condition)) == Asked(tuple(questions), negated)


@pytest.mark.parametrize(
    "condition",
    [
        "recipients",
        "recipients == 'a'",
        "contains(recipients, 1)",
        "contains(['a'], recipients)",
        "is_empty(recipients)",
        "is_empty(retry_num)",
        "mx == 1",
        "mx == rcpt",
        "mx == ['a']",
        "retry_num == priority",
        "retry_num == [1]",
        "retry_num + 1 == 2",
        "contains([1], mx)",
        "contains(['a', mx], rcpt)",
        "contains([retry_num], mx)",
        "starts_with(retry_num, '1')",
        "starts_with(mx, rcpt)",
        "ends_with(to_lowercase(last_status), 'a')",
        "eq_ignore_case(last_status, 'a')",
        "contains_ignore_case(mx, 'é')",
        "contains_ignore_case(mx, rcpt)",
        "len(mx) > 3",
        "require == 1",
        "contains([1], require)",
        "matches('a', mx)",
        "last_error == source",
        "matches('a', last_error) && $0 == last_error",
    ],
)
def test_something_else_is_asked(condition: str) -> None:
    assert asked(parsed(condition)) is None


@given(
    attempts(),
    st.sampled_from(["retry_num", "priority", "expires_in"]),
    st.sampled_from(sorted(COMPARISONS)),
    st.sampled_from(["0", "-1", "2", "1.5", "2.0", "'1e3'", "'nan'", "'-inf'", "9223372036854775807"])
    | st.floats(0, 2**65).map(lambda number: f"{number:f}"),
)
def test_integers_compare_as_the_region_says(
    context: DeliveryContext, variable: str, operator: str, constant: str
) -> None:
    node = parsed(f"{variable} {operator} {constant}")
    of_node = asked(node)
    assert of_node is not None
    (question,) = of_node.one_of
    assert isinstance(question, Number)
    inside = any(first <= getattr(context, variable) <= last for first, last in question.region.ranges)
    assert inside is bool(evaluate(node, Scope(DELIVERY, context)))


@pytest.mark.parametrize(
    ("expression", "pure", "asking", "variable", "names"),
    [
        ("mx == 'a'", True, False, "mx", {"mx"}),
        ("len(mx) + len(mx) > require", True, False, "mx", {"mx"}),
        ("matches('a', mx)", True, False, "mx", {"mx"}),
        ("mx == rcpt", True, False, "", {"mx", "rcpt"}),
        ("count(recipients) > 1", True, False, "", {"recipients"}),
        ("mx == $1", False, False, "", {"mx"}),
        ("is_local_domain(mx)", False, True, "", {"mx"}),
        ("!is_local_domain(mx)", False, False, "", {"mx"}),
        ("require == 1", True, False, "", set()),
    ],
)
def test_what_it_depends_on(expression: str, pure: bool, asking: bool, variable: str, names: set[str]) -> None:  # noqa: FBT001
    node = Expression.parse(expression, ASKING).node
    assert (is_pure(node), asks(node), only_variable(node), variables(node)) == (pure, asking, variable, names)


@pytest.mark.parametrize(
    ("expression", "value"),
    [("len(mx)", 3), ("mx + 'd'", "abcd"), ("split_n(mx, '', -1)", None)],
    ids=["a number", "a text", "an error"],
)
def test_the_value_with_one_of_a_variable(expression: str, value: Value | None) -> None:
    assert value_with(parsed(expression), "mx", "abc") == value


@pytest.mark.parametrize(
    ("expression", "truth"),
    [
        ("1 + 1 == 2", True),
        ("require == 2", False),
        ("[]", False),
        ("mx == mx", None),
        ("matches('a', 'a')", None),
        ("split_n('a', '', -1)", None),
    ],
)
def test_the_truth_of_what_is_constant(expression: str, truth: bool | None) -> None:  # noqa: FBT001
    assert truth_of_constant(parsed(expression)) is truth


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("retry_num > 2", ("retry_num", 2)),
        ("'a' == mx", ("mx", "a")),
        ("recipients == ['a']", ("recipients", ("a",))),
        ("mx == rcpt", None),
        ("require == 1", None),
        ("retry_num + 1", None),
        ("starts_with(mx, 'a')", None),
    ],
)
def test_what_is_compared(expression: str, expected: tuple[str, Value] | None) -> None:
    assert compared(parsed(expression)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("mx == 'a'", [("mx", "a")]),
        ("'a' < mx", [("mx", "a")]),
        ("contains(['a', 1, 'b'], mx)", [("mx", "a"), ("mx", "b")]),
        ("contains(recipients, 'a')", [("recipients", "a")]),
        ("ends_with(mx, 'a')", [("mx", "a")]),
        ("mx == 1", []),
        ("mx + 'a'", []),
        ("is_empty(mx)", []),
        ("eq_ignore_case(mx, 'a')", []),
    ],
)
def test_texts_that_are_looked_for(expression: str, expected: list[tuple[str, str]]) -> None:
    found = [(variable, constant.value) for variable, constant in constants_tested(parsed(expression))]
    assert found == expected


def test_questions_of_the_same_condition_are_the_same() -> None:
    first, second = (Other(parsed(text), 0, "mx") for text in ("len(mx) > 3", "len( mx )>3"))
    assert {first, second} == {first}
