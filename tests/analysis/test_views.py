"""Views: what rule lists decide in a box, which is what the policy decides for the attempts in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from branched import branches_of, lists_of, rule_lists, rules
from hypothesis import assume, given
from spaces import attempts, point

from tlspolicy import DELIVERY, PolicyError, Requirement, TlsPolicy
from tlspolicy.analysis.formulas import Effort, TooMuchError, truth
from tlspolicy.analysis.space import Numbers, Space
from tlspolicy.analysis.views import Seen, View
from tlspolicy.expressions.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tlspolicy import DeliveryContext
    from tlspolicy.analysis.branches import Branches
    from tlspolicy.analysis.formulas import Box
    from tlspolicy.expressions.rules import RuleList

REQUIRE, OPTIONAL, DISABLE = Requirement.REQUIRE, Requirement.OPTIONAL, Requirement.DISABLE
LADDER = [("retry_num > 3", "optional"), ("retry_num > 1", "disable")]


def itself(outcome: object) -> Hashable:
    return outcome


def cells(space: Space) -> dict[int, int]:
    """The cell of each first number of a range, as a mask."""
    (dimension,) = space.dimensions
    assert isinstance(dimension, Numbers)
    return {first: 1 << cell for cell, (first, _) in enumerate(dimension.ranges)}


def ladder(repeated: int) -> tuple[dict[int, int], Branches]:
    more = [(f"retry_num == {10 * each}", "disable") for each in range(2, 2 * repeated)]
    space, branches = branches_of(*LADDER, *more)
    return cells(space), branches


@pytest.mark.parametrize("repeated", [1, 4], ids=["a short list", "a long list"])
def test_what_is_decided_in_a_box(repeated: int) -> None:
    at, branches = ladder(repeated)
    view = View.of(branches, itself)
    last = len(branches.branches) - 1
    assert view.seen((at[4],), Effort(100)) == Seen(OPTIONAL, 0, None)
    assert view.seen((at[2],), Effort(100)) == Seen(DISABLE, 1, None)
    assert view.seen((at[0],), Effort(100)) == Seen(REQUIRE, last, None)
    assert view.seen((at[0],), Effort(1), start=last) == Seen(REQUIRE, last, None)
    kind, first, atom = view.seen((at[2] | at[0],), Effort(100))
    assert (kind, first) == (None, 1)
    assert atom is not None
    assert truth(atom, (at[2] | at[0],)) is None


def test_branches_that_are_alike_to_a_question_are_one() -> None:
    at, branches = ladder(1)
    view = View.of(branches, lambda outcome: outcome is not REQUIRE)
    both = (at[4] | at[2],)
    assert view.seen(both, Effort(100)).kind is True
    assert view.seen(both, Effort(100), most=1).kind is None


def test_what_is_not_known_of_a_branch_is_not_known_of_a_box() -> None:
    at, branches = ladder(1)
    assert View.of(branches, lambda _: None).seen((at[4],), Effort(100)) == Seen(None, 0, None)


def test_it_takes_effort() -> None:
    at, branches = ladder(1)
    effort = Effort(2)
    View.of(branches, itself).seen((at[2],), effort)
    assert effort.left == 0
    with pytest.raises(TooMuchError):
        View.of(branches, itself).seen((at[2],), effort)


def place(space: Space, rules: RuleList, context: DeliveryContext) -> Box:
    """The box of an attempt, as far as evaluating a list of rules shows it."""
    scope = Scope(DELIVERY, context, steps=[])
    for rule in rules.rules:
        if rule.condition.evaluate_in(scope):
            rule.result.evaluate_in(scope)
            break
    else:
        rules.default.evaluate_in(scope)
    return point(space, context, scope.steps or ())


@given(rule_lists(), attempts())
def test_a_list_decides_as_the_policy_does(written: list[tuple[str, str]], context: DeliveryContext) -> None:
    policy = TlsPolicy(starttls=rules(*written))
    space, lists = lists_of(policy)
    try:
        decision = policy.evaluate(context)
    except PolicyError:
        assume(condition=False)
    seen = View.of(lists["starttls"], itself).seen(place(space, policy.rules["starttls"], context), Effort(100))
    assert (seen.kind, seen.atom) == (decision.starttls, None)
    assert lists["starttls"].branches[seen.first].rule == decision.matched.starttls


@given(rule_lists(pure=True), attempts(), attempts())
def test_what_is_decided_in_a_box_is_decided_for_all_attempts_in_it(
    written: list[tuple[str, str]], first: DeliveryContext, second: DeliveryContext
) -> None:
    space, branches = branches_of(*written)
    view = View.of(branches, itself)
    here, there = point(space, first), point(space, second)
    box = tuple(ours | theirs for ours, theirs in zip(here, there, strict=True))
    seen = view.seen(box, Effort(100))
    alone = {view.seen(each, Effort(100), start=seen.first).kind for each in (here, there)}
    assert alone == {view.seen(each, Effort(100)).kind for each in (here, there)}
    if seen.kind is None:
        assert seen.atom is None or truth(seen.atom, box) is None
    else:
        assert alone == {seen.kind}
