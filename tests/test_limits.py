"""Every limit that the README names: what is at it is answered, what is past it is refused, and neither takes long."""

from __future__ import annotations

import re
import resource
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tlspolicy import (
    DELIVERY,
    DeliveryContext,
    Expression,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    RuleList,
    Schema,
    TlsPolicy,
)
from tlspolicy.config import MAX_FILE_SIZE
from tlspolicy.expressions.parser import MAX_EXPRESSION_DEPTH, MAX_EXPRESSION_LENGTH, MAX_RULES_LENGTH
from tlspolicy.expressions.regex import MAX_PATTERN_LENGTH, MAX_PATTERN_SIZE, MAX_SEARCH_COST, MAX_SUBJECT_LENGTH
from tlspolicy.expressions.rules import MAX_PATTERNS, MAX_PATTERNS_SIZE, MAX_RULES
from tlspolicy.expressions.scope import MAX_WORK
from tlspolicy.expressions.values import MAX_ARRAY_LENGTH, MAX_TEXT_LENGTH

if TYPE_CHECKING:
    from collections.abc import Iterator

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
LONG = "a" * MAX_TEXT_LENGTH


@contextmanager
def bounded() -> Iterator[None]:
    """Far more time and memory than anything here needs, and far less than something without a bound would."""
    started, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - started < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1024 * 1024


@pytest.mark.parametrize(
    "limit",
    [
        MAX_EXPRESSION_LENGTH,
        MAX_EXPRESSION_DEPTH,
        MAX_RULES,
        MAX_RULES_LENGTH,
        MAX_FILE_SIZE // 1024**2,
        MAX_PATTERN_LENGTH,
        MAX_PATTERN_SIZE,
        MAX_PATTERNS,
        MAX_PATTERNS_SIZE,
        MAX_SUBJECT_LENGTH,
        MAX_SEARCH_COST,
        MAX_TEXT_LENGTH,
        MAX_ARRAY_LENGTH,
        MAX_WORK,
    ],
)
def test_the_readme_names_every_limit(limit: int) -> None:
    limits = README.split("\n## Limits\n")[1].split("\n## ")[0]
    assert re.search(rf"\b{limit:,}\b", limits)


