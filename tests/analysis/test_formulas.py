"""Formulas: what is said of a box is so at all of its points, which are tried one by one."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tlspolicy.analysis.formulas import (
    FALSE,
    TRUE,
    And,
    Atom,
    Effort,
    Or,
    TooMuchError,
    conjunction,
    disjunction,
    model,
    open_atom,
    projection,
    truth,
    within,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tlspolicy.analysis.formulas import Box, Formula

CELLS = (2, 3, 4)
FULL = tuple((1 << cells) - 1 for cells in CELLS)
A, B, NOT_A = Atom(0, 0b01), Atom(1, 0b001), Atom(0, 0b10)


def points(box: Box) -> Iterator[Box]:
    """The boxes of a single cell of each dimension in a box."""
    return product(*[[1 << cell for cell in range(8) if cells >> cell & 1] for cells in box])


def is_true(formula: Formula, point: Box) -> bool:
    """Whether a formula is true at a point."""
    match formula:
        case Atom(dimension, cells):
            return bool(point[dimension] & cells)
        case And(parts):
            return all(is_true(part, point) for part in parts)
        case Or(parts):
            return any(is_true(part, point) for part in parts)


def boxes() -> st.SearchStrategy[Box]:
    return st.tuples(*[st.integers(1, cells) for cells in FULL])


def atoms() -> st.SearchStrategy[Atom]:
    return st.one_of(*[st.builds(Atom, st.just(each), st.integers(0, cells)) for each, cells in enumerate(FULL)])


def formulas() -> st.SearchStrategy[Formula]:
    def larger(parts: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
        several = st.lists(parts, max_size=4).map(tuple)
        return st.builds(And, several) | st.builds(Or, several)

    return st.recursive(atoms(), larger, max_leaves=12)


@pytest.mark.parametrize(
    ("parts", "both", "either"),
    [
        ([], TRUE, FALSE),
        ([A], A, A),
        ([A, B], And((A, B)), Or((A, B))),
        ([A, TRUE], A, TRUE),
        ([A, FALSE], FALSE, A),
        ([And((A, B)), NOT_A], And((A, B, NOT_A)), Or((And((A, B)), NOT_A))),
        ([Or((A, B)), NOT_A], And((Or((A, B)), NOT_A)), Or((A, B, NOT_A))),
    ],
    ids=["none", "one", "two", "with what is true", "with what is false", "of an and", "of an or"],
)
def test_they_are_put_together(parts: list[Formula], both: Formula, either: Formula) -> None:
    assert (conjunction(parts), disjunction(parts)) == (both, either)


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param([], FULL, id="nothing is asked"),
        pytest.param([A, B], (0b01, 0b001, 0b1111), id="atoms"),
        pytest.param([A, NOT_A], None, id="atoms that exclude each other"),
        pytest.param([Or((A, B)), NOT_A], (0b10, 0b001, 0b1111), id="what is left of a choice"),
        pytest.param([Or((A, And((A, B)))), NOT_A], None, id="nothing is left of a choice"),
        pytest.param([Or((B, A))], (0b11, 0b001, 0b1111), id="the first alternative"),
        pytest.param([Or((A, NOT_A, B))], (0b01, 0b111, 0b1111), id="alternatives that leave nothing to the last"),
        pytest.param([Or((And((A, B)), And((A, NOT_A))))], (0b01, 0b001, 0b1111), id="alternatives that are no atoms"),
        pytest.param([FALSE], None, id="what is false"),
        pytest.param([Or((A, B)), Or((NOT_A, B))], (0b10, 0b001, 0b1111), id="two choices"),
    ],
)
def test_a_model(wanted: list[Formula], found: Box | None) -> None:
    assert model(wanted, FULL, Effort(100)) == found


def test_a_search_ends_with_the_effort() -> None:
    holes = 6
    full = (0b11,) * (holes * (holes + 1))
    pigeons = [[Atom(pigeon * holes + hole, 0b10) for hole in range(holes)] for pigeon in range(holes + 1)]
    none_shares = [
        Or((Atom(first[hole].dimension, 0b01), Atom(second[hole].dimension, 0b01)))
        for number, second in enumerate(pigeons)
        for first in pigeons[:number]
        for hole in range(holes)
    ]
    effort = Effort(10_000)
    with pytest.raises(TooMuchError):
        model([*[Or(tuple(homes)) for homes in pigeons], *none_shares], full, effort)
    assert effort.left < 0


@pytest.mark.parametrize(
    ("formula", "atom"),
    [(A, A), (And((B, A)), A), (Or((Atom(1, 0b110), Or((A, NOT_A)))), A)],
    ids=["an atom", "the first that is not settled", "below one that is"],
)
def test_an_open_atom(formula: Formula, atom: Atom) -> None:
    assert open_atom(formula, (0b11, 0b001, 0b1111)) == atom


@pytest.mark.parametrize(("looks", "left"), [(1, 2), (3, 0)])
def test_effort_is_spent_to_the_last(looks: int, left: int) -> None:
    effort = Effort(3)
    effort.spend(looks)
    assert effort.left == left
    with pytest.raises(TooMuchError):
        effort.spend(left + 1)


@given(st.lists(formulas(), max_size=4), boxes())
def test_a_model_is_found_where_there_is_one(wanted: list[Formula], box: Box) -> None:
    found = model(wanted, box, Effort(1_000_000))
    if found is None:
        assert not any(all(is_true(formula, point) for formula in wanted) for point in points(box))
    else:
        assert all(found)
        assert not any(cells & ~others for cells, others in zip(found, box, strict=True))
        assert all(is_true(formula, point) for formula in wanted for point in points(found))


@given(formulas(), boxes())
def test_truth_is_that_of_all_points(formula: Formula, box: Box) -> None:
    truths = {is_true(formula, point) for point in points(box)}
    assert truth(formula, box) in (None, *(truths if len(truths) == 1 else ()))


@given(formulas(), boxes())
def test_at_a_point_the_truth_is_known(formula: Formula, box: Box) -> None:
    assert all(truth(formula, point) is is_true(formula, point) for point in points(box))


@given(formulas(), boxes())
def test_what_is_not_settled_has_an_atom_that_is_not(formula: Formula, box: Box) -> None:
    if truth(formula, box) is None:
        assert truth(open_atom(formula, box), box) is None


@given(st.lists(formulas(), max_size=3), boxes())
def test_together_they_are_true_where_all_are_or_one_is(parts: list[Formula], box: Box) -> None:
    for point in points(box):
        each = [is_true(part, point) for part in parts]
        assert (is_true(conjunction(parts), point), is_true(disjunction(parts), point)) == (all(each), any(each))


@given(atoms(), boxes())
def test_within_is_where_an_atom_is_true(atom: Atom, box: Box) -> None:
    found = within(box, atom)
    assert list(points(found) if found else ()) == [point for point in points(box) if is_true(atom, point)]


@given(formulas(), st.sampled_from(range(len(FULL))))
def test_outside_its_projection_a_formula_is_false(formula: Formula, dimension: int) -> None:
    cells = projection(formula, dimension, FULL)
    assert not any(is_true(formula, point) for point in points(FULL) if not point[dimension] & cells)


@pytest.mark.parametrize(
    ("formula", "cells"),
    [(A, (0b01, 0b111)), (And((A, B)), (0b01, 0b001)), (Or((A, NOT_A)), (0b11, 0b111)), (And((A, NOT_A)), (0, 0b111))],
    ids=["an atom", "and", "or", "a contradiction"],
)
def test_projections(formula: Formula, cells: tuple[int, int]) -> None:
    assert tuple(projection(formula, dimension, FULL) for dimension in (0, 1)) == cells
