"""An administrator's tests of the rules in bank.toml.

    pytest examples/test_my_policy.py -p tlspolicy.pytest_plugin

The first two state what must hold for every attempt, and Hypothesis looks for one for which it does not, among those
that the rules tell apart. The third is a table of attempts, which has one for every rule.
"""

from __future__ import annotations

from pathlib import Path

from hypothesis import given

from tlspolicy import DeliveryContext, LastError, Requirement, TlsPolicy
from tlspolicy.testing import RuleCoverage, contexts_for

POLICY = RuleCoverage(TlsPolicy.load(Path(__file__).with_name("bank.toml")))


@given(contexts_for(POLICY, rcpt_domain="bank.example"))
def test_never_clear_text_to_bank_example(attempt: DeliveryContext) -> None:
    """Nor an unverified host, whatever has failed before."""
    decision = POLICY.evaluate(attempt)
    assert decision.starttls is Requirement.REQUIRE
    assert not decision.allow_invalid_certs


@given(contexts_for(POLICY))
def test_a_relaxed_attempt_is_always_a_retry_after_a_tls_failure(attempt: DeliveryContext) -> None:
    """Trouble with DNS, a busy host or a first attempt are no reason to relax."""
    decision = POLICY.evaluate(attempt)
    if decision.starttls is not Requirement.REQUIRE or decision.allow_invalid_certs:
        assert attempt.retry_num > 0
        assert attempt.last_error == LastError.TLS


# The attempt, the level of TLS, and whether any certificate will do.
TABLE = [
    (DeliveryContext(rcpt="jane@bank.example", retry_num=9, last_error="tls"), Requirement.REQUIRE, False),
    (DeliveryContext(rcpt="jane@a.example"), Requirement.REQUIRE, False),
    (DeliveryContext(rcpt="jane@a.example", retry_num=9, last_error="connection"), Requirement.REQUIRE, False),
    (DeliveryContext(rcpt="jane@a.example", retry_num=1, last_error="tls"), Requirement.REQUIRE, True),
    (DeliveryContext(rcpt="jane@a.example", retry_num=2, last_error="tls"), Requirement.DISABLE, True),
]


def test_every_rule_fires_in_the_table() -> None:
    """A rule that none of these attempts comes to is one that nobody has tried."""
    coverage = RuleCoverage(POLICY.policy)
    for attempt, starttls, allow_invalid_certs in TABLE:
        decision = coverage.evaluate(attempt)
        assert (decision.starttls, decision.allow_invalid_certs) == (starttls, allow_invalid_certs)
    assert coverage.never_fired == ()
    assert coverage.gaps == ()
