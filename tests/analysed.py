"""What the tests of the analysis look at: findings in short, and policies in short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tlspolicy import TlsPolicy
from tlspolicy.analysis import analyse

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tlspolicy.analysis import Finding


def conditions(*tried: str, then: str = "optional", otherwise: str = "require") -> list[Mapping[str, object]]:
    """A rule list of levels, with these conditions."""
    return [*({"if": each, "then": then} for each in tried), {"else": otherwise}]


def asking(*tried: str) -> TlsPolicy:
    """A policy whose rules have these conditions, and weaken nothing."""
    return TlsPolicy(dane=conditions(*tried, then="disable", otherwise="optional"))


def marked(finding: Finding) -> str:
    """The text under the carets."""
    return finding.source[finding.start : finding.end]


def found(policy: TlsPolicy) -> list[tuple[str, str, str]]:
    """The code, the key and the marked text of each finding; nothing may be undecided."""
    findings = analyse(policy)
    assert findings.undecided == ()
    return [(each.code, each.place.key, marked(each)) for each in findings]
