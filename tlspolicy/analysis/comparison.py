"""Comparison: the attempts for which two policies decide differently."""

from __future__ import annotations

from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, cast

from tlspolicy.analysis.branches import MAX_RULES, Branches, Unknown, asks_nobody, is_large, read
from tlspolicy.analysis.findings import Comparison, Difference, Undecided
from tlspolicy.analysis.formulas import Box, Effort
from tlspolicy.analysis.questions import is_pure
from tlspolicy.analysis.regions import Region, Verdict, regions
from tlspolicy.analysis.shown import EFFORT, Shown
from tlspolicy.analysis.space import Space
from tlspolicy.analysis.views import ALL, View
from tlspolicy.decision import TlsDecision
from tlspolicy.errors import Place, PolicyTypeError
from tlspolicy.policy import TlsPolicy
from tlspolicy.settings import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from tlspolicy.analysis.meanings import Reader
    from tlspolicy.context import DeliveryContext


def compare(old: TlsPolicy, new: TlsPolicy) -> Comparison:
    """Find all attempts for which two policies decide differently.

    Args:
        old: as `ways_to` takes it.
        new: the same.

    Returns:
        The differences, each with an attempt that shows it. Where there are none, and nothing is undecided, it is
        proved that both decide alike for every attempt for which both decide, but for which rule it was that decided.
        (Where a rule gives no answer, `evaluate` raises, and nothing may be sent.)

    Raises:
        PolicyTypeError: one of them is no `TlsPolicy`.
    """
    for policy in (old, new):
        if not isinstance(policy, TlsPolicy):
            raise PolicyTypeError(f"a policy must be a TlsPolicy, not {type(policy).__name__}")
    if asks_nobody(old) and old == new:
        return Comparison(())
    if is_large(old) or is_large(new):
        return Comparison((), (Undecided(Place(), f"more than {MAX_RULES} rules: they were not looked at"),))
    return _comparison(old, new)


def _comparison(old: TlsPolicy, new: TlsPolicy) -> Comparison:
    def both(reader: Reader, full: Box = ()) -> tuple[Sequence[Branches], Sequence[Branches]]:
        return read(old, reader, full), read(new, reader, full)

    def differs(kind: Hashable, context: DeliveryContext) -> bool:
        decided = _settings(old.evaluate(context)), _settings(new.evaluate(context))
        return decided[0] != decided[1] and (kind is None or _agree(kind, decided))

    def differences_in(space: Space) -> Iterator[Region]:
        before, after = (
            [View.of(each, partial(_kind, each.name)) for each in lists] for lists in both(space.reader(), space.full)
        )
        return regions(space, partial(_judged, before, after), Effort(EFFORT))

    shown = Shown("differences", "they differ")
    confirmable = asks_nobody(old) and asks_nobody(new)
    shown.look(lambda: Space.of(both), differences_in, differs if confirmable else None)
    found = [
        Difference(conditions, context, old.evaluate(context), new.evaluate(context))
        for conditions, context in shown.found
    ]
    return Comparison(tuple(found), tuple(shown.undecided))


def _judged(
    old: Sequence[View], new: Sequence[View], box: Box, effort: Effort, first: Sequence[int] = (), most: int = ALL
) -> Verdict:
    """Whether two policies decide differently for all attempts in a box, and how; or for none."""
    views = (*old, *new)
    starts = first or [0] * len(views)
    seen = [view.seen(box, effort, start, most) for view, start in zip(views, starts, strict=True)]
    if all(each.kind is not None for each in seen):
        kinds = [cast("tuple[Hashable, ...]", each.kind) for each in seen]
        before, after = (tuple(chain.from_iterable(part)) for part in (kinds[: len(old)], kinds[len(old) :]))
        return Verdict(kind=False if before == after else (before, after))
    atom = next((each.atom for each in seen if each.kind is None and each.atom), None)
    return Verdict(None, atom, tuple(each.first for each in seen))


def _settings(decision: TlsDecision) -> tuple[Hashable, ...]:
    return tuple([getattr(decision, setting.name) for setting in SETTINGS])


def _agree(kind: Hashable, decided: tuple[tuple[Hashable, ...], ...]) -> bool:
    """Whether what two policies decided is of a kind, as far as this is known."""
    expected = cast("tuple[tuple[Hashable, ...], ...]", kind)
    pairs = zip(chain.from_iterable(expected), chain.from_iterable(decided), strict=True)
    return all(isinstance(wanted, Unknown) or wanted == found for wanted, found in pairs)


def _kind(name: str, outcome: object) -> tuple[Hashable, ...] | None:
    """What is decided, setting by setting; `None` where it may be another each time."""
    match outcome:
        case TlsDecision():
            return _settings(outcome)
        case Unknown(result) if not is_pure(result):
            return None
        case Unknown() if name == "strategy":
            return (outcome,) * len(SETTINGS)
        case _:
            return (outcome,)
