"""What an analysis has found: data, and how it prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, overload

from tlspolicy.errors import Place, column_of, excerpt, line_of

if TYPE_CHECKING:
    from tlspolicy.context import DeliveryContext
    from tlspolicy.decision import TlsDecision
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.expressions.nodes import Node


class Severity(IntEnum):
    """How much a finding matters; they can be compared."""

    NOTE = 1
    """Worth to know."""
    WARNING = 2
    """Most likely not what was meant, or a danger."""
    ERROR = 3
    """What is written has no effect, or never the one that it seems to have."""

    def __str__(self) -> str:
        """`note`, `warning` or `error`."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a policy that its author would want to know.

    Args:
        code: what kind of thing, a key of `CODES`, such as `dead-rule`.
        severity: how much it matters.
        place: where the expression stands: its file, key path and line.
        source: the text of that expression; `''` where the finding is about no expression.
        start: index of the first character of `source` that it is about.
        end: index after the last one.
        why: what is found, one sentence.
        mend: what to do about it, one sentence.
        related: other places that it speaks of, such as the earlier rules that leave nothing to a dead one.
        context: an attempt that shows it, where one does; `policy.evaluate` has confirmed it.
    """

    code: str
    severity: Severity
    place: Place
    source: str
    start: int
    end: int
    why: str
    mend: str
    related: tuple[Place, ...] = ()
    context: DeliveryContext | None = None

    @property
    def line(self) -> int:
        """The line within `source`, counted from 1."""
        return line_of(self.source, self.start)

    @property
    def column(self) -> int:
        """The column within that line, in characters, counted from 1."""
        return column_of(self.source, self.start)

    def __str__(self) -> str:
        """The place, the severity, the code and the sentences; and the line with carets under what it is about."""
        place = str(self.place)
        at = f"line {self.line}, column {self.column}" if self.source else ""
        head = ": ".join(part for part in (place, at, str(self.severity)) if part)
        text = f"{head}: {self.why}; {self.mend} [{self.code}]"
        return f"{text}\n{excerpt(self.source, self.start, self.end)}" if self.source else text


def about(  # noqa: PLR0913  (a finding has so many parts)
    code: str,
    severity: Severity,
    expression: Expression,
    node: Node,
    why: str,
    mend: str,
    *,
    related: tuple[Place, ...] = (),
    context: DeliveryContext | None = None,
) -> Finding:
    """A finding about a part of an expression."""
    span = (node.start, node.end)
    return Finding(code, severity, expression.place, expression.text, *span, why, mend, related, context)


@dataclass(frozen=True, slots=True)
class Undecided:
    """A question that the analysis has left open.

    Args:
        place: what it is about.
        why: why it could not be answered, one sentence.
    """

    place: Place
    why: str

    def __str__(self) -> str:
        """The place and the sentence."""
        place = str(self.place)
        return f"{place}: {self.why}" if place else self.why


@dataclass(frozen=True, slots=True)
class Findings(Sequence[Finding]):
    """All findings about a policy, in the order of its settings and rules: a sequence of `Finding`.

    Args:
        findings: themselves.
        undecided: what was left open.
    """

    findings: tuple[Finding, ...]
    undecided: tuple[Undecided, ...] = ()

    @overload
    def __getitem__(self, index: int) -> Finding: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[Finding, ...]: ...

    def __getitem__(self, index: int | slice) -> Finding | tuple[Finding, ...]:
        return self.findings[index]

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        """A paragraph for each finding, and for each question that was left open."""
        return "\n".join(map(str, (*self.findings, *self.undecided)))


@dataclass(frozen=True, slots=True)
class Way:
    """Attempts for which a policy allows something.

    Args:
        conditions: which attempts they are, in words: `retry_num ≥ 2 and last_error = 'tls'`; `always` for all.
        context: one of them.
        decision: what the policy decides for it; `policy.evaluate` has confirmed it.
    """

    conditions: str
    context: DeliveryContext
    decision: TlsDecision

    def __str__(self) -> str:
        """The conditions."""
        return self.conditions


@dataclass(frozen=True, slots=True)
class Ways:
    """All ways in which a policy comes to something.

    Args:
        ways: themselves.
        undecided: what was left open. Where there is neither a way nor anything undecided, there is proof of none.
    """

    ways: tuple[Way, ...]
    undecided: tuple[Undecided, ...] = ()

    @property
    def impossible(self) -> bool:
        """Whether it is proved that no attempt comes to it."""
        return not self.ways and not self.undecided

    def __str__(self) -> str:
        """A line for each way, and for each question that was left open."""
        return "\n".join(map(str, (*self.ways, *self.undecided))) or "never"


@dataclass(frozen=True, slots=True)
class Difference:
    """Attempts for which two policies decide differently.

    Args:
        conditions: which attempts they are, in words.
        context: one of them.
        old: what the old policy decides for it.
        new: what the new one does. `evaluate` has confirmed both.
    """

    conditions: str
    context: DeliveryContext
    old: TlsDecision
    new: TlsDecision

    def __str__(self) -> str:
        """The conditions."""
        return self.conditions


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two policies differ.

    Args:
        differences: the attempts on which they do.
        undecided: what was left open.
    """

    differences: tuple[Difference, ...]
    undecided: tuple[Undecided, ...] = ()

    @property
    def equal(self) -> bool:
        """Whether it is proved that they decide alike for every attempt."""
        return not self.differences and not self.undecided

    def __str__(self) -> str:
        """A line for each difference, and for each question that was left open."""
        return "\n".join(map(str, (*self.differences, *self.undecided))) or "equal"


CODES = {
    "always-true": "a condition, or a part of one, that is true for every attempt",
    "capitals": "a text with capitals, compared with an address or a host name, which has none",
    "clear-text-first": "clear text before an attempt with an unverified certificate was made",
    "dead-rule": "a rule that is never the first whose condition is true",
    "milliseconds": "a duration, which is milliseconds, compared with a number of seconds or of something else",
    "negated-comparison": "`!a == b`, which is `(!a) == b`",
    "never-true": "a condition, or a part of one, that is true for no attempt",
    "non-ascii-domain": "a domain that is not written as contexts usually have it, in A-labels",
    "relaxed-by-default": "an attempt whose TLS is relaxed though none has failed",
    "relaxed-without-tls-failure": "TLS relaxed after a failure that was none of TLS",
    "repeated-rule": "a rule whose condition is that of an earlier one",
    "text-and-number": "a text compared with a number",
    "unanchored-domain": "a test of a domain that strangers' domains pass, too",
    "unchecked-requirement": "DANE or MTA-STS required, which the library does not check by itself",
    "unknown-global": "a `$name` that nothing supplies, and that is 0",
    "unused-strategy": "a strategy that no rule names",
}
"""What each code of a finding means."""
