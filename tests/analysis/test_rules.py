"""Rules that are never reached, and conditions that are always or never true."""

from __future__ import annotations

import pytest
from analysed import asking, conditions, found, marked

from tlspolicy import TlsPolicy
from tlspolicy.analysis import Severity, analyse

# Conditions, of which the last is never the first that is true, and the rules that cover it.
DEAD = {
    "weaker-before": (["retry_num > 0", "retry_num > 1"], [0]),
    "a-part-before": (["queue_age > 5", "mx == 'a'", "mx == 'a' && retry_num > 1"], [1]),
    "suffix-before": (["ends_with(mx, '.a')", "ends_with(mx, '.b.a')"], [0]),
    "element-before": (["contains(['a', 'b'], mx)", "mx == 'b'"], [0]),
    "part-before": (["contains(mx, 'b')", "starts_with(mx, 'abc')"], [0]),
    "two-together": (["retry_num < 3", "queue_age > 5", "retry_num > 3", "retry_num != 3 && mx == 'a'"], [0, 2]),
    "any-of-these": (
        [f"mx == '{name}'" for name in "abcdefg"] + ["contains(['a', 'b', 'c', 'd', 'e', 'f'], mx)"],
        range(6),
    ),
    "listed": (["last_error != 'tls'", "source == 'dsn'", "last_error == 'dns'"], [0]),
    "first-attempt": (["retry_num == 0", "mx == 'a'", "!retry_num"], [0]),
    "value-of-a-pattern": ([r"matches('^a+$', mx)", "mx == 'aa'"], [0]),
    "recipient": (["contains(recipients, 'a@b')", "contains(recipients, 'a@b') && mx == 'a'"], [0]),
    "among-many-parts": (
        [*(f"contains(mx, 'host{each}')" for each in range(30)), "mx == 'x.host3' && priority > 2"],
        [3],
    ),
    "another-place": (["mx == 'a'", "'a' == mx && retry_num >= 0.5"], [0]),
    "in-seconds": (["queue_age > 60", "queue_age > 3600"], [0]),
}
REACHED = {
    "stronger-before": ["retry_num > 1", "retry_num > 0"],
    "another-variable": ["retry_num > 0", "queue_age > 1"],
    "longer-suffix-before": ["ends_with(mx, '.b.a')", "ends_with(mx, '.a')"],
    "suffix-is-no-equality": ["ends_with(mx, '.a')", "mx == 'a'"],
    "not-quite-all": ["retry_num > 3", "retry_num < 3", "mx == 'a'"],
    "another-recipient": ["contains(recipients, 'a@b')", "contains(recipients, 'c@d')"],
    "another-pattern": [r"matches('^a+$', mx)", r"matches('^b+$', mx)"],
    "two-patterns": [r"matches('^(.+\.)?a\.example$', mx) || matches('^[a-z]+\.b\.example$', mx)"],
    "networks": ["is_ip_in_cidr(remote_ip, '192.168.0.0/16')", "is_ip_in_cidr(remote_ip, '2001:db8:7::/48')"],
    "length": ["len(mx) > 20"],
    "divided": ["queue_age / 3600 > 5"],
    "many-parts": [f"contains(mx, 'host{number}x')" for number in range(30)],
    "two-variables": ["mx == rcpt_domain", "mx == sender_domain"],
    "computed": ["retry_num * 2 + notify_num > 3"],
    "many-rules": [f"retry_num == {number} && mx == 'a'" for number in range(20)],
}


@pytest.mark.parametrize(("tried", "covering"), DEAD.values(), ids=DEAD)
def test_a_dead_rule(tried: list[str], covering: list[int]) -> None:
    (dead,) = [each for each in analyse(asking(*tried)) if each.code == "dead-rule"]
    assert (dead.place.key, marked(dead), dead.severity) == (f"dane[{len(tried) - 1}].if", tried[-1], Severity.ERROR)
    assert [place.key for place in dead.related] == [f"dane[{number}].if" for number in covering]


@pytest.mark.parametrize("tried", REACHED.values(), ids=REACHED)
def test_rules_that_are_reached(tried: list[str]) -> None:
    assert found(asking(*tried)) == []


