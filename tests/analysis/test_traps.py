"""Traps: what is reported, at which place and in which words, and what looks alike and must not be."""

from __future__ import annotations

import pytest
from analysed import asking, found, marked

from tlspolicy import TlsPolicy
from tlspolicy.analysis import Severity, analyse

# The condition, the code, and the text under the carets.
TRAPS = {
    "seconds": ("expires_in < 1h", "milliseconds", "1h"),
    "seconds-mirrored": ("2d >= queue_age", "milliseconds", "2d"),
    "seconds-and-a-part-of-one": ("queue_age > 500ms", "milliseconds", "500ms"),
    "seconds-in-a-sum": ("queue_age + 1m > expires_in", "milliseconds", "1m"),
    "seconds-in-a-difference": ("expires_in - queue_age < 1h", "milliseconds", "1h"),
    "seconds-in-an-array": ("contains([1h, 7200], queue_age)", "milliseconds", "1h"),
    "a-count": ("retry_num > 5m", "milliseconds", "5m"),
    "a-size": ("size > 5m", "milliseconds", "5m"),
    "negated": ("!retry_num == 1", "negated-comparison", "!retry_num == 1"),
    "negated-order": ("!mx < 'b'", "negated-comparison", "!mx < 'b'"),
    "text-variable": ("mx == 0", "text-and-number", "mx == 0"),
    "text-literal": ("retry_num == 'two'", "text-and-number", "retry_num == 'two'"),
    "level-for-a-text": ("last_status == require", "text-and-number", "last_status == require"),
    "global": ("$retry > 0 || mx == 'a'", "unknown-global", "$retry"),
    "global-like-a-variable": ("$retry_num || mx == 'a'", "unknown-global", "$retry_num"),
    "umlaut": ("rcpt_domain == 'müller.example'", "non-ascii-domain", "'müller.example'"),
    "umlaut-in-an-address": ("rcpt == 'jo@müller.example'", "non-ascii-domain", "'jo@müller.example'"),
    "no-a-labels": ("mx == 'ü..a'", "non-ascii-domain", "'ü..a'"),
    "umlaut-among-others": ("contains(['a', 'ü'], mx)", "non-ascii-domain", "'ü'"),
    "capitals-among-others": ("contains(['a', 'B.example'], mx)", "capitals", "'B.example'"),
    "unknown-error-among-others": ("contains(['tls', 'TLS'], last_error)", "never-true", "'TLS'"),
    "dot-among-others": ("contains(['a', 'b.'], mx)", "never-true", "'b.'"),
    "end-without-dot": ("ends_with(mx, 'example.org')", "unanchored-domain", "ends_with(mx, 'example.org')"),
    "start": ("starts_with(mx, 'mx.example.org')", "unanchored-domain", "starts_with(mx, 'mx.example.org')"),
    "pattern-with-bare-dots": (
        "matches('^(.+[.])?old.example', mx)",
        "unanchored-domain",
        "matches('^(.+[.])?old.example', mx)",
    ),
    "part": ("contains(mx, '.large.example')", "unanchored-domain", "contains(mx, '.large.example')"),
    "part-in-any-case": (
        "contains_ignore_case(mx, 'Google.com')",
        "unanchored-domain",
        "contains_ignore_case(mx, 'Google.com')",
    ),
    "end-of-an-address": ("ends_with(rcpt, 'example.org')", "unanchored-domain", "ends_with(rcpt, 'example.org')"),
    "part-of-an-address": (
        "contains(sender, '@example.org')",
        "unanchored-domain",
        "contains(sender, '@example.org')",
    ),
    "pattern": (r"matches('example\.org$', mx)", "unanchored-domain", r"matches('example\.org$', mx)"),
    "pattern-without-end": (
        r"matches('^mx\.example\.org', mx)",
        "unanchored-domain",
        r"matches('^mx\.example\.org', mx)",
    ),
}
# What is meant, or does no harm.
NO_TRAPS = {
    "seconds": "expires_in < 3600 && queue_age > 60",
    "converted": "queue_age * 1000 > 1h",
    "divided-duration": "queue_age > 1h / 1000",
    "made-of-a-text": "substring(last_status, 0, 3) >= 500",
    "captured": r"matches('^(\d+)', last_status) && $1 > 499",
    "network-without-an-end": "starts_with(mx, '10.0.')",
    "two-durations": "2h > 1h || mx == 'a'",
    "duration-on-both-sides": "3m + retry_num * 30s > 5m",
    "negated-with-parentheses": "!(retry_num == 1)",
    "negation-meant": "(!retry_num) == 1",
    "negated-flag": "!is_empty(mx) == true",
    "negated-flag-is-false": "!starts_with(mx, 'a') != 0",
    "numeric-text": "mx == '0' || mx > '5'",
    "number-as-text": "retry_num == '2' || retry_num == '0.0'",
    "texts": "mx == last_status",
    "capture": r"matches('^(a+)\.', mx) && $1 == 'aa'",
    "a-labels": "rcpt_domain == 'xn--mller-kva.example'",
    "umlaut-of-no-host": "contains(last_status, 'ungültig')",
    "end-with-dot": "rcpt_domain == 'example.org' || ends_with(rcpt_domain, '.example.org')",
    "end-of-an-address": "ends_with(rcpt, '@example.org')",
    "top-level": "ends_with(rcpt_domain, 'de')",
    "one-label": "contains(mx, 'large') || starts_with(mx, 'mx')",
    "any-domain": "contains(rcpt_domain, '.') || matches('.', mx)",
    "anchored-pattern": r"matches('^(.+\.)?example\.org$', mx)",
    "anchored-at-a-dot": r"matches('(^|\.)example\.org$', mx)",
    "no-domain": "ends_with(last_status, 'example.org')",
    "capitals-of-no-host": "queue_name == 'Remote'",
    "capitals-in-any-case": "eq_ignore_case(mx, 'MX.Example')",
}


