"""Which rules and branches a test run has exercised."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given

from tlspolicy import (
    DeliveryContext,
    PolicyError,
    PolicyEvaluationError,
    PolicyTypeError,
    Requirement,
    TlsPolicy,
)
from tlspolicy.rule_coverage import Branch, CoveredRule, RuleCoverage, summary, watchers
from tlspolicy.testing import contexts, policies

LADDER = """
[queue.outbound.tls]
starttls = [ { if = "retry_num > 1 && last_error == 'tls'", then = "disable" },
             { if = "retry_num > 0 && last_error == 'tls'", then = "optional" },
             { else = "require" } ]
dane = "disable"
"""
KEY = "queue.outbound.tls.starttls"


def attempt(retry_num: int = 0, last_error: str = "none", mx: str = "") -> DeliveryContext:
    return DeliveryContext(retry_num=retry_num, last_error=last_error, mx=mx)


def covered(policy: TlsPolicy, *attempts: DeliveryContext) -> RuleCoverage:
    coverage = RuleCoverage(policy)
    for each in attempts:
        coverage.evaluate(each)
    return coverage


NUMBERS: list[tuple[list[DeliveryContext], list[tuple[int, int, int, int]], list[str]]] = [
    ([], [(0, 0, 0, 0)] * 3, [f"{KEY}[0]", f"{KEY}[1]", f"{KEY}[2]"]),
    ([attempt()], [(1, 0, 1, 0), (1, 0, 1, 0), (0, 0, 0, 1)], [f"{KEY}[0]", f"{KEY}[1]"]),
    ([attempt(2, "tls")], [(1, 1, 0, 1), (0, 0, 0, 0), (0, 0, 0, 0)], [f"{KEY}[1]", f"{KEY}[2]"]),
    (
        [attempt(), attempt(1, "tls"), attempt(2, "tls"), attempt(2, "tls")],
        [(4, 2, 2, 2), (2, 1, 1, 1), (0, 0, 0, 1)],
        [],
    ),
]


@pytest.mark.parametrize(("attempts", "numbers", "never_fired"), NUMBERS, ids=["none", "else", "first", "all"])
def test_rules(
    attempts: list[DeliveryContext], numbers: list[tuple[int, int, int, int]], never_fired: list[str]
) -> None:
    coverage = covered(TlsPolicy.loads(LADDER), *attempts)
    assert [(rule.tried, rule.true, rule.false, rule.decided) for rule in coverage.rules] == numbers
    assert [*coverage.never_fired] == never_fired


BRANCHES: list[tuple[dict[str, Any], list[tuple[str, int, int]]]] = [
    (
        {"allow_invalid_certs": "retry_num > 0 && (last_error == 'tls' || mx == 'a')"},
        [("retry_num > 0", 2, 1), ("(last_error == 'tls' || mx == 'a')", 1, 1), ("last_error == 'tls'", 1, 1), ("mx == 'a'", 0, 1)],
    ),
    ({"allow_invalid_certs": "true && retry_num && 1 == 1"}, [("retry_num", 2, 1)]),
    (
        {"starttls": "if_then(mx == 'a' || mx, require, optional)"},
        [("mx == 'a' || mx", 0, 3), ("mx == 'a'", 0, 3), ("mx", 0, 3)],
    ),
    (
        {"starttls": [{"if": "retry_num", "then": "if_then(retry_num > 1, 0, 2)"}, {"else": "if_then(mx, 1, 2)"}]},
        [("retry_num > 1", 1, 1), ("mx", 0, 1)],
    ),
    ({"allow_invalid_certs": "retry_num > 1 ^ last_error == 'tls'"}, []),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "branches"), BRANCHES)
def test_branches(settings: dict[str, Any], branches: list[tuple[str, int, int]]) -> None:
    coverage = covered(TlsPolicy(**settings), attempt(), attempt(1, "dns"), attempt(2, "tls"))
    found = [branch for rule in coverage.rules for branch in rule.branches]
    assert [(branch.text, branch.true, branch.false) for branch in found] == branches


MISSING = [((0, 0), "evaluated"), ((1, 0), "false"), ((0, 2), "true"), ((1, 1), "")]


@pytest.mark.parametrize(("numbers", "missing"), MISSING)
def test_what_a_branch_never_was(numbers: tuple[int, int], missing: str) -> None:
    assert Branch("mx", *numbers).missing == missing


def test_the_report() -> None:
    coverage = covered(TlsPolicy.loads(LADDER), attempt(), attempt(1, "tls"))
    assert (
        str(coverage)
        == coverage.report()
        == """\
