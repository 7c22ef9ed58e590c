"""Relaxations: which attempts go with less than verified TLS, and what is said of the rule that lets them."""

from __future__ import annotations

import pytest
from analysed import conditions, found, marked

from tlspolicy import DeliveryContext, TlsPolicy
from tlspolicy.analysis import Severity, analyse
from tlspolicy.analysis.ways import allows
from tlspolicy.session import Level

TLS = "retry_num > 0 && last_error == 'tls'"
TWICE = "retry_num > 1 && last_error == 'tls'"
UNVERIFIED = conditions(TLS, then="true", otherwise="false")

# The rules of starttls, those of allow-invalid-certs, and what is said: code, key, marked text.
SAID = {
    "optional": ("optional", "false", [("relaxed-by-default", "starttls", "optional")]),
    "disabled": ("disable", "false", [("relaxed-by-default", "starttls", "disable")]),
    "unverified": ("require", "true", [("relaxed-by-default", "allow_invalid_certs", "true")]),
    "for-some": (
        conditions("mx == 'a'", then="disable"),
        "false",
        [("relaxed-by-default", "starttls[0].if", "mx == 'a'")],
    ),
    "at-first": (
        conditions("retry_num < 1"),
        "false",
        [("relaxed-by-default", "starttls[0].if", "retry_num < 1")],
    ),
    "after-any-failure": (
        conditions("retry_num > 1"),
        "false",
        [("relaxed-without-tls-failure", "starttls[0].if", "retry_num > 1")],
    ),
    "after-some-failures": (
        "require",
        conditions("retry_num > 1 && (last_error == 'tls' || last_error == 'dns')", then="true", otherwise="false"),
        [
            (
                "relaxed-without-tls-failure",
                "allow_invalid_certs[0].if",
                "retry_num > 1 && (last_error == 'tls' || last_error == 'dns')",
            )
        ],
    ),
    "computed": (
        "require",
        "retry_num > 1",
        [("relaxed-without-tls-failure", "allow_invalid_certs", "retry_num > 1")],
    ),
    "else": (
        conditions("retry_num == 0", then="require", otherwise="optional"),
        "false",
        [("relaxed-without-tls-failure", "starttls[1].else", "optional")],
    ),
    "clear-text-at-once": (
        conditions(TLS, then="disable"),
        "false",
        [("clear-text-first", "starttls[0].if", TLS)],
    ),
    "clear-text-too-soon": (
        conditions(TLS, then="disable"),
        conditions(TWICE, then="true", otherwise="false"),
        [("clear-text-first", "starttls[0].if", TLS)],
    ),
    "clear-text-whatever-the-attempt": (
        conditions("last_error == 'tls'", then="disable"),
        UNVERIFIED,
        [("clear-text-first", "starttls[0].if", "last_error == 'tls'")],
    ),
    "unverified-for-others": (
        conditions(TWICE, then="disable"),
        conditions("rcpt_domain == 'a' && last_error == 'tls'", then="true", otherwise="false"),
        [("clear-text-first", "starttls[0].if", TWICE)],
    ),
}
NOT_SAID = {
    "strict": ("require", "false"),
    "as-in-the-manual": (conditions(TWICE, then="disable"), UNVERIFIED),
    "optional-as-last-resort": (conditions(TLS), "false"),
    "after-failures-of-dane-and-mta-sts": (
        conditions("retry_num > 1 && contains(['tls', 'dane', 'mta-sts'], last_error)"),
        "false",
    ),
    "unverified-after-another-reply": (
        conditions("retry_num > 1 && last_error == 'tls' && contains(last_status, 'not offered')", then="disable"),
        conditions(f"{TLS} && contains(last_status, 'expired')", then="true", otherwise="false"),
    ),
    "unverified-with-another-host": (
        conditions(TWICE, then="disable"),
        conditions("last_error == 'tls' && mx == 'mx2.a'", then="true", otherwise="false"),
    ),
    "unverified-when-older": (
        conditions(TWICE, then="disable"),
        conditions("last_error == 'tls' && queue_age > 600", then="true", otherwise="false"),
    ),
}


@pytest.mark.parametrize(("starttls", "certs", "said"), SAID.values(), ids=SAID)
def test_what_is_said(starttls: str, certs: str, said: list[tuple[str, str, str]]) -> None:
    assert found(TlsPolicy(starttls=starttls, allow_invalid_certs=certs)) == said


@pytest.mark.parametrize(("starttls", "certs"), NOT_SAID.values(), ids=NOT_SAID)
def test_what_is_not_said(starttls: str, certs: str) -> None:
    assert found(TlsPolicy(starttls=starttls, allow_invalid_certs=certs)) == []


def test_clear_text_that_is_meant_from_the_first_is_no_last_resort() -> None:
    assert [code for code, *_ in found(TlsPolicy(starttls=conditions("mx == 'a.lan'", then="disable")))] == [
        "relaxed-by-default"
    ]


def test_what_each_setting_prevents() -> None:
    assert found(TlsPolicy(starttls="optional", allow_invalid_certs="true", mta_sts="require")) == [
        ("unchecked-requirement", "mta_sts", "require")
    ]


