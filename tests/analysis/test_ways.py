"""Ways into clear text and unverified TLS: all of them, each with an attempt that shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NoReturn

import pytest
from analysed import conditions

from tlspolicy import DeliveryContext, PolicyTypeError, Requirement, TlsDecision, TlsPolicy
from tlspolicy.analysis import analyse, compare, ways_to
from tlspolicy.analysis.ways import allows
from tlspolicy.session import Level

EXAMPLE = TlsPolicy.load(Path(__file__).parents[2] / "examples" / "policy.toml")
CLEAR, UNVERIFIED = Level.CLEAR_TEXT, Level.UNVERIFIED

# A policy, a level, and the ways to it.
WAYS: dict[str, tuple[TlsPolicy, Level, list[str]]] = {
    "example-clear-text": (EXAMPLE, CLEAR, ["retry_num ≥ 2 and last_error = 'tls'"]),
    "example-unverified": (EXAMPLE, UNVERIFIED, ["retry_num = 1 and last_error = 'tls'"]),
    "strict-clear-text": (TlsPolicy(), CLEAR, []),
    "strict-unverified": (TlsPolicy(), UNVERIFIED, []),
    "always": (TlsPolicy(starttls="optional", allow_invalid_certs=True), UNVERIFIED, ["always"]),
    "clear-text-is-never-unverified": (TlsPolicy(starttls="disable", allow_invalid_certs=True), UNVERIFIED, []),
    "unverified-is-never-clear-text": (TlsPolicy(allow_invalid_certs=True), CLEAR, []),
    "prevented-by-mta-sts": (
        TlsPolicy(starttls="optional", allow_invalid_certs=True, mta_sts="require"),
        UNVERIFIED,
        [],
    ),
    "prevented-by-dane": (TlsPolicy(starttls="optional", dane="require"), CLEAR, []),
    "prevented-for-some": (
        TlsPolicy(starttls="optional", dane=conditions("mx == 'a'", then="require", otherwise="optional")),
        CLEAR,
        ["mx ≠ 'a'"],
    ),
    "prevented-where-it-matters": (
        TlsPolicy(
            starttls=conditions("mx == 'a'"), mta_sts=conditions("mx == 'a'", then="require", otherwise="disable")
        ),
        CLEAR,
        [],
    ),
    "disabled-and-optional": (
        TlsPolicy(
            starttls=[
                {"if": "retry_num > 3", "then": "disable"},
                {"if": "retry_num > 1", "then": "optional"},
                {"else": "require"},
            ]
        ),
        CLEAR,
        ["retry_num ≥ 4", "2 ≤ retry_num ≤ 3"],
    ),
    "of-a-result": (TlsPolicy(allow_invalid_certs="retry_num > 1"), UNVERIFIED, ["retry_num ≥ 2"]),
    "of-a-choice": (TlsPolicy(starttls="if_then(mx == 'a', optional, require)"), CLEAR, ["mx = 'a'"]),
}


@pytest.mark.parametrize(("policy", "level", "conditions"), WAYS.values(), ids=WAYS)
def test_ways(policy: TlsPolicy, level: Level, conditions: list[str]) -> None:
    ways = ways_to(policy, level)
    assert [str(way) for way in ways.ways] == conditions
    assert (ways.undecided, ways.impossible) == ((), not conditions)
    for way in ways.ways:
        assert policy.evaluate(way.context) == way.decision
        assert allows(way.decision, level)


def test_an_attempt_that_shows_a_way() -> None:
    (way,) = ways_to(EXAMPLE, "clear text").ways  # type: ignore[arg-type]
    assert way.context == DeliveryContext(retry_num=2, last_error="tls")


def test_a_strategy() -> None:
    policy = TlsPolicy.loads(
        """
        [queue.strategy]
        tls = [ { if = "retry_num > 0 && last_error == 'tls'", then = "'loose'" }, { else = "'strict'" } ]
        [queue.tls]
        strict = { starttls = "require" }
        loose = { starttls = "require", allow-invalid-certs = true }
        """
    )
    assert ways_to(policy, CLEAR).impossible
    assert str(ways_to(policy, UNVERIFIED)) == "retry_num ≥ 1 and last_error = 'tls'"


ALLOWED = {
    "require": (TlsDecision(), False, False),
    "optional": (TlsDecision(starttls=Requirement.OPTIONAL), True, False),
    "disable": (TlsDecision(starttls=Requirement.DISABLE), True, False),
    "invalid": (TlsDecision(allow_invalid_certs=True), False, True),
    "invalid-with-dane": (TlsDecision(allow_invalid_certs=True, dane=Requirement.REQUIRE), False, True),
    "invalid-with-mta-sts": (TlsDecision(allow_invalid_certs=True, mta_sts=Requirement.REQUIRE), False, False),
    "clear-with-mta-sts": (TlsDecision(starttls=Requirement.DISABLE, mta_sts=Requirement.REQUIRE), False, False),
}


@pytest.mark.parametrize(("decision", "clear", "unverified"), ALLOWED.values(), ids=ALLOWED)
def test_allows(decision: TlsDecision, *, clear: bool, unverified: bool) -> None:
    assert (allows(decision, CLEAR), allows(decision, UNVERIFIED)) == (clear, unverified)


def never_called(*_: object) -> NoReturn:
    raise AssertionError("a function of the caller's was called")


def test_functions_of_the_caller_are_not_called() -> None:
    policy = TlsPolicy(
        starttls=conditions("is_local_domain(rcpt_domain) && retry_num > 1"),
        functions={"is_local_domain": never_called},
    )
    ways = ways_to(policy, CLEAR)
    assert (ways.ways, ways.impossible) == ((), False)
    assert (
        str(ways)
        == "it is not known whether clear text is allowed where retry_num ≥ 2 and is_local_domain(rcpt_domain) is true"
    )
    assert ways_to(policy, UNVERIFIED).impossible


def test_a_result_that_nothing_is_known_of() -> None:
    policy = TlsPolicy(starttls="key_get('levels', mx)", functions={"key_get": never_called})
    ways = ways_to(policy, CLEAR)
    assert (ways.ways, len(ways.undecided)) == ((), 1)


def test_many_ways() -> None:
    tried = [f"mx == 'mx{number}.example' && retry_num == {number}" for number in range(101)]
    ways = ways_to(TlsPolicy(starttls=conditions(*tried)), CLEAR)
    assert len(ways.ways) == 100
    assert [str(each) for each in ways.undecided] == ["there are more than 100 ways"]


def test_rules_too_intricate() -> None:
    tried = " && ".join(f"(retry_num * {each} > size || queue_age * {each} > size)" for each in range(2, 40))
    ways = ways_to(TlsPolicy(starttls=conditions(f"{tried} && retry_num > queue_age && size > retry_num")), CLEAR)
    assert not ways.impossible


@pytest.mark.parametrize(
    ("policy", "level", "message"),
    [
        ("require", CLEAR, "the policy must be a TlsPolicy, not str"),
        (
            EXAMPLE,
            Level.VERIFIED,
            "the level must be Level.CLEAR_TEXT or Level.UNVERIFIED, not <Level.VERIFIED: 'verified",
        ),
        (EXAMPLE, 3, "the level must be Level.CLEAR_TEXT or Level.UNVERIFIED, not 3"),
        (EXAMPLE, [], "the level must be Level.CLEAR_TEXT or Level.UNVERIFIED, not []"),
    ],
    ids=["no-policy", "verified", "number", "list"],
)
def test_what_is_refused(policy: Any, level: Any, message: str) -> None:
    with pytest.raises(PolicyTypeError) as caught:
        ways_to(policy, level)
    assert message in str(caught.value)


def test_more_rules_than_are_looked_at() -> None:
    ways = ways_to(TlsPolicy(starttls=conditions(*["mx == 'a'"] * 2_001)), CLEAR)
    assert not ways.impossible
    assert [str(each) for each in ways.undecided] == ["more than 2000 rules: they were not looked at"]


# What is reported is a region, its decision, and an attempt in it: each was once another's.
REGIONS = {
    "of the region, not of a rule before": (
        [("len(mx) > 1", "optional"), ("starts_with(mx, 'a')", "disable")],
        {("mx starts with 'a' and len(mx) > 1 is false", "disable"), ("len(mx) > 1 is true", "optional")},
    ),
    "none that has no attempt": ([("len(mx) > 1", "optional"), ("starts_with(mx, 'abc')", "disable")], None),
    "all of it": (
        [("ends_with(mx, '.old.example') || mx == 'old.example' || queue_age == 0 && retry_num * 2 > 5", "disable")],
        None,
    ),
}


@pytest.mark.parametrize(("written", "expected"), REGIONS.values(), ids=REGIONS)
def test_a_way_is_what_it_says(written: list[tuple[str, str]], expected: set[tuple[str, str]] | None) -> None:
    policy = TlsPolicy(starttls=[*({"if": each, "then": then} for each, then in written), {"else": "require"}])
    ways = ways_to(policy, CLEAR)
    for way in ways.ways:
        assert policy.evaluate(way.context) == way.decision
    if expected:
        assert {(way.conditions, str(way.decision.starttls)) for way in ways.ways} >= expected


def test_no_part_of_a_way_is_lost() -> None:
    policy = TlsPolicy(starttls=conditions(*REGIONS["all of it"][0][0][:1], then="disable"))
    assert policy.evaluate(DeliveryContext(mx="old.example", queue_age=9)).starttls is Requirement.DISABLE
    said = [way.conditions for way in ways_to(policy, CLEAR).ways]
    assert "(mx ends with '.old.example' or mx = 'old.example')" in said


def test_no_way_is_shown_by_an_attempt_of_another_rule() -> None:
    rules = [("matches('(a)', mx) && $1 == 'b'", "optional"), ("mx == 'a'", "optional")]
    policy = TlsPolicy(starttls=[*({"if": each, "then": then} for each, then in rules), {"else": "require"}])
    assert [way.conditions for way in ways_to(policy, CLEAR).ways] == ["mx = 'a'"] or ways_to(policy, CLEAR).undecided


def test_too_many_constants_to_look_at() -> None:
    names = ",".join(f"'{number}'" for number in range(8_000))
    variables = ("mx", "rcpt_domain", "sender_domain")
    policy = TlsPolicy(starttls=conditions(*(f"contains([{names}], {variable})" for variable in variables)))
    assert not ways_to(policy, CLEAR).impossible
    assert [each.why for each in analyse(policy).undecided] == [
        "too many constants to know which rules are ever reached"
    ]
    assert not compare(policy, TlsPolicy()).equal
