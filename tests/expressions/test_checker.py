from __future__ import annotations

import itertools

import pytest

from tlspolicy import Expression, PolicySyntaxError, Schema
from tlspolicy.expressions.checker import problems
from tlspolicy.expressions.parser import parse_expression

SCHEMA = Schema({"retry_num": int, "last_error": str, "rcpt_domain": str}, {"require": 1, "$size": 2.5})

PROBLEMS = {
    "retry_nun > 1": ("unknown name 'retry_nun'; did you mean 'retry_num'?", "retry_nun"),
    "RETRY_NUM": ("unknown name 'RETRY_NUM'; did you mean 'retry_num'?", "RETRY_NUM"),
    "TRUE": ("unknown name 'TRUE'; did you mean 'true'?", "TRUE"),
    "last_error == tls": ("unknown name 'tls'; a text is written in quotes: 'tls'", "tls"),
    "5mm": (
        "'5mm' is no number and no duration: numbers are written 5 or 1.5, durations 5d 5h 5m 5s 5ms",
        "5mm",
    ),
    "1.2.3": (
        "'1.2.3' is no number and no duration: numbers are written 5 or 1.5, durations 5d 5h 5m 5s 5ms",
        "1.2.3",
    ),
    "contains": ("'contains' is a function: write contains(…)", "contains"),
    "retry_num(1)": ("'retry_num' is no function", "retry_num"),
    "require(1)": ("'require' is no function", "require"),
    "end_with(last_error, 'x')": ("unknown function 'end_with'; did you mean 'ends_with'?", "end_with"),
    "is_empty()": ("is_empty() takes 1 argument, this gives 0", "is_empty()"),
    "1 + contains(1, 2, 3)": ("contains() takes 2 arguments, this gives 3", "contains(1, 2, 3)"),
    "matches(last_error, 'x')": ("the first argument of matches() is a regular expression in quotes", "last_error"),
    "[matches('a(b', last_error)]": ("missing ), unterminated subpattern", "("),
    r"matches('\d\n(', last_error)": ("missing ), unterminated subpattern", "("),
    "matches((('a(b')), last_error)": ("missing ), unterminated subpattern", "(('a(b'))"),
    "matches('a{1000000}', last_error)": (
        "too large: with its repetitions written out its size is over 250000",
        "'a{1000000}'",
    ),
}


@pytest.mark.parametrize(("text", "problem"), PROBLEMS.items(), ids=PROBLEMS)
def test_problem(text: str, problem: tuple[str, str]) -> None:
    with pytest.raises(PolicySyntaxError) as raised:
        Expression.parse(text, SCHEMA)
    error = raised.value
    assert (error.message, text[error.start : error.end]) == problem


def test_every_problem_is_found_from_left_to_right() -> None:
    node = parse_expression("matches(x, y) && is_empty() || matches('(', contains) + f(z)")
    found = [problem.message.split()[0] for problem in problems(node, SCHEMA)]
    assert found == ["the", "unknown", "unknown", "is_empty()", "missing", "'contains'", "unknown", "unknown"]


class Typed:
    """Contexts whose values have the types that their annotations say."""

    i: int
    f: float
    s: str
    a: tuple[str, ...]
    _private: dict[str, int]


TYPED = Schema.of(Typed, {"level": 1, "$name": "x"})
OPERANDS = ["i", "f", "s", "a", "1", "5m", "true", "1.5", "'x'", "''", "$1", "$x", "$name", "level", "[i]", "a[0]"]
OPERATORS = ["^", "==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "&&", "||"]
EXPRESSIONS = [
    *OPERANDS,
    *(f"{sign}{operand}" for sign in "!-" for operand in OPERANDS),
    *(f"{a} {op} {b}" for op in OPERATORS for a, b in itertools.product(OPERANDS, OPERANDS)),
    *(f"if_then(i, {a}, {b})" for a, b in itertools.pairwise(OPERANDS)),
    *(f"is_empty({operand}) + to_lowercase({operand})" for operand in OPERANDS),
]


def typed(i: int, f: float, s: str, a: tuple[str, ...]) -> Typed:
    context = Typed()
    context.i, context.f, context.s, context.a = i, f, s, a
    return context


CONTEXTS = [
    typed(0, 0.0, "", ()),
    typed(2, 1.5, "x", ("y",)),
    typed(-1, -0.5, "7", ("", "1.5")),
    typed(1, 2.0, "1e3", ()),
]


@pytest.mark.parametrize("text", EXPRESSIONS)
def test_every_value_has_a_type_that_was_foreseen(text: str) -> None:
    expression = Expression.parse(text, TYPED)
    assert {type(expression.evaluate(context)) for context in CONTEXTS} <= expression.result_types


@pytest.mark.parametrize(
    ("text", "types"),
    [
        ("retry_num", {int, float, str, tuple}),
        ("retry_num + 1 > 2", {int}),
        ("'x'", {str}),
        ("require", {int}),
        ("$size", {float}),
        ("$other", {int}),
        ("last_error && 1", {int, float, str, tuple}),
        ("'a' + 'b'", {str}),
        ("1 + 1", {int}),
        ("1 / 2", {float}),
        ("[1] + retry_num", {tuple}),
        ("-[]", {int}),
        ("'1' * 2", {int, float}),
        ("if_then(1, 'a', 2)", {str, int}),
    ],
)
def test_result_types(text: str, types: set[type]) -> None:
    assert Expression.parse(text, SCHEMA).result_types == types
