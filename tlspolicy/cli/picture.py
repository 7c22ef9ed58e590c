"""The picture of a policy: how much TLS an attempt must have, by its retries and what the last one failed of."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from tlspolicy.errors import listed, printable, shortened
from tlspolicy.expressions.values import INT_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_MOST_NAMED: Final = 10
_WIDTH: Final = 100
_NO_ATTEMPT: Final = "–"


class Protection(StrEnum):
    """How much TLS an attempt must have, in words."""

    VERIFIED = "verified TLS"
    UNVERIFIED = "unverified TLS"
    OFFERED = "TLS if offered"
    OFFERED_UNVERIFIED = "TLS if offered, unverified"
    CLEAR_TEXT = "clear text"
    NO_DELIVERY = "no delivery"
    """TLS is disabled, and what is required can't be had without."""
    NO_ANSWER = "no answer"
    """A rule gives none for such an attempt: nothing is sent."""


class Cell(NamedTuple):
    """What is decided: how much TLS, and what must prove the host besides."""

    protection: Protection
    dane: bool = False
    mta_sts: bool = False

    def __str__(self) -> str:
        """`verified TLS, DANE required`."""
        marks = [name for name, is_required in (("DANE", self.dane), ("MTA-STS", self.mta_sts)) if is_required]
        return f"{self.protection}, {' and '.join(marks)} required" if marks else str(self.protection)


def words(cell: Cell | None) -> str:
    """A cell in words."""
    return str(cell) if cell else _NO_ATTEMPT


class Column(NamedTuple):
    """Retries that all are decided alike: from the first to the last, which is `None` where there is none."""

    first: int
    last: int | None

    def __str__(self) -> str:
        """`retry 4`, `retry 4–9`, `retry 10+` or `any retry`."""
        if self.last is None:
            return f"retry {self.first}+" if self.first else "any retry"
        return f"retry {self.first}" if self.first == self.last else f"retry {self.first}–{self.last}"


class Row(NamedTuple):
    """Last errors that are decided alike.

    Args:
        name: what they are called together.
        errors: which they are.
        cells: what is decided, a cell a column; `None` where there is no such attempt.
    """

    name: str
    errors: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What is decided in some cases.

    Args:
        cases: the conditions of each; nothing in the table of any other attempt.
        columns: its columns, as many as can be taken in.
        rows: its rows.
        beyond: the first number of retries that has no column; `None` where all have one.
    """

    cases: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    beyond: int | None = None


@dataclass(frozen=True, slots=True)
class Picture:
    """A policy, to be looked at.

    Args:
        tables: that of any other attempt, then that of each case that is decided otherwise.
        given: fields that all attempts have.
        held: the other variables that rules read, and what they were, but where a table says otherwise.
        more: how many tables there would be besides.
        is_cut: whether there are more cases than were tried.
        tried: the most retries that were tried, where rules calculate with their number; else `None`.
        weaker: variables by which some attempts have less protection than the tables show.
    """

    tables: tuple[Table, ...]
    given: Mapping[str, object]
    held: Mapping[str, object]
    more: int = 0
    is_cut: bool = False
    tried: int | None = None
    weaker: tuple[str, ...] = ()

    @property
    def notes(self) -> list[str]:
        """What to know of the tables: what they leave out, and what they take for granted."""
        return [shortened(printable(note), 10 * _WIDTH) for note in self._notes()]

    def _notes(self) -> Iterator[str]:
        if any(None in row.cells for table in self.tables for row in table.rows):
            yield f"{_NO_ATTEMPT}: a first attempt has no last error."
        if self.given:
            yield f"In every attempt {_listed(self.given)}."
        if self.held:
            yield f"Where nothing else is said, {_listed(self.held)}: give name=value to see others."
        if self.weaker:
            yield f"By {listed(self.weaker)} there are attempts with less protection than is shown: see tlspolicy ways."
        if self.tried is not None:
            yield f"The rules calculate with retry_num: it was tried up to {self.tried}."
        if any(table.beyond is not None for table in self.tables):
            yield "There is more to come after the last retries that are shown."
        if self.is_cut:
            yield "The rules tell more cases apart than were tried."
        if self.more:
            yield f"There would be {self.more} more tables."

    def heading(self, table: Table) -> list[str]:
        """What is true of the attempts of a table, in lines."""
        if not table.cases:
            some = "Any other attempt" if len(self.tables) > 1 else "Any attempt"
            return [f"{some} of which nothing else is known" if self.weaker else some]
        named = [" and ".join(conditions) for conditions in table.cases[:_MOST_NAMED]]
        lines = [f"{'or' if index else 'Where'} {name}" for index, name in enumerate(named)]
        others = len(table.cases) - _MOST_NAMED
        lines += [f"or in {others} other cases"] if others > 0 else []
        return [shortened(printable(line), _WIDTH) for line in lines]


def _listed(fields: Mapping[str, object]) -> str:
    return ", ".join(f"{name} is {_shown(name, value)}" for name, value in fields.items())


def _shown(name: str, value: object) -> str:
    if name == "expires_in" and value == INT_MAX:
        return "not known"
    return shortened(json.dumps(value, ensure_ascii=False), _WIDTH) if value or value == 0 else "empty"