policy: 2 of 3 rules fired, 1 of 4 branches were both true and false
    queue.outbound.tls.starttls[0]: tried 2, true 0, decided 0: if retry_num > 1 && last_error == 'tls' then disable
        true 0, false 2: retry_num > 1
        true 0, false 0: last_error == 'tls'
    queue.outbound.tls.starttls[1]: tried 2, true 1, decided 1: if retry_num > 0 && last_error == 'tls' then optional
        true 1, false 1: retry_num > 0
        true 1, false 0: last_error == 'tls'
    queue.outbound.tls.starttls[2]: decided 1: else require"""
    )
    assert coverage.gaps == (
        "queue.outbound.tls.starttls[0]: never fired, tried 2 times: if retry_num > 1 && last_error == 'tls' then disable",
        "queue.outbound.tls.starttls[0]: never true: retry_num > 1",
        "queue.outbound.tls.starttls[0]: never evaluated: last_error == 'tls'",
        "queue.outbound.tls.starttls[1]: never false: last_error == 'tls'",
    )
    assert repr(coverage) == "<RuleCoverage: policy: 2 of 3 rules fired, 1 of 4 branches were both true and false>"
    assert covered(TlsPolicy.loads(LADDER)).gaps[2] == "queue.outbound.tls.starttls[2]: never fired: else require"


def test_the_report_names_the_file_in_printable_characters_and_cuts_long_rules() -> None:
    rule = CoveredRule("", "key", f"if mx == '{'x' * 200}'\n then 1")
    assert len(str(rule)) < 150
    policy = TlsPolicy(starttls=[{"if": "mx", "then": 1}, {"else": "2"}])
    assert summary(RuleCoverage(policy).rules).startswith("policy: 0 of 2 rules fired")
    named = [CoveredRule("a\x1b.toml", "key", "else 1", decided=1)]
    assert summary(named) == "a�.toml: 1 of 1 rules fired, 0 of 0 branches were both true and false"


def test_the_file(tmp_path: Any) -> None:
    file = tmp_path / "own.toml"
    file.write_text(LADDER)
    assert {rule.file for rule in RuleCoverage(TlsPolicy.load(file)).rules} == {str(file)}


def test_strategies() -> None:
    document = {
        "queue": {
            "strategy": {"tls": [{"if": "retry_num > 0", "then": "'lax'"}, {"else": "'strict'"}]},
            "tls": {"lax": {"starttls": "optional"}, "strict": {"starttls": "require"}},
        }
    }
    coverage = covered(TlsPolicy.from_mapping(document), attempt(1))
    assert coverage.never_fired == ("queue.strategy.tls[1]",)


def test_functions_are_asked_once_and_a_policy_that_must_be_awaited_is_awaited() -> None:
    asked = []

    def ask(domain: str) -> bool:
        asked.append(domain)
        return True

    async def answer(domain: str) -> bool:
        return ask(domain)

    coverage = covered(TlsPolicy(allow_invalid_certs="ask(mx) || mx", functions={"ask": ask}), attempt(mx="a"))
    assert (asked, coverage.rules[0].branches[0].true) == (["a"], 1)
    awaited = RuleCoverage(TlsPolicy(allow_invalid_certs="ask(mx) || mx", functions={"ask": answer}))
    assert asyncio.run(awaited.evaluate_async(attempt(mx="b"))).allow_invalid_certs
    assert (asked, awaited.rules[0].decided) == (["a", "b"], 1)
    with pytest.raises(PolicyEvaluationError, match="evaluate_async"):
        awaited.evaluate(attempt())


def test_an_attempt_that_raises_counts_for_nothing() -> None:
    coverage = RuleCoverage(
        TlsPolicy(starttls=[{"if": "mx", "then": 1}, {"else": "if_then(split_n(mx, '', -1), 1, 2)"}])
    )
    with pytest.raises(PolicyEvaluationError):
        coverage.evaluate(attempt())
    with pytest.raises(PolicyTypeError):
        coverage.evaluate({})  # type: ignore[arg-type]
    assert coverage.never_fired == ("starttls[0]", "starttls[1]")


def test_what_only_the_compiled_rules_can_decide_is_decided_and_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    def explain(_policy: TlsPolicy, _context: DeliveryContext) -> None:
        raise PolicyEvaluationError("more work than one evaluation may do")

    monkeypatch.setattr(TlsPolicy, "explain", explain)
    coverage = RuleCoverage(TlsPolicy.loads(LADDER))
    assert coverage.evaluate(attempt(2, "tls")).starttls is Requirement.DISABLE
    assert coverage.rules[0].tried == 0


@given(policies(), contexts())
def test_it_decides_as_the_policy_does(policy: TlsPolicy, context: DeliveryContext) -> None:
    coverage = RuleCoverage(policy)
    try:
        decision = policy.evaluate(context)
    except PolicyError as error:
        with pytest.raises(type(error)) as raised:
            coverage.evaluate(context)
        assert str(raised.value) == str(error)
        return
    decided = coverage.evaluate(context)
    assert (decided, decided.matched) == (decision, decision.matched)
    lists = [name for name, rules in policy.rules.items() if rules.rules]
    keys = [rule.key for rule in coverage.rules if rule.decided]
    assert sum(rule.text.startswith(("if ", "else ")) and rule.decided for rule in coverage.rules) == len(lists)
    assert {*keys}.isdisjoint(coverage.never_fired)


def test_counts_of_the_same_rules_are_added() -> None:
    first, second = (covered(TlsPolicy.loads(LADDER), each) for each in (attempt(), attempt(2, "tls")))
    both = covered(TlsPolicy.loads(LADDER), attempt(), attempt(2, "tls"))
    assert [rule.identity for rule in first.rules] == [rule.identity for rule in second.rules]
    for rule, other in zip(first.rules, second.rules, strict=True):
        rule.add(other)
    assert first.rules == both.rules
    assert first.report() == both.report()


def test_those_who_watch_learn_of_each() -> None:
    seen: list[RuleCoverage] = []
    watchers.append(seen.append)
    try:
        coverage = RuleCoverage(TlsPolicy())
    finally:
        watchers.pop()
    RuleCoverage(TlsPolicy())
    assert seen == [coverage]
    assert (coverage.rules, coverage.never_fired) == ((), ())
    assert coverage.evaluate(attempt()).starttls is Requirement.REQUIRE
    assert isinstance(coverage.policy, TlsPolicy)
