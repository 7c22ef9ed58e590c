"""The values at which rules change their minds."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy import DELIVERY, DeliveryContext, LastError, TlsPolicy
from tlspolicy.boundaries import MAX_VALUES, boundaries
from tlspolicy.context import SOURCES
from tlspolicy.expressions.nodes import Name, every
from tlspolicy.expressions.values import INT_MAX, INT_MIN
from tlspolicy.testing import policies

NUMBERS = [
    ("retry_num", [0, 1]),
    ("retry_num > 2", [0, 1, 2, 3]),
    ("2 < retry_num", [0, 1, 2, 3]),
    ("retry_num > 2.5", [0, 1, 2, 3, 4]),
    ("retry_num == '7'", [0, 1, 6, 7, 8]),
    ("retry_num == 'seven'", [0, 1]),
    ("retry_num == 'inf'", [0, 1]),
    ("contains([4, 9], retry_num)", [0, 1, 3, 4, 5, 8, 9, 10]),
    ("retry_num == optional", [0, 1, 2, 3]),
    ("retry_num + 1 > 3", [0, 1, 2, 3, 4]),
    ("queue_age > 1h", [0, 1, 3_599_999, 3_600_000, 3_600_001]),
    ("expires_in < 60", [INT_MAX, 0, 1, 59, 60, 61]),
    ("priority < -4", [0, -5, -4, -3, -1, 1, 3, 4, 5]),
    (f"size == {INT_MAX}", [0, 1, INT_MAX - 1, INT_MAX]),
    (f"priority == -{INT_MAX} - 1", [0, INT_MIN, -INT_MAX, -INT_MAX + 1, -1, 1, 2, INT_MAX - 1, INT_MAX]),
]


@pytest.mark.parametrize(("text", "values"), NUMBERS, ids=[text for text, _ in NUMBERS])
def test_numbers(text: str, values: list[int]) -> None:
    (found,) = boundaries(TlsPolicy(allow_invalid_certs=f"!!({text})")).values()
    assert [*found] == values


TEXTS = [
    ("mx == 'A.example.'", "mx", {"", "a.example", "mx.a.example", "xa.example", "elsewhere.example"}),
    ("ends_with(mx, '.a.example')", "mx", {"a.example", "mx.a.example", "xa.example", "x.a.example", ".a.examplex"}),
    ("starts_with(mx, 'mx')", "mx", {"mx", "mxx", "xmx", "m"}),
    ("contains(mx, 'relay')", "mx", {"relay", "xrelayx", "rela"}),
    ("contains(['a.example', 'b.example'], mx)", "mx", {"a.example", "b.example", "elsewhere.example"}),
    ("eq_ignore_case(queue_name, 'Slow')", "queue_name", {"", "Slow", "SLOW", "xSlow"}),
    ("queue_name == 25", "queue_name", {"25", "x25", "2"}),
    ("len(queue_name) > 2", "queue_name", {"", *("x" * length for length in (1, 2, 3))}),
    ("count_chars(queue_name) == 'ab'", "queue_name", {"ab"}),
    (
        "is_ip_in_cidr(remote_ip, '10.0.0.0/8')",
        "remote_ip",
        {"9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"},
    ),
    ("is_ip_in_cidr(remote_ip, '::/0')", "remote_ip", {"::", "2001:db8::1", "192.0.2.1"}),
    (
        "is_ip_in_cidr(remote_ip, '2001:db8::/32')",
        "remote_ip",
        {"2001:db8::", "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff"},
    ),
    ("email_part(rcpt, 'domain') == 'a.example'", "rcpt", {"someone@a.example", "someone@mx.a.example", "a.example"}),
    ("email_part(sender, 'local') == 'jane'", "sender", {"jane", "jane@elsewhere.example", "xjane@elsewhere.example"}),
    ("rcpt == 'jane@a.example'", "rcpt", {"", "jane@a.example", "xjane@a.example", "someone@elsewhere.example"}),
    ("ends_with(rcpt, '@a.example')", "rcpt", {"someone@a.example", "someone@xa.example"}),
    ("hash(mx, 'md5') == 'x'", "mx", {"x", "mx.x"}),
    ("matches('(?i)^(mx|in)[0-9]{2}\\.a-b\\.example?$', mx)", "mx", {"mx", "in", ".a-b.exampl", "mx.a-b.exampl"}),
    ("last_error == 'tls'", "last_error", set(LastError)),
    ("source == 'dsn'", "source", set(SOURCES)),
    ("retry_num > 1 && if_then(mx == 'a', 1, 0) ^ mx == 'b'", "mx", {"a", "b"}),
]


@pytest.mark.parametrize(("text", "variable", "values"), TEXTS, ids=[text for text, *_ in TEXTS])
def test_texts(text: str, variable: str, values: set[str]) -> None:
    assert values - {*boundaries(TlsPolicy(allow_invalid_certs=f"({text}) == true"))[variable]} == set()


OTHER = "someone@elsewhere.example"
RECIPIENTS = [
    ("contains(recipients, 'jane@a.example')", ("jane@a.example",)),
    ("contains(recipients, 'jane@a.example')", (OTHER, "jane@a.example")),
    ("contains(recipients, 'a.example')", ("someone@a.example",)),
    ("count(recipients) > 2", ()),
    ("count(recipients) > 2", (OTHER,) * 2),
    ("count(recipients) > 2", (OTHER,) * 3),
]


@pytest.mark.parametrize(("text", "recipients"), RECIPIENTS)
def test_recipients(text: str, recipients: tuple[str, ...]) -> None:
    assert recipients in boundaries(TlsPolicy(allow_invalid_certs=text))["recipients"]


NOT_COMPARED = [
    ("email_part(rcpt, 'domain') == 'a.example'", "rcpt", "domain"),
    ("mx == 'a' && rcpt_domain == 'b'", "mx", "b"),
    ("mx == 'a' || !(rcpt_domain == 'b')", "rcpt_domain", "a"),
    ("mx == 'a' ^ rcpt_domain == 'b'", "mx", "b"),
    ("if_then(mx == 'a', rcpt_domain == 'b', 1)", "mx", "b"),
    ("len(mx) > 300", "mx", "x" * 300),
]


@pytest.mark.parametrize(("text", "variable", "value"), NOT_COMPARED)
def test_what_a_variable_is_not_compared_with(text: str, variable: str, value: str) -> None:
    assert value not in boundaries(TlsPolicy(allow_invalid_certs=text))[variable]


def test_results_and_names_of_strategies_are_looked_at() -> None:
    tables: dict[str, Any] = {"strict": {}, "lax": {}}
    chosen = "if_then(retry_num > 4, 'lax', 'strict')"
    by_name = TlsPolicy.from_mapping({"queue": {"strategy": {"tls": chosen}, "tls": tables}})
    assert boundaries(by_name) == {"retry_num": (0, 1, 3, 4, 5)}
    assert boundaries(TlsPolicy(tls_timeout="1000 + retry_num * 500"))["retry_num"][-3:] == (999, 1000, 1001)
    assert boundaries(TlsPolicy()) == {}


def test_there_are_so_many_at_most_and_constants_first() -> None:
    domains = [f"{number}.example" for number in range(2 * MAX_VALUES)]
    rules = [{"if": f"rcpt_domain == '{domain}'", "then": "optional"} for domain in domains]
    values = boundaries(TlsPolicy(starttls=[*rules, {"else": "require"}]))["rcpt_domain"]
    assert values == ("", *domains[: MAX_VALUES - 1])


@given(policies())
def test_a_context_keeps_them_as_they_are(policy: TlsPolicy) -> None:
    found = boundaries(policy)
    assert all(len(values) == len(set(values)) <= MAX_VALUES for values in found.values())
    for name, values in found.items():
        for value in values:
            given: dict[str, Any] = {name: value}
            assert getattr(DeliveryContext(**given), name) == value
        assert values[0] == getattr(DeliveryContext(), name)


@given(policies())
def test_they_are_of_the_variables_that_are_read_and_always_the_same(policy: TlsPolicy) -> None:
    expressions = [
        each for rules in policy.rules.values() for rule in (*rules.rules, (rules.default,)) for each in rule
    ]
    names = {node.name for each in expressions for node in every(each.node) if isinstance(node, Name)}
    found = boundaries(policy)
    assert found.keys() == names & DELIVERY.variables.keys()
    assert [*boundaries(copy.deepcopy(policy)).items()] == [*found.items()]


ORDERS = st.sampled_from(["<", "<=", "==", "!=", ">=", ">"])


@given(
    st.lists(st.tuples(ORDERS, st.integers(-4, 9) | st.integers(INT_MIN + 1, INT_MAX)), min_size=1, max_size=4),
    st.integers(-5, 10) | st.integers(INT_MIN, INT_MAX),
)
def test_every_number_is_decided_as_one_of_them(tests: list[tuple[str, int]], number: int) -> None:
    rules = [{"if": f"priority {order} {constant}", "then": 1000 + n} for n, (order, constant) in enumerate(tests)]
    policy = TlsPolicy(tls_timeout=[*rules, {"else": 1}])
    decided = {policy.evaluate(DeliveryContext(priority=value)) for value in _of(policy, "priority")}
    assert policy.evaluate(DeliveryContext(priority=number)) in decided


FUNCTIONS = st.sampled_from(["starts_with", "ends_with", "contains", "eq_ignore_case"])
PARTS = st.sampled_from(["a", "B", "a.example", ".a.example", "b.example"])


@given(FUNCTIONS, PARTS, st.text("abx.", max_size=4) | st.builds("{}{}".format, st.text("abx.", max_size=2), PARTS))
def test_every_text_is_decided_as_one_of_them(function: str, part: str, text: str) -> None:
    policy = TlsPolicy(allow_invalid_certs=f"{function}(queue_name, '{part}')")
    decided = {policy.evaluate(DeliveryContext(queue_name=value)) for value in _of(policy, "queue_name")}
    assert policy.evaluate(DeliveryContext(queue_name=text)) in decided


def _of(policy: TlsPolicy, variable: str) -> tuple[Any, ...]:
    return boundaries(policy)[variable]