def test_what_a_dead_rule_says() -> None:
    names = ["retry_num < 3", "retry_num > 3", "retry_num == 3 && mx == 'a'", "mx == 'a'"]
    several = analyse(asking(*names))[0]
    assert several.why == "rule 3 is never reached: wherever it is true, so is rule 0, 1 or 2"
    assert several.mend == "put it before them, or leave it out"
    one = analyse(asking("retry_num > 0", "retry_num > 1"))[0]
    assert one.why == "rule 1 is never reached: wherever it is true, so is rule 0"
    assert one.mend == "put it before rule 0, or leave it out"
    many = analyse(asking(*(f"retry_num == {number}" for number in range(7)), "retry_num < 7"))[0]
    assert many.why == "rule 7 is never reached: wherever it is true, so is rule 0, 1, 2, 3, 4 or another"
    assert len(many.related) == 7


def test_a_repeated_rule() -> None:
    (repeated,) = analyse(asking("mx == 'a'", "retry_num > 1", "mx  ==  'a'"))
    assert (repeated.code, repeated.place.key, repeated.severity) == ("repeated-rule", "dane[2].if", Severity.ERROR)
    assert repeated.why == "rule 2 is never reached: its condition is that of rule 0"
    assert repeated.mend == "leave it out"
    assert [place.key for place in repeated.related] == ["dane[0].if"]


@pytest.mark.parametrize(
    ("tried", "mend"),
    [
        ([r"matches('q(.)', mx)", "$1 == 'a'", r"matches('q(.)', mx)", "$1 == 'b'"], "mend its condition"),
        ([r"matches('q(.)', mx)", "$1 == 'a'", r"matches('q(.)', mx)", "mx == 'b'"], "leave it out"),
        (
            ["retry_num > 0", r"retry_num > 1 && matches('q', mx)", "$0 == 'a'"],
            "put it before rule 0, or mend its condition",
        ),
    ],
    ids=["read later", "read before", "dead"],
)
def test_a_rule_whose_captures_are_read_is_not_to_be_left_out(tried: list[str], mend: str) -> None:
    assert mend in [each.mend for each in analyse(asking(*tried))]


def test_a_rule_that_asks_the_world_is_not_to_be_left_out() -> None:
    policy = TlsPolicy(
        dane=conditions("mx == 'a'", "mx == 'a' && counter_incr('a', 1, 1) > 5", then="disable", otherwise="optional"),
        functions={"counter_incr": lambda *_: pytest.fail("asked")},
    )
    (dead,) = analyse(policy)
    assert dead.mend == "put it before rule 0, or mend its condition"


def test_what_may_answer_differently_is_not_repeated() -> None:
    findings = analyse(asking("$1 == 'a'", r"matches('^(.)', mx) && retry_num > 3", "$1 == 'a'"))
    assert list(findings) == []


# A condition, the code, what makes it so, why and how to mend it.
CONSTANT = {
    "unknown-error": (
        "retry_num > 1 && last_error == 'TLS'",
        ("never-true", "last_error == 'TLS'"),
        "last_error is never 'TLS': it is none, dns, unexpected-reply, connection, tls, dane, mta-sts, rate, concurrency or io",
        "write 'tls'",
    ),
    "unknown-source": (
        "source == 'auth'",
        ("never-true", "source == 'auth'"),
        "source is never 'auth': it is authenticated, unauthenticated, dmarc_pass, dsn, report, autogenerated or unknown",
        "write one of these",
    ),
    "negative": (
        "retry_num < 0",
        ("never-true", "retry_num < 0"),
        "retry_num is never below 0",
        "compare it with a number above 0, or leave it out",
    ),
    "natural": (
        "mx == 'a' || retry_num >= 0",
        ("always-true", "retry_num >= 0"),
        "every attempt makes this true, since retry_num is never below 0",
        "compare it with a number above 0, or leave it out",
    ),
    "capitals": ("mx == 'A.b'", ("capitals", "mx == 'A.b'"), "mx is in lower case, and never 'A.b'", "write 'a.b'"),
    "other-than-capitals": (
        "mx != 'A'",
        ("always-true", "mx != 'A'"),
        "every attempt makes this true, since mx is in lower case, and never 'A'",
        "write 'a'",
    ),
    "capitals-of-a-recipient": (
        "contains(recipients, 'J@a')",
        ("capitals", "contains(recipients, 'J@a')"),
        "recipients is in lower case, and never 'J@a'",
        "write 'j@a'",
    ),
    "nothing-but-dots": (
        "ends_with(mx, '.')",
        ("never-true", "ends_with(mx, '.')"),
        "mx has no dot at its end, and is never '.'",
        "write what it should be",
    ),
    "dot": (
        "mx == 'a.'",
        ("never-true", "mx == 'a.'"),
        "mx has no dot at its end, and is never 'a.'",
        "write 'a'",
    ),
    "text": (
        "'mx'",
        ("always-true", "'mx'"),
        "a text is always true",
        "leave out its quotes, if it is meant as a condition",
    ),
    "no-such-number": (
        "retry_num > 3 && (mx == 'a' || mx == 'b') && retry_num < 2",
        ("never-true", "retry_num > 3 && (mx == 'a' || mx == 'b') && retry_num < 2"),
        "no attempt makes this true",
        "mend the condition, or leave it out",
    ),
    "either": (
        "retry_num == 2 || retry_num != 2",
        ("always-true", "retry_num == 2 || retry_num != 2"),
        "every attempt makes this true",
        "mend the condition, or leave it out",
    ),
    "fraction": (
        "retry_num == 1.5",
        ("never-true", "retry_num == 1.5"),
        "no attempt makes this true",
        "mend the condition, or leave it out",
    ),
    "a-part": (
        "mx == 'a' || retry_num < 0",
        ("never-true", "retry_num < 0"),
        "retry_num is never below 0",
        "compare it with a number above 0, or leave it out",
    ),
    "a-part-deep-within": (
        "!(mx == 'a' ^ retry_num < 0)",
        ("never-true", "retry_num < 0"),
        "retry_num is never below 0",
        "compare it with a number above 0, or leave it out",
    ),
    "what-is-chosen-by": (
        "if_then(retry_num < 0, true, mx == 'a')",
        ("never-true", "retry_num < 0"),
        "retry_num is never below 0",
        "compare it with a number above 0, or leave it out",
    ),
    "order-of-nan": (
        "retry_num == 'nan'",
        ("never-true", "retry_num == 'nan'"),
        "no attempt makes this true",
        "mend the condition, or leave it out",
    ),
}


