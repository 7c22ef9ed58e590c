from __future__ import annotations

import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tlspolicy import (
    DeliveryContext,
    LastError,
    Matched,
    PolicyEvaluationError,
    PolicyTypeError,
    Requirement,
    TlsDecision,
    TlsPolicy,
)

SEED = Path(__file__).parents[1] / "examples" / "policy.toml"
STRICT = TlsDecision()
ANY_CERTIFICATE = TlsDecision(allow_invalid_certs=True)
NO_TLS = TlsDecision(Requirement.DISABLE, allow_invalid_certs=True)


@pytest.mark.parametrize("last_error", LastError)
@pytest.mark.parametrize("retry_num", range(4))
def test_the_policy_of_the_manual(retry_num: int, last_error: LastError) -> None:
    by_retry = [STRICT, ANY_CERTIFICATE, NO_TLS, NO_TLS]
    expected = by_retry[retry_num] if last_error is LastError.TLS else STRICT
    assert TlsPolicy.load(SEED).evaluate(DeliveryContext(retry_num=retry_num, last_error=last_error)) == expected


def test_what_is_not_said_is_as_strict_as_stalwart() -> None:
    assert TlsPolicy().evaluate(DeliveryContext()) == TlsDecision(
        starttls=Requirement.REQUIRE,
        allow_invalid_certs=False,
        dane=Requirement.OPTIONAL,
        mta_sts=Requirement.OPTIONAL,
        tls_timeout=180.0,
        mta_sts_timeout=600.0,
    )


WHOLE = """
[server]
hostname = "mx.example.org"

[queue.outbound.tls]
starttls = [ { if = "ends_with(mx, '.example')", then = "if_then(retry_num, optional, 'require')" },
             { if = "retry_num > 9", then = 0 },
             { else = "true" } ]
allow-invalid-certs = "recipients"
dane = "disable"
mta-sts = "'optional'"

[queue.outbound.timeouts]
connect = "5m"
tls = "30s"
mta-sts = [ { if = "retry_num > 2", then = "10s" }, { else = 1500 } ]
"""
DECISIONS = {
    "else": (
        {},
        TlsDecision(Requirement.REQUIRE, False, Requirement.DISABLE, Requirement.OPTIONAL, 30.0, 1.5, Matched()),
    ),
    "first-rule": (
        {"mx": "mx.example", "recipients": ["a"]},
        TlsDecision(
            Requirement.REQUIRE, True, Requirement.DISABLE, Requirement.OPTIONAL, 30.0, 1.5, Matched(starttls=0)
        ),
    ),
    "first-rule-wins": (
        {"mx": "mx.example", "retry_num": 10},
        TlsDecision(
            Requirement.OPTIONAL,
            False,
            Requirement.DISABLE,
            Requirement.OPTIONAL,
            30.0,
            10.0,
            Matched(starttls=0, mta_sts_timeout=0),
        ),
    ),
    "second-rule": (
        {"retry_num": 10},
        TlsDecision(
            Requirement.DISABLE,
            False,
            Requirement.DISABLE,
            Requirement.OPTIONAL,
            30.0,
            10.0,
            Matched(starttls=1, mta_sts_timeout=0),
        ),
    ),
}


@pytest.mark.parametrize(("fields", "expected"), DECISIONS.values(), ids=DECISIONS)
def test_every_setting(fields: dict[str, Any], expected: TlsDecision) -> None:
    decision = TlsPolicy.loads(WHOLE).evaluate(DeliveryContext(**fields))
    assert decision == expected
    assert decision.matched == expected.matched


SPELLINGS: dict[str, TlsPolicy] = {
    "text": TlsPolicy(starttls="[ { if = 'retry_num > 1', then = 'disable' }, { else = 'require' } ]"),
    "json": TlsPolicy(starttls='[{"if": "retry_num > 1", "then": "disable"}, {"else": "require"}]'),
    "data": TlsPolicy(starttls=[{"if": "retry_num>1", "then": "disable"}, {"else": "require"}]),
    "mapping": TlsPolicy.from_mapping(
        {
            "queue": {
                "outbound": {"tls": {"starttls": [{"if": "retry_num > 1", "then": "disable"}, {"else": "require"}]}}
            }
        }
    ),
    "array-of-tables": TlsPolicy.loads("""
        [[queue.outbound.tls.starttls]]
        if = "retry_num > 1"
        then = "disable"
        [[queue.outbound.tls.starttls]]
        else = "require"
    """),
    "numbered": TlsPolicy.loads("""
        [queue.outbound.tls]
        starttls.10.else = "require"
        starttls.2.if = "retry_num > 1"
        starttls.2.then = "disable"
    """),
    "dotted": TlsPolicy.loads(
        """queue.outbound.tls.starttls = [{if="(retry_num > 1)",then="disable"},{else="require"}]"""
    ),
}


