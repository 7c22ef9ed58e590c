"""What tests of rules want: Hypothesis' strategies for attempts, expressions, rules and policies; and `RuleCoverage`.

from hypothesis import given
from tlspolicy.testing import contexts_for

@given(contexts_for(policy, rcpt_domain="bank.example"))
def test_never_clear_text_to_the_bank(attempt):
    assert policy.evaluate(attempt).starttls is Requirement.REQUIRE
"""

from tlspolicy.rule_coverage import RuleCoverage

try:
    import hypothesis as _hypothesis  # noqa: F401
except ImportError:
    message = "tlspolicy.testing needs Hypothesis: pip install 'tlspolicy[testing]'"
    raise ImportError(message, name="hypothesis") from None

from tlspolicy.testing.attempts import contexts, contexts_for
from tlspolicy.testing.rules import policies, rule_lists
from tlspolicy.testing.trees import expressions

__all__ = ["RuleCoverage", "contexts", "contexts_for", "expressions", "policies", "rule_lists"]
