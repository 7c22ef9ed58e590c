"""Branches: a policy's rule lists, which decide for an attempt as the policy itself does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from branched import branches_of, lists_of, rule_lists, rules
from hypothesis import given
from spaces import attempts, parsed, point

from tlspolicy import DELIVERY, Requirement, TlsDecision, TlsPolicy
from tlspolicy.analysis.branches import Unknown, asks_nobody, takes_truth
from tlspolicy.analysis.formulas import truth

if TYPE_CHECKING:
    from tlspolicy import DeliveryContext

REQUIRE, OPTIONAL, DISABLE = Requirement.REQUIRE, Requirement.OPTIONAL, Requirement.DISABLE


@pytest.mark.parametrize(
    ("setting", "result", "outcomes"),
    [
        ("starttls", "require", [REQUIRE]),
        ("starttls", "if_then(mx == 'a', optional, disable)", [OPTIONAL, DISABLE]),
        ("starttls", "if_then(mx, if_then(rcpt, 0, 2), 'require')", [DISABLE, OPTIONAL, REQUIRE]),
        ("allow_invalid_certs", True, [True]),
        ("allow_invalid_certs", "retry_num > 1", [True, False]),
        ("allow_invalid_certs", "retry_num", [True, False]),
        ("allow_invalid_certs", "if_then(mx == 'a', retry_num > 1, false)", [True, False, False]),
        ("tls_timeout", "1m", [60.0]),
        ("tls_timeout", "retry_num * 1000", [Unknown(parsed("retry_num * 1000"))]),
        ("tls_timeout", "if_then(retry_num, 1s, size)", [1.0, Unknown(parsed("size"))]),
    ],
)
def test_the_outcomes_of_a_result(setting: str, result: Any, outcomes: list[object]) -> None:
    fields: dict[str, Any] = {setting: rules(("sender == 'a'", result), default=result)}
    _, lists = lists_of(TlsPolicy(**fields))
    branches = lists[setting].branches
    assert [branch.outcome for branch in branches] == outcomes * 2
    assert [branch.rule for branch in branches] == [0] * len(outcomes) + [None] * len(outcomes)


def test_the_outcomes_of_strategies() -> None:
    strategy = rules(("last_error == 'tls'", "'weak'"), default="'strong'")
    queue = {
        "strategy": {"tls": strategy},
        "tls": {"weak": {"starttls": "optional"}, "strong": {"starttls": "require"}},
    }
    policy = TlsPolicy.from_mapping({"queue": queue})
    _, lists = lists_of(policy)
    weak, strong = (branch.outcome for branch in lists["strategy"].branches)
    assert isinstance(weak, TlsDecision)
    assert isinstance(strong, TlsDecision)
    assert (weak.starttls, strong.starttls) == (OPTIONAL, REQUIRE)


@pytest.mark.parametrize(
    ("setting", "result", "expected"),
    [
        ("allow_invalid_certs", "retry_num > 1", True),
        ("allow_invalid_certs", "recipients", True),
        ("allow_invalid_certs", "mx", False),
        ("allow_invalid_certs", "mx || 1", False),
        ("tls_timeout", "retry_num > 1", False),
    ],
)
def test_a_flag_is_the_truth_of_what_is_no_text(setting: str, result: str, expected: bool) -> None:  # noqa: FBT001
    assert takes_truth(setting, parsed(result), DELIVERY) is expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"starttls": "optional"}, True),
        ({"starttls": rules(("is_local_domain(rcpt_domain)", "optional"))}, False),
        ({"starttls": rules(("mx", "if_then(is_local_domain(mx), 0, 1)"))}, False),
        ({"dane": rules(default="if_then(is_local_domain(mx), 0, 1)")}, False),
    ],
    ids=["nothing", "in a condition", "in a result", "in an else"],
)
def test_whether_somebody_is_asked(fields: dict[str, Any], expected: bool) -> None:  # noqa: FBT001
    policy = TlsPolicy(**fields, functions={"is_local_domain": lambda _domain: 1})
    assert asks_nobody(policy) is expected
    assert asks_nobody(TlsPolicy(starttls="optional"))


def test_a_long_list_without_a_question() -> None:
    _, branches = branches_of(*[("true", "optional")] * 9)
    assert branches.before(8) == list(range(8))
    assert list(branches.near((), 7)) == [7, 8, 9]


def test_rules_before_one_that_may_apply_where_it_does() -> None:
    names = [f"mx == '{name}'" for name in "abcdefgh"]
    _, short = branches_of(*[(name, "optional") for name in names[:3]])
    assert short.before(2) == [0, 1]
    _, long = branches_of(*[(name, "optional") for name in [*names, "starts_with(mx, 'a')", "mx == rcpt"]])
    assert long.before(7) == []
    assert long.before(8) == [0]
    assert long.before(9) == list(range(9))


@given(rule_lists(pure=True), attempts())
def test_of_the_rules_before_one_none_is_left_out_that_applies(
    written: list[tuple[str, str]], context: DeliveryContext
) -> None:
    space, branches = branches_of(*written)
    here = point(space, context)
    applying = [number for number, condition in enumerate(branches.conditions) if truth(condition.true, here)]
    for number in applying:
        assert {*applying[: applying.index(number)]} <= {*branches.before(number)}
