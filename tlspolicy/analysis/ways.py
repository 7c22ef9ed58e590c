"""Ways into weakness: the attempts that a policy lets go in clear text, or unverified."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, cast

from tlspolicy.analysis.branches import MAX_RULES, Unknown, asks_nobody, is_large, read
from tlspolicy.analysis.findings import Undecided, Way, Ways
from tlspolicy.analysis.formulas import Box, Effort
from tlspolicy.analysis.regions import Region, Verdict, kinds, regions
from tlspolicy.analysis.shown import EFFORT, Shown
from tlspolicy.analysis.space import Space
from tlspolicy.analysis.views import ALL, View
from tlspolicy.decision import Requirement, TlsDecision
from tlspolicy.errors import Place, PolicyTypeError, quoted
from tlspolicy.policy import TlsPolicy
from tlspolicy.session import Level

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from tlspolicy.analysis.branches import Branches
    from tlspolicy.context import DeliveryContext

# What each setting must be for a session to have this level.
_ALLOWING: Final[dict[Level, dict[str, frozenset[object]]]] = {
    Level.CLEAR_TEXT: {
        "starttls": frozenset({Requirement.OPTIONAL, Requirement.DISABLE}),
        "dane": frozenset({Requirement.OPTIONAL, Requirement.DISABLE}),
        "mta_sts": frozenset({Requirement.OPTIONAL, Requirement.DISABLE}),
    },
    Level.UNVERIFIED: {
        "starttls": frozenset({Requirement.REQUIRE, Requirement.OPTIONAL}),
        "allow_invalid_certs": frozenset({True}),
        "mta_sts": frozenset({Requirement.OPTIONAL, Requirement.DISABLE}),
    },
}


def allows(decision: TlsDecision, level: Level) -> bool:
    """Whether a session that is secured as decided may have this level.

    It may be in clear text where STARTTLS is optional, too: a host need not offer it, and who sits between may take the
    offer away. Where DANE or MTA-STS is required it can't; and MTA-STS demands a valid certificate.
    """
    return all(getattr(decision, setting) in values for setting, values in _ALLOWING[level].items())


def ways_to(policy: TlsPolicy, level: Level) -> Ways:
    """Find all attempts for which a policy allows a level of protection.

    Args:
        policy: it is analysed, and evaluated to confirm what was found; functions of the caller's are not called, so
            what depends on their answers is left undecided.
        level: `Level.CLEAR_TEXT` or `Level.UNVERIFIED`, or its value.

    Returns:
        The ways, each with an attempt that shows it. Where there are none, and nothing is undecided, it is proved that
        no attempt has this level, whatever its context is.

    Raises:
        PolicyTypeError: `policy` is no `TlsPolicy`, or `level` none of these.
    """
    if not isinstance(policy, TlsPolicy):
        raise PolicyTypeError(f"the policy must be a TlsPolicy, not {type(policy).__name__}")
    known = {str(each): each for each in _ALLOWING}
    if not isinstance(level, str) or str.__str__(level) not in known:
        raise PolicyTypeError(f"the level must be Level.CLEAR_TEXT or Level.UNVERIFIED, not {quoted(level)}")
    if is_large(policy):
        return Ways((), (Undecided(Place(), f"more than {MAX_RULES} rules: they were not looked at"),))
    return _ways(policy, known[str.__str__(level)])


def _ways(policy: TlsPolicy, level: Level) -> Ways:
    def confirms(kind: Hashable, context: DeliveryContext) -> bool:
        decision = policy.evaluate(context)
        return allows(decision, level) and (kind is None or _is_of(kind, decision))

    def ways_in(space: Space) -> Iterator[Region]:
        views = _views(read(policy, space.reader(), space.full), level)
        return regions(space, partial(_judged, views), Effort(EFFORT))

    shown = Shown("ways", f"{level} is allowed")
    shown.look(lambda: Space.of(partial(read, policy)), ways_in, confirms if asks_nobody(policy) else None)
    found = [Way(conditions, context, policy.evaluate(context)) for conditions, context in shown.found]
    return Ways(tuple(found), tuple(shown.undecided))


def weak_rules(
    lists: Iterable[Branches], space: Space, level: Level, effort: Effort, deciding: str
) -> Iterator[Region]:
    """For each rule of a list that allows a level to some attempts a region of these.

    Args:
        lists: the rule lists of a policy.
        space: what they were read in.
        level: as for `ways_to`.
        effort: what it may take.
        deciding: the setting whose rules are meant, where they choose no strategy.

    Raises:
        TooMuchError: as `regions`.
    """
    views = [_by_rule(view) if view.branches.name in (deciding, "strategy") else view for view in _views(lists, level)]
    return kinds(space, partial(_judged, views), effort)


def _views(lists: Iterable[Branches], level: Level) -> list[View]:
    asked = (each for each in lists if each.name in (*_ALLOWING[level], "strategy"))
    return [View.of(each, partial(_kind, each.name, level)) for each in asked]


def _by_rule(view: View) -> View:
    """The same, with a kind for each rule that allows the level."""
    pairs = zip(view.kinds, view.branches.branches, strict=True)
    return View(view.branches, tuple([(branch.rule,) if kind else kind for kind, branch in pairs]))


def _judged(views: Sequence[View], box: Box, effort: Effort, first: Sequence[int] = (), most: int = ALL) -> Verdict:
    """Whether all attempts in a box may have the level, or none; and by which decision."""
    starts = first or [0] * len(views)
    seen = [view.seen(box, effort, start, most) for view, start in zip(views, starts, strict=True)]
    firsts = tuple(each.first for each in seen)
    if any(each.kind is False for each in seen):
        return Verdict(kind=False)
    if all(each.kind is not None for each in seen):
        return Verdict(tuple(each.kind for each in seen))
    return Verdict(None, next((each.atom for each in seen if each.kind is None and each.atom), None), firsts)


def _kind(setting: str, level: Level, outcome: object) -> Hashable:
    """An outcome as far as it tells ways apart; `False` where it does not allow the level, `None` where it may."""
    allowed = _allowed(setting, outcome, level)
    tells = setting == "strategy" or (setting == "starttls" and level is Level.CLEAR_TEXT)
    return outcome if allowed and tells else allowed


def _is_of(kind: Hashable, decision: TlsDecision) -> bool:
    """Whether a decision is that of a region, as far as this tells ways apart."""
    return {*cast("tuple[Hashable, ...]", kind)} <= {True, decision, decision.starttls}


def _allowed(setting: str, outcome: object, level: Level) -> bool | None:
    match outcome:
        case Unknown():
            return None
        case TlsDecision():
            return allows(outcome, level)
        case _:
            return outcome in _ALLOWING[level][setting]
