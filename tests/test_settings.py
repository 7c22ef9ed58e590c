from __future__ import annotations

import pytest

from tlspolicy import DELIVERY, DeliveryContext, Place, PolicyEvaluationError, RuleList
from tlspolicy.settings import SETTINGS, Setting


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("result", ["mx", "3 * -1", "'unknown'"])
def test_what_was_not_seen_at_load_is_refused_at_evaluation(setting: Setting, result: str) -> None:
    """Each setting looks at its values again: this list was never checked for it."""
    rules = RuleList.parse(f'[{{ if = true, then = "{result}" }}, {{ else = 1 }}]', DELIVERY, Place(key="x"))
    if setting.name == "allow_invalid_certs" and result == "3 * -1":
        assert setting.decided(rules, rules.outcome(DeliveryContext())) is True
    else:
        with pytest.raises(PolicyEvaluationError) as raised:
            setting.decided(rules, rules.outcome(DeliveryContext(mx="mx.example")))
        assert raised.value.place == Place(key="x[0].then")
        assert raised.value.source[raised.value.start : raised.value.end] == result
