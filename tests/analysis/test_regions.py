"""Regions: all attempts that are looked for, and no others, which all points of small spaces show."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from spaces import conditions, parsed, space_of

from tlspolicy.analysis.formulas import Effort, TooMuchError, open_atom, truth
from tlspolicy.analysis.regions import Region, Verdict, regions
from tlspolicy.analysis.space import bits
from tlspolicy.analysis.words import words

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from tlspolicy.analysis.formulas import Box, Formula
    from tlspolicy.analysis.space import Space
    from tlspolicy.expressions.nodes import Node

MOST_POINTS = 3_000


@dataclass(frozen=True)
class Truths:
    """Judges boxes by which of some formulas are true in them: attempts are looked for of which one is.

    Args:
        formulas: their truths together are the kind.
        settled: how many of them anything can be known of.
    """

    formulas: Sequence[Formula]
    settled: int = 9

    def __call__(self, box: Box, effort: Effort, first: Sequence[int] = (), most: int = 0) -> Verdict:  # noqa: ARG002
        effort.spend()
        truths = [truth(formula, box) for formula in self.formulas]
        for formula, known in zip(self.formulas[: self.settled], truths, strict=False):
            if known is None:
                return Verdict(None, open_atom(formula, box))
        if None in truths:
            return Verdict(None)
        return Verdict(tuple(truths) if any(truths) else False)


def points(space: Space) -> list[Box]:
    """All of them that are possible."""
    every = product(*[[1 << cell for cell in bits(cells)] for cells in space.full])
    return [point for point in every if all(truth(axiom, point) for axiom in space.axioms)]


def small(space: Space) -> bool:
    number = 1
    for cells in space.full:
        number *= cells.bit_count()
    return number <= MOST_POINTS


def has(box: Box, point: Box) -> bool:
    return all(cells & others for cells, others in zip(box, point, strict=True))


def found(*written: str) -> list[tuple[str, Hashable]]:
    """The regions in which some conditions are true, in words, each with which of them are."""
    space, meanings = space_of(*map(parsed, written))
    judge = Truths([meaning.true for meaning in meanings])
    return [(words(space, box), kind) for box, kind in regions(space, judge, Effort(10_000))]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["true"], [("always", (True,))]),
        (["false"], []),
        (["retry_num > 2"], [("retry_num ≥ 3", (True,))]),
        (["retry_num > 2 && mx == 'a'"], [("retry_num ≥ 3 and mx = 'a'", (True,))]),
        (["retry_num > 2 && retry_num < 2"], []),
        (["retry_num > 2 || mx == 'a'"], [("retry_num ≥ 3", (True,)), ("mx = 'a'", (True,))]),
        (
            ["retry_num > 2", "retry_num > 4"],
            [("retry_num ≥ 5", (True, True)), ("3 ≤ retry_num ≤ 4", (True, False))],
        ),
        (["mx == 'a' && matches('b', mx)"], []),
    ],
    ids=lambda each: ", ".join(map(str, each)),
)
def test_regions(written: list[str], expected: list[tuple[str, Hashable]]) -> None:
    assert found(*written) == expected


def test_conditions_speak_rather_of_what_tells_most() -> None:
    """A region is narrow in a variable such as `size` first: of `last_error` it says what it can."""
    assert found("size > 1 || last_error == 'tls'") == [("size ≥ 2", (True,)), ("last_error = 'tls'", (True,))]
    assert found("last_error == 'tls' && (size > 1 || retry_num > 1)") == [
        ("size ≥ 2 and last_error = 'tls'", (True,)),
        ("retry_num ≥ 2 and last_error = 'tls'", (True,)),
    ]


def test_a_region_has_all_that_is_possible_where_it_was_found() -> None:
    """Also where an axiom, of which there are some for `retry_num`, leaves but a part to look at first."""
    *_, last, _ = found("mx > 'a'", "contains(recipients, 'b') || retry_num != retry_num")
    assert last == ("(mx < 'a' or mx = 'a') and recipients contains 'b'", (False, True))


def test_what_can_not_be_known_is_a_region_of_no_kind() -> None:
    space, (known, unknown) = space_of(parsed("retry_num > 2"), parsed("mx == rcpt && retry_num > 1"))
    judge = Truths([known.true, unknown.true], settled=1)
    found = [(words(space, box), kind) for box, kind in regions(space, judge, Effort(10_000))]
    assert found == [("retry_num ≥ 3", None), ("retry_num ≤ 2", None)]


def test_a_region_that_takes_too_much_effort_to_widen_is_narrow() -> None:
    space, (meaning,) = space_of(parsed("retry_num > 2 || mx == 'a'"))
    judge = Truths([meaning.true])
    wide = [*regions(space, judge, Effort(10_000))]
    found: list[Region] = []
    for looks in range(30):
        with suppress(TooMuchError):
            found += regions(space, judge, Effort(looks))
    narrow = [region for region in found if region not in wide]
    assert [words(space, box) for box, _ in wide] == ["retry_num ≥ 3", "mx = 'a'"]
    assert {words(space, box) for box, _ in narrow} == {"retry_num ≤ 2 and mx = 'a'"}


@given(conditions(pure=True, max_leaves=3), conditions(pure=True, max_leaves=3))
def test_they_are_all_points_that_are_looked_for_and_no_others(first: Node, second: Node) -> None:
    space, meanings = space_of(first, second)
    assume(small(space))
    formulas = [meaning.true for meaning in meanings]
    found = [*regions(space, Truths(formulas), Effort(1_000_000))]
    for point in points(space):
        truths = tuple(truth(formula, point) for formula in formulas)
        kinds = {region.kind for region in found if has(region.box, point)}
        assert kinds == ({truths} if any(truths) else set())


@given(conditions(pure=True, max_leaves=3), conditions(pure=True, max_leaves=3))
def test_what_may_be_looked_for_is_in_a_region_too(first: Node, second: Node) -> None:
    space, meanings = space_of(first, second)
    assume(small(space))
    formulas = [meaning.true for meaning in meanings]
    found = [*regions(space, Truths(formulas, settled=1), Effort(1_000_000))]
    for point in points(space):
        if any(truth(formula, point) for formula in formulas):
            assert any(has(region.box, point) for region in found)
