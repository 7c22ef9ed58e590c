"""The front door as its users' type checkers see it: read by mypy, never run."""

from __future__ import annotations

import smtplib
import ssl
from pathlib import Path
from typing import assert_type

from tlspolicy import (
    DELIVERY,
    DeliveryContext,
    Explanation,
    Expression,
    Failure,
    LastError,
    Phase,
    PolicyExplanation,
    Requirement,
    RuleList,
    Schema,
    Session,
    SSLContexts,
    TlsDecision,
    TlsPolicy,
    classify,
    is_local_address,
    is_local_domain,
    secure,
)
from tlspolicy.expressions.values import Value

policy = TlsPolicy.load("policy.toml")
policy = TlsPolicy.load(Path("policy.toml"))
policy = TlsPolicy.loads("")
policy = TlsPolicy.from_mapping({"queue": {}})
policy = TlsPolicy(
    starttls=[{"if": "retry_num > 1", "then": "disable"}, {"else": "require"}],
    allow_invalid_certs=False,
    dane="optional",
    tls_timeout=5000,
)
context = DeliveryContext(rcpt="jane@example.org", retry_num=1, last_error=LastError.TLS)
assert_type(context.retry(last_error="tls", mx="mx2.example.org"), DeliveryContext)
decision = policy.evaluate(context)
assert_type(decision, TlsDecision)
assert_type(decision.starttls, Requirement)
assert_type(decision.matched.starttls, int | None)
assert_type(policy.explain(context), PolicyExplanation)
contexts = SSLContexts(cafile=Path("ca.pem"))
assert_type(contexts.get(decision), ssl.SSLContext | None)
session = secure(smtplib.SMTP(), decision, contexts, mx="mx1.example.org", dane=True, mta_sts=True)
assert_type(session, Session)
assert_type(session.version, str | None)
assert_type(classify(OSError(), Phase.CONNECT), Failure)


async def decide() -> None:
    assert_type(await policy.evaluate_async(context), TlsDecision)
    assert_type(await rules.evaluate_async(context), Value)


async def lookup(domain: str) -> bool:
    return domain == "example.org"


policy = TlsPolicy.load("policy.toml", functions={"is_local_domain": is_local_domain(lookup)})
policy = TlsPolicy(functions={"is_local_address": is_local_address({"jane@example.org"}), "own": len})
assert_type(policy.rules, dict[str, RuleList])
assert_type(policy.strategies, dict[str, TlsDecision])
rules = RuleList.parse("[ { else = 1 } ]", DELIVERY)
assert_type(rules.explain(context), Explanation)
expression = Expression.parse("a + 1", Schema({"a": int}, {"$b": 2.5}))
value = expression.evaluate({"a": 1})
if isinstance(value, tuple):
    first = value[0]
    assert isinstance(first, (int, float, str, tuple))
