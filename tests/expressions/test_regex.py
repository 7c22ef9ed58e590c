from __future__ import annotations

import time

import pytest

from tlspolicy import Expression, PolicyEvaluationError, PolicySyntaxError, Schema
from tlspolicy.expressions import regex
from tlspolicy.expressions.regex import MAX_PATTERN_LENGTH, MAX_SUBJECT_LENGTH

SCHEMA = Schema({"s": str})

CASES = [
    (r"matches('^(\d+)-(x)?$', '12-')", 1),
    (r"matches('b', 'abc')", 1),
    (r"matches('a$', 'a' + s)", 0),
    (r"matches('(?i)É', 'é')", 1),
    (r"matches('^\w$', 'é')", 1),
    (r"matches('^[a-z&&[^aeiou]]+$', 'xyz')", 1),
    (r"matches('^[a-z&&[^aeiou]]+$', 'xaz')", 0),
    (r"matches('^[[:alpha:]]\pL\b{end}', 'ab')", 1),
    (r"matches('^12$', 12)", 1),
    (r"[matches('(?P<n>.)(?<m>.)(z)?', 'ab'), $0, $1, $2, $3, $9]", (1, "ab", "a", "b", "", "")),
    (r"[matches('a', 'a'), matches('x', 'a'), $0]", (1, 0, "")),
    (r"[1 || matches('a', 'a'), $0]", (1, "")),
    (r"[matches('a', 'a') && 1 || matches('b', 'b'), $0]", (1, "a")),
]


@pytest.mark.parametrize(("text", "value"), CASES, ids=[text for text, _ in CASES])
def test_matches(text: str, value: object) -> None:
    assert Expression.parse(text, SCHEMA).evaluate({"s": "\n"}) == value


@pytest.mark.parametrize("pattern", ["a(?=b)", r"(a)\1", "(", "[z-a]", "a{1000}{1000}{1000}"])
def test_what_the_dialect_does_not_have_is_refused_at_load(pattern: str) -> None:
    with pytest.raises(PolicySyntaxError):
        Expression.parse(f"matches('{pattern}', s)", SCHEMA)


@pytest.mark.parametrize("pattern", ["(?é", "(?İ)", "(?P<n>é(?P<n>a"])
def test_a_pattern_on_which_the_engine_fails_is_refused(pattern: str) -> None:
    with pytest.raises(PolicySyntaxError, match="this is no regular expression"):
        Expression.parse(f"matches('{pattern}', s)", SCHEMA)


def test_what_interrupts_the_engine_is_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_pattern: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rurex.compile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        Expression.parse("matches('never seen before', s)", SCHEMA)


def test_pattern_length() -> None:
    Expression.parse(f"matches('{'a' * MAX_PATTERN_LENGTH}', s)", SCHEMA)
    with pytest.raises(PolicySyntaxError, match="longer than 4096 characters"):
        Expression.parse(f"matches('{'a' * (MAX_PATTERN_LENGTH + 1)}', s)", SCHEMA)


def test_subject_length() -> None:
    expression = Expression.parse("matches('b', s)", SCHEMA)
    assert expression.evaluate({"s": "a" * MAX_SUBJECT_LENGTH}) == 0
    with pytest.raises(PolicyEvaluationError, match="a text of more than 65536 characters"):
        expression.evaluate({"s": "a" * (MAX_SUBJECT_LENGTH + 1)})


def test_what_a_backtracking_engine_never_finishes_is_answered() -> None:
    expression = Expression.parse("matches('^(a+)+$', s)", SCHEMA)
    started = time.process_time()
    assert expression.evaluate({"s": "a" * (MAX_SUBJECT_LENGTH - 1) + "!"}) == 0
    assert time.process_time() - started < 60  # A backtracking engine would need longer than there is time.


def test_without_the_engine_a_pattern_is_refused_at_load(monkeypatch: pytest.MonkeyPatch) -> None:
    regex.compiled.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "rurex", None)
    with pytest.raises(
        PolicySyntaxError, match=r"matches\(\) needs the regex engine: pip install 'tlspolicy\[regex\]'"
    ):
        Expression.parse("matches('a', s)", SCHEMA)
