"""The front door as its users' type checkers see it: read by mypy, never run."""

from __future__ import annotations

import smtplib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

from tlspolicy import (
    DELIVERY,
    Comparison,
    DeliveryContext,
    Difference,
    Explanation,
    Expression,
    Failure,
    FailureKind,
    Finding,
    Findings,
    LastError,
    Level,
    Part,
    Phase,
    Place,
    PolicyExplanation,
    Relaxation,
    Requirement,
    RuleList,
    Schema,
    Session,
    Severity,
    SSLContexts,
    TlsDecision,
    TlsPolicy,
    Tried,
    Undecided,
    Way,
    Ways,
    analyse,
    classify,
    compare,
    is_local_address,
    is_local_domain,
    secure,
    secure_async,
    secure_streams,
    testing,
    ways_to,
)
from tlspolicy.boundaries import boundaries
from tlspolicy.expressions.values import Value
from tlspolicy.rule_coverage import CoveredRule

if TYPE_CHECKING:
    import asyncio

    import aiosmtplib
    from hypothesis.strategies import SearchStrategy

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
assert_type(policy.located(Place("policy.toml", "queue.tls.default")).column, int | None)
explanation = policy.explain(context)
assert_type(explanation, PolicyExplanation)
assert_type(explanation.settings["starttls"].tried, tuple[Tried, ...])
assert_type(explanation.settings["starttls"].tried[0].parts, tuple[Part, ...])
assert_type(explanation.settings["starttls"].tried[0].parts[0].value, Value | None)
assert_type(explanation.as_data(), dict[str, Any])
findings = analyse(policy)
assert_type(findings, Findings)
assert_type(findings[0], Finding)
assert_type([finding.severity >= Severity.WARNING for finding in findings], list[bool])
assert_type(findings.undecided, tuple[Undecided, ...])
ways = ways_to(policy, Level.CLEAR_TEXT)
assert_type(ways, Ways)
assert_type(ways.impossible, bool)
assert_type(ways.ways, tuple[Way, ...])
assert_type(ways.ways[0].context, DeliveryContext)
comparison = compare(policy, policy)
assert_type(comparison, Comparison)
assert_type(comparison.differences, tuple[Difference, ...])
assert_type(comparison.differences[0].new, TlsDecision)
contexts = SSLContexts(cafile=Path("ca.pem"))
assert_type(contexts.get(decision), ssl.SSLContext | None)
contexts = SSLContexts(trust="certifi", certfile="own.pem", minimum_version=ssl.TLSVersion.TLSv1_3)
assert_type(contexts.trusted_certificates(), tuple[bytes, ...] | None)
session = secure(smtplib.SMTP(), decision, contexts, mx="mx1.example.org", dane=True, mta_sts=True)
assert_type(session, Session)
assert_type(session.version, str | None)
assert_type(session.fingerprint, str | None)
assert_type(session.names, tuple[str, ...] | None)
failure = classify(OSError(), Phase.CONNECT)
assert_type(failure, Failure)
assert_type(failure.kind, FailureKind)
assert_type(failure.last_error, LastError)
assert_type(failure.result_type, str | None)


def count(relaxation: Relaxation) -> None:
    assert_type(relaxation.rule, int | None)


async def send(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: aiosmtplib.SMTP) -> None:
    assert_type(
        await secure_streams(reader, writer, decision, contexts, mx="mx", local_hostname="me", on_relaxed=count),
        Session,
    )
    assert_type(await secure_async(client, decision, contexts, mx="mx", implicit_tls=socket.socket()), Session)


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
assert_type(boundaries(policy), dict[str, tuple[Value, ...]])
coverage = testing.RuleCoverage(policy)
assert_type(coverage.evaluate(context), TlsDecision)
assert_type(coverage.rules, tuple[CoveredRule, ...])
assert_type(coverage.never_fired, tuple[str, ...])
assert_type(coverage.gaps, tuple[str, ...])
attempts: SearchStrategy[DeliveryContext] = testing.contexts(retry_num=1) | testing.contexts_for(coverage)
texts: SearchStrategy[str] = testing.expressions(DELIVERY, {int, str}) | testing.expressions(result=int)
some_policies: SearchStrategy[TlsPolicy] = testing.policies({"own": len})
some_rules = testing.rule_lists(Schema({"a": int}), results=texts)