@pytest.mark.parametrize(("condition", "part", "why", "mend"), CONSTANT.values(), ids=CONSTANT)
def test_a_constant_condition(condition: str, part: tuple[str, str], why: str, mend: str) -> None:
    assert (*part, why, mend) in [(each.code, marked(each), each.why, each.mend) for each in analyse(asking(condition))]


NOT_CONSTANT = {
    "none-of-these-yet": "retry_num <= 0 || last_error == 'none'",
    "priority": "priority < 0",
    "not-all-of-them": "last_error != 'tls' && last_error != 'none'",
    "order": "mx < 'A'",
    "chosen": "if_then(mx == 'a', true, false)",
    "chosen-again": "if_then(mx == 'a', 0, retry_num > 1)",
    "largest": "size == 9223372036854775807",
    "any-name": "queue_name == 'A.'",
    "unknown": "hash(queue_name, 'md5') != 'a'",
}


@pytest.mark.parametrize("condition", NOT_CONSTANT.values(), ids=NOT_CONSTANT)
def test_no_constant_condition(condition: str) -> None:
    assert found(asking(condition)) == []


def test_conditions_in_results() -> None:
    policy = TlsPolicy(
        starttls=[
            {"if": "mx == 'a'", "then": "if_then(retry_num < 0, require, if_then(size < 0, require, require))"},
            {"else": "if_then(retry_num >= 0, require, optional)"},
        ],
        allow_invalid_certs="last_error == 'tls' && retry_num < 0",
    )
    assert found(policy) == [
        ("never-true", "starttls[0].then", "retry_num < 0"),
        ("never-true", "starttls[0].then", "size < 0"),
        ("always-true", "starttls[1].else", "retry_num >= 0"),
        ("never-true", "allow_invalid_certs", "retry_num < 0"),
    ]


def test_a_constant_result_is_none() -> None:
    assert found(TlsPolicy(allow_invalid_certs=conditions("mx == 'a'", then="false", otherwise="1 > 2"))) == []


def test_what_can_not_be_known_is_left_undecided() -> None:
    findings = analyse(asking("hash(mx, 'md5') == 'x' && mx != 'a'"))
    assert list(findings) == []
    assert str(findings) == "dane[0].if: it is not known whether rule 0 is ever the first to match"


@pytest.mark.parametrize("impure", ["matches('(.)', rcpt_domain) && $1 == 'x'", "$0 == 'a'"])
def test_a_condition_that_depends_on_its_place_may_be_never_true(impure: str) -> None:
    assert found(asking(f"{impure} && mx == 'b' && mx == 'c'"))[-1][:2] == ("never-true", "dane[0].if")


def test_constants_may_be_computed() -> None:
    assert found(asking("queue_age > 60 * 60", "queue_age > 7200"))[0][:2] == ("dead-rule", "dane[1].if")
