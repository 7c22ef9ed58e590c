"""analyse: what it puts together, where it places what it finds, and that it ends whatever the policy."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from analysed import conditions, found, marked

from tlspolicy import PolicyTypeError, TlsPolicy
from tlspolicy.analysis import CODES, Severity, analyse, compare, ways_to
from tlspolicy.session import Level

MANUAL = """\
[queue.strategy]
tls = [ { if = "retry_num > 0 && last_error == 'tls'", then = "'invalid-tls'" },
        { if = "retry_num > 1 && last_error == 'tls'", then = "'disable-tls'" },
        { else = "'default'" } ]

[queue.tls.default]
starttls = "require"

[queue.tls.invalid-tls]
starttls = "require"
allow-invalid-certs = true

[queue.tls.disable-tls]
starttls = "disable"

[queue.tls.spare]
dane = "require"
"""


def test_the_strategies_of_the_manual() -> None:
    findings = analyse(TlsPolicy.loads(MANUAL))
    dead, unused = findings
    assert (dead.code, dead.place.key, dead.place.line) == ("dead-rule", "queue.strategy.tls[1].if", 3)
    assert dead.mend == "put it before rule 0, or leave it out"
    assert [(place.key, place.line) for place in dead.related] == [("queue.strategy.tls[0].if", 2)]
    assert (unused.code, unused.severity, unused.place.key) == ("unused-strategy", Severity.WARNING, "queue.tls.spare")
    assert (unused.place.line, unused.source) == (16, "")
    assert unused.why == "no rule names the strategy 'spare'"
    assert unused.mend == "leave it out, or name it in a rule"
    assert ways_to(TlsPolicy.loads(MANUAL), Level.CLEAR_TEXT).impossible


def strategies(results: str) -> TlsPolicy:
    return TlsPolicy.loads(
        f"queue.strategy.tls = {results}\nqueue.tls = {{ a = {{starttls='require'}}, b = {{starttls='require'}} }}"
    )


NAMED = {
    "all": "[ { if = \"mx == 'x'\", then = \"'a'\" }, { else = \"'b'\" } ]",
    "in-a-choice": "\"if_then(mx == 'x', 'a', 'b')\"",
}


@pytest.mark.parametrize("results", NAMED.values(), ids=NAMED)
def test_strategies_that_are_named(results: str) -> None:
    assert found(strategies(results)) == []


def test_strategies_whose_names_are_computed_may_all_be_named() -> None:
    findings = analyse(strategies("\"if_then(mx == 'x', 'a', to_lowercase(mx))\""))
    assert [each.code for each in findings] == []
    (undecided, *_) = findings.undecided
    assert undecided.why == "some rules compute a strategy's name: which are named is not known"


REQUIRED = {
    "dane": (TlsPolicy(dane="require"), [("dane", "require")]),
    "mta-sts": (TlsPolicy(mta_sts="true"), [("mta_sts", "true")]),
    "both": (TlsPolicy(dane="require", mta_sts="require"), [("dane", "require"), ("mta_sts", "require")]),
    "once-each": (
        TlsPolicy(dane=conditions("mx == 'a'", "mx == 'b'", then="require", otherwise="optional")),
        [("dane[0].then", "require")],
    ),
    "in-a-choice": (
        TlsPolicy(dane="if_then(mx == 'a', require, disable)"),
        [("dane", "if_then(mx == 'a', require, disable)")],
    ),
    "by-name": (
        TlsPolicy.loads("queue.strategy.tls = \"'a'\"\nqueue.tls.a = { starttls='require', dane = 'require' }"),
        [("queue.strategy.tls", "'a'")],
    ),
    "starttls": (TlsPolicy(starttls="require"), []),
    "optional": (TlsPolicy(dane="optional", mta_sts="disable"), []),
}


@pytest.mark.parametrize(("policy", "places"), REQUIRED.values(), ids=REQUIRED)
def test_what_the_caller_must_check(policy: TlsPolicy, places: list[tuple[str, str]]) -> None:
    assert found(policy) == [("unchecked-requirement", *place) for place in places]


def test_what_an_unchecked_requirement_says() -> None:
    (finding,) = analyse(TlsPolicy(mta_sts="require"))
    assert (finding.severity, finding.why) == (
        Severity.NOTE,
        "MTA-STS is required here, which the library does not check by itself",
    )
    assert finding.mend == "check it, and say so (secure(…, mta_sts=True)): otherwise the attempt fails as 'mta-sts'"


def test_findings_stand_in_the_order_of_the_rules() -> None:
    policy = TlsPolicy(
        starttls=conditions("mx == 'B' || mx == 'A'", "retry_num < 0"), dane=conditions("$x", otherwise="require")
    )
    assert [(key, text) for _, key, text in found(policy)] == [
        ("starttls[0].if", "mx == 'B'"),
        ("starttls[0].if", "mx == 'A'"),
        ("starttls[1].if", "retry_num < 0"),
        ("dane[0].if", "$x"),
        ("dane[0].if", "$x"),
        ("dane[1].else", "require"),
    ]


def never_called(*_: object) -> NoReturn:
    raise AssertionError("a function of the caller's was called")


def test_functions_of_the_caller_are_not_called() -> None:
    policy = TlsPolicy(
        starttls=conditions(
            "is_local_domain(rcpt_domain)", "is_local_domain(rcpt_domain)", "retry_num > 1", "retry_num > 2"
        ),
        functions={"is_local_domain": never_called},
    )
    findings = analyse(policy)
    assert [(each.code, each.place.key, marked(each)) for each in findings] == [
        ("dead-rule", "starttls[3].if", "retry_num > 2")
    ]
    assert [str(each) for each in findings.undecided] == [
        "starttls[0].if: it is not known whether rule 0 is ever the first to match",
        "starttls[1].if: it is not known whether rule 1 is ever the first to match",
        "starttls[2].if: it is not known whether rule 2 is ever the first to match",
        "what is relaxed depends on functions that ask the world, which were not called",
    ]


def test_no_policy() -> None:
    wrong: Any = "require"
    with pytest.raises(PolicyTypeError, match="the policy must be a TlsPolicy, not str"):
        analyse(wrong)


def test_more_rules_than_are_looked_at() -> None:
    policy = TlsPolicy(dane=conditions(*["mx == 'A'", "retry_num > 1h"] * 2_501, then="disable", otherwise="optional"))
    findings = analyse(policy)
    assert {each.code for each in findings} == {"milliseconds"}
    assert [str(each) for each in findings.undecided] == [
        "more than 2000 rules: each was looked at for itself, and not which of them are ever reached"
    ]


def rule_lists() -> dict[str, list[str]]:
    """Conditions that are much to look at."""
    hosts = [f"mx{number}.example" for number in range(150)]
    return {
        "patterns": [rf"matches('^mx[0-9]+\.d{number}\.example$', mx)" for number in range(150)],
        "parts": [f"contains(mx, '{host}')" for host in hosts[:100]],
        "starts-and-ends": [f"starts_with(mx, '{host}') || ends_with(mx, '{host}')" for host in hosts[:100]],
        "elements": [f"contains([{', '.join(map(repr, hosts))}], mx) && retry_num > {number}" for number in range(20)],
        "alternatives": [
            " && ".join(
                f"(retry_num == {number} || mx == '{host}' || size > {number})"
                for number, host in enumerate(hosts[:60])
            )
        ]
        * 20,
        "pigeons": [
            " && ".join(
                [
                    f"({' || '.join(f'contains(recipients, {chr(39)}{p}-{h}@a{chr(39)})' for h in range(9))})"
                    for p in range(10)
                ]
                + [
                    f"!(contains(recipients, '{p}-{h}@a') && contains(recipients, '{q}-{h}@a'))"
                    for h in range(9)
                    for p in range(10)
                    for q in range(p)
                ]
            )
        ],
        "exclusive": [" ^ ".join(f"contains(recipients, '{number}@a')" for number in range(60))],
        "choices": ["if_then(" * 20 + "mx == 'a'" + ", retry_num > 1, size > 2)" * 20],
        "negations": ["!" * 40 + "(mx == 'a')"],
        "numbers": [f"retry_num * {number} == size / {number + 1}" for number in range(300)],
        "huge": ["retry_num < 9223372036854775807 && size * 9223372036854775807 > 1.5 && mx > '" + "a" * 5_000 + "'"],
        "orders": [f"mx < '{host}' && rcpt_domain > '{host}'" for host in hosts[:100]],
    }


RULES = rule_lists()


@pytest.mark.parametrize("tried", RULES.values(), ids=RULES)
def test_whatever_the_rules_it_ends(tried: list[str]) -> None:
    policy = TlsPolicy(starttls=conditions(*tried))
    assert {each.code for each in analyse(policy)} <= CODES.keys()
    assert ways_to(policy, Level.CLEAR_TEXT).impossible is False
    compare(policy, TlsPolicy(starttls=conditions(*tried[::-1])))


def test_what_is_left_when_there_is_no_effort(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tlspolicy.analysis.analysing._EFFORT", 10)
    findings = analyse(TlsPolicy(dane=conditions("mx == 'A'", "retry_num > 1h", then="disable", otherwise="optional")))
    assert [each.code for each in findings] == ["capitals", "milliseconds"]
    assert "dane[2].else: too many or too intricate rules to know which are ever reached" in map(
        str, findings.undecided
    )


@pytest.mark.parametrize("module", ["rules", "relaxations", "ways", "comparison"])
def test_what_takes_too_much_effort_is_undecided(monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    monkeypatch.setattr(f"tlspolicy.analysis.{module}.{'EFFORT' if module in ('ways', 'comparison') else '_EFFORT'}", 5)
    policy = TlsPolicy(starttls=conditions("mx == 'a' || retry_num > 1 && mx == 'b'", "mx == 'a' || retry_num > 3"))
    undecided = {
        "rules": analyse(policy).undecided,
        "relaxations": analyse(policy).undecided,
        "ways": ways_to(policy, Level.CLEAR_TEXT).undecided,
        "comparison": compare(policy, TlsPolicy()).undecided,
    }
    assert {name for name, questions in undecided.items() if questions} >= {module}


def test_a_constant_that_is_an_error_is_no_constant() -> None:
    analyse(TlsPolicy(dane=conditions("mx == split_n('a', '', -1)[0]", then="disable", otherwise="optional")))
