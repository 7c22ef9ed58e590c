"""Outbound TLS policy for programs that send mail: Stalwart's rules, decided on every delivery attempt."""

from importlib import import_module
from typing import TYPE_CHECKING

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
from tlspolicy.explanation import PolicyExplanation
from tlspolicy.expressions.explanation import Explanation, Part, Tried
from tlspolicy.expressions.expression import Expression
from tlspolicy.expressions.rules import RuleList
from tlspolicy.expressions.schema import Schema
from tlspolicy.policy import TlsPolicy

if TYPE_CHECKING:
    from tlspolicy.aiosmtp import secure_async, secure_streams
    from tlspolicy.analysis import (
        Comparison,
        Difference,
        Finding,
        Findings,
        Severity,
        Undecided,
        Way,
        Ways,
        analyse,
        compare,
        ways_to,
    )
    from tlspolicy.failures import Failure, FailureKind, Phase, classify
    from tlspolicy.providers import is_local_address, is_local_domain
    from tlspolicy.relaxation import Relaxation
    from tlspolicy.session import Level, Session
    from tlspolicy.smtp import secure
    from tlspolicy.sslcontext import SSLContexts

__all__ = [
    "DELIVERY",
    "Comparison",
    "DeliveryContext",
    "Difference",
    "Explanation",
    "Expression",
    "Failure",
    "FailureKind",
    "Finding",
    "Findings",
    "LastError",
    "Level",
    "Matched",
    "Part",
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
    "Severity",
    "TlsDecision",
    "TlsPolicy",
    "TlsSessionError",
    "Tried",
    "Undecided",
    "Way",
    "Ways",
    "analyse",
    "classify",
    "compare",
    "is_local_address",
    "is_local_domain",
    "secure",
    "secure_async",
    "secure_streams",
    "ways_to",
]

# To decide takes neither asyncio nor much else that carrying a decision out does: it is imported when it is wanted.
_WANTED_LATER = {
    "Comparison": "analysis",
    "Difference": "analysis",
    "Failure": "failures",
    "FailureKind": "failures",
    "Finding": "analysis",
    "Findings": "analysis",
    "Level": "session",
    "Phase": "failures",
    "Relaxation": "relaxation",
    "SSLContexts": "sslcontext",
    "Session": "session",
    "Severity": "analysis",
    "Undecided": "analysis",
    "Way": "analysis",
    "Ways": "analysis",
    "analyse": "analysis",
    "classify": "failures",
    "compare": "analysis",
    "is_local_address": "providers",
    "is_local_domain": "providers",
    "secure": "smtp",
    "secure_async": "aiosmtp",
    "secure_streams": "aiosmtp",
    "ways_to": "analysis",
}


def __getattr__(name: str) -> object:
    if name not in _WANTED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found = getattr(import_module(f"{__name__}.{_WANTED_LATER[name]}"), name)
    return found


def __dir__() -> list[str]:
    return __all__
