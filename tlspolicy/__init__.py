"""Outbound TLS policy for programs that send mail: Stalwart's rules, decided on every delivery attempt."""

from tlspolicy.aiosmtp import secure_async, secure_streams
from tlspolicy.context import DELIVERY, DeliveryContext, LastError
from tlspolicy.decision import Matched, Requirement, TlsDecision
from tlspolicy.errors import (
    Place,
    PolicyError,
    PolicyEvaluationError,
    PolicySyntaxError,
    PolicyTypeError,
    PolicyValueError,
    TlsSessionError,
)
from tlspolicy.expressions.explanation import Explanation
from tlspolicy.expressions.expression import Expression
from tlspolicy.expressions.rules import RuleList
from tlspolicy.expressions.schema import Schema
from tlspolicy.failures import Failure, FailureKind, Phase, classify
from tlspolicy.policy import PolicyExplanation, TlsPolicy
from tlspolicy.providers import is_local_address, is_local_domain
from tlspolicy.relaxation import Relaxation
from tlspolicy.session import Level, Session
from tlspolicy.smtp import secure
from tlspolicy.sslcontext import SSLContexts

__all__ = [
    "DELIVERY",
    "DeliveryContext",
    "Explanation",
    "Expression",
    "Failure",
    "FailureKind",
    "LastError",
    "Level",
    "Matched",
    "Phase",
    "Place",
    "PolicyError",
    "PolicyEvaluationError",
    "PolicyExplanation",
    "PolicySyntaxError",
    "PolicyTypeError",
    "PolicyValueError",
    "Relaxation",
    "Requirement",
    "RuleList",
    "SSLContexts",
    "Schema",
    "Session",
    "TlsDecision",
    "TlsPolicy",
    "TlsSessionError",
    "classify",
    "is_local_address",
    "is_local_domain",
    "secure",
    "secure_async",
    "secure_streams",
]
