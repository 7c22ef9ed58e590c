"""analyse: everything that its author would want to know of a policy."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from tlspolicy.analysis.branches import MAX_RULES, Branches, asks_nobody, is_large, read
from tlspolicy.analysis.findings import Finding, Findings, Severity, Undecided, about
from tlspolicy.analysis.formulas import Effort, TooMuchError
from tlspolicy.analysis.relaxations import relaxations
from tlspolicy.analysis.rules import RuleChecks
from tlspolicy.analysis.space import Space
from tlspolicy.analysis.traps import traps
from tlspolicy.analysis.witness import GUESSES
from tlspolicy.decision import Requirement, TlsDecision
from tlspolicy.errors import Place, PolicyTypeError, quoted
from tlspolicy.expressions.nodes import String
from tlspolicy.layouts import NAMED
from tlspolicy.policy import TlsPolicy
from tlspolicy.settings import alternatives

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_EFFORT: Final = 2_000_000
_CHECKED_BY_CALLER: Final = {"dane": "DANE", "mta_sts": "MTA-STS"}


def analyse(policy: TlsPolicy) -> Findings:
    """Find what a policy's author would want to know: rules that have no effect, traps, relaxations.

    It is sound: what it says can never be can't, for whatever `DeliveryContext`. What could not be decided is in
    `undecided`. Functions of the caller's are not called; what depends on their answers is left undecided.

    Args:
        policy: a policy that has been loaded.

    Returns:
        The findings, in the order of the settings and the rules.

    Raises:
        PolicyTypeError: it is no `TlsPolicy`.
    """
    if not isinstance(policy, TlsPolicy):
        raise PolicyTypeError(f"the policy must be a TlsPolicy, not {type(policy).__name__}")
    found = list(_found(policy))
    findings = [each for each in found if isinstance(each, Finding)]
    undecided = [each for each in found if isinstance(each, Undecided)]
    return Findings(
        tuple(sorted((_located(policy, each) for each in findings), key=_order(policy))),
        tuple(replace(each, place=policy.located(each.place)) for each in undecided),
    )


def _found(policy: TlsPolicy) -> Iterator[Finding | Undecided]:
    yield from _traps(policy)
    yield from _of_strategies(policy)
    if is_large(policy):
        why = f"more than {MAX_RULES} rules: each was looked at for itself, and not which of them are ever reached"
        yield Undecided(Place(), why)
        return
    try:
        space = Space.of(partial(read, policy))
    except TooMuchError:
        yield Undecided(Place(), "too many constants to know which rules are ever reached")
        return
    lists = read(policy, space.reader(), space.full)
    yield from _unchecked_requirements(lists)
    confirming = policy if asks_nobody(policy) else None
    effort, guesses = Effort(_EFFORT), Effort(GUESSES)
    for each in lists:
        try:
            yield from RuleChecks(space, each, confirming, effort, guesses).findings()
        except TooMuchError:
            yield Undecided(each.rules.default.place, "too many or too intricate rules to know which are ever reached")
    yield from _relaxations(confirming, lists, space)


def _relaxations(policy: TlsPolicy | None, lists: tuple[Branches, ...], space: Space) -> Iterator[Finding | Undecided]:
    if policy is None:
        yield Undecided(Place(), "what is relaxed depends on functions that ask the world, which were not called")
        return
    yield from relaxations(policy, lists, space)


def _traps(policy: TlsPolicy) -> Iterator[Finding]:
    for rules in policy.rules.values():
        for rule in rules.rules:
            yield from traps(rule.condition)
            yield from traps(rule.result)
        yield from traps(rules.default)


def _of_strategies(policy: TlsPolicy) -> Iterator[Finding | Undecided]:
    """The strategies that no rule names."""
    rules = policy.rules.get("strategy")
    if rules is None:
        return
    results = (*(rule.result for rule in rules.rules), rules.default)
    named = {branch for result in results for branch in alternatives(result.node)}
    unused = [name for name in policy.strategies if String(name) not in named]
    if unused and not all(isinstance(node, String) for node in named):
        yield Undecided(rules.default.place, "some rules compute a strategy's name: which are named is not known")
        return
    for name in unused:
        in_toml = rules.default.place.key.startswith("queue.")
        place = replace(rules.default.place, key=f"queue.tls.{name}" if in_toml else NAMED)
        why, mend = f"no rule names the strategy {quoted(name)}", "leave it out, or name it in a rule"
        yield Finding("unused-strategy", Severity.WARNING, place, "", 0, 0, why, mend)


def _unchecked_requirements(lists: tuple[Branches, ...]) -> Iterator[Finding]:
    """The first result of each list that requires what only the caller can check."""
    for each in lists:
        for setting, name in _CHECKED_BY_CALLER.items():
            branch = next((branch for branch in each.branches if _requires(each.name, branch.outcome, setting)), None)
            if branch:
                result = each.rules.default if branch.rule is None else each.rules.rules[branch.rule].result
                why = f"{name} is required here, which the library does not check by itself"
                mend = (
                    f"check it, and say so (secure(…, {setting}=True)): otherwise the attempt fails as '{name.lower()}'"
                )
                yield about("unchecked-requirement", Severity.NOTE, result, result.node, why, mend)


def _requires(name: str, outcome: object, setting: str) -> bool:
    if isinstance(outcome, TlsDecision):
        return getattr(outcome, setting) is Requirement.REQUIRE
    return name == setting and outcome is Requirement.REQUIRE


def _located(policy: TlsPolicy, finding: Finding) -> Finding:
    related = tuple(policy.located(place) for place in finding.related)
    return replace(finding, place=policy.located(finding.place), related=related)


def _order(policy: TlsPolicy) -> Callable[[Finding], tuple[int, int]]:
    """Findings stand in the order of the expressions that they are about, the others after them."""
    expressions = (
        each for rules in policy.rules.values() for rule in (*rules.rules, (rules.default,)) for each in rule
    )
    order = {expression.place.key: number for number, expression in enumerate(expressions)}
    return lambda finding: (order.get(finding.place.key, len(order)), finding.start)