@pytest.mark.parametrize(("condition", "code", "text"), TRAPS.values(), ids=TRAPS)
def test_a_trap(condition: str, code: str, text: str) -> None:
    assert (code, text) in {(each.code, marked(each)) for each in analyse(asking(condition))}


@pytest.mark.parametrize("condition", NO_TRAPS.values(), ids=NO_TRAPS)
def test_no_trap(condition: str) -> None:
    codes = {each.code for each in analyse(asking(condition))}
    assert codes <= {"always-true", "never-true"} if condition.startswith("2h") else codes == set()


def test_traps_of_results_and_defaults() -> None:
    policy = TlsPolicy(
        tls_timeout=[
            {"if": "mx == 'a'", "then": "if_then(queue_age > 1h, 5m, 3m)"},
            {"else": "if_then(queue_age > 2h, 5m, 3m)"},
        ]
    )
    assert found(policy) == [
        ("milliseconds", "tls_timeout[0].then", "1h"),
        ("milliseconds", "tls_timeout[1].else", "2h"),
    ]


def test_a_timeout_that_grows() -> None:
    assert found(TlsPolicy(tls_timeout="3m + retry_num * 30s")) == []


def test_what_the_caller_supplies_is_known() -> None:
    policy = TlsPolicy(dane="if_then($0 == 'a', optional, disable)")
    assert [each.code for each in analyse(policy)] == []


WORDS = {
    "seconds": (
        "expires_in < 1h",
        Severity.ERROR,
        "1h is 3600000, in milliseconds, and expires_in is in seconds",
        "write 3600",
    ),
    "half-a-second": (
        "queue_age > 500ms",
        Severity.ERROR,
        "500ms is 500, in milliseconds, and queue_age is in seconds",
        "write the number that is meant",
    ),
    "count": (
        "retry_num > 5m",
        Severity.ERROR,
        "5m is 300000, in milliseconds, and retry_num is no duration",
        "write the number that is meant",
    ),
    "negated": (
        "!retry_num == 1",
        Severity.WARNING,
        "this compares !retry_num, which is 0 or 1, with 1",
        "write !(retry_num == 1), or (!retry_num) == 1 if that is meant",
    ),
    "text": (
        "mx == retry_num",
        Severity.WARNING,
        "mx is a text, which is read as 0 unless it is written as a number",
        "write 'retry_num', if the text is meant",
    ),
    "number-for-a-text": (
        "mx > 4",
        Severity.WARNING,
        "mx is a text, which is read as 0 unless it is written as a number",
        "write '4', if the text is meant",
    ),
    "literal": ("retry_num == 'two'", Severity.WARNING, "'two' is no number, and is read as 0", "write a number"),
    "global": (
        "$zzzzzz || mx == 'a'",
        Severity.ERROR,
        "nothing supplies $zzzzzz: it is the integer 0",
        "write what is meant",
    ),
    "global-near": (
        "$retrynum || mx == 'a'",
        Severity.ERROR,
        "nothing supplies $retrynum: it is the integer 0",
        "write 'retry_num', if that is meant",
    ),
    "umlaut": (
        "rcpt == 'jo@müller.example'",
        Severity.WARNING,
        "rcpt usually has the A-labels of a domain, as DNS does, and not 'jo@müller.example'",
        "write 'jo@xn--mller-kva.example'",
    ),
    "no-labels": (
        "mx == 'ü..a'",
        Severity.WARNING,
        "mx usually has the A-labels of a domain, as DNS does, and not 'ü..a'",
        "write its A-labels",
    ),
    "domain": (
        "ends_with(mx, 'example.org')",
        Severity.WARNING,
        "this is true of 'strangerexample.org', too",
        "write (mx == 'example.org' || ends_with(mx, '.example.org'))",
    ),
    "another-name-in-2008": (
        "mx == 'straße.example'",
        Severity.WARNING,
        "mx usually has the A-labels of a domain, as DNS does, and not 'straße.example'",
        "write its A-labels",
    ),
    "person": (
        "starts_with(rcpt, 'jane@old.example')",
        Severity.WARNING,
        "this is true of 'jane@old.example.stranger.test', too",
        "write rcpt == 'jane@old.example'",
    ),
    "address": (
        "ends_with(rcpt, 'example.org')",
        Severity.WARNING,
        "this is true of 'jane@strangerexample.org', too",
        "write ends_with(rcpt, '@example.org')",
    ),
    "pattern": (
        r"matches('example\.org$', mx)",
        Severity.WARNING,
        "this is true of 'strangerexample.org', too",
        r"begin the pattern with '^' or '\.', end it with '$', and write each dot as '\.'",
    ),
}


@pytest.mark.parametrize(("condition", "severity", "why", "mend"), WORDS.values(), ids=WORDS)
def test_words(condition: str, severity: Severity, why: str, mend: str) -> None:
    assert (severity, why, mend) in [(each.severity, each.why, each.mend) for each in analyse(asking(condition))]
