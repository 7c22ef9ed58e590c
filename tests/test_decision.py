from __future__ import annotations

import math
from typing import Any

import pytest

from tlspolicy import PolicyError, PolicyTypeError, PolicyValueError, Requirement, TlsDecision
from tlspolicy.decision import LEVELS

WRONG: dict[str, tuple[dict[str, Any], type[PolicyError], str]] = {
    "level-as-text": ({"starttls": "require"}, PolicyTypeError, "starttls: must be a Requirement, not 'require'"),
    "level-as-number": ({"dane": 1}, PolicyTypeError, "dane: must be a Requirement, not 1"),
    "no-level": ({"mta_sts": None}, PolicyTypeError, "mta_sts: must be a Requirement, not None"),
    "flag-as-text": (
        {"allow_invalid_certs": "false"},
        PolicyTypeError,
        "allow_invalid_certs: must be a bool, not 'false'",
    ),
    "flag-as-number": ({"allow_invalid_certs": 0}, PolicyTypeError, "allow_invalid_certs: must be a bool, not 0"),
    "time-out-as-text": ({"tls_timeout": "3"}, PolicyTypeError, "tls_timeout: must be a float, not '3'"),
    "no-time": (
        {"tls_timeout": 0.0},
        PolicyValueError,
        "tls_timeout: must be above 0 and at most 86400.0 seconds, not 0.0",
    ),
    "for-ever": (
        {"mta_sts_timeout": math.inf},
        PolicyValueError,
        "mta_sts_timeout: must be above 0 and at most 86400.0 seconds, not inf",
    ),
    "no-number": (
        {"tls_timeout": math.nan},
        PolicyValueError,
        "tls_timeout: must be above 0 and at most 86400.0 seconds, not nan",
    ),
    "matched": ({"matched": (1,)}, PolicyTypeError, "matched: must be a Matched, not (1,)"),
}


@pytest.mark.parametrize(("fields", "error", "message"), WRONG.values(), ids=WRONG)
def test_a_decision_that_can_not_be(fields: dict[str, Any], error: type[PolicyError], message: str) -> None:
    with pytest.raises(error) as raised:
        TlsDecision(**fields)
    assert str(raised.value) == f"TlsDecision.{message}"


def test_a_time_out_may_be_an_integer() -> None:
    assert TlsDecision(tls_timeout=5) == TlsDecision(tls_timeout=5.0)


def test_levels_are_named_as_in_rules() -> None:
    assert [str(level) for level in Requirement] == ["disable", "require", "optional"]
    assert all(LEVELS[str(level)] == level.value for level in Requirement)
