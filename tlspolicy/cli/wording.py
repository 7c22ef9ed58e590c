"""Decisions and attempts in words, and the colours of what commands show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tlspolicy.cli.data import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tlspolicy.analysis import Undecided
    from tlspolicy.cli.terminal import Styles
    from tlspolicy.decision import TlsDecision

STYLES: Final[Styles] = [
    (r"(?m)^ +\^+$", "bold red"),
    (r"\b(?:starttls = disable|allow_invalid_certs = true)\b", "yellow"),
    (r"\b(?:starttls|dane|mta_sts) = require\b", "green"),
]


def settings_shown(decision: TlsDecision, names: Iterable[str] = SETTINGS) -> list[str]:
    """`starttls = require`, for each of `names`."""
    return [f"{name} = {_shown(getattr(decision, name))}" for name in names]


def rule_shown(decision: TlsDecision, name: str) -> str:
    """` (rule 0)`: which rule decided a setting; nothing where none did."""
    index = getattr(decision.matched, name)
    return "" if index is None else f" (rule {index})"


def settings_that_differ(one: TlsDecision, other: TlsDecision) -> list[str]:
    """The names of the settings in which two decisions differ."""
    return [name for name in SETTINGS if getattr(one, name) != getattr(other, name)]


def _shown(value: object) -> str:
    """A level by its name, `true` or `false`, a time-out with its unit."""
    return f"{value!r} s".replace(".0 ", " ") if isinstance(value, float) else str(value).lower()


def open_questions(undecided: Iterable[Undecided]) -> list[str]:
    """A line for each question that an analysis has left open."""
    return [f"undecided: {each}" for each in undecided]


def counted(number: int, what: str) -> str:
    """`1 way`, `2 ways`."""
    return f"{number} {what}{'' if number == 1 else 's'}"
