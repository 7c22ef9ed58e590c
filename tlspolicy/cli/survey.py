"""A policy is asked for every retry and last error that its rules tell apart, and for every case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tlspolicy.analysis import ways_to
from tlspolicy.cli.cases import Case, cases
from tlspolicy.cli.contents import expressions
from tlspolicy.cli.picture import Cell, Column, Picture, Protection, Row, Table
from tlspolicy.context import DELIVERY, DeliveryContext, LastError
from tlspolicy.decision import Requirement, TlsDecision
from tlspolicy.errors import PolicyEvaluationError
from tlspolicy.expressions.nodes import (
    MILLISECONDS,
    Binary,
    Boolean,
    Call,
    Duration,
    Float,
    Integer,
    Logical,
    Name,
    Node,
    Unary,
    children,
    every,
)
from tlspolicy.expressions.values import COMPARISONS, INT_MAX
from tlspolicy.session import Level

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tlspolicy.policy import TlsPolicy

MOST_TABLES: Final = 20
MOST_CASES: Final = 500
MOST_COLUMNS: Final = 12
MOST_RETRIES: Final = 64
_MANY: Final = 3
_AXES: Final = frozenset({"retry_num", "last_error"})
_RETRIES: Final = Name("retry_num")
_FIRST: Final = 0

_Grid: TypeAlias = tuple[tuple[Cell | None, ...], ...]
_Conditions: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Axes:
    """What is asked for.

    Args:
        retries: numbers of retries, in order: up to the next, the rules tell none apart.
        errors: last errors.
        beyond: the number of retries after those, where there are too many; else `None`.
        has_impossible: whether a first attempt is among them, which has no last error.
    """

    retries: tuple[int, ...]
    errors: tuple[str, ...]
    beyond: int | None
    has_impossible: bool


def survey(policy: TlsPolicy, given: Mapping[str, Any]) -> Picture:
    """Look at a policy from all sides that its rules speak of.

    Args:
        policy: it is asked for every cell, and so are the functions that its rules call.
        given: fields of a `DeliveryContext` that all attempts are to have.

    Raises:
        PolicyError: there is no such attempt.
    """
    base, default = DeliveryContext(**given), DeliveryContext()
    known = {name for name in DELIVERY.variables if name in given or getattr(base, name) != getattr(default, name)}
    thresholds = {threshold for expression in expressions(policy) for threshold in _thresholds(expression.node)}
    axes = _axes(thresholds, given)
    tried = list(islice(cases(policy, known), MOST_CASES + 1))
    grids = {case.conditions: _grid(policy, axes, {**given, **case.fields}) for case in [Case(), *tried[:MOST_CASES]]}
    tables = [_table(names, grid, axes) for names, grid in _told_apart(grids)]
    read = {node.name for expression in expressions(policy) for node in every(expression.node) if type(node) is Name}
    return Picture(
        tables=tuple(tables[:MOST_TABLES]),
        given=dict(given),
        held={name: getattr(base, name) for name in DELIVERY.variables if name in read - known - _AXES},
        more=len(tables[MOST_TABLES:]),
        is_cut=len(tried) > MOST_CASES,
        tried=axes.retries[-1] if None in thresholds and "retry_num" not in given else None,
        weaker=() if given else _weaker(policy, {name for case in tried for name in case.fields}),
    )


def _weaker(policy: TlsPolicy, shown: set[str]) -> tuple[str, ...]:
    """The variables of which no case speaks, and by which some attempts come to clear text, or are not verified."""
    ways = (way for level in (Level.CLEAR_TEXT, Level.UNVERIFIED) for way in ways_to(policy, level).ways)
    default = DeliveryContext()
    set_by = (
        {name for name in DELIVERY.variables if getattr(way.context, name) != getattr(default, name)} for way in ways
    )
    found = {name for names in set_by for name in names - shown - _AXES}
    return tuple(name for name in DELIVERY.variables if name in found)


def _axes(thresholds: set[float | None], given: Mapping[str, Any]) -> _Axes:
    errors = (str(given["last_error"]),) if "last_error" in given else tuple(map(str, LastError))
    if "retry_num" in given:
        return _Axes((given["retry_num"],), errors, None, has_impossible=False)
    retries = {_FIRST, 1, *(range(MOST_RETRIES) if None in thresholds else ())}
    for threshold in (each for each in thresholds if each is not None):
        retries |= {math.ceil(threshold), math.floor(threshold) + 1}
    possible = sorted(retry for retry in retries if 0 <= retry <= INT_MAX)
    beyond = possible[MOST_RETRIES] if len(possible) > MOST_RETRIES else None
    return _Axes(tuple(possible[:MOST_RETRIES]), errors, beyond, has_impossible=True)


def _thresholds(node: Node) -> Iterator[float | None]:
    """What the number of retries is compared with; `None` where something else is done with it than that."""
    match node:
        case Binary(operator, left, right) if operator in COMPARISONS and _RETRIES in (left, right):
            yield _number(right if left == _RETRIES else left)
        case _:
            for child in children(node):
                if child == _RETRIES and not _asks_for_truth(node, child):
                    yield None
                yield from _thresholds(child)


def _asks_for_truth(node: Node, child: Node) -> bool:
    """Whether all that a node asks of what stands below it is whether it is true: whether there were any retries."""
    match node:
        case Logical() | Unary("!"):
            return True
        case Call("if_then", (condition, *results)):
            return child is condition and child not in results
        case _:
            return False


def _number(node: Node) -> float | None:
    """What a literal stands for; `None` where it is no number. All below 0 are alike."""
    match node:
        case Integer(value) | Boolean(value):
            return value
        case Float(value) if math.isfinite(value):
            return value
        case Duration(count, unit):
            return count * MILLISECONDS[unit]
        case Unary("-", Integer() | Float()):
            return -1
        case _:
            return None


def _grid(policy: TlsPolicy, axes: _Axes, fields: Mapping[str, Any]) -> _Grid:
    """What is decided: a row for each last error, a cell for each number of retries."""
    return tuple(tuple(_cell(policy, axes, fields, retry, error) for retry in axes.retries) for error in axes.errors)


def _cell(policy: TlsPolicy, axes: _Axes, fields: Mapping[str, Any], retry: int, error: str) -> Cell | None:
    if axes.has_impossible and retry == _FIRST and error != LastError.NONE:
        return None
    try:
        decision = policy.evaluate(DeliveryContext(**{**fields, "retry_num": retry, "last_error": error}))
    except PolicyEvaluationError:
        return Cell(Protection.NO_ANSWER)
    dane, mta_sts = decision.dane is Requirement.REQUIRE, decision.mta_sts is Requirement.REQUIRE
    return Cell(_protection(decision), dane, mta_sts)


def _protection(decision: TlsDecision) -> Protection:
    starttls = decision.starttls
    if starttls is Requirement.DISABLE:
        return Protection.NO_DELIVERY if decision.forbids_clear_text else Protection.CLEAR_TEXT
    if starttls is Requirement.REQUIRE or decision.forbids_clear_text:
        return Protection.VERIFIED if decision.verifies else Protection.UNVERIFIED
    return Protection.OFFERED if decision.verifies else Protection.OFFERED_UNVERIFIED


def _told_apart(grids: Mapping[_Conditions, _Grid]) -> list[tuple[tuple[_Conditions, ...], _Grid]]:
    """The grid of any other attempt, then those of the cases that are decided otherwise, with their conditions."""
    base = grids[()]
    apart: dict[_Grid, list[_Conditions]] = {}
    for conditions, grid in grids.items():
        alone = [grids.get((condition,), base) for condition in conditions if len(conditions) > 1]
        # Conditions together are of interest where one who knows what each of them does would not know.
        if {grid} != ({each for each in alone if each != base} or {base}):
            apart.setdefault(grid, []).append(conditions)
    return [((), base), *((tuple(names), grid) for grid, names in apart.items())]


def _table(names: tuple[_Conditions, ...], grid: _Grid, axes: _Axes) -> Table:
    """A table of a grid, in which columns that are decided alike are one."""
    rows = _rows(grid, axes)
    last = axes.beyond - 1 if axes.beyond else None if axes.has_impossible else axes.retries[-1]
    ends = [*(retry - 1 for retry in axes.retries[1:]), last]
    each = zip(zip(*(row.cells for row in rows), strict=True), axes.retries, ends, strict=True)
    alike = [list(group) for _, group in groupby(each, itemgetter(0))]
    columns = [Column(group[0][1], group[-1][2]) for group in alike]
    shown = zip(*(group[0][0] for group in alike[:MOST_COLUMNS]), strict=True)
    return Table(
        cases=names,
        columns=tuple(columns[:MOST_COLUMNS]),
        rows=tuple(row._replace(cells=cells) for row, cells in zip(rows, shown, strict=True)),
        beyond=columns[MOST_COLUMNS].first if len(columns) > MOST_COLUMNS else axes.beyond,
    )


def _rows(grid: _Grid, axes: _Axes) -> list[Row]:
    """The rows of a grid, those that are decided alike as one: many of them come last, as all others."""
    alike: dict[object, list[int]] = {}
    for index, cells in enumerate(grid):
        alike.setdefault(cells[axes.has_impossible :], []).append(index)
    groups = sorted(alike.values(), key=len)  # A stable sort: otherwise in the order of the errors.
    rows: list[Row] = []
    for group in groups:
        errors = tuple(axes.errors[index] for index in group)
        rest = "any" if len(groups) == 1 else "all others"
        name = rest if group is groups[-1] and len(errors) >= _MANY else ", ".join(errors)
        rows.append(Row(name, errors, grid[group[0]]))  # What the first attempt has, `none` has, which is the first.
    return rows
