"""The space of attempts: its dimensions, their cells, and what one says of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from spaces import EITHER, NO, YES, attempts, conditions, parsed, point, space_of

from tlspolicy.analysis import texts
from tlspolicy.analysis.formulas import Effort, model
from tlspolicy.analysis.questions import Other, Recipient, Text
from tlspolicy.analysis.space import Flag, Numbers, Texts, Words, bits
from tlspolicy.analysis.texts import TextTest
from tlspolicy.analysis.variables import LISTED
from tlspolicy.expressions.values import INT_MAX, INT_MIN

if TYPE_CHECKING:
    from tlspolicy import DeliveryContext
    from tlspolicy.analysis.space import Dimension
    from tlspolicy.expressions.nodes import Node


def dimensions(*written: str) -> tuple[Dimension, ...]:
    """Those of the space of some conditions."""
    return space_of(*map(parsed, written))[0].dimensions


@pytest.mark.parametrize(
    ("written", "ranges"),
    [
        (["retry_num > 2"], [(0, 2), (3, INT_MAX)]),
        (["retry_num > 2", "retry_num == 5"], [(0, 2), (3, 4), (5, 5), (6, INT_MAX)]),
        (["retry_num >= 0"], [(0, INT_MAX)]),
        (["retry_num < -1"], [(0, INT_MAX)]),
        (["priority < -1"], [(INT_MIN, -2), (-1, INT_MAX)]),
        (["retry_num == 9223372036854775807"], [(0, INT_MAX - 1), (INT_MAX, INT_MAX)]),
        (["retry_num == 1.5"], [(0, INT_MAX)]),
    ],
    ids=lambda each: " and ".join(map(str, each)),
)
def test_the_cells_of_an_integer(written: list[str], ranges: list[tuple[int, int]]) -> None:
    (dimension,) = dimensions(*written)
    assert isinstance(dimension, Numbers)
    assert list(dimension.ranges) == ranges


def test_the_cells_of_a_text() -> None:
    (dimension,) = dimensions("mx == 'a'", "ends_with(mx, 'a')")
    assert isinstance(dimension, Texts)
    equals, ends = TextTest("equals", "a"), TextTest("ends", "a")
    assert [(cell.example, cell.alone) for cell in dimension.cells] == [("", False), ("a", True), ("aa", False)]
    assert dimension.masks == {equals: 0b010, ends: 0b110}


def test_a_dimension_for_each_variable_and_for_each_question_that_is_of_none() -> None:
    written = ["last_error == 'tls'", "mx == rcpt", "retry_num > 1", "contains(recipients, 'a')", "retry_num > 2", "mx"]
    assert [type(each) for each in dimensions(*written)] == [Numbers, Words, Texts, Flag, Flag]
    assert dimensions(written[0]) == (Words("last_error", LISTED["last_error"]),)
    assert dimensions(written[1], written[1]) == (Flag(Other(parsed(written[1]), 0, "")),)
    assert dimensions() == ()


def test_what_nothing_more_is_known_of_is_tried_with_examples() -> None:
    ranges, tests, *flags = dimensions("size * 2 == 5", "matches('^b$', mx)")
    assert isinstance(ranges, Numbers)
    assert isinstance(tests, Texts)
    assert [first for first, last in ranges.ranges if first == last] == [0, 1, 2, 3, 4, 5, 6, 9, 10, 11]
    assert {cell.example for cell in tests.cells if cell.alone} >= {"", "b", "mx1.b"}
    assert [type(each) for each in flags] == [Flag, Flag]


def test_examples_have_the_answer_that_evaluation_gives() -> None:
    space, (meaning,) = space_of(parsed("matches('^b$', mx)"))
    ((flag, variable, yes, no),) = space.links
    tests = space.dimensions[variable]
    assert isinstance(tests, Texts)
    examples = [cell.example if cell.alone else None for cell in tests.cells]
    assert [examples[cell] for cell in bits(yes)] == ["b"]
    assert {examples[cell] for cell in bits(no)} == {*examples} - {"b", None}
    assert len(space.axioms) == 2
    matching = model([meaning.true, *space.axioms], space.full, Effort(1_000))
    assert matching
    assert (matching[flag], matching[variable] & no) == (YES, 0)


def test_an_example_with_an_error_has_no_answer() -> None:
    space, _ = space_of(parsed("count(split_n(mx, mx, -1)) > 1"))
    ((_, variable, yes, no),) = space.links
    tests = space.dimensions[variable]
    assert isinstance(tests, Texts)
    assert "" not in [tests.cells[cell].example for cell in bits(yes | no)]


@pytest.mark.parametrize(("address", "cells"), [("a@b", EITHER), ("A@b", NO), ("a@b.", NO)])
def test_a_recipient_is_kept_in_lower_case(address: str, cells: int) -> None:
    space, _ = space_of(parsed(f"contains(recipients, '{address}')"))
    assert (space.dimensions, space.full) == ((Flag(Recipient(address)),), (cells,))


def test_tests_that_make_too_many_cells_are_only_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MAX_STATES", 3)
    nodes = [parsed(text) for text in ("contains(mx, 'a')", "contains(mx, 'b')", "matches('a', mx)")]
    space, (meaning, *_) = space_of(*nodes)
    contains = [Flag(Text("mx", TextTest("contains", constant))) for constant in "ab"]
    assert list(space.dimensions[:2]) == contains
    assert (meaning.true, meaning.false) == ((0, YES), (0, NO))
    assert space.axioms == ()


@pytest.mark.parametrize(("mask", "cells"), [(0, []), (0b1, [0]), (0b10110, [1, 2, 4])])
def test_bits(mask: int, cells: list[int]) -> None:
    assert list(bits(mask)) == cells


@given(conditions(), conditions(), attempts())
def test_every_attempt_is_in_the_space(first: Node, second: Node, context: DeliveryContext) -> None:
    space, _ = space_of(first, second)
    here = point(space, context)
    assert all(cells & everything for cells, everything in zip(here, space.full, strict=True))
    assert model(space.axioms, here, Effort(10_000)) is not None
