"""What a policy is made of."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.expressions.expression import Expression
    from tlspolicy.policy import TlsPolicy


def expressions(policy: TlsPolicy) -> Iterator[Expression]:
    """Every expression of a policy, in the order of its rules."""
    for rules in policy.rules.values():
        yield from chain.from_iterable(rules.rules)
        yield rules.default