HOSTILE: dict[str, str] = {
    "brackets": "[" * 100_000,
    "closed-brackets": "(" * 30_000 + "1" + ")" * 30_000,
    "operators": " + ".join("1" * 20_000),
    "or": " || ".join("0" * 13_000),
    "unary": "!" * 20_000 + "1",
    "ten-megabytes": "'" + "x" * 10_000_000 + "'",
    "digits": "1" * 100_000,
    "few-digits": "1" * 50_000,
    "float": "1." + "1" * 60_000,
    "duration": "1" * 60_000 + "ms",
    "capture": "$" + "1" * 60_000,
    "name": "x" * 60_000,
    "call": "x" * 60_000 + "(1)",
    "backslashes": "'" + "\\" * 60_000,
    "quotes": "'\"" * 30_000,
    "regex": "matches('" + "(" * 4000 + ")" * 4000 + "', mx)",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_rule_is_answered_or_refused(text: str) -> None:
    with bounded():
        try:
            policy = TlsPolicy(allow_invalid_certs=text)
        except PolicyError as error:
            assert len(str(error)) < 2000
        else:
            policy.evaluate(DeliveryContext())


GREEDY: dict[str, tuple[str, dict[str, Any]]] = {
    "texts-in-an-array": ("[" + ",".join(["s + 'x'"] * 5000) + "]", {"s": LONG[:-1]}),
    "arrays-in-an-array": ("[" + ",".join(["a + 1"] * 5000) + "]", {"a": [0] * (MAX_ARRAY_LENGTH - 1)}),
    "mapped": ("count(to_uppercase([" + ",".join(["s"] * 5000) + "]))", {"s": LONG}),
    "negated": ("[" + ",".join(["-s"] * 16_000) + "]", {"s": "1" * MAX_TEXT_LENGTH}),
    "indexed": ("[" + ",".join(["1[s]"] * 10_000) + "]", {"s": "1" * MAX_TEXT_LENGTH}),
    "matched-arrays": ("||".join(["matches('b', a)"] * 3000), {"a": [""] * MAX_ARRAY_LENGTH}),
    "sorted": ("||".join(["!count(sort(a, 1))"] * 30), {"a": [str(n) for n in range(MAX_ARRAY_LENGTH)]}),
    "split-at-the-end": ("||".join(["rsplit_once(s, 'ab' + s)"] * 400), {"s": LONG[:400_000]}),
    "searched": ("||".join(["contains(a, 'x')"] * 3000), {"a": ["y"] * MAX_ARRAY_LENGTH}),
    "read-as-numbers": (f"contains({list(range(5000))}, s)", {"s": "1" * MAX_TEXT_LENGTH}),
    "hashed": ("||".join(["!hash(s, 'sha512')"] * 3000), {"s": LONG}),
    "split": ("||".join(["!split(s, '')"] * 3000), {"s": "a" * (MAX_ARRAY_LENGTH - 2)}),
    "matched": ("||".join(["matches('^(a+)+$', s)"] * 2000), {"s": "a" * (MAX_SUBJECT_LENGTH - 1) + "!"}),
}


@pytest.mark.parametrize(("text", "context"), GREEDY.values(), ids=GREEDY)
def test_a_greedy_rule_is_stopped(text: str, context: dict[str, Any]) -> None:
    expression = Expression.parse(text, Schema({"s": str, "a": tuple}))
    with bounded(), pytest.raises(PolicyEvaluationError):
        expression.evaluate(context)


def test_ordinary_rules_are_far_from_the_limit_of_work() -> None:
    domains = ", ".join(f"'d{number}.example'" for number in range(2000))
    rules = [*({"if": f"contains([{domains}], rcpt_domain)", "then": "1"} for _ in range(20)), {"else": "2"}]
    assert RuleList.parse(rules, DELIVERY).evaluate(DeliveryContext(rcpt_domain="other.example")) == 2


def test_a_hundred_thousand_rules_load() -> None:
    rules: list[dict[str, object]] = []
    for number in range(MAX_RULES):
        rules.append({"if": f"rcpt_domain == 'd{number}.example'", "then": False})  # noqa: PERF401  (for mypy)
    rules.append({"else": True})
    policy = TlsPolicy(starttls=rules)
    assert policy.evaluate(DeliveryContext(rcpt_domain=f"d{MAX_RULES - 1}.example")).matched.starttls == MAX_RULES - 1
    with pytest.raises(PolicySyntaxError, match="a list may have 100000 rules before its else, this has 100001"):
        TlsPolicy(starttls=[rules[0], *rules])


def test_an_explanation_of_large_values_is_short() -> None:
    rules = RuleList.parse([{"if": f"[{','.join('a' * 100)}]", "then": "1"}, {"else": "2"}], Schema({"a": tuple}))
    with bounded():
        assert len(str(rules.explain({"a": ["x"] * 60_000}))) < 20_000


def test_an_array_at_its_limit() -> None:
    schema = Schema({"a": tuple})
    full = [0] * (MAX_ARRAY_LENGTH - 1)
    assert Expression.parse("count(a + 1)", schema).evaluate({"a": full}) == MAX_ARRAY_LENGTH
    with pytest.raises(PolicyEvaluationError, match="an array grew beyond 65536 elements"):
        Expression.parse("count(a + [1, 2])", schema).evaluate({"a": full})


def test_a_text_at_its_limit() -> None:
    schema = Schema({"s": str})
    assert Expression.parse("count_chars(s + 'x')", schema).evaluate({"s": LONG[:-1]}) == MAX_TEXT_LENGTH
    with pytest.raises(PolicyEvaluationError, match="a text grew beyond 1048576 characters"):
        Expression.parse("count_chars(s + 'xy')", schema).evaluate({"s": LONG[:-1]})


def test_the_number_of_regular_expressions_is_limited() -> None:
    rules = [*({"if": f"matches('a{number}', mx)", "then": "0"} for number in range(MAX_PATTERNS)), {"else": "1"}]
    assert RuleList.parse([*rules[:5], *rules], DELIVERY).evaluate(DeliveryContext(mx="x")) == 1
    with pytest.raises(PolicySyntaxError, match="a list may have 1000 different regular expressions, this has 1001"):
        RuleList.parse([{"if": "matches('b', mx)", "then": "0"}, *rules], DELIVERY)


def test_the_size_of_regular_expressions_is_limited() -> None:
    large = [{"if": f"matches('a{{{99_990 + number}}}', mx)", "then": "0"} for number in range(6)]
    RuleList.parse([*large[:4], {"else": "1"}], DELIVERY)
    with pytest.raises(PolicySyntaxError, match="too large together"):
        RuleList.parse([*large, {"else": "1"}], DELIVERY)