@pytest.mark.parametrize("policy", SPELLINGS.values(), ids=SPELLINGS)
def test_the_same_policy_in_other_words_is_equal(policy: TlsPolicy) -> None:
    assert policy == SPELLINGS["text"]
    assert hash(policy) == hash(SPELLINGS["text"])
    assert pickle.loads(pickle.dumps(policy)) == policy  # noqa: S301


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (
            TlsPolicy(tls_timeout="retry_num"),
            "tls_timeout: line 1, column 1: a time-out is 1ms to 1d (1 to 86400000), and this is 0",
        ),
        (
            TlsPolicy(tls_timeout="5m * if_then(retry_num, 1, 0.1)"),
            "tls_timeout: line 1, column 1: a time-out is a whole number of milliseconds, or a duration such as 30s or 5m",
        ),
        (
            TlsPolicy(allow_invalid_certs="if_then(retry_num, 1, mx)"),
            "allow_invalid_certs: line 1, column 1: a text is neither true nor false here, and 'false' would be true: "
            "write true or false",
        ),
    ],
)
def test_a_result_that_can_only_be_seen_at_evaluation_is_refused_there(policy: TlsPolicy, message: str) -> None:
    with pytest.raises(PolicyEvaluationError) as raised:
        policy.evaluate(DeliveryContext())
    assert str(raised.value).splitlines()[0] == message


def test_only_a_delivery_context_is_evaluated() -> None:
    with pytest.raises(PolicyTypeError, match="the context must be a DeliveryContext, not dict"):
        TlsPolicy().evaluate({"retry_num": 5})  # type: ignore[arg-type]


def test_a_policy_can_not_be_changed() -> None:
    policy = TlsPolicy()
    with pytest.raises(AttributeError):
        policy.rules = {}  # type: ignore[misc]
    policy.rules.clear()
    assert policy == TlsPolicy()


def test_explain() -> None:
    explanation = TlsPolicy.load(SEED).explain(DeliveryContext(retry_num=1, last_error="tls"))
    assert explanation.decision == ANY_CERTIFICATE
    assert explanation.settings["starttls"].matched is None
    assert [tried.key for tried in explanation.settings["starttls"].tried] == ["[0].if", "[1].else"]
    assert str(explanation).splitlines()[:6] == [
        "starttls = require",
        "    [0].if retry_num > 1 && last_error == 'tls' → 0",
        "        retry_num > 1 → 0",
        "            retry_num → 1",
        "        last_error == 'tls' (not evaluated)",
        "    [1].else require (decides)",
    ]


def test_a_single_value_is_explained_where_it_is_no_literal() -> None:
    policy = TlsPolicy(allow_invalid_certs="recipients", tls_timeout="90s", dane="if_then(mx, require, disable)")
    assert (
        str(policy.explain(DeliveryContext(recipients=("jane@example.org",))))
        == """\
starttls = require
allow_invalid_certs = true
    recipients → ['jane@example.org']
dane = disable
    if_then(mx, require, disable) → 0
        mx → ''
mta_sts = optional
tls_timeout = 90.0
mta_sts_timeout = 600.0"""
    )


def test_an_explanation_as_data() -> None:
    policy = TlsPolicy(starttls="[ { if = 'retry_num > 1 || mx', then = 'disable' }, { else = 'require' } ]")
    explanation = policy.explain(DeliveryContext(retry_num=2))
    data = explanation.as_data()
    assert json.loads(json.dumps(data, allow_nan=False)) == data
    assert data["decision"] == {
        "starttls": "disable",
        "allow_invalid_certs": False,
        "dane": "optional",
        "mta_sts": "optional",
        "tls_timeout": 180.0,
        "mta_sts_timeout": 600.0,
    }
    assert [*data["settings"]] == [*policy.rules]
    retry_num = {"text": "retry_num", "start": 0, "end": 9, "value": 2, "parts": []}
    assert data["settings"]["starttls"] == {
        "value": 0,
        "matched": 0,
        "tried": [
            {
                "key": "[0].if",
                "text": "retry_num > 1 || mx",
                "value": 1,
                "parts": [
                    {"text": "retry_num > 1", "start": 0, "end": 13, "value": 1, "parts": [retry_num]},
                    {"text": "mx", "start": 17, "end": 19, "value": None, "parts": []},
                ],
            },
            {"key": "[0].then", "text": "disable", "value": 0, "parts": []},
        ],
        "untried": 1,
    }
    assert pickle.loads(pickle.dumps(explanation)) == explanation  # noqa: S301


def test_a_policy_is_summed_up() -> None:
    assert repr(TlsPolicy.load(SEED)) == (
        "<TlsPolicy: 2 rules for starttls, allow_invalid_certs, dane, mta_sts, tls_timeout, mta_sts_timeout>"
    )


def test_threads_share_a_policy() -> None:
    policy = TlsPolicy(starttls="[{if=\"matches('^(.+)@', rcpt) && $1 == mx\", then='disable'}, {else='require'}]")
    contexts = [DeliveryContext(rcpt=f"{number}@x", mx=str(number + number % 2)) for number in range(400)]
    with ThreadPoolExecutor(8) as threads:
        decisions = list(threads.map(policy.evaluate, contexts))
    assert [decision.starttls for decision in decisions] == [Requirement.DISABLE, Requirement.REQUIRE] * 200