WORDS = {
    "default": (
        TlsPolicy(starttls="optional"),
        Severity.NOTE,
        "clear text is allowed on a first attempt, before anything has failed",
        "require verified TLS first, and relax where last_error == 'tls'",
        DeliveryContext(),
    ),
    "unverified": (
        TlsPolicy(allow_invalid_certs=True),
        Severity.NOTE,
        "unverified TLS is allowed on a first attempt, before anything has failed",
        "require verified TLS first, and relax where last_error == 'tls'",
        DeliveryContext(),
    ),
    "failure": (
        TlsPolicy(starttls=conditions("retry_num > 2 || mx == 'a' && retry_num > 1")),
        Severity.WARNING,
        "clear text is allowed after failures that were none of TLS, such as 'connection'",
        "have it ask for last_error == 'tls', too",
        DeliveryContext(retry_num=3, last_error="connection"),
    ),
    "failure-and-else": (
        TlsPolicy(starttls=conditions("retry_num < 2", then="require", otherwise="optional")),
        Severity.WARNING,
        "clear text is allowed after failures that were none of TLS, such as 'connection'",
        "give it in a rule before that asks for last_error == 'tls', and not here",
        DeliveryContext(retry_num=2, last_error="connection"),
    ),
    "clear-text-first": (
        TlsPolicy(starttls=conditions(TWICE, then="disable")),
        Severity.WARNING,
        "clear text on attempt 3, and no attempt before it may go on unverified",
        "let allow-invalid-certs be true on an attempt before it",
        DeliveryContext(retry_num=2, last_error="tls"),
    ),
}


@pytest.mark.parametrize(("policy", "severity", "why", "mend", "context"), WORDS.values(), ids=WORDS)
def test_words(policy: TlsPolicy, severity: Severity, why: str, mend: str, context: DeliveryContext) -> None:
    (finding,) = analyse(policy)
    assert (finding.severity, finding.why, finding.mend, finding.context) == (severity, why, mend, context)


def test_a_strategy() -> None:
    policy = TlsPolicy.loads(
        """
        [queue.strategy]
        tls = [ { if = "retry_num > 1", then = "'plain'" }, { else = "'default'" } ]
        [queue.tls]
        default = { starttls = "require" }
        plain = { starttls = "disable" }
        """
    )
    said = [(each.code, each.place.key, each.place.line, marked(each)) for each in analyse(policy)]
    assert said == [
        ("relaxed-without-tls-failure", "queue.strategy.tls[0].if", 3, "retry_num > 1"),
        ("clear-text-first", "queue.strategy.tls[0].if", 3, "retry_num > 1"),
    ]


def test_each_rule_is_spoken_of_once() -> None:
    policy = TlsPolicy(starttls=conditions("mx == 'a' || rcpt_domain == 'b' || size > 5"))
    assert [code for code, *_ in found(policy)] == ["relaxed-by-default"]


def test_where_a_result_is_an_error_nothing_is_relaxed() -> None:
    policy = TlsPolicy.loads(
        """
        [queue.strategy]
        tls = [ { if = "retry_num > 1 && last_error == 'tls'", then = "'plain'" }, { else = "to_lowercase(mx)" } ]
        [queue.tls]
        plain = { starttls = "optional" }
        """
    )
    findings = analyse(policy)
    assert all(allows(policy.evaluate(each.context), Level.CLEAR_TEXT) for each in findings if each.context)


def test_relaxations_that_were_not_found_are_undecided() -> None:
    findings = analyse(TlsPolicy(starttls=conditions("hash(mx, 'md5') == 'x'")))
    assert "there may be relaxations that were not found" in str(findings)


def test_of_very_many_kinds_some_are_spoken_of() -> None:
    tried = [f"mx == 'd{number}.example' && retry_num > 2" for number in range(201)]
    findings = analyse(TlsPolicy(starttls=conditions(*tried)))
    assert len(findings) == 200
    assert [str(each) for each in findings.undecided] == ["there may be relaxations that were not found"]


def places(policy: TlsPolicy) -> list[tuple[str, str]]:
    return [(each.code, each.place.key) for each in analyse(policy)]


def test_each_guilty_rule_is_named() -> None:
    tried = [f"mx == '{name}.example' && retry_num > 2" for name in "ab"]
    assert places(TlsPolicy(starttls=conditions(*tried))) == [
        ("relaxed-without-tls-failure", "starttls[0].if"),
        ("relaxed-without-tls-failure", "starttls[1].if"),
    ]


def test_an_exception_hides_no_other_rule() -> None:
    policy = TlsPolicy(starttls=conditions("retry_num > 1", "rcpt_domain == ''"))
    assert places(policy) == [
        ("relaxed-without-tls-failure", "starttls[0].if"),
        ("relaxed-by-default", "starttls[1].if"),
    ]


def test_many_exceptions_are_one_finding() -> None:
    (finding,) = analyse(TlsPolicy(starttls=conditions(*[f"mx == '{name}.example'" for name in "abcde"])))
    assert (
        finding.why == "clear text is allowed on a first attempt, before anything has failed, by this rule and 4 others"
    )
    assert [place.key for place in finding.related] == [f"starttls[{number}].if" for number in range(1, 5)]


def test_clear_text_for_all_is_a_warning() -> None:
    assert [each.severity for each in analyse(TlsPolicy(starttls="disable"))] == [Severity.WARNING]
    assert [each.severity for each in analyse(TlsPolicy(starttls="optional"))] == [Severity.NOTE]


@pytest.mark.parametrize(
    ("clear", "unverified"), [("queue_age > 7200", "mx != 'x'"), ("notify_num >= 2", "notify_num >= 1")]
)
def test_a_ladder_by_age_has_a_rung_before_clear_text(clear: str, unverified: str) -> None:
    starttls = conditions(f"last_error == 'tls' && {clear}", then="disable")
    certs = conditions(f"last_error == 'tls' && {unverified}", then="true", otherwise="false")
    assert analyse(TlsPolicy(starttls=starttls, allow_invalid_certs=certs)).findings == ()
