"""Examples: guesses of values that a condition may tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import conditions, parsed

from tlspolicy import DeliveryContext
from tlspolicy.analysis.examples import example_of, example_values
from tlspolicy.expressions import regex
from tlspolicy.expressions.values import INT_MAX

if TYPE_CHECKING:
    from tlspolicy.expressions.nodes import Node

# Patterns whose examples match: of what people mostly write.
PIECES = [
    "a",
    "b",
    "[{]",
    r"\.",
    ".",
    r"\d",
    r"\w",
    r"\s",
    r"\pL",
    "[a-f]",
    "[^a-f]",
    "[[:alpha:]]",
    r"[\d_]",
    "(?:ab)",
]
PATTERNS = st.recursive(
    st.sampled_from(PIECES),
    lambda parts: st.one_of(
        st.lists(parts, min_size=1, max_size=3).map("".join),
        st.builds("({}|{})".format, parts, parts),
        st.builds("(?:{}){}".format, parts, st.sampled_from(["*", "+", "?", "+?", "{2}", "{1,3}"])),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        ("", ""),
        ("mx", "mx"),
        (r"^mx\d\.example$", "mx1.example"),
        ("a|b", "a"),
        ("(a|b)c", "ac"),
        ("(a|(b|c)d|e)f", "af"),
        ("((a|b)c|d)e", "ace"),
        ("a(b", "ab"),
        ("a)b", "a)b"),
        ("ab*c", "ac"),
        ("ab+c", "abc"),
        ("ab+?c", "abc"),
        ("ab?c", "ac"),
        ("(ab){2,}c", "ababc"),
        ("ab{,2}c", "ac"),
        ("(?i)a", "a"),
        ("(?i:a)b", "ab"),
        ("(?P<name>a)(?<other>b)", "ab"),
        ("[a-z]", "a"),
        ("[^a]", "1"),
        ("[^a1.-_]", "~"),
        (r"[\d.]", "1"),
        (r"[\]]", "]"),
        ("[]a]", "]"),
        ("[[:digit:]]", "a"),
        (r"\pL\p{Latin}b", "aab"),
        (r"\w\W\s\S\D\b\B\A\z\.", "a. aa."),
        ("a{201}b", ""),
        ("[[a]{999999999999}]", ""),
    ],
)
def test_the_example_of_a_pattern(pattern: str, example: str) -> None:
    assert example_of(pattern) == example


@pytest.mark.parametrize(
    ("condition", "variable", "expected"),
    [
        ("len(mx) == 3", "mx", ["", "mx1.example.org", "0", "1"]),
        (r"matches('\.Example\.$', mx)", "mx", [".example", "mx1..example", "mx1.example", ""]),
        ("matches('@b$', sender)", "sender", ["@b", "mx1.@b", "mx1@b", "jane@@b"]),
        ("matches('A.', last_status)", "last_status", ["Aa", "mx1.Aa", "mx1Aa", ""]),
        ("is_ip_in_cidr(remote_ip, '10.0.0.0/8')", "remote_ip", ["10.0.0.0/8", "mx1.10.0.0.0/8"]),
        ("retry_num / 2 > 5", "retry_num", [0, 1, 2, 3, 4, 5, 6]),
        ("priority * 2 == 3", "priority", [-1, 0, 1, 2, 3, 4]),
        ("retry_num - 9223372036854775807 == 0", "retry_num", [0, 1, 2, 3, INT_MAX - 1, INT_MAX]),
    ],
)
def test_values_to_be_tried(condition: str, variable: str, expected: list[str | int]) -> None:
    found = [*example_values(parsed(condition), variable)]
    assert [value for value in found if value in expected] == expected


def test_addresses_are_tried() -> None:
    found = {*example_values(parsed("is_ipv6_addr(remote_ip)"), "remote_ip")}
    assert found >= {"192.0.2.1", "10.0.0.1", "2001:db8::1", "::1"}


def test_there_are_not_too_many() -> None:
    names = ", ".join(f"'{number}'" for number in range(100))
    assert len([*example_values(parsed(f"contains([{names}], trim(mx))"), "mx")]) == 24


def test_a_long_text_is_none() -> None:
    assert max(len(str(value)) for value in example_values(parsed(f"trim(mx) == '{'b' * 198}'"), "mx")) == 200
    assert f"mx1{'b' * 198}" not in example_values(parsed(f"trim(mx) == '{'b' * 198}'"), "mx")


@given(conditions(), st.sampled_from(["mx", "rcpt", "last_status", "remote_ip", "retry_num", "priority"]))
def test_a_context_has_them_as_they_are(node: Node, variable: str) -> None:
    for value in example_values(node, variable):
        assert getattr(DeliveryContext(**{variable: value}), variable) == value  # type: ignore[arg-type]


@given(PATTERNS)
def test_the_example_matches(pattern: str) -> None:
    assert regex.search(pattern, example_of(pattern)) is not None


@given(st.text(r"ab.\[]^(|)?:{2,}*+$<P>-", max_size=12) | st.text())
def test_any_text_has_an_example(pattern: str) -> None:
    assert len(example_of(pattern)) <= len(pattern) + 200
