"""What the vectors of the operators leave open about the functions."""

from __future__ import annotations

import pytest

from tlspolicy import Expression, Schema

CASES = [
    ("starts_with('mx1', 'mx')", 1),
    ("starts_with(15, 1)", 1),
    ("ends_with('mx1.example', '.example')", 1),
    ("ends_with('x', '')", 1),
    ("contains('abc', 'b')", 1),
    ("contains(['1', 2], 1)", 1),
    ("contains([], '')", 0),
    ("contains('', '')", 1),
    ("is_empty('')", 1),
    ("is_empty([])", 1),
    ("is_empty(0)", 0),
    ("is_empty([''])", 0),
    ("to_lowercase('ÉA')", "éa"),
    ("to_uppercase(['a', 1.0, ['x']])", ("A", "1", "X")),
    ("is_ip_addr('192.0.2.1')", 1),
    ("is_ip_addr('192.0.2.01')", 0),
    ("is_ip_addr('2001:db8::1')", 1),
    ("is_ip_addr('fe80::1%eth0')", 0),
    ("is_ip_addr('[::1]')", 0),
    ("is_ip_addr(' ::1')", 0),
    ("is_ip_addr(1)", 0),
    ("email_part('a@b@c.example', 'local')", "a@b"),
    ("email_part('a@b@ c.example ', 'domain')", "c.example"),
    ("email_part('a@b', 'other')", ""),
    ("email_part('nobody', 'local')", ""),
    ("email_part(['a@b', 'c'], 'domain')", ("b", "")),
    ("if_then('x', 1, 2)", 1),
    ("if_then('', 1, 2)", 2),
]


@pytest.mark.parametrize(("text", "value"), CASES, ids=[text for text, _ in CASES])
def test_function(text: str, value: object) -> None:
    assert Expression.parse(text, Schema({})).evaluate({}) == value


def test_both_branches_of_if_then_are_evaluated() -> None:
    expression = Expression.parse("[if_then(1, matches('a', 'a'), matches('b', 'x')), $0]", Schema({}))
    assert expression.evaluate({}) == (1, "")
