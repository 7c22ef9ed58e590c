"""Relaxations: attempts that go with less than verified TLS, and whether TLS has failed before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.analysis.findings import Finding, Severity, Undecided, about
from tlspolicy.analysis.formulas import Effort, TooMuchError
from tlspolicy.analysis.questions import variables
from tlspolicy.analysis.ways import allows, weak_rules
from tlspolicy.analysis.witness import GUESSES, witness
from tlspolicy.context import DeliveryContext, LastError
from tlspolicy.decision import Requirement
from tlspolicy.errors import Place, PolicyError
from tlspolicy.session import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tlspolicy.analysis.branches import Branches
    from tlspolicy.analysis.space import Space
    from tlspolicy.expressions.expression import Expression
    from tlspolicy.policy import TlsPolicy

_FAILURES_OF_OTHERS: Final = ("connection", "dns", "unexpected-reply", "io", "rate", "concurrency")
_DECIDING: Final = {Level.CLEAR_TEXT: "starttls", Level.UNVERIFIED: "allow_invalid_certs"}
_CHANGING: Final = ("mx", "remote_ip", "local_ip", "notify_num", "expires_in", "queue_age", "last_error", "last_status")
"""What may be something else on each attempt for a message."""
_EFFORT: Final = 1_500_000
_MOST_REGIONS: Final = 200
_MOST_ATTEMPTS: Final = 50
_MOST_LATER: Final = 3
_MOST_MEANT: Final = 3
_MEANT: Final = "relaxed-by-default"


class _Said(NamedTuple):
    code: str
    severity: Severity
    context: DeliveryContext
    why: str
    mend: str


def relaxations(policy: TlsPolicy, lists: Sequence[Branches], space: Space) -> Iterator[Finding | Undecided]:
    """What there is to say of the attempts that are relaxed, of each kind of them once.

    Args:
        policy: it is evaluated.
        lists: its rule lists.
        space: what they were read in.
    """
    asked = {level: _Asked.about_policy(policy, lists, space, level) for level in (Level.UNVERIFIED, Level.CLEAR_TEXT)}
    if not all(each.complete for each in asked.values()):
        yield Undecided(Place(), "there may be relaxations that were not found")
    for each in asked.values():
        by_rule: dict[tuple[str, Expression], _Said] = {}
        for said in each.said(asked[Level.UNVERIFIED]):
            by_rule.setdefault((said.code, each.rule(said.context)), said)
        yield from _findings(by_rule)


def _findings(by_rule: Mapping[tuple[str, Expression], _Said]) -> Iterator[Finding]:
    """A finding for each rule; of exceptions that are meant from the first one for all, where there are many."""
    meant = [rule for code, rule in by_rule if code == _MEANT]
    for (code, rule), said in by_rule.items():
        many = code == _MEANT and len(meant) > _MOST_MEANT
        if many and rule != meant[0]:
            continue
        why = f"{said.why}, by this rule and {len(meant) - 1} others" if many else said.why
        related = tuple(each.place for each in meant[1:]) if many else ()
        yield about(code, said.severity, rule, rule.node, why, said.mend, related=related, context=said.context)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What was learnt of a policy about a level that is less than verified TLS.

    Args:
        policy: itself.
        level: the level.
        contexts: attempts for which it is allowed, one of each kind that there is.
        complete: whether there are no other kinds.
    """

    policy: TlsPolicy
    level: Level
    contexts: tuple[DeliveryContext, ...]
    complete: bool

    @classmethod
    def about_policy(cls, policy: TlsPolicy, lists: Sequence[Branches], space: Space, level: Level) -> _Asked:
        found: list[DeliveryContext] = []
        complete = True
        guesses = Effort(GUESSES)
        try:
            asked = weak_rules(lists, space, level, Effort(_EFFORT), _DECIDING[level])
            for number, (box, _) in enumerate(asked):
                if number == _MOST_REGIONS:
                    return cls(policy, level, tuple(found), complete=False)
                context = witness(space, box, lambda each: allows(policy.evaluate(each), level), guesses)
                if context:
                    found.append(context)
                else:
                    complete = False
        except TooMuchError:
            complete = False
        return cls(policy, level, tuple(found), complete)

    def may(self, context: DeliveryContext) -> bool:
        """Whether the level is allowed, which it is not where there is no decision."""
        try:
            return allows(self.policy.evaluate(context), self.level)
        except PolicyError:
            return False

    def rule(self, context: DeliveryContext) -> Expression:
        """The condition of the rule that decides; the `else`, where that does."""
        name = _DECIDING[self.level]
        rules = self.policy.rules.get(name) or self.policy.rules["strategy"]
        matched: int | None = getattr(self.policy.evaluate(context).matched, name)
        return rules.default if matched is None else rules.rules[matched].condition

    def said(self, unverified: _Asked) -> Iterator[_Said]:
        """What there is to say; `unverified` knows of the attempts that may go on unverified."""
        for context in self.contexts:
            yield from self._without_failure(context)
            if self.level is Level.CLEAR_TEXT:
                yield from self._clear_text_first(context, unverified)

    def _without_failure(self, context: DeliveryContext) -> Iterator[_Said]:
        rule, first = self.rule(context), _first(context)
        if self.may(first) and self.rule(first) == rule:
            why = f"{self.level} is allowed on a first attempt, before anything has failed"
            mend = "require verified TLS first, and relax where last_error == 'tls'"
            for_all = not variables(rule.node) and self._disables(first)
            yield _Said(_MEANT, Severity.WARNING if for_all else Severity.NOTE, first, why, mend)
            return
        for last_error in _FAILURES_OF_OTHERS:
            other = replace(context, retry_num=max(1, context.retry_num), last_error=last_error)
            if self.may(other) and self.rule(other) == rule:
                why = f"{self.level} is allowed after failures that were none of TLS, such as '{last_error}'"
                asks = bool(variables(self.rule(other).node))
                mend = "have it ask for last_error == 'tls', too" if asks else _MEND_OF_ELSE
                yield _Said("relaxed-without-tls-failure", Severity.WARNING, other, why, mend)
                return

    def _clear_text_first(self, context: DeliveryContext, unverified: _Asked) -> Iterator[_Said]:
        """Of clear text that only a failure leads to; where there is none from the first, no more is hoped for."""
        numbers = (max(1, context.retry_num) + more for more in range(_MOST_LATER))
        attempts = [replace(context, retry_num=number) for number in numbers]
        allowed = [later for later in attempts if self._disables(later)]
        if not unverified.complete or not allowed or self._disables(_first(context)):
            return
        later = allowed[0]
        if not any(unverified.may(before) for each in allowed for before in _before(each, unverified.contexts)):
            why = f"clear text on attempt {later.retry_num + 1}, and no attempt before it may go on unverified"
            mend = "let allow-invalid-certs be true on an attempt before it"
            yield _Said("clear-text-first", Severity.WARNING, later, why, mend)

    def _disables(self, context: DeliveryContext) -> bool:
        return self.may(context) and self.policy.evaluate(context).starttls is Requirement.DISABLE


_MEND_OF_ELSE: Final = "give it in a rule before that asks for last_error == 'tls', and not here"


def _first(context: DeliveryContext) -> DeliveryContext:
    """A first attempt, which nothing has gone before."""
    return replace(context, retry_num=0, notify_num=0, last_error=LastError.NONE, last_status="")


def _before(context: DeliveryContext, others: tuple[DeliveryContext, ...]) -> Iterator[DeliveryContext]:
    """Attempts for the same message before one, as far as they could be as `others` are."""
    near = range(max(0, context.retry_num - _MOST_ATTEMPTS), context.retry_num)
    numbers = sorted({*near, *(other.retry_num for other in others if other.retry_num < context.retry_num)})
    for number, other in product(numbers, (context, *others)):
        changed = {name: getattr(other, name) for name in _CHANGING}
        yield replace(context, **changed, retry_num=number) if number else _first(replace(context, **changed))
