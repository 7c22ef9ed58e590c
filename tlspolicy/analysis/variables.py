"""What values each variable of a delivery attempt may have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.context import DELIVERY, SOURCES, DeliveryContext, LastError
from tlspolicy.expressions.regions import Integers
from tlspolicy.expressions.values import INT_MAX

if TYPE_CHECKING:
    from tlspolicy.expressions.values import Value

HOSTS: Final = frozenset(
    {"sender", "sender_domain", "rcpt", "rcpt_domain", "mx", "remote_ip", "local_ip", "received_from_ip"}
)
"""Texts that a `DeliveryContext` has in lower case, without a dot at the end."""

DOMAINS: Final = frozenset({"sender_domain", "rcpt_domain", "mx"})
ADDRESSES: Final = frozenset({"sender", "rcpt"})

LISTED: Final[dict[str, tuple[str, ...]]] = {"last_error": tuple(map(str, LastError)), "source": SOURCES}
"""The texts of which all values are known."""

NATURAL: Final = frozenset(name for name, kind in DELIVERY.variables.items() if kind is int) - {"priority"}
"""Integers that are never negative."""

_NOTHING_KNOWN: Final = DeliveryContext()


def integers(variable: str) -> Integers:
    """The values that an integer may have."""
    return Integers(((0, INT_MAX),)) if variable in NATURAL else Integers()


def default(variable: str) -> Value:
    """What a variable is where a `DeliveryContext` does not say."""
    value: Value = getattr(_NOTHING_KNOWN, variable)
    return value
